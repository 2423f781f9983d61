// Give it away, or ask somebody first: one dialog with queues, agents, bots and numbers.
// Type to narrow it down, arrows to choose, Enter to transfer, Alt+Enter to ask first.

import { h, icon } from "./dom.js";
import { channelText, reasonText, t } from "./words.js";
import { span, since } from "./time.js";

const FRESH_MS = 5000;
const DIAL_MS = 60000;
const NUMBER = /^(sip:\S+@\S+|\+?[\d\s().-]{5,})$/;

export class GiveDialog {
  /** `ask(type, fields, ms)` talks to the desk; `told(text)` says what came of it. */
  constructor(dialog, ask, told) {
    this.dialog = dialog;
    this.ask = ask;
    this.told = told;
    this.build();
    dialog.addEventListener("close", () => clearInterval(this.timer));
  }

  build() {
    this.search = h("input.input", { type: "text", id: "give-search", role: "combobox", autocomplete: "off", "aria-expanded": "true", "aria-controls": "give-list", "aria-autocomplete": "list", placeholder: t("give.search"), "aria-label": t("give.search") });
    this.list = h("div.options", { id: "give-list", role: "listbox", "aria-label": t("give.title") });
    this.note = h("textarea.input", { rows: "2", maxlength: "1000", placeholder: t("give.note"), "aria-label": t("give.note") });
    // Asked for only where a bot gets it: it says to the customer what was done.
    this.done = h("select.input", { id: "give-done" });
    this.doneRow = h("div.stack", { hidden: true, style: { gap: "3px" } }, h("label.small.muted", { for: "give-done" }, t("give.outcome")), this.done);
    this.notice = h("div.notice.bad", { role: "alert", hidden: true });
    this.askFirst = h("button.button.large", { type: "button", onclick: () => this.submit("consult") }, icon("user", "small"), t("give.ask"), h("kbd", {}, "Alt ⏎"));
    this.transfer = h("button.button.primary.large", { type: "submit" }, icon("transfer", "small"), t("give.transfer"), h("kbd", {}, "⏎"));
    this.form = h("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); this.submit("transfer"); } },
      h("div.body.stack", {}, this.search, this.list, this.doneRow, this.note, this.notice,
        h("div.row", {}, h("span.muted.small.grow", { id: "give-chosen" }), this.askFirst, this.transfer)));
    this.dialog.append(this.form);
    this.search.addEventListener("input", () => { this.active = null; this.draw(); });
    this.form.addEventListener("keydown", (event) => this.key(event));
  }

  async open(card) {
    Object.assign(this, { card, targets: null, active: null });
    this.search.value = this.note.value = "";
    this.done.replaceChildren(h("option", { value: "" }, t("give.no_outcome")), ...card.dispositions.map((code) => h("option", { value: code }, t(`disposition.${code}`))));
    this.notice.hidden = true;
    this.busy(false);
    this.draw();
    this.dialog.showModal();
    this.search.focus();
    this.timer = setInterval(() => this.load(), FRESH_MS);
    await this.load();
  }

  async load() {
    try {
      this.targets = await this.ask("targets", { interaction_id: this.card.id });
      this.draw();
    } catch (error) {
      this.fail(error.message);
    }
  }

  /** All that can be chosen, in groups; `can` names what cannot be done with it. */
  options() {
    if (!this.targets) return [];
    const { agents, queues, flows, outside } = this.targets;
    const words = this.search.value.trim();
    const options = [
      ...agents.map((one) => ({ group: "give.agents", way: "agent", target: one.id, name: one.name, mark: h(`span.dot.${one.presence}`), detail: agentText(one), off: one.presence !== "available" })),
      ...queues.map((one) => ({ group: "give.queues", way: "queue", target: one.id, name: one.name, mark: icon("desk", "small"), detail: queueText(one), noAsk: !one.open })),
      { group: "give.bots", way: "bot", target: "", name: t("talk.to_bot"), mark: icon("bot", "small"), detail: "", noAsk: true },
      ...flows.map((flow) => ({ group: "give.bots", way: "bot", target: flow, name: flow, mark: icon("bot", "small"), detail: t("give.flow"), noAsk: true })),
    ].filter((one) => fits(one, words));
    if (outside && NUMBER.test(words)) options.unshift({ group: "give.outside", way: "outside", target: words, name: words, mark: icon("phone", "small"), detail: t("give.dials") });
    return options;
  }

  draw() {
    const options = this.options();
    if (!options.some((one) => keyOf(one) === this.active)) this.active = keyOf(options.find((one) => !one.off));
    const chosen = options.find((one) => keyOf(one) === this.active);
    const groups = [...new Set(options.map((one) => one.group))];
    const rows = groups.flatMap((group) => [h("div.title", { role: "presentation" }, t(group)), ...options.filter((one) => one.group === group).map((one) => this.row(one))]);
    this.list.replaceChildren(...(rows.length ? rows : [h("p.muted.small", {}, this.targets ? t("give.none") : "…")]));
    const active = this.list.querySelector("[aria-selected=true]");
    active?.scrollIntoView({ block: "nearest" });
    this.search.setAttribute("aria-activedescendant", active?.id ?? "");
    this.doneRow.hidden = chosen?.way !== "bot";
    document.getElementById("give-chosen").textContent = chosen ? t("give.to", { name: chosen.name }) : "";
    this.transfer.disabled = this.working || !chosen;
    this.askFirst.disabled = this.working || !chosen || Boolean(chosen.noAsk);
  }

  row(one) {
    const on = keyOf(one) === this.active;
    return h("div.option", { role: "option", id: `give-${keyOf(one).replace(/\W/g, "-")}`, "aria-selected": String(on), "aria-disabled": one.off ? "true" : null, onclick: () => { if (!one.off) { this.active = keyOf(one); this.draw(); this.search.focus(); } } },
      one.mark, h("span.name.clip", {}, one.name), h("span.muted.small.clip", {}, one.detail));
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && event.altKey) {
      event.preventDefault();
      if (!this.askFirst.disabled) this.submit("consult");
    } else if (event.key === "Enter" && event.target === this.note && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.submit("transfer");
    } else if (["ArrowDown", "ArrowUp"].includes(event.key) && event.target === this.search) {
      event.preventDefault();
      this.move(event.key === "ArrowDown" ? 1 : -1);
    }
  }

  move(by) {
    const keys = this.options().filter((one) => !one.off).map(keyOf);
    if (!keys.length) return;
    this.active = keys[(keys.indexOf(this.active) + by + keys.length) % keys.length];
    this.draw();
  }

  async submit(type) {
    const chosen = this.options().find((one) => keyOf(one) === this.active);
    if (!chosen || this.working) return;
    const { way, target, name } = chosen;
    const words = this.note.value.trim();
    const fields = { interaction_id: this.card.id, way, target, [type === "consult" ? "question" : "note"]: words };
    if (way === "bot") fields.disposition = this.done.value;
    this.busy(true, way === "outside" ? t("give.calling", { name }) : "");
    // Asking shows in the conversation at once; the dialog would only be in the way.
    if (type === "consult") this.dialog.close();
    try {
      const answer = await this.ask(type, fields, DIAL_MS);
      if (answer.outcome && answer.outcome !== "answered") this.fail(`${name}: ${t(`outcome.${answer.outcome}`)}`);
      else if (type === "transfer") this.finish(t("give.done", { name }));
    } catch (error) {
      if (type === "consult") this.told(error.message, "bad");
      else this.fail(error.message);
    }
  }

  finish(text) {
    this.dialog.close();
    this.told(text);
  }

  fail(text) {
    this.busy(false);
    this.notice.replaceChildren(icon("alert", "small"), h("span", {}, text));
    this.notice.hidden = false;
    if (!this.dialog.open) this.told(text, "bad");
  }

  busy(working, text = "") {
    this.working = working;
    this.notice.hidden = !text;
    this.notice.className = text ? "notice info" : "notice bad";
    this.notice.replaceChildren(text);
    this.draw();
  }
}

const keyOf = (one) => (one ? `${one.way}:${one.target}` : null);

/** Every word of the search begins a word of the name. */
function fits(one, words) {
  const parts = one.name.toLowerCase().split(/\s+/);
  return words.toLowerCase().split(/\s+/).filter(Boolean).every((word) => parts.some((part) => part.startsWith(word)));
}

function agentText(one) {
  const work = Object.entries(one.in_hand).map(([channel, n]) => `${n} ${channelText(channel)}`);
  if (one.presence !== "available") {
    const why = one.reason ? ` · ${reasonText(one.reason)}` : "";
    return `${t(`presence.${one.presence}`)}${why}${one.since ? ` · ${span(since(one.since))}` : ""}`;
  }
  return [one.free ? t("give.free") : t("give.busy"), ...work].join(" · ");
}

function queueText(one) {
  const waiting = one.waiting ? t("give.waiting", { n: one.waiting, t: one.longest_since ? span(since(one.longest_since)) : "–" }) : t("give.nobody_waits");
  const there = one.available ? t("give.there", { n: one.available, of: one.staff, names: one.names.join(", ") }) : t("give.nobody_there");
  return [!one.open && t("floor.closed"), waiting, there].filter(Boolean).join(" · ");
}
