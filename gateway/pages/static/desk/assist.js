// Beside an open conversation: drafts above the reply, the gist, the next question, how to file it.
// Nothing here sends, takes the cursor away, or changes the height of what stands above the reply.

import { h, icon } from "./dom.js";
import { draft, draftMadeOf, keepDraft, keepDraftMadeOf } from "./drafts.js";
import { safeLink } from "./lines.js";
import { dispositionText, t } from "./words.js";

const WAIT_MS = 200;
const HIDDEN = "parley.assist.hidden";

export class Assist {
  /** `ask(type, fields)` talks to the desk; `act.insert(text)` puts words into the reply. */
  constructor(ask, act, changed, told) {
    Object.assign(this, { ask, act, changed, told });
    this.found = new Map();
    this.asked = new Map();
    this.strip = h("div.assist-strip", { role: "group", "aria-label": t("assist.drafts") });
    this.stripKey = "";
  }

  /** What is known for the card; asks when a line was added since. Nobody looks: nothing is asked. */
  look(card) {
    this.card = card;
    if (!helps(card)) return null;
    const state = `${card.messages.at(-1)?.seq ?? 0} ${card.state} ${card.accepted_at}`;
    if (this.asked.get(card.id) !== state && !document.hidden) {
      this.asked.set(card.id, state);
      clearTimeout(this.wait);
      this.wait = setTimeout(() => this.load(card.id), WAIT_MS);
    }
    return this.found.get(card.id) ?? null;
  }

  async load(id) {
    try {
      this.found.set(id, await this.ask("suggest", { interaction_id: id }));
    } catch (error) {
      // Without a connection the next drawing asks again; what is refused is not open any more.
      if (error.status === 0) this.asked.delete(id);
      else this.found.delete(id);
      return;
    }
    if (this.card?.id !== id) return;
    this.changed();
    if (this.found.get(id).thinking) this.wait = setTimeout(() => this.load(id), WAIT_MS);
  }

  get now() {
    return this.card ? this.found.get(this.card.id) : null;
  }

  get hidden() {
    return localStorage.getItem(HIDDEN) === "1";
  }

  showStrip(shown) {
    if (shown) localStorage.removeItem(HIDDEN);
    else localStorage.setItem(HIDDEN, "1");
    this.stripKey = "";
    this.changed();
  }

  // -- what the agent does ---------------------------------------------------------

  /** Take the draft of that number (from 0): into the reply, or as said on a call. */
  take(index) {
    const { card, now } = this;
    if (card?.state === "wrap-up") return this.choose(now?.filing[index]?.code);
    const one = now?.drafts[index];
    if (!one || card?.state !== "agent") return undefined;
    if (card.channel === "voice") {
      this.note(one, "sent");
      this.told(t("assist.said"));
      return this.drop(one);
    }
    if (draft(card.id).includes(one.text)) return undefined; // it stands there already
    this.act.insert(one.text);
    keepDraftMadeOf(card.id, { suggestion_id: one.id, kind: one.kind, text: one.text });
    return this.note(one, "inserted");
  }

  aside(one = this.now?.drafts[0]) {
    if (!one || this.card?.state !== "agent") return;
    this.note(one, "dismissed");
    this.drop(one);
  }

  drop(one) {
    const { now } = this;
    now.drafts = now.drafts.filter((other) => other.id !== one.id);
    this.changed();
  }

  note(one, how) {
    const fields = { interaction_id: this.card.id, suggestion_id: one.id, kind: one.kind, how };
    this.ask("suggestion", fields).catch(() => {}); // a figure that is lost must not bother anybody
  }

  /** Choose an outcome in the wrap-up form; completing it stays the agent's. */
  choose(code) {
    const choice = code && document.querySelector(`form.wrap-up input[value="${CSS.escape(code)}"]`);
    if (!choice) return;
    choice.checked = true;
    this.note({ id: code, kind: "disposition" }, "inserted");
  }

  /** The gist goes into the note of wrap-up, where it can be changed. */
  summarise() {
    const { card, now } = this;
    if (!now) return;
    const key = `wrap.${card.id}`;
    const text = gistText(now.gist);
    if (!text || draft(key).includes(text)) return;
    const whole = [draft(key).trimEnd(), text].filter(Boolean).join("\n");
    keepDraft(key, whole);
    const note = document.querySelector("form.wrap-up [name=note]");
    if (note) note.value = whole;
    this.note({ id: "summary", kind: "summary" }, "inserted");
    this.told(t("assist.noted"));
  }

  // -- drawing ---------------------------------------------------------------------

  /** Above the reply: three drafts at most, always of one height; on a call only with a draft. */
  drawStrip(card, found) {
    // On a call nothing is typed above it: without a draft it would be an empty band.
    const needed = card.channel !== "voice" || found?.drafts.length > 0;
    const shown = helps(card) && card.state === "agent" && !this.hidden && needed;
    this.strip.hidden = !shown;
    const key = JSON.stringify([card.id, found?.drafts, found?.thinking, waits(card), shown]);
    if (!shown || key === this.stripKey) return;
    this.stripKey = key;
    const had = document.activeElement?.closest(".draft")?.dataset.draft;
    const drafts = (found?.drafts ?? []).map((one, index) => this.chip(one, index));
    this.strip.replaceChildren(...(drafts.length ? drafts : [h("p.muted.small", {}, found && !found.thinking && waits(card) ? t("assist.none") : "")]));
    if (had) this.strip.querySelector(`[data-draft="${had}"] .take`)?.focus({ preventScroll: true });
  }

  chip(one, index) {
    return h(`div.draft.${one.kind}`, { dataset: { draft: one.id } },
      h("button.take", { type: "button", "aria-keyshortcuts": `Alt+${index + 1}`, onclick: () => this.take(index) },
        h("span.head", {}, h("kbd", {}, `Alt ${index + 1}`), h("span.clip", {}, titleOf(one))), h("span.body", {}, one.text)),
      this.close(one),
      h("div.full", { "aria-hidden": "true" }, one.text));
  }

  close(one) {
    return h("button.away", { type: "button", title: t("assist.aside"), "aria-label": `${t("assist.aside")}: ${titleOf(one)}`, onclick: () => this.aside(one) }, icon("close", "small"));
  }

  /** The tab at the side. */
  drawPanel(card, found) {
    if (!helps(card)) return [h("div.empty", {}, icon("chat"), h("p", {}, t("assist.nothing")))];
    if (!found) return [h("p.muted.small.block", {}, t("assist.reading"))];
    return [this.gist(found.gist), this.drafts(card, found), ahead(found.next), this.filing(found.filing), articles(found.articles), this.choice()].filter(Boolean);
  }

  gist(gist) {
    const row = (key, ...what) => h("div.gist-row", {}, h("dt", {}, t(key)), h("dd", {}, what));
    const rows = [
      gist.wants && row("assist.wants", gist.labelled ? gist.wants : `“${gist.wants}”`),
      gist.known.length > 0 && row("assist.known", gist.known.map((one) =>
        h("span.chip.num", { title: one.name.replaceAll("_", " ") }, one.confirmed && icon("check", "small"), one.value))),
      gist.done.length > 0 && row("assist.done", gist.done.map((one) => h("p", {}, one))),
      gist.asks && row("assist.asks", `“${gist.asks}”`),
    ].filter(Boolean);
    return h("section.block", {}, h("div.row.spread", {}, h("h3", {}, t("assist.summary")),
      rows.length > 0 && h("button.button.quiet.compact", { type: "button", onclick: () => this.summarise() }, icon("quote", "small"), t("assist.into_note"), h("kbd", {}, "Alt N"))),
      rows.length ? h("dl.gist", {}, rows) : h("p.muted.small", {}, t("talk.no_lines")));
  }

  drafts(card, found) {
    if (card.state !== "agent") return null;
    const spoken = card.channel === "voice";
    const rows = found.drafts.map((one, index) => h(`article.article.draft-card.${one.kind}`, {},
      h("div.row", {}, h("span.strong.grow.clip", {}, titleOf(one)), this.close(one)),
      h(spoken ? "p.aloud" : "p.quote.whole", {}, one.text),
      h("div.row", {}, h("button.button", { type: "button", onclick: () => this.take(index) }, icon(spoken ? "check" : "quote", "small"), t(spoken ? "assist.i_said" : "know.insert"), h("kbd", {}, `Alt ${index + 1}`)),
        one.sources.slice(0, 1).map((source) => h("a.button.quiet", { href: safeLink(source.url), target: "_blank", rel: "noopener" }, t("know.open"))))));
    return h("section.block", {}, h("h3", {}, t("assist.drafts")), rows.length ? rows : h("p.muted.small", {}, t(found.thinking ? "assist.thinking" : "assist.none")));
  }

  filing(guesses) {
    if (!guesses.length) return null;
    return h("section.block", {}, h("h3", {}, t("assist.filing")), guesses.map((one) =>
      h("p.small", {}, h("span.strong", {}, dispositionText(one.code)), ` · ${reason(one)}`)));
  }

  choice() {
    const box = h("input", { type: "checkbox", checked: !this.hidden, onchange: (event) => this.showStrip(event.target.checked) });
    return h("section.block", {}, h("label.row.small", {}, box, t("assist.strip")));
  }

  /** One line in the wrap-up form, which has its room from the beginning. */
  fillFiling(place, found) {
    const line = place?.querySelector("[data-filing]");
    if (!line || !found) return;
    const key = JSON.stringify(found.filing);
    if (line.dataset.filing === key) return;
    line.dataset.filing = key;
    line.replaceChildren(...found.filing.map((one, index) =>
      h("button.hint", { type: "button", title: reason(one), onclick: () => this.choose(one.code) },
        h("kbd", {}, `Alt ${index + 1}`), h("span.strong", {}, dispositionText(one.code)), h("span.clip", {}, reason(one)))));
  }
}

/** Whether it is the customer's own conversation, in hand or being filed. */
const helps = (card) => Boolean(card) && !card.parent_id && ["agent", "wrap-up"].includes(card.state);

/** Whether the customer has spoken last. */
const waits = (card) => card.messages.findLast((line) => line.author !== "system")?.author === "customer";

const titleOf = (one) =>
  one.kind === "answer" ? one.title : t(`assist.kind.${one.kind}`, { name: one.title });

function reason(guess) {
  if (guess.alike) {
    const told = t("assist.alike", { n: guess.alike, of: guess.compared });
    return guess.example ? `${told} (“${guess.example}”)` : told;
  }
  return t(`assist.cue.${guess.cue}`);
}

function ahead(next) {
  if (!next) return null;
  const missing = next.missing.map((name) => h("span.chip", {}, name.replaceAll("_", " ")));
  return h("section.block", {}, h("h3", {}, t("assist.next")), h("p.small", {}, `“${next.text}”`), h("div.row.small", { style: { "flex-wrap": "wrap" } }, h("span.muted", {}, t("assist.missing")), missing));
}

function articles(list) {
  if (!list.length) return null;
  const rows = list.map((one) => h("a.row.small", { href: safeLink(one.url), target: "_blank", rel: "noopener" }, icon("book", "small"), one.title));
  return h("section.block", {}, h("h3", {}, t("context.knowledge")), rows);
}

/** The gist as the lines of a note. */
function gistText(gist) {
  const parts = [
    [t("assist.wants"), gist.wants],
    [t("assist.known"), gist.known.map((one) => one.value).join(", ")],
    [t("assist.done"), gist.whole.join(" ")],
    [t("assist.asks"), gist.asks],
  ];
  return parts.filter(([, text]) => text).map(([name, text]) => `${name}: ${text}`).join("\n");
}

/** What a reply was made of, when most words of the draft are still in it; else null. */
export function madeOf(id, text) {
  const used = draftMadeOf(id);
  if (!used) return null;
  const words = [...new Set(used.text.split(/[\s，。！？]+/).filter(Boolean))];
  const kept = words.filter((word) => text.includes(word)).length;
  if (kept * 2 < words.length) return null;
  return { suggestion_id: used.suggestion_id, kind: used.kind, edited: text.trim() !== used.text.trim() };
}
