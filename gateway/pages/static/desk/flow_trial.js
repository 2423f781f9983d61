// A conversation with the text as it stands: what is said and why, the step, the slots.

import { h, icon } from "./dom.js";
import { csrf } from "./http.js";
import { t } from "./words.js";

const WHY = "parley.flow.why";
const form = document.getElementById("trial-setting");
const say = document.getElementById("trial-say");
const talk = document.getElementById("trial-talk");
const place = document.getElementById("trial-place");
const again = document.getElementById("trial-repeat");
const why = document.getElementById("trial-why");

async function ask(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw Object.assign(new Error(answer.problems?.join("\n") ?? answer.detail ?? `HTTP ${response.status}`), { status: response.status });
}

export class TrialTalk {
  /** `text()` and `language()` give what is tried; `show(step, line)` is told where it is. */
  constructor(name, { text, language, show }) {
    Object.assign(this, { name, text, language, show, lines: [], id: null, tried: null, last: Promise.resolve() });
    form.addEventListener("submit", (event) => { event.preventDefault(); this.run(() => this.begin()); });
    again.addEventListener("click", () => this.run(() => this.repeat(this.lines)));
    form.elements.channel.addEventListener("change", () => this.forget());
    form.elements.systems.addEventListener("change", () => {
      document.getElementById("trial-answers").hidden = form.elements.systems.value !== "made_up";
      this.forget();
    });
    document.getElementById("trial-made-up").addEventListener("input", () => this.forget());
    say.addEventListener("submit", (event) => {
      event.preventDefault();
      const line = say.elements.line.value;
      if (!line.trim()) return;
      say.elements.line.value = "";
      this.run(() => this.say(line));
    });
    document.getElementById("trial-silence").addEventListener("click", () => this.run(() => this.say("")));
    why.checked = localStorage.getItem(WHY) !== "0";
    why.addEventListener("change", () => { localStorage.setItem(WHY, why.checked ? "1" : "0"); this.quiet(); });
    this.quiet();
    this.dress();
  }

  get voice() {
    return form.elements.channel.value === "voice";
  }

  quiet() {
    talk.classList.toggle("quiet", !why.checked);
  }

  dress() {
    document.getElementById("trial-silence").hidden = !this.voice;
    document.getElementById("trial-voice-hint").hidden = !this.voice;
    again.disabled = !this.lines.length;
  }

  /** The next line begins anew: another channel, other systems. */
  forget() {
    this.id = null;
    this.dress();
  }

  /** One thing after the other; what goes wrong is said in the conversation. */
  run(act) {
    this.last = this.last.then(async () => {
      talk.setAttribute("aria-busy", "true");
      try {
        await act();
      } catch (error) {
        this.add(h("div.notice.bad", { role: "alert" }, icon("alert", "small"), h("span", { style: { "white-space": "pre-line" } }, error.message)));
      }
      talk.removeAttribute("aria-busy");
      this.dress();
    });
  }

  async begin() {
    if (this.id) this.end();
    this.lines = [];
    talk.replaceChildren();
    const systems = form.elements.systems.value;
    this.tried = this.text();
    const answer = await ask(`/api/flows/${encodeURIComponent(this.name)}/trials`, {
      text: this.tried,
      channel: form.elements.channel.value,
      language: this.language(),
      answers: systems === "made_up" ? document.getElementById("trial-made-up").value : "",
      real: systems === "real",
    });
    this.id = answer.trial_id;
    if (!answer.said.length) this.add(h("p.muted.small", {}, t("flow.customer_first")));
    this.took(answer);
  }

  async say(line) {
    if (!this.id) await this.begin();
    this.add(h("div.customer", {}, line || t("flow.silent")));
    const waits = this.add(h("p.muted.small", {}, "…"));
    try {
      this.took(await ask(`/api/flow-trials/${this.id}/lines`, { line }));
      this.lines.push(line);
    } catch (error) {
      if (error.status !== 404) throw error;
      // It is gone from the server: the same is said again, and then this.
      this.id = null;
      await this.repeat([...this.lines, line]);
    } finally {
      waits.remove();
    }
  }

  /** The same lines to the text as it is now. */
  async repeat(lines) {
    await this.begin();
    for (const line of lines) {
      if (this.over) break;
      await this.say(line);
    }
  }

  end() {
    fetch(`/api/flow-trials/${this.id}`, { method: "DELETE", headers: { "X-CSRF-Token": csrf } }).catch(() => {});
    this.id = null;
  }

  took(answer) {
    this.over = answer.over;
    for (const reason of answer.why) this.add(h("p.reason", {}, reason));
    for (const said of answer.said) this.add(h("div.bot", {}, said));
    if (answer.outcome.length) this.add(h("div.end", {}, answer.outcome.join("\n")));
    if (answer.over) this.id = null;
    this.placed(answer);
    this.show(answer.step, answer.line);
  }

  placed(answer) {
    place.hidden = false;
    const step = h("button.chip.bot", { type: "button", onclick: () => this.show(answer.step, answer.line, true) }, `${answer.step}${answer.line ? ` · ${t("conf.line", { n: answer.line })}` : ""}`);
    place.replaceChildren(h("span.muted", {}, t("flow.at")), step, ...answer.slots.map((slot) =>
      h("span.chip", { title: `${Math.round(slot.confidence * 100)} %` }, slot.confirmed && icon("check", "small"), `${slot.name} = ${slot.value}`)));
  }

  add(element) {
    talk.append(element);
    talk.scrollTop = talk.scrollHeight;
    return element;
  }

  /** The text is another one by now. */
  aged() {
    again.classList.toggle("on", this.tried !== null && this.lines.length > 0 && this.tried !== this.text());
  }
}
