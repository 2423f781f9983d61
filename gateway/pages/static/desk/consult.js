// The strip above the reply box while a third one is asked or takes part, and the words exchanged.

import { drawLines } from "./lines.js";
import { h, icon } from "./dom.js";
import { putOut, unsent } from "./drafts.js";
import { t } from "./words.js";

/** Below the transcript: who is asked and what can be done now; empty for an ordinary talk. */
export function drawTalkOf(card, me, act) {
  const parts = [];
  for (const one of card.talk?.supervisors ?? []) {
    parts.push(h("div.strip.info", {}, icon("user", "small"), h("span.grow", {}, t(`talk.supervisor.${one.mode}`, { name: one.name }))));
  }
  if (card.talk?.third && !card.parent_id) parts.push(handlerStrip(card, act));
  if (card.parent_id) parts.push(askedStrip(card));
  if (card.voicemail) parts.push(h("div.strip", {}, h("span.small.muted", {}, t("talk.voicemail")), h("audio.grow", { controls: true, preload: "none", src: card.voicemail.url })));
  if (card.call_back && card.state === "agent" && !card.connected) parts.push(h("div.strip.info", { role: "status" }, icon("phone", "small"), t("talk.calling_back", { number: card.address })));
  return parts;
}

function handlerStrip(card, act) {
  const { arrangement, third } = card.talk;
  const name = third.name || card.beside?.name || t("talk.somebody");
  const customer = card.customer.name || card.from;
  const apart = card.channel !== "voice" && ["asking", "consulting"].includes(arrangement);
  const text = t(`talk.${arrangement}${apart ? ".written" : ""}`, { name, customer });
  const button = (key, run, keys, kind = "") =>
    h(`button.button${kind}`, { type: "button", onclick: run }, t(key), keys && h("kbd", {}, `Alt ${keys}`));
  const swap = ["consulting", "swapped"].includes(arrangement);
  const together = swap || arrangement === "conference";
  return h("div.strip.third", { dataset: { arrangement } },
    h("span.row.grow", { role: "status" }, icon("user", "small"), h("span", {}, text), arrangement === "asking" && h("span.num.muted", { dataset: { since: third.since } })),
    swap && button(arrangement === "swapped" ? "talk.back_to_third" : "talk.back_to_customer", () => act.swap(card.id), "W"),
    swap && button("talk.join", () => act.conference(card.id), "G"),
    together && button("talk.hand_over", () => act.complete(card.id), "O", ".primary"),
    button(arrangement === "asking" ? "talk.take_back" : "talk.end_question", () => act.endConsult(card.id), "Q"));
}

/** For the one who is asked: who asks, and in what we are now. */
function askedStrip(card) {
  const arrangement = card.talk?.arrangement ?? "consulting";
  const name = card.asked_by;
  const customer = card.beside?.name ?? "";
  const key = { conference: "talk.asked_conference", swapped: "talk.asked_held" }[arrangement] ?? "talk.asked";
  return h("div.strip.third", { dataset: { arrangement } }, h("span.row.grow", { role: "status" }, icon("user", "small"), t(key, { name, customer })));
}

/** The other conversation, made once per card and filled by `fillBeside`. */
export function besidePanel(card, act) {
  const { beside } = card;
  const lines = h("div.lines.small-lines", { role: "log", "aria-label": t(`talk.beside.${beside.kind}`, { name: beside.name }), tabindex: "0" });
  const box = beside.kind === "question" && h("input.input", { type: "text", maxlength: "4000", placeholder: t("talk.write", { name: beside.name }), "aria-label": t("talk.write", { name: beside.name }) });
  const send = (event) => {
    event.preventDefault();
    if (!box.value.trim()) return;
    act.deliver(putOut(beside.id, box.value.trim()));
    box.value = "";
  };
  const panel = h("details.beside", { open: true, dataset: { beside: beside.id } },
    h("summary", {}, icon(beside.kind === "question" ? "chat" : "user", "small"), t(`talk.beside.${beside.kind}`, { name: beside.name })), lines,
    box && h("form.row", { onsubmit: send }, box, h("button.button", { type: "submit" }, icon("send", "small"), t("talk.send"))));
  return Object.assign(panel, { lines, drawn: new Map() });
}

/** Draw what is new in it. */
export function fillBeside(panel, card, me) {
  const { beside } = card;
  const shown = beside.kind === "question" ? betweenUs({ ...card, ...beside }, me) : { ...card, messages: beside.messages, id: beside.id };
  const low = panel.lines.scrollHeight - panel.lines.scrollTop - panel.lines.clientHeight < 60;
  panel.lines.replaceChildren(...drawLines(shown, unsent(), panel.drawn));
  if (low) panel.lines.scrollTop = panel.lines.scrollHeight;
}

/** A talk between agents: mine on the right, the colleague's on the left with the name. */
export function betweenUs(card, me) {
  const names = card.asked_by || card.name || t("author.agent");
  const messages = card.messages.map((line) => (line.author === "agent" && line.author_id !== me?.id ? { ...line, author: "colleague", name: names } : line));
  return { ...card, messages };
}
