// The supervisor's floor: drawn from a view every second or two.

import { Connection } from "./socket.js";
import { WaitingTable } from "./waiting.js";
import { channelMark, h, icon, redraw } from "./dom.js";
import { retime, span, sync } from "./time.js";
import { t } from "./words.js";

const at = (id) => document.getElementById(id);
const waiting = new WaitingTable(at("waiting"));
const CIRCLE = 2 * Math.PI * 28;

new Connection("/floor/socket", draw, (on) => {
  at("link").hidden = on;
  at("link").replaceChildren(icon("alert", "small"), t("link.off"));
});

function draw(view) {
  if (view.type !== "floor") return;
  sync(view.now);
  const names = new Map(view.agents.map((agent) => [agent.id, agent.name]));
  const waits = view.live.filter((work) => "position" in work);
  const rest = view.live.filter((work) => !("position" in work));
  at("tiles").replaceChildren(...tiles(view));
  at("queues").replaceChildren(...view.queues.map(queueRow));
  redraw(at("agents"), [...view.agents].sort(byPresence).map(agentRow));
  waiting.draw(waits, names);
  redraw(at("live"), [liveTable(rest, names)]);
  retime();
}

function tiles(view) {
  const { totals } = view;
  const longest = view.queues.map((queue) => queue.longest_since).filter(Boolean).sort()[0];
  return [
    tile(totals.waiting, "floor.waiting", totals.waiting > totals.available),
    h("div.tile", {}, longest ? h("div.value", { dataset: { since: longest } }) : h("div.value", {}, "–"), h("div.label", {}, t("floor.longest"))),
    tile(totals.with_agent, "floor.with_agent"),
    tile(totals.with_bot, "floor.with_bot"),
    tile(totals.available, "floor.available", totals.available === 0),
    h("div.tile", {}, h("div.value", {}, percent(view.bot.containment)), h("div.label", { title: t("definition.containment") }, t("floor.containment"))),
  ];
}

const tile = (value, key, alarm = false) => h(alarm ? "div.tile.alarm" : "div.tile", {}, h("div.value", {}, String(value)), h("div.label", {}, t(key)));
const percent = (share) => (share === null ? "–" : `${Math.round(share * 100)}%`);

function queueRow(queue) {
  const { figures } = queue;
  return h("div.queue", { style: { "border-bottom": "1px solid var(--line)" } },
    h("div", {}, h("div.strong", {}, queue.name), h("div.muted.small", { title: t("definition.service_level") }, queue.service_level_formula), !queue.open && h("span.chip", {}, t("floor.closed"))),
    gauge(figures.service_level, queue.service_level_formula),
    figure(h("b", {}, String(queue.waiting)), "floor.waiting"),
    figure(queue.longest_since ? h("b", { dataset: { since: queue.longest_since } }) : h("b", {}, "–"), "floor.longest"),
    figure(h("b", {}, `${figures.answered} / ${figures.abandoned}`), null, `${t("figure.answered")} / ${t("figure.abandoned")}`),
    figure(h("b", {}, figures.aht_s === null ? "–" : span(figures.aht_s)), "figure.aht_s"));
}

const figure = (value, key, text) => h("div.figure", {}, value, h("span", {}, text ?? t(key)));

function gauge(share, formula) {
  const level = share === null ? "" : share >= 0.8 ? "" : share >= 0.6 ? ".mid" : ".low";
  const box = h(`div.gauge${level}`, { title: formula, role: "img", "aria-label": `${t("figure.service_level")} ${percent(share)}: ${formula}` });
  const left = CIRCLE * (1 - (share ?? 0));
  box.innerHTML = `<svg viewBox="0 0 66 66"><circle class="track" cx="33" cy="33" r="28"/>${share === null ? "" : `<circle class="value" cx="33" cy="33" r="28" stroke-dasharray="${CIRCLE}" stroke-dashoffset="${left}"/>`}</svg>`;
  box.append(percent(share));
  return box;
}

const RANK = { available: 0, away: 1, offline: 2 };
const byPresence = (a, b) => RANK[a.presence] - RANK[b.presence] || a.name.localeCompare(b.name);

function agentRow(agent) {
  const jobs = agent.work.map((work) =>
    h("a.chip", { href: `/interactions/${work.id}`, title: t(`state.${work.state}`) }, icon(work.channel === "voice" ? "phone" : work.channel, "small"), work.customer, h("span.num.muted", { dataset: { since: work.since } })));
  const reason = agent.reason && agent.presence !== "available" ? ` · ${t(`reason.${agent.reason}`)}` : "";
  return h("div.person", {}, h(`span.dot.${agent.presence}`), h("div", {}, h("span.strong", {}, agent.name), h("span.muted.small", {}, ` ${t(`presence.${agent.presence}`)}${reason}`)),
    agent.since ? h("span.muted.small.num", { dataset: { since: agent.since } }) : h("span"), jobs.length > 0 && h("div.jobs", {}, jobs), dayOf(agent));
}

/** Occupancy, pauses by reason, refusals and missed offers since midnight. */
function dayOf({ today }) {
  const parts = [
    today.occupancy !== null && `${t("figure.occupancy")} ${percent(today.occupancy)}`,
    ...today.away.map((pause) => `${t(`reason.${pause.reason}`)} ${span(pause.s)}`),
    today.rejected && t("floor.rejected", { n: today.rejected }),
    today.missed && t("floor.missed", { n: today.missed }),
  ].filter(Boolean);
  return parts.length > 0 && h("div.day.muted.small.num", {}, `${t("floor.today")}: ${parts.join(" · ")}`);
}

const CHIP = { bot: "bot", waiting: "warn", offered: "warn", agent: "good", "wrap-up": "accent" };

function liveTable(live, names) {
  if (!live.length) return h("div.empty", {}, h("p", {}, t("floor.no_live")));
  const rows = live.map((work) =>
    h("tr", {}, h("td", { style: { width: "46px" } }, channelMark(work.channel, t(`channel.${work.channel}`))),
      h("td", {}, h("a.strong", { href: `/interactions/${work.id}` }, work.customer), work.vip && h("span.chip.warn", { style: { "margin-left": "6px" } }, t("context.vip")), h("div.muted.small", {}, work.reason)),
      h("td", {}, h(`span.chip.${CHIP[work.state]}`, {}, t(`state.${work.state}`))),
      h("td", {}, work.queue_name ?? "–"), h("td", {}, names.get(work.agent_id) ?? "–"),
      h("td.num", { dataset: { since: work.since } })));
  const heads = ["list.channel", "list.customer", "list.state", "list.queue", "list.agent"].map((key) => h("th", {}, t(key)));
  return h("table.data", {}, h("thead", {}, h("tr", {}, heads, h("th.num", {}, t("list.length")))), h("tbody", {}, rows));
}
