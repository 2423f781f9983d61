// The floor's list of those who wait. Rows are kept while somebody waits, so that a click or the
// focus is never lost to the next look a second later; only what changed in them is written.

import { Reasons } from "./reasons.js";
import { channelMark, h, icon, patch } from "./dom.js";
import { span } from "./time.js";
import { t } from "./words.js";

export class WaitingTable {
  constructor(place) {
    this.rows = new Map();
    this.reasons = new Reasons();
    this.body = h("tbody");
    const heads = [h("th", {}, t("floor.place")), h("th", {}, t("list.customer")), h("th", {}, `${t("list.queue")} · ${t("floor.needs")}`), h("th.num", {}, t("floor.wait")), h("th.num", {}, t("floor.estimate")), h("th", {}, h("span.visually-hidden", {}, t("route.why")))];
    this.table = h("table.data.waiting", {}, h("thead", {}, h("tr", {}, heads)), this.body);
    this.nobody = h("div.empty", {}, icon("check"), h("p", {}, t("floor.nobody_waits")));
    place.replaceChildren(this.nobody, this.table);
    this.shown = [];
  }

  draw(waits, names) {
    this.shown = [...waits].sort(byPlace);
    this.names = names;
    this.nobody.hidden = waits.length > 0;
    this.table.hidden = waits.length === 0;
    const here = new Set(waits.map((work) => work.id));
    for (const id of this.rows.keys()) if (!here.has(id)) this.forget(id);
    patch(this.body, this.shown.flatMap((work) => this.rowsOf(work)));
  }

  forget(id) {
    this.rows.delete(id);
    this.reasons.close(id);
  }

  rowsOf(work) {
    const row = this.rows.get(work.id) ?? this.make(work);
    const rings = !work.position;
    if (rings) this.reasons.close(work.id);
    write(row.place, rings ? "–" : String(work.position));
    write(row.about, work.estimate_s === null ? "–" : span(work.estimate_s));
    write(row.needs, rings ? `${t("floor.rings")}: ${this.names.get(work.agent_id) ?? "–"}` : needsOf(work));
    row.needs.className = rings ? "chip warn" : "small muted";
    row.ask.hidden = rings;
    const open = this.reasons.isOpen(work.id);
    row.ask.setAttribute("aria-expanded", String(open));
    if (!open) return [row.tr];
    row.because ??= h("tr.because", { id: `why-${work.id}` }, h("td", { colspan: "6" }));
    patch(row.because.firstChild, [this.reasons.place(work.id)]);
    return [row.tr, row.because];
  }

  make(work) {
    const marks = [work.vip && h("span.chip.warn", {}, t("context.vip")), work.call_back && h("span.chip.accent", {}, t("floor.call_back"))];
    const ask = h("button.button.quiet", { type: "button", "aria-controls": `why-${work.id}`, onclick: () => this.toggle(work.id) }, t("route.why"));
    const row = { ask, place: h("td.place"), about: h("td.num.about"), needs: h("span") };
    row.tr = h("tr", {}, row.place,
      h("td.who", {}, h("div.row", {}, channelMark(work.channel, t(`channel.${work.channel}`)),
        h("div", {}, h("div.row", { style: { "flex-wrap": "wrap", gap: "2px 6px" } }, h("a.strong", { href: `/interactions/${work.id}` }, work.customer), marks), h("div.muted.small", {}, work.reason)))),
      h("td.needs", {}, h("div", {}, work.queue_name ?? "–"), row.needs),
      h("td.num", { dataset: { since: work.since, late: work.target_s } }), row.about, h("td.right.ask", {}, ask));
    this.rows.set(work.id, row);
    return row;
  }

  toggle(id) {
    this.reasons.toggle(id);
    patch(this.body, this.shown.flatMap((work) => this.rowsOf(work)));
  }
}

const byPlace = (a, b) =>
  String(a.queue_name).localeCompare(String(b.queue_name)) || (a.position ?? 0) - (b.position ?? 0);

const needsOf = (work) => work.needs.map((need) => `${need.skill} ≥ ${need.level}`).join(", ");

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
