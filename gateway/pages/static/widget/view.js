// The widget's window: builds it once and shows what app.js tells it.

import { h, icon, link, rich } from "./dom.js";
import { STYLE } from "./style.js";

const BUBBLES = "M4 4h12a3 3 0 0 1 3 3v5a3 3 0 0 1-3 3H9l-5 4v-4.2A3 3 0 0 1 1 12V7a3 3 0 0 1 3-3z M21 8.5a3 3 0 0 1 2 2.8V16a3 3 0 0 1-2 2.8V22l-4-3h-5l2.4-2H16a5 5 0 0 0 5-5z";
const CROSS = "M18.3 5.7a1 1 0 0 0-1.4 0L12 10.6 7.1 5.7a1 1 0 1 0-1.4 1.4l4.9 4.9-4.9 4.9a1 1 0 1 0 1.4 1.4l4.9-4.9 4.9 4.9a1 1 0 0 0 1.4-1.4L13.4 12l4.9-4.9a1 1 0 0 0 0-1.4z";
const PLANE = "M3.4 20.4 21 12.9a1 1 0 0 0 0-1.8L3.4 3.6a1 1 0 0 0-1.4 1.1L3.5 11l9.5 1-9.5 1L2 19.3a1 1 0 0 0 1.4 1.1z";
const STAR = "m12 2.5 2.9 6.1 6.6.9-4.8 4.6 1.2 6.6-5.9-3.2-5.9 3.2 1.2-6.6L2.5 9.5l6.6-.9z";
const BOOK = "M5 3h10a3 3 0 0 1 3 3v15H7a3 3 0 0 1-3-3V4a1 1 0 0 1 1-1zm2 14a1 1 0 1 0 0 2h9v-2zM8 7v2h6V7z";
const DOOR = "M5 3h8a2 2 0 0 1 2 2v3h-2V5H5v14h8v-3h2v3a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zm12.6 5.4L21.2 12l-3.6 3.6-1.4-1.4 1.2-1.2H9v-2h8.4l-1.2-1.2z";
const SCALE = 5;
const NEAR_END_PX = 80;

export class View {
  constructor(options, say, handlers) {
    this.say = say;
    this.server = options.server;
    this.handlers = handlers;
    this.host = document.createElement("parley-chat");
    if (options.theme) this.host.setAttribute("theme", options.theme);
    if (options.colour) this.host.style.setProperty("--parley-colour", options.colour);
    const shadow = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.build(options));
    document.body.append(this.host);
  }

  build(options) {
    const { say, handlers } = this;
    this.badge = h("span.badge", { hidden: true });
    this.launcher = h("button.launcher", { type: "button", "aria-expanded": "false", onclick: () => handlers.open() },
      icon(BUBBLES, 26), say("open"), this.badge);
    this.face = h("div.face", { "aria-hidden": "true" }, icon(BUBBLES, 22));
    this.status = h("p", { role: "status" }, say("bot"));
    this.endButton = h("button", { type: "button", "aria-label": say("end"), title: say("end"), hidden: true, onclick: () => this.askEnd() }, icon(DOOR, 20));
    const close = h("button", { type: "button", "aria-label": say("close"), title: say("close"), onclick: () => handlers.close() }, icon(CROSS, 20));
    this.title = h("h2", { id: "title" }, options.title ?? say("title"));
    this.bar = h("div.bar", { role: "status", hidden: true }, say("offline"));
    this.log = h("div", { role: "log", "aria-live": "polite", "aria-relevant": "additions" });
    this.pending = h("div");
    this.dots = h("div.said", { hidden: true }, this.dotsBy = h("span.by"), h("div.bubble.dots", {}, h("i"), h("i"), h("i")));
    this.after = h("div");
    this.scroll = h("div.scroll", { tabindex: "-1" }, this.buildWelcome(), this.log, this.pending, this.dots, this.after);
    this.panel = h("section.panel", { role: "dialog", "aria-labelledby": "title", hidden: true },
      h("header.head", {}, this.face, h("div.who", {}, this.title, this.status), this.endButton, close),
      this.bar, this.scroll, this.buildComposer());
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") handlers.close();
      event.stopPropagation(); // a site's shortcuts must not fire while somebody writes
    });
    return h("div.root", {}, this.launcher, this.panel);
  }

  buildWelcome() {
    const { say } = this;
    this.nameField = h("input", { type: "text", autocomplete: "name", maxlength: "100", placeholder: say("name"), "aria-label": say("name") });
    this.mailField = h("input", { type: "email", autocomplete: "email", maxlength: "254", placeholder: say("email"), "aria-label": say("email") });
    this.fields = h("div.fields", {}, this.nameField, this.mailField, h("small", {}, say("recognise")));
    this.welcome = h("div.welcome", {}, h("strong", {}, say("hello")), h("p", {}, say("promise")), this.fields);
    return this.welcome;
  }

  buildComposer() {
    const { say, handlers } = this;
    this.input = h("textarea", { rows: "1", maxlength: "4000", placeholder: say("write"), "aria-label": say("write") });
    this.sendButton = h("button.send", { type: "submit", "aria-label": say("send"), title: say("send"), disabled: true }, icon(PLANE, 22));
    const form = h("form", {}, this.input, this.sendButton);
    const submit = () => {
      const text = this.input.value.trim();
      if (!text) return;
      this.input.value = "";
      this.grow();
      handlers.send(text);
    };
    form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    this.input.addEventListener("input", () => { this.grow(); handlers.typing(); });
    return form;
  }

  grow() {
    this.sendButton.disabled = !this.input.value.trim();
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight + 2, 132)}px`;
  }

  show(open) {
    this.panel.hidden = !open;
    this.launcher.hidden = open;
    this.launcher.setAttribute("aria-expanded", String(open));
    (open ? this.input : this.launcher).focus({ preventScroll: true });
    if (open) this.toEnd(true);
  }

  fill(text) {
    this.input.value = text;
    this.grow();
  }

  setBadge(count) {
    this.badge.hidden = !count;
    this.badge.textContent = String(count || "");
    this.launcher.setAttribute("aria-label", count ? `${this.say("open")}, ${this.say("fresh", { n: count })}` : this.say("open"));
  }

  setOnline(online) { this.bar.hidden = online; }

  setStatus(text, initials) {
    this.status.textContent = text;
    this.face.replaceChildren(initials || icon(BUBBLES, 22));
  }

  setEndable(endable) { this.endButton.hidden = !endable; }

  clearWelcome() { this.fields.hidden = true; }

  addLine(line) { this.append(this.log, this.bubble(line)); }

  addPending(line) {
    const shown = this.bubble({ ...line, author: "customer", at: new Date(line.at).toISOString() });
    shown.classList.add("unsent");
    shown.dataset.clientId = line.client_id;
    shown.append(h("span.foot", {}, this.say("sending")));
    this.append(this.pending, shown, true);
  }

  findPending(clientId) {
    return [...this.pending.children].find((one) => one.dataset.clientId === clientId);
  }

  acknowledge(clientId) {
    const shown = this.findPending(clientId);
    shown?.classList.remove("unsent");
    shown?.querySelector(".foot")?.remove();
  }

  removePending(clientId) { this.findPending(clientId)?.remove(); }

  failPending(clientId, why) {
    const foot = this.findPending(clientId)?.querySelector(".foot");
    if (!foot) return;
    foot.textContent = this.say("failed", { why });
    foot.classList.add("bad");
  }

  bubble(line) {
    const mine = line.author === "customer";
    const by = mine ? this.say("you") : line.name || this.say(line.author === "agent" ? "someone" : "assistant");
    const time = new Date(line.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const shown = h(mine ? "div.said.mine" : "div.said", { "data-by": by, "data-seq": line.seq },
      h("span.by", {}, `${by} · ${time}`), h("div.bubble", {}, rich(line.text)));
    if (line.sources?.length) {
      const entries = line.sources.map((source) => {
        const anchor = link(source.title, source.url, this.server);
        if (anchor.nodeType === 1) anchor.prepend(icon(BOOK, 14));
        return h("li", {}, h("span.quiet", {}, `${this.say("sources")}: `), anchor);
      });
      shown.append(h("ul.sources", {}, ...entries));
    }
    return shown;
  }

  note(text) { this.append(this.log, h("p.note", {}, text)); }

  typing(name) {
    this.dots.hidden = !name;
    if (name) this.dotsBy.textContent = this.say("typing", { name });
    this.toEnd(false);
  }

  askSurvey(onscore) {
    const stars = h("div.stars", { role: "group", "aria-label": this.say("rate") });
    for (let score = 1; score <= SCALE; score += 1) {
      const star = h("button", { type: "button", "aria-label": this.say("stars", { n: score }), onclick: () => onscore(score) }, icon(STAR, 30));
      const light = () => [...stars.children].forEach((one, at) => one.classList.toggle("on", at < score));
      star.addEventListener("mouseenter", light);
      star.addEventListener("focus", light);
      stars.append(star);
    }
    this.after.replaceChildren(h("div.card", {}, h("p", {}, this.say("rate")), stars));
    this.toEnd(true);
  }

  thank(score) {
    const stars = h("div.stars", { role: "img", "aria-label": this.say("stars", { n: score }) });
    for (let at = 1; at <= score; at += 1) stars.append(h("button.on", { disabled: true, tabindex: "-1" }, icon(STAR, 22)));
    this.after.replaceChildren(h("div.card", { role: "status" }, h("p", {}, this.say("thanks")), stars));
  }

  askEnd() {
    const done = (end) => { this.after.replaceChildren(); if (end) this.handlers.end(); this.input.focus(); };
    const yes = h("button.strong", { type: "button", onclick: () => done(true) }, this.say("yes"));
    const no = h("button", { type: "button", onclick: () => done(false) }, this.say("no"));
    this.after.replaceChildren(h("div.card", { role: "alertdialog", "aria-label": this.say("sure") }, h("p", {}, this.say("sure")), h("div.choice", {}, no, yes)));
    yes.focus();
    this.toEnd(true);
  }

  clearAfter() { this.after.replaceChildren(); }

  append(place, element, always = false) {
    const before = place.lastElementChild;
    if (element.dataset.by && before?.dataset?.by === element.dataset.by) element.classList.add("same");
    const atEnd = always || this.atEnd();
    place.append(element);
    if (atEnd) this.toEnd(true);
  }

  atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  toEnd(always) {
    if (always || this.atEnd()) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}
