// Right: who it is, what the bot hands over, what was before; and the knowledge base.

import { avatar, channelMark, h, icon } from "./dom.js";
import { safeLink } from "./lines.js";
import { clock, span } from "./time.js";
import { t } from "./words.js";

/** The customer's side of a card (of the conversation, or of what rings). */
export function drawContext(card, act) {
  if (!card) return [h("div.empty", {}, icon("user"), h("p", {}, t("context.none")))];
  return [customer(card), packet(card, act), history(card, act)].filter(Boolean);
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

/** What a packet says in ten seconds, in the language of this desk where it is there. */
export function summaryOf(given) {
  return given?.summaries?.[document.documentElement.lang.slice(0, 2)] || given?.summary || given?.reason || "";
}

function packet(card, act) {
  const given = card.handoff;
  if (!given) return null;
  const from = card.asked_by || card.given_by;
  const articles = given.articles.map((one) =>
    h("a.row", { href: safeLink(one.url), target: "_blank", rel: "noopener" }, icon("book", "small"), one.title));
  return h("section.block", {}, h("div.packet", {},
    h("h3", {}, icon(from ? "user" : "bot", "small"), from ? t("context.packet_from", { name: from }) : t("context.packet")),
    h("p.summary", {}, summaryOf(given)),
    h("div.row", { style: { "flex-wrap": "wrap" } },
      given.intent && h("span.chip.bot", { title: t("context.intent") }, given.intent_label || given.intent),
      h("span.chip", { title: t("context.reason") }, t(`cause.${given.cause}`)),
      proof(given), mood(given), waited(card)),
    given.slots.map((one) => slot(one, card, act)),
    said("context.trigger", given.trigger && (given.trigger.text || given.trigger.digits)),
    given.last_utterance !== given.trigger?.text && said("context.last", given.last_utterance),
    given.open_question && said("context.open_question", given.open_question),
    given.open_slots.length > 0 && line("context.open_slots", given.open_slots.map((name) => stillOpen(name, card, act))),
    articles.length > 0 && h("div.stack", { style: { gap: "3px" } }, h("h3", {}, t("context.shown")), articles),
    given.tried.length > 0 && line("context.tried", given.tried.join(" · "))));
}

/** Only who handles it may put a value right. */
function mine(card) {
  return card.state === "agent" && !card.parent_id;
}

/** A value that the flow would have asked for: who has heard it, writes it down here. */
function stillOpen(name, card, act) {
  const words = name.replaceAll("_", " ");
  return mine(card) ? h("button.button.quiet.pencil", { type: "button", title: t("correct.add"), onclick: () => act.correct(card, name, "") }, icon("plus", "small"), words) : h("span.chip", {}, words);
}

function slot(one, card, act) {
  const mark = one.confirmed ? h("span.chip.good", {}, icon("check", "small"), one.by ? t("context.corrected", { name: one.by }) : t("context.confirmed"))
    : h("span.chip", {}, `${Math.round(one.confidence * 100)} %`);
  return h("div.slot", {}, h("span.muted", {}, one.name.replaceAll("_", " ")), h("span.mono.strong", {}, one.value),
    mine(card) && h("button.button.quiet.pencil", { type: "button", title: t("correct.title"), "aria-label": t("correct.one", { name: one.name.replaceAll("_", " ") }), onclick: () => act.correct(card, one.name, one.value) }, icon("edit", "small")), mark);
}

/** Whether and how they proved who they are; nothing where no flow asks for it. */
function proof(given) {
  const shown = given.authentication;
  if (!shown.level) return null;
  return h("span.chip.good", { title: shown.method }, icon("check", "small"), t("context.proof", { level: shown.level }));
}

/** A word only where the agent should know before saying hello. */
function mood(given) {
  const felt = given.mood;
  if (!felt || (felt.anger < 0.5 && felt.value > -0.4 && !felt.worsening)) return null;
  return h("span.chip.warn", {}, t(felt.anger >= 0.5 ? "context.angry" : felt.worsening ? "context.worsening" : "context.unhappy"));
}

function waited(card) {
  if (!card.joined_at || !card.accepted_at) return null;
  const seconds = (Date.parse(card.accepted_at) - Date.parse(card.joined_at)) / 1000;
  return h("span.chip.num", { title: t("context.waited") }, icon("clock", "small"), span(seconds));
}

function line(key, words) {
  return h("p.small", {}, h("span.muted", {}, `${t(key)}: `), words);
}

function said(key, words) {
  return words ? line(key, `“${words}”`) : null;
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
