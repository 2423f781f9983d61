// What is wrong or doubtful in a flow: a list of which each item leads to its line.

import { h } from "./dom.js";
import { t } from "./words.js";

const MARKS = { error: "✖", warning: "▲", hint: "●" };
const LEVELS = Object.keys(MARKS);

export class Findings {
  /** `choose(line)` shows a line of the text. */
  constructor(choose) {
    this.choose = choose;
    this.sum = document.getElementById("flow-sum");
    this.list = document.getElementById("flow-list");
    this.found = [];
  }

  get errors() {
    return this.found.filter((one) => one.level === "error").length;
  }

  /** The worst of each line, for the gutter. */
  get marks() {
    const marks = new Map();
    for (const one of this.found.toReversed()) if (one.line) marks.set(one.line, one.level);
    for (const one of this.found) if (one.line && one.level === "error") marks.set(one.line, "error");
    return marks;
  }

  show(found) {
    this.found = found.toSorted((one, two) => LEVELS.indexOf(one.level) - LEVELS.indexOf(two.level) || one.line - two.line);
    const counts = LEVELS.map((level) => [level, found.filter((one) => one.level === level).length]).filter(([, n]) => n);
    this.sum.replaceChildren(...(counts.length
      ? counts.map(([level, n]) => h(`span.level.strong.${level}`, {}, `${MARKS[level]} ${t(`flow.level.${level}`, { n })}`))
      : [h("span.chip.good", {}, t("flow.fine"))]));
    this.list.replaceChildren(...this.found.map((one) => this.item(one)));
  }

  item(one) {
    return h("li", {}, h("button", { type: "button", onclick: () => this.choose(one.line) },
      h(`span.level.${one.level}`, { "aria-label": t(`flow.one.${one.level}`) }, MARKS[one.level]),
      h("span.line.num", {}, one.line ? t("conf.line", { n: one.line }) : ""),
      h("span", {}, h("span.strong", {}, one.place), one.place && " ", one.problem, " ", h("span.muted.small", {}, one.rule)),
      one.fix && h("span.fix", {}, `→ ${one.fix}`)));
  }

  /** The next finding below `line` (above with back), round the end. */
  next(line, back) {
    const lines = [...new Set(this.found.map((one) => one.line).filter(Boolean))].sort((one, two) => one - two);
    if (!lines.length) return;
    const beyond = back ? lines.findLast((one) => one < line) : lines.find((one) => one > line);
    this.choose(beyond ?? lines.at(back ? -1 : 0));
  }
}
