// Right: who it is, what the bot hands over, what was before; and the knowledge base.

import { avatar, channelMark, h, icon } from "./dom.js";
import { safeLink } from "./lines.js";
import { clock } from "./time.js";
import { t } from "./words.js";

/** The customer's side of a card (of the conversation, or of what rings). */
export function drawContext(card, act) {
  if (!card) return [h("div.empty", {}, icon("user"), h("p", {}, t("context.none")))];
  return [customer(card), packet(card), history(card, act)].filter(Boolean);
}

function customer(card) {
  const who = card.customer;
  const rows = who.identities.flatMap((one) => [h("dt", {}, t(`identity.${one.kind}`)), h("dd.mono", {}, one.value)]);
  return h("section.block", {},
    h("div.row", {}, avatar(who.name || card.from, who.hue, true),
      h("div.grow", {}, h("h2", {}, who.name || t("work.unnamed")), !card.parent_id && h("div.muted.small.clip", {}, card.from)),
      who.vip && h("span.chip.warn", {}, icon("star", "small"), t("context.vip"))),
    h("dl.facts", {}, rows, h("dt", {}, t("context.language")), h("dd", {}, languageName(card.language || who.language)),
      h("dt", {}, t("context.zone")), h("dd", {}, who.timezone),
      who.own_agent && [h("dt", {}, t("due.agent")), h("dd", {}, who.own_agent)]),
    who.notes && h("div.notice.info", {}, who.notes));
}

function languageName(code) {
  try {
    return new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(code);
  } catch {
    return code;
  }
}

function packet(card) {
  const given = card.handoff;
  if (!given) return null;
  const from = card.asked_by || card.given_by;
  const slots = given.slots.map((slot) =>
    h("div.slot", {}, h("span.muted", {}, slot.name.replaceAll("_", " ")), h("span.mono.strong", {}, slot.value),
      slot.confirmed ? h("span.chip.good", {}, icon("check", "small"), t("context.confirmed")) : h("span.chip", {}, `${Math.round(slot.confidence * 100)} %`)));
  const articles = given.articles.map((one) =>
    h("a.row", { href: safeLink(one.url), target: "_blank", rel: "noopener" }, icon("book", "small"), one.title));
  return h("section.block", {}, h("div.packet", {},
    h("h3", {}, icon(from ? "user" : "bot", "small"), from ? t("context.packet_from", { name: from }) : t("context.packet")),
    h("p.summary", {}, given.summary || given.reason),
    h("div.row", { style: { "flex-wrap": "wrap" } }, given.intent && h("span.chip.bot", { title: t("context.intent") }, given.intent), h("span.chip", { title: t("context.reason") }, given.reason)),
    slots,
    given.last_utterance && h("p.small", {}, h("span.muted", {}, `${t("context.last")}: `), `“${given.last_utterance}”`),
    articles.length > 0 && h("div.stack", { style: { gap: "3px" } }, h("h3", {}, t("context.shown")), articles),
    given.tried.length > 0 && h("p.small", {}, h("span.muted", {}, `${t("context.tried")}: `), given.tried.join(" · "))));
}

function history(card, act) {
  const rows = card.history.map((one) =>
    h("button.past", { type: "button", onclick: () => act.read(one.id) },
      channelMark(one.channel, t(`channel.${one.channel}`)),
      h("span.clip", {}, one.subject || t(`channel.${one.channel}`)), h("span.muted.small.num", {}, clock(one.created_at)),
      h("span.muted.small.clip", {}, [one.queue_name, one.disposition && t(`disposition.${one.disposition}`), one.state !== "ended" && t(`state.${one.state}`)].filter(Boolean).join(" · ") || one.end_reason), h("span", {})));
  return h("section.block", {}, h("h3", {}, t("context.history")), rows.length ? rows : h("p.muted.small", {}, t("context.no_history")));
}

/** The search box and its results; made once. `act.search(words)` and `act.insert(text)`. */
export function knowledgePanel(act) {
  const found = h("div.stack", {}, h("p.muted.small", {}, t("know.hint")));
  const words = h("input.input", { type: "search", id: "search", placeholder: t("know.search"), "aria-label": t("know.search") });
  let latest = 0;
  const search = async () => {
    const mine = ++latest;
    if (!words.value.trim()) return found.replaceChildren(h("p.muted.small", {}, t("know.hint")));
    const articles = await act.search(words.value).catch((error) => error);
    if (mine !== latest) return undefined;
    if (articles instanceof Error) return found.replaceChildren(h("div.notice.bad", {}, articles.message));
    return found.replaceChildren(...(articles.length ? articles.map((one) => article(one, act)) : [h("p.muted.small", {}, t("know.none"))]));
  };
  let wait;
  words.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(search, 250); });
  words.addEventListener("keydown", (event) => { if (event.key === "Enter") { clearTimeout(wait); search(); } });
  return h("div.stack", { style: { padding: "12px 0", gap: "12px" } }, words, found);
}

function article(one, act) {
  const link = new URL(safeLink(one.url), location.href).href;
  return h("article.article", {}, h("div.strong", {}, one.title), one.quote && h("p.quote", {}, one.quote),
    h("div.row", {}, h("button.button", { type: "button", onclick: () => act.insert(`${one.quote || one.title}\n${link}`) }, icon("quote", "small"), t("know.insert")),
      h("a.button.quiet", { href: safeLink(one.url), target: "_blank", rel: "noopener" }, t("know.open"))));
}
