// "Call us": a call from the browser by WebRTC. One offer with all candidates in
// it goes to POST /api/calls; keys go over the data channel "dtmf".

const GATHER_MS = 2500;
const KEYS = /^[0-9*#]$/;

export class CallWindow {
  constructor(dialog, language) {
    Object.assign(this, { dialog, language });
    this.audio = dialog.querySelector("audio");
    this.clock = dialog.querySelector(".call-time");
    this.keys = dialog.querySelector(".keys");
    dialog.addEventListener("click", (event) => this.pressed(event.target.closest("button")));
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.hangUp(); dialog.close(); });
    dialog.addEventListener("keydown", (event) => {
      if (this.state === "talking" && KEYS.test(event.key)) this.sendKey(event.key);
    });
    window.addEventListener("pagehide", () => this.hangUp());
  }

  /** Open the window and call. */
  async place() {
    if (!this.dialog.open) this.dialog.showModal();
    this.stopMedia();
    const attempt = (this.attempt = Symbol("call"));
    this.show("starting");
    try {
      const microphone = await this.openMicrophone();
      if (this.attempt !== attempt) return microphone.getTracks().forEach((track) => track.stop());
      this.show("ringing");
      await this.connect(microphone, attempt);
    } catch (error) {
      if (this.attempt === attempt) this.fail(error);
    }
  }

  async openMicrophone() {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      return await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw Object.assign(new Error(this.dialog.dataset.microphone), { plain: true });
    }
  }

  async connect(microphone, attempt) {
    const peer = new RTCPeerConnection();
    Object.assign(this, { peer, microphone });
    this.channel = peer.createDataChannel("dtmf");
    this.channel.onclose = () => this.peer === peer && this.over();
    microphone.getTracks().forEach((track) => peer.addTrack(track, microphone));
    peer.ontrack = (event) => {
      this.audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
      this.audio.play().catch(() => {});
    };
    peer.onconnectionstatechange = () => this.peerChanged(peer);
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const answer = await this.ask(peer.localDescription.sdp);
    if (this.attempt !== attempt) return peer.close();
    this.interactionId = answer.interaction_id;
    await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
  }

  async ask(sdp) {
    const response = await fetch("/api/calls", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sdp, language: this.language }),
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.detail ?? `HTTP ${response.status}`);
    return answer;
  }

  peerChanged(peer) {
    if (peer !== this.peer) return;
    if (peer.connectionState === "connected") {
      this.startedAt = Date.now();
      this.show("talking");
    }
    if (["failed", "closed", "disconnected"].includes(peer.connectionState)) this.over();
  }

  pressed(button) {
    if (!button) return;
    if (button.dataset.key) return this.sendKey(button.dataset.key);
    const acts = {
      mute: () => this.toggleMute(button),
      keys: () => this.toggleKeys(button),
      "hang-up": () => this.hangUp(),
      again: () => this.place(),
      close: () => this.dialog.close(),
    };
    acts[button.dataset.act]?.();
  }

  sendKey(key) {
    if (this.channel?.readyState === "open") this.channel.send(key);
  }

  toggleMute(button) {
    this.muted = !this.muted;
    this.microphone?.getAudioTracks().forEach((track) => (track.enabled = !this.muted));
    button.setAttribute("aria-pressed", String(this.muted));
    button.querySelector("span").textContent = this.dialog.dataset[this.muted ? "unmute" : "mute"];
  }

  toggleKeys(button) {
    this.keys.hidden = !this.keys.hidden;
    button.setAttribute("aria-expanded", String(!this.keys.hidden));
  }

  hangUp() {
    if (!["starting", "ringing", "talking"].includes(this.state)) return;
    this.over();
  }

  over() {
    this.stopMedia();
    this.show("over");
  }

  fail(error) {
    this.stopMedia();
    const text = error.plain ? error.message : this.dialog.dataset.failed.replace("{why}", error.message);
    this.show("failed", text);
  }

  stopMedia() {
    this.attempt = undefined;
    const { peer } = this;
    this.peer = undefined;
    this.microphone?.getTracks().forEach((track) => track.stop());
    peer?.close();
    this.microphone = this.channel = undefined;
    this.audio.srcObject = null;
    clearInterval(this.ticking);
  }

  show(state, text = this.dialog.dataset[state]) {
    this.state = state;
    this.dialog.dataset.state = state;
    this.dialog.querySelector(".call-state").textContent = text;
    const live = ["starting", "ringing", "talking"].includes(state);
    this.dialog.querySelector(".call-acts").hidden = !live;
    this.dialog.querySelector(".call-after").hidden = live;
    this.dialog.querySelector(".call-hint").hidden = !live;
    if (state === "starting") this.reset();
    if (state === "talking") this.ticking = setInterval(() => this.tick(), 500);
    if (!live) this.keys.hidden = true;
  }

  reset() {
    this.muted = true;
    this.toggleMute(this.dialog.querySelector("[data-act=mute]"));
    this.dialog.querySelector("[data-act=keys]").setAttribute("aria-expanded", "false");
    this.clock.textContent = "0:00";
  }

  tick() {
    const seconds = Math.floor((Date.now() - this.startedAt) / 1000);
    this.clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHER_MS);
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
  });
}
