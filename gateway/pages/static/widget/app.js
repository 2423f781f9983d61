// The chat widget: joins what is kept, the connection and the window.
// docs/channels.md describes the frames.

import { Connection } from "./connection.js";
import { Keep, newClientId } from "./keep.js";
import { View } from "./view.js";
import { wordsFor } from "./words.js";

const TYPING_EVERY_MS = 2500;
const TYPING_SHOWN_MS = { bot: 20000, agent: 5000 };

export function mount(options) {
  const chat = new Chat(options);
  return {
    /** `text` is put into the field for the visitor to complete and send. */
    open: (text) => chat.open(text),
    close: () => chat.close(),
    identify: (token) => chat.identify(token),
  };
}

class Chat {
  constructor(options) {
    this.options = options;
    this.keep = new Keep();
    this.token = options.token ?? "";
    const { language, say } = wordsFor(options.language);
    Object.assign(this, { language, say });
    this.interaction = "";
    this.seq = 0;
    this.state = {};
    this.unread = 0;
    this.seen = new Set();
    this.typingAt = 0;
    this.view = new View(options, say, {
      open: () => this.open(),
      close: () => this.close(),
      send: (text) => this.send(text),
      typing: () => this.noteTyping(),
      end: () => this.connection.send({ type: "end" }),
    });
    const url = `${options.server.replace(/^http/, "ws")}/chat/socket`;
    this.connection = new Connection(url, this.keep, {
      hello: () => this.hello(),
      onframe: (frame) => this[`on_${frame.type}`]?.(frame),
      onchange: (online) => this.view.setOnline(online),
    });
    for (const line of this.keep.unsent) this.view.addPending(line);
    if (this.keep.get("active")) this.connection.start();
    if (this.keep.get("open") || options.open !== undefined) this.open();
  }

  hello() {
    const profile = this.keep.get("profile") ?? {};
    return {
      visitor: this.keep.visitor,
      token: this.token,
      name: this.options.name ?? profile.name ?? "",
      email: profile.email ?? "",
      language: this.language,
      interaction: this.interaction,
      after_seq: this.seq,
    };
  }

  open(text) {
    this.isOpen = true;
    this.keep.set({ open: true });
    this.connection.start();
    this.view.setOnline(this.connection.online || !this.keep.unsent.length);
    this.unread = 0;
    this.view.setBadge(0);
    this.noteRead();
    this.view.show(true);
    if (typeof text === "string") this.view.fill(text);
  }

  close() {
    this.isOpen = false;
    this.keep.set({ open: false });
    this.view.show(false);
  }

  identify(token) {
    this.token = token;
    if (this.connection.wanted) this.connection.reconnect();
  }

  send(text) {
    this.introduce();
    const line = { client_id: newClientId(), text, at: Date.now() };
    this.keep.set({ active: true });
    this.view.addPending(line);
    this.view.clearAfter();
    this.connection.say(line);
  }

  /** Before the first line: who is writing, if they said so. */
  introduce() {
    const name = this.view.nameField.value.trim();
    const email = this.view.mailField.value.trim();
    const given = !this.view.fields.hidden && (name || email);
    this.view.clearWelcome();
    if (!given) return;
    this.keep.set({ profile: { name, email } });
    if (this.connection.wanted) this.connection.reconnect();
  }

  noteTyping() {
    if (this.state.with !== "agent" || Date.now() - this.typingAt < TYPING_EVERY_MS) return;
    this.typingAt = Date.now();
    this.connection.send({ type: "typing" });
  }

  // -- frames -------------------------------------------------------------------

  on_lines({ interaction, lines }) {
    if (interaction !== this.interaction) {
      this.interaction = interaction;
      this.seq = 0;
    }
    this.view.clearWelcome();
    for (const line of lines) this.showLine(interaction, line);
  }

  showLine(interaction, line) {
    this.seq = Math.max(this.seq, line.seq);
    const key = `${interaction}:${line.seq}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    if (line.client_id) {
      this.view.removePending(line.client_id);
      this.keep.dropUnsent(line.client_id);
    }
    this.view.addLine(line);
    if (line.author === "customer") return;
    this.view.typing("");
    if (this.isOpen) return this.noteRead();
    const read = this.keep.get("read") ?? {};
    if (read.interaction === interaction && line.seq <= read.seq) return;
    this.unread += 1;
    this.view.setBadge(this.unread);
  }

  /** So that what was read before a reload does not count as new after it. */
  noteRead() {
    if (this.interaction) this.keep.set({ read: { interaction: this.interaction, seq: this.seq } });
  }

  on_ack({ client_id: clientId }) { this.view.acknowledge(clientId); }

  on_error({ status, detail, client_id: clientId }) {
    if (clientId) this.view.failPending(clientId, detail);
    if (status === 401) {
      this.token = ""; // an expired sign-in must not shut the visitor out
      this.connection.reconnect();
    }
  }

  on_typing({ author, name }) {
    this.view.typing(name || this.say(author === "bot" ? "assistant" : "someone"));
    clearTimeout(this.typingOver);
    this.typingOver = setTimeout(() => this.view.typing(""), TYPING_SHOWN_MS[author] ?? TYPING_SHOWN_MS.agent);
  }

  on_state(state) {
    const was = this.state;
    this.state = state;
    this.keep.set({ active: state.with !== "nobody" || this.keep.unsent.length > 0 });
    this.view.setEndable(["bot", "waiting", "agent"].includes(state.with));
    if (state.with !== "bot") this.view.typing("");
    if (state.with === "agent") {
      const name = state.agent || this.say("someone");
      this.view.setStatus(this.say("agent", { name }), initials(name));
      if (was.with && was.agent !== state.agent) this.view.note(this.say("joined", { name }));
    } else if (state.with === "waiting") {
      const place = state.position > 1 ? this.say("place", { n: state.position }) : this.say("next");
      const about = state.minutes ? ` · ${this.say("about", { m: state.minutes })}` : "";
      this.view.setStatus(`${this.say("waiting")} · ${place}${about}`);
    } else {
      this.view.setStatus(this.say("bot"));
    }
  }

  on_ended({ interaction, survey }) {
    this.state = { with: "nobody" };
    this.keep.set({ active: survey || this.keep.unsent.length > 0 });
    this.view.typing("");
    this.view.setEndable(false);
    this.view.setStatus(this.say("over"));
    const key = `${interaction}:over`;
    if (!this.seen.has(key)) this.view.note(`${this.say("over")}. ${this.say("again")}`);
    this.seen.add(key);
    if (survey) this.view.askSurvey((score) => this.connection.send({ type: "survey", interaction, score }));
  }

  on_surveyed({ score }) { this.view.thank(score); }
}

function initials(name) {
  return name.split(/\s+/).map((part) => [...part][0]).slice(0, 2).join("").toUpperCase();
}
