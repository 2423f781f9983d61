// Left: what rings, what is in conversation, what waits to be filed.

import { summaryOf } from "./context.js";
import { channelMark, h, icon } from "./dom.js";
import { t } from "./words.js";

/** The column. `act` has accept, reject, select, become. */
export function drawWork(desk, act) {
  const ringing = [...desk.offers.values()];
  const cards = desk.sorted();
  const active = cards.filter((card) => card.state === "agent");
  const wrapUp = cards.filter((card) => card.state === "wrap-up");
  const parts = [];
  if (ringing.length) parts.push(section("work.ringing", ringing.length, ringing.map((offer, index) => ring(offer, act, index === 0))));
  if (active.length) parts.push(section("work.active", active.length, active.map((card) => job(card, desk, act))));
  if (wrapUp.length) parts.push(section("work.wrap_up", wrapUp.length, wrapUp.map((card) => job(card, desk, act))));
  if (!parts.length) parts.push(nothing(desk, act));
  return parts;
}

function section(key, count, rows) {
  return h("section", {}, h("h3", {}, t(key), h("span.count", {}, String(count))), rows);
}

/** Whose it is; a colleague's question says so. */
export function nameOf(card) {
  const customer = card.customer.name || (card.parent_id ? "" : card.from) || t("work.unnamed");
  return card.parent_id ? t("work.question", { name: card.asked_by, customer }) : customer;
}

/** The keys answer the first one that rings. */
function ring(offer, act, first) {
  const { card } = offer;
  const packet = card.handoff;
  const waited = card.joined_at && h("span.num", { dataset: { since: card.joined_at } });
  return h("article.ring", { dataset: { offer: offer.id } },
    h("div.row", {}, channelMark(card.channel, t(`channel.${card.channel}`)),
      h("div.grow", {}, h("div.row", {}, h(card.parent_id ? "span.who" : "span.who.clip", {}, nameOf(card)), card.customer.vip && h("span.chip.warn", {}, icon("star", "small"), t("context.vip"))),
        h("div.muted.small.clip", {}, [t(`channel.${card.channel}`), card.queue_name].filter(Boolean).join(" · "))),
      h("div.row.small.muted.num", { title: t("floor.waiting"), style: { gap: "4px" } }, icon("clock", "small"), waited)),
    (card.parent_id ? card.subject : packet) && h("p.summary", {}, card.parent_id ? card.subject : summaryOf(packet)),
    offer.why && h("p.why", {}, offer.why),
    h("div.drain", {}, h("i", { dataset: { drain: `${offer.made_at} ${offer.expires_at}` } })),
    h("div.acts", {},
      h("button.button.good", { type: "button", onclick: () => act.accept(offer.id) }, icon("check"), t("offer.accept"), first && h("kbd", {}, "Alt A")),
      h("button.button", { type: "button", onclick: () => act.reject(offer.id) }, t("offer.reject"))));
}

function job(card, desk, act) {
  const last = card.messages.at(-1);
  const unread = desk.unread.get(card.id);
  const timer = card.state === "wrap-up"
    ? card.wrap_up_until ? { until: card.wrap_up_until } : { since: card.left_at }
    : { since: card.accepted_at };
  return h("button.job", { type: "button", "aria-current": card.id === desk.selected ? "true" : "false", dataset: { job: card.id }, onclick: () => act.select(card.id) },
    channelMark(card.channel, t(`channel.${card.channel}`)),
    h("span.name.clip", {}, nameOf(card)),
    h("span.time", { dataset: timer }),
    h("span.line.clip", {}, card.talk?.third && !card.parent_id ? t(`talk.short.${card.talk.arrangement}`, { name: card.talk.third.name || t("talk.somebody") }) : last ? last.text : card.subject || summaryOf(card.handoff)),
    unread ? h("span.badge", {}, String(unread)) : h("span", {}));
}

function nothing(desk, act) {
  const away = desk.me && desk.me.presence !== "available";
  return h("div.empty", {}, icon("desk"), h("p", {}, t("work.none")),
    away && h("button.button.primary", { type: "button", onclick: act.become }, t("work.go")));
}
