// A socket that connects again by itself. Requests get answers by their `ref`.

import { csrf } from "./http.js";
import { t } from "./words.js";

const RETRY_MS = [250, 500, 1000, 2000, 4000, 8000];
const SILENT_MS = 30000;
const ANSWER_MS = 25000;
const SIGNED_OUT = 4401;

export class Connection {
  /** `onview` gets every view that is not an answer; `onlink(on)` when the link comes and goes. */
  constructor(path, onview, onlink) {
    this.path = path;
    this.onview = onview;
    this.onlink = onlink;
    this.waiting = new Map();
    this.ref = 0;
    this.failures = 0;
    this.open();
    addEventListener("online", () => this.hurry());
    addEventListener("pagehide", () => this.socket?.close());
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", csrf }));
    socket.onmessage = (event) => this.take(JSON.parse(event.data));
    socket.onclose = (event) => this.closed(event);
  }

  take(view) {
    this.failures = 0;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket.close(), SILENT_MS);
    const waiting = this.waiting.get(view.ref);
    if (view.type === "done" && waiting) this.settle(view.ref, () => waiting.resolve(view));
    else if (view.type === "problem" && waiting) {
      const error = Object.assign(new Error(view.detail), { status: view.status, problem: view.problem });
      this.settle(view.ref, () => waiting.reject(error));
    } else {
      if (!this.linked) this.onlink((this.linked = true));
      this.onview(view);
    }
  }

  settle(ref, act) {
    clearTimeout(this.waiting.get(ref).timer);
    this.waiting.delete(ref);
    act();
  }

  closed(event) {
    clearTimeout(this.silence);
    this.linked = false;
    this.onlink(false);
    for (const [ref, waiting] of [...this.waiting]) {
      this.settle(ref, () => waiting.reject(lost()));
    }
    if (event.code === SIGNED_OUT) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    const wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
    this.retry = setTimeout(() => this.open(), wait * (0.75 + Math.random() / 2));
  }

  hurry() {
    if (this.socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.retry);
    this.open();
  }

  /** Ask for something; the answer's view, or an Error with `status` (0: no connection). */
  ask(type, fields = {}, answerMs = ANSWER_MS) {
    if (!this.linked) return Promise.reject(lost());
    const ref = ++this.ref;
    return new Promise((resolve, reject) => {
      const late = () => this.settle(ref, () => reject(Object.assign(new Error(t("error.timeout")), { status: 0 })));
      this.waiting.set(ref, { resolve, reject, timer: setTimeout(late, answerMs) });
      this.socket.send(JSON.stringify({ type, ref, ...fields }));
    });
  }
}

const lost = () => Object.assign(new Error(t("error.offline")), { status: 0 });
