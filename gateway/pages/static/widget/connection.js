// The socket: says hello with what we have, resends what was not acknowledged,
// and comes back by itself, a little later each time.

const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 15000;
const PING_MS = 20000;
const SILENT_MS = 45000;
const BUSY_WAIT_MS = 2000;

export class Connection {
  /** `hello()` gives the members of the first frame; `onframe` and `onchange(online)` tell. */
  constructor(url, keep, { hello, onframe, onchange }) {
    Object.assign(this, { url, keep, hello, onframe, onchange });
    this.wait = FIRST_WAIT_MS;
    this.wanted = false;
    window.addEventListener("online", () => this.wanted && this.reconnect());
  }

  get online() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  start() {
    if (this.wanted) return;
    this.wanted = true;
    this.open();
    this.timer = setInterval(() => this.check(), PING_MS);
  }

  stop() {
    this.wanted = false;
    clearInterval(this.timer);
    clearTimeout(this.later);
    this.socket?.close();
  }

  /** Say hello again, for instance with a name or a token. */
  reconnect() {
    if (!this.wanted) return this.start();
    clearTimeout(this.later);
    const old = this.socket;
    this.socket = undefined;
    old?.close();
    this.open();
  }

  open() {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.wait = FIRST_WAIT_MS;
      this.heardAt = Date.now();
      this.send({ type: "hello", ...this.hello() });
      this.onchange(true);
      this.resend();
    };
    socket.onmessage = (event) => {
      this.heardAt = Date.now();
      this.take(JSON.parse(event.data));
    };
    socket.onclose = () => {
      if (socket !== this.socket) return;
      this.onchange(false);
      if (!this.wanted) return;
      const jitter = this.wait * (0.75 + Math.random() / 2);
      this.wait = Math.min(this.wait * 2, MOST_WAIT_MS);
      this.later = setTimeout(() => this.open(), jitter);
    };
  }

  check() {
    if (!this.online) return;
    if (Date.now() - this.heardAt > SILENT_MS) return this.reconnect();
    this.send({ type: "ping" });
  }

  send(frame) {
    if (this.online) this.socket.send(JSON.stringify(frame));
    return this.online;
  }

  say(line) {
    this.keep.addUnsent(line);
    this.sendLine(line);
  }

  sendLine(line) {
    this.send({ type: "message", client_id: line.client_id, text: line.text });
  }

  resend() {
    for (const line of this.keep.unsent) this.sendLine(line);
  }

  take(frame) {
    if (frame.type === "ack") this.keep.dropUnsent(frame.client_id);
    if (frame.type === "error" && frame.client_id) {
      const again = frame.status === 429 || frame.status === 503;
      if (again) {
        const waitMs = (frame.retry_after_s ?? 0) * 1000 || BUSY_WAIT_MS;
        setTimeout(() => this.resendOne(frame.client_id), waitMs);
        return;
      }
      this.keep.dropUnsent(frame.client_id);
    }
    this.onframe(frame);
  }

  resendOne(clientId) {
    const line = this.keep.unsent.find((one) => one.client_id === clientId);
    if (line) this.sendLine(line);
  }
}
