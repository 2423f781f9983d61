// The transcript: bubbles of customer, bot and agent, with citations and mail.

import { h, icon } from "./dom.js";
import { clock } from "./time.js";
import { t } from "./words.js";

/** Bubbles of a card's lines and of lines still on their way; `drawn` keeps those already made. */
export function drawLines(card, pending = [], drawn = new Map()) {
  const acknowledged = new Set(card.messages.map((line) => line.draft_id));
  const waiting = pending
    .filter((line) => line.interaction_id === card.id && !acknowledged.has(line.draft_id))
    .map((line) => ({ ...line, author: "agent", citations: [], pending: true }));
  const all = [...card.messages, ...waiting];
  if (!all.length) return [h("p.muted", {}, t("talk.no_lines"))];
  return all.map((line, index) => {
    const first = all[index - 1]?.author !== line.author;
    const key = `${line.id ?? line.draft_id} ${first} ${line.failed ?? ""}`;
    if (!drawn.has(key)) drawn.set(key, bubble(line, card, first));
    return drawn.get(key);
  });
}

function bubble(line, card, first) {
  const kind = ["line-row", line.author, first && "new-author", line.pending && "pending", line.failed && "failed"];
  return h(`div.${kind.filter(Boolean).join(".")}`, { dataset: { seq: line.seq ?? "" } },
    h("div", {},
      first && line.author !== "system" && h("div.meta", {}, h("span", {}, who(line, card)), h("span.num", {}, clock(line.at))),
      h("div.bubble", {}, h("span.text", {}, line.text), cites(line), quoted(line), mail(line)),
      line.pending && h("div.meta", {}, t("talk.pending")),
      line.failed && h("div.meta", {}, t("talk.failed", { reason: line.failed }))));
}

const who = (line, card) =>
  line.name ?? (line.author === "customer" ? card.customer.name || card.from : t(`author.${line.author}`));

function cites(line) {
  if (!line.citations?.length) return null;
  const links = line.citations.map((cite) =>
    h("a", { href: safeLink(cite.url), target: "_blank", rel: "noopener", title: cite.quote }, icon("book", "small"), cite.title));
  return h("div.cites", {}, links);
}

/** Only web addresses and our own paths; never javascript: and the like. */
export function safeLink(url) {
  return /^(https?:\/\/|\/(?!\/))/.test(url) ? url : "#";
}

function quoted(line) {
  return line.quoted ? h("details.quoted", {}, h("summary", {}, t("talk.quoted")), line.quoted) : null;
}

function mail(line) {
  if (!line.html) return null;
  // The frame may run no scripts, send no forms and reach nothing of ours; it is drawn when opened.
  const box = h("details.quoted", {}, h("summary", {}, t("talk.html")));
  box.addEventListener("toggle", () => {
    if (box.open && !box.querySelector("iframe")) {
      box.append(h("iframe.mail", { sandbox: true, title: t("talk.html"), srcdoc: line.html }));
    }
  });
  return box;
}
