// Put right what the bot understood: one field, Enter keeps it, Escape leaves it.

import { h, icon } from "./dom.js";
import { t } from "./words.js";

export class CorrectDialog {
  /** `ask(type, fields)` talks to the desk; `told(text)` says what came of it. */
  constructor(dialog, ask, told) {
    Object.assign(this, { dialog, ask, told });
    this.label = h("label.strong", { for: "correct-value" });
    this.value = h("input.input.mono", { id: "correct-value", type: "text", maxlength: "200", autocomplete: "off", required: true });
    this.notice = h("div.notice.bad", { role: "alert", hidden: true });
    this.keep = h("button.button.primary.large", { type: "submit" }, icon("check", "small"), t("correct.keep"), h("kbd", {}, "⏎"));
    dialog.append(h("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      h("div.body.stack", {}, this.label, this.value, h("p.muted.small", {}, t("correct.hint")), this.notice, h("div.row", {}, h("span.grow"), this.keep))));
  }

  open(card, name, value) {
    Object.assign(this, { card, name });
    this.label.textContent = name.replaceAll("_", " ");
    this.value.value = value;
    this.notice.hidden = true;
    this.keep.disabled = false;
    this.dialog.showModal();
    this.value.select();
  }

  async submit() {
    if (this.keep.disabled || !this.value.value.trim()) return;
    this.keep.disabled = true;
    try {
      const { value } = await this.ask("correct", { interaction_id: this.card.id, name: this.name, value: this.value.value });
      this.dialog.close();
      this.told(t("correct.done", { name: this.name.replaceAll("_", " "), value }));
    } catch (error) {
      this.keep.disabled = false;
      this.notice.replaceChildren(icon("alert", "small"), h("span", {}, error.message));
      this.notice.hidden = false;
    }
  }
}
