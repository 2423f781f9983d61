// The agent's phone: one WebRTC call at a time, all candidates in one offer.

const GATHER_MS = 2500;
const JOINED = "parley.joined";

export class BrowserPhone {
  /** `ask(type, fields)` talks to the desk; `onchange()` when anything below changes. */
  constructor(ask, audio, onchange) {
    this.ask = ask;
    this.audio = audio;
    this.onchange = onchange;
    this.reset();
  }

  reset() {
    this.interactionId = null;
    this.parentId = null;
    this.state = "idle"; // idle, connecting, talking, lost
    this.muted = false;
    this.error = "";
  }

  /** Join the call of an interaction. Does not raise: `state` and `error` tell.
   *  `parentId` is the customer's call when this one is a colleague's question about it. */
  async connect(interactionId, parentId = null) {
    this.hangUp();
    this.interactionId = interactionId;
    this.parentId = parentId;
    sessionStorage.setItem(JOINED, interactionId);
    this.change("connecting");
    try {
      const microphone = await this.openMicrophone();
      const peer = new RTCPeerConnection();
      Object.assign(this, { peer, microphone });
      microphone.getTracks().forEach((track) => peer.addTrack(track, microphone));
      peer.ontrack = (event) => this.playRemote(event);
      peer.onconnectionstatechange = () => this.peerChanged(peer);
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      const answer = await this.ask("connect", { interaction_id: interactionId, sdp: peer.localDescription.sdp });
      if (this.peer === peer) await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    } catch (error) {
      if (this.interactionId === interactionId) this.fail(error.message);
    }
  }

  /** A customer is being called for this interaction: join when the line stands. */
  expect(interactionId) {
    this.hangUp();
    this.interactionId = interactionId;
    this.change("lost");
  }

  /** The question has become the customer's call: the line stays, its name changes. */
  become(interactionId) {
    this.interactionId = interactionId;
    this.parentId = null;
    sessionStorage.setItem(JOINED, interactionId);
    this.onchange();
  }

  /** The call that this tab was in before it was loaded again, if any. */
  get joinedBefore() {
    return this.state === "idle" ? sessionStorage.getItem(JOINED) : null;
  }

  async openMicrophone() {
    if (!navigator.mediaDevices) throw new Error(this.insecureText);
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return navigator.mediaDevices.getUserMedia({ audio });
  }

  playRemote(event) {
    this.audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
    this.audio.play().catch(() => {});
  }

  peerChanged(peer) {
    if (peer !== this.peer) return;
    if (peer.connectionState === "connected") this.change("talking");
    if (["failed", "closed"].includes(peer.connectionState)) this.change("lost");
  }

  toggleMute() {
    this.muted = !this.muted;
    this.microphone?.getAudioTracks().forEach((track) => (track.enabled = !this.muted));
    this.onchange();
  }

  fail(text) {
    this.stopMedia();
    this.error = text;
    this.change("lost");
  }

  /** End our side. */
  hangUp() {
    this.stopMedia();
    this.reset();
    sessionStorage.removeItem(JOINED);
    this.onchange();
  }

  stopMedia() {
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.peer?.close();
    this.peer = this.microphone = undefined;
    this.audio.srcObject = null;
  }

  change(state) {
    this.state = state;
    if (state !== "lost") this.error = "";
    this.onchange();
  }
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHER_MS);
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
  });
}
