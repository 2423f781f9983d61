// Saving a flow: what it would change, who gets it, why. Refused when somebody was faster.

import { h } from "./dom.js";
import { post } from "./http.js";
import { t } from "./words.js";

const dialog = document.getElementById("flow-saving");
const form = dialog.querySelector("form");
const alarm = dialog.querySelector("[role=alert]");
const SHOWN = 400;
/** Lines of differences; more than that nobody reads here. */

export class Saving {
  /** `page` gives `text`, `base`, `data` and `errors`; `saved(answer, percent)` is told. */
  constructor(page, saved) {
    Object.assign(this, { page, saved });
    form.addEventListener("submit", (event) => { event.preventDefault(); this.send(event.submitter); });
    form.elements.percent.addEventListener("focus", () => { form.elements.who.value = "share"; });
  }

  async open() {
    if (dialog.open) return;
    const { page } = this;
    alarm.hidden = true;
    form.elements.percent.value = page.data.percent || 10;
    const bad = page.errors > 0;
    document.getElementById("flow-saving-check").replaceChildren(...(bad ? [h("div.notice.bad", {}, h("span", {}, t("flow.cannot_run", { n: page.errors })))] : []));
    dialog.querySelector("[type=submit]").disabled = bad;
    document.getElementById("flow-changes").replaceChildren();
    document.getElementById("flow-changed").textContent = t("flow.comparing");
    dialog.showModal();
    document.getElementById("flow-note").focus();
    await this.compare(page.data.live);
  }

  async compare(version) {
    try {
      const found = await post(`/api/flows/${encodeURIComponent(this.page.data.name)}/differences`, { text: this.page.text, version });
      document.getElementById("flow-changed").textContent = t(found.changes.length ? "flow.changes" : "flow.no_changes", { n: found.changes.length, version });
      document.getElementById("flow-changes").replaceChildren(...shown(found.changes));
    } catch (error) {
      document.getElementById("flow-changed").textContent = error.message;
    }
  }

  async send(button) {
    const who = form.elements.who.value;
    const percent = { nobody: 0, share: Number(form.elements.percent.value), all: 100 }[who];
    const note = document.getElementById("flow-note");
    button.disabled = true;
    try {
      const { page } = this;
      const answer = await post(`/api/flows/${encodeURIComponent(page.data.name)}/publish`, { text: page.text, percent, note: note.value.trim(), base: page.base });
      note.value = "";
      dialog.close();
      this.saved(answer, percent);
    } catch (error) {
      alarm.querySelector("span").textContent = error.message;
      alarm.hidden = false;
      if (await this.page.lookAround(true)) dialog.close();
    } finally {
      button.disabled = false;
    }
  }
}

/** Runs of lines that went and came. */
export function shown(changes) {
  let left = SHOWN;
  return changes.map((run) => {
    const lines = [...run.was.map((line) => h("del", {}, line)), ...run.now.map((line) => h("ins", {}, line))].slice(0, Math.max(0, left));
    left -= lines.length;
    return lines.length > 0 && h("div.run", {}, h("div.place", {}, t("conf.line", { n: run.line })), lines);
  }).filter(Boolean);
}
