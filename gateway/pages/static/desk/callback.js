// Promise the customer a call: a day and a time within the queue's hours, a number, and who calls.

import { h, icon } from "./dom.js";
import { t } from "./words.js";

const STEP_MIN = 15;

export class CallbackDialog {
  /** `ask(type, fields)` talks to the desk; `done(card, due)` when it is promised. */
  constructor(dialog, ask, done) {
    Object.assign(this, { dialog, ask, done });
    this.day = h("select.input", { id: "cb-day" });
    this.time = h("select.input", { id: "cb-time" });
    this.number = h("input.input", { id: "cb-number", type: "tel", list: "cb-numbers", autocomplete: "off" });
    this.numbers = h("datalist", { id: "cb-numbers" });
    this.mine = h("input", { type: "checkbox", id: "cb-mine" });
    this.zone = h("p.muted.small");
    this.notice = h("div.notice.bad", { role: "alert", hidden: true });
    this.save = h("button.button.primary.large", { type: "submit" }, icon("check", "small"), t("cb.promise"));
    const field = (label, input) => h("div.field", {}, h("label", { for: input.id }, t(label)), input);
    dialog.append(h("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      h("div.body.stack", { style: { gap: "14px" } },
        h("div.form-grid", {}, field("cb.day", this.day), field("cb.time", this.time), field("cb.number", this.number)), this.numbers, this.zone,
        h("label.row", {}, this.mine, t("cb.mine")), this.notice, h("div.row", {}, h("span.grow"), this.save))));
    this.day.addEventListener("change", () => this.drawTimes());
  }

  async open(card) {
    this.card = card;
    this.notice.hidden = true;
    this.mine.checked = true;
    this.save.disabled = true;
    this.dialog.showModal();
    try {
      this.plan = await this.ask("callback-times", { interaction_id: card.id });
    } catch (error) {
      this.fail(error.message);
      return;
    }
    this.number.value = this.plan.numbers[0] ?? (card.channel === "voice" || card.channel === "sms" ? card.address : "");
    this.numbers.replaceChildren(...this.plan.numbers.map((number) => h("option", { value: number })));
    this.zone.textContent = t("cb.zone", { queue: this.plan.queue_name, zone: this.plan.zone });
    const days = this.plan.days.filter(({ day }) => this.timesOf(day).length);
    this.day.replaceChildren(...days.map(({ day }) => h("option", { value: day }, dayText(day))));
    if (!days.length) this.fail(t("cb.never"));
    this.drawTimes();
    this.day.focus();
  }

  drawTimes() {
    const times = this.timesOf(this.day.value);
    this.time.replaceChildren(...times.map((time) => h("option", { value: time }, time)));
    this.save.disabled = !times.length;
  }

  /** Quarter hours within the day's shifts; of today only those to come. */
  timesOf(day) {
    const shifts = this.plan.days.find((one) => one.day === day)?.shifts ?? [];
    const soonest = localNow(this.plan.zone);
    const from = day === soonest.day ? soonest.minutes + 1 : 0;
    return shifts.flatMap(([begin, end]) => quarters(minutes(begin), minutes(end))).filter((at) => at >= from).map(clock);
  }

  async submit() {
    this.notice.hidden = true;
    this.save.disabled = true;
    const fields = { interaction_id: this.card.id, day: this.day.value, time: this.time.value, number: this.number.value.trim(), mine: this.mine.checked };
    try {
      await this.ask("schedule-callback", fields);
      this.dialog.close();
      this.done(this.card, `${dayText(fields.day)} ${fields.time}`);
    } catch (error) {
      this.fail(error.message);
    } finally {
      this.save.disabled = false;
    }
  }

  fail(text) {
    this.notice.replaceChildren(icon("alert", "small"), h("span", {}, text));
    this.notice.hidden = false;
  }
}

const minutes = (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const clock = (at) => `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;

function quarters(begin, end) {
  const first = Math.ceil(begin / STEP_MIN) * STEP_MIN;
  return Array.from({ length: Math.max(0, Math.ceil((end - first) / STEP_MIN)) }, (_, index) => first + index * STEP_MIN);
}

function localNow(zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).formatToParts().map(({ type, value }) => [type, value]));
  return { day: `${parts.year}-${parts.month}-${parts.day}`, minutes: Number(parts.hour) * 60 + Number(parts.minute) };
}

const dayText = (day) => new Date(`${day}T12:00:00`).toLocaleDateString(document.documentElement.lang, { weekday: "short", day: "numeric", month: "short" });
