// A textarea for YAML with line numbers, marks at lines, and colours behind what is written.
// It stays a plain textarea: undo, search, spelling and screen readers work as everywhere.

import { h } from "./dom.js";

const ABOVE = 6;
/** Lines shown above one that is jumped to. */

export class CodeEditor {
  /** `root` holds .gutter, the textarea, and .paint where what is written gets colours. */
  constructor(root, { changed = () => {}, moved = () => {} } = {}) {
    this.text = root.querySelector("textarea");
    this.gutter = root.querySelector(".gutter");
    this.paint = root.querySelector(".paint");
    this.marks = new Map();
    this.line = 0;
    this.text.addEventListener("input", () => { this.draw(); changed(); });
    this.text.addEventListener("scroll", () => this.follow());
    this.text.addEventListener("keydown", (event) => this.indent(event));
    document.addEventListener("selectionchange", () => this.watch(moved));
    this.draw();
  }

  get value() {
    return this.text.value;
  }

  /** Another text as a whole; as an edit, so that it can be undone. */
  replace(text) {
    if (text === this.value) return;
    this.text.focus();
    this.text.select();
    if (!document.execCommand("insertText", false, text)) this.text.value = text;
    this.text.setSelectionRange(0, 0);
    this.text.scrollTop = 0;
    this.draw();
  }

  /** Line → class: "error", "warning", "hint". */
  mark(marks) {
    this.marks = marks;
    this.draw();
  }

  /** The line of the bot's step, or 0. */
  point(line) {
    this.pointed = line;
    this.draw();
  }

  /** The line in which the cursor stands, from 1. */
  get at() {
    return this.value.slice(0, this.text.selectionStart).split("\n").length;
  }

  /** Choose a line and show it. */
  choose(line) {
    this.text.focus();
    if (!line) return;
    const lines = this.value.split("\n");
    const from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    this.text.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
    this.text.scrollTop = Math.max(0, (line - ABOVE) * (this.text.scrollHeight / lines.length));
    this.text.scrollLeft = 0;
  }

  watch(moved) {
    if (document.activeElement !== this.text || this.at === this.line) return;
    this.line = this.at;
    moved(this.line);
  }

  /** A new line begins where the one above does. */
  indent(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.shiftKey || event.isComposing) return;
    const before = this.value.slice(0, this.text.selectionStart);
    const above = before.slice(before.lastIndexOf("\n") + 1);
    const space = /^ */.exec(above)[0] + (/:\s*$/.test(above) ? "  " : "");
    if (!space) return;
    event.preventDefault();
    document.execCommand("insertText", false, `\n${space}`);
  }

  draw() {
    const lines = this.value.split("\n");
    this.gutter.replaceChildren(...lines.flatMap((_, index) => this.number(index + 1)));
    this.paint?.replaceChildren(...lines.map((line, index) => this.painted(line, index + 1)));
    this.follow();
  }

  number(line) {
    const kind = this.marks.get(line);
    if (line === this.pointed) return [h("b.here", {}, String(line)), "\n"];
    return kind ? [h(`b.${kind}`, {}, String(line)), "\n"] : [`${line}\n`];
  }

  painted(line, number) {
    const kind = number === this.pointed ? "here" : this.marks.get(number);
    return h(kind ? `div.${kind}` : "div", {}, coloured(line));
  }

  follow() {
    this.gutter.scrollTop = this.text.scrollTop;
    if (!this.paint) return;
    this.paint.style.transform = `translate(${-this.text.scrollLeft}px, ${-this.text.scrollTop}px)`;
  }
}

const PARTS = /^(\s*(?:- )?)((?:"[^"]*"|'[^']*'|[\p{L}\p{N}_.-]+)(?=:(?:\s|$)))?(.*?)(\s#.*|^#.*)?$/u;

/** Keys and remarks of a line in their colours; an empty line keeps its height. */
function coloured(line) {
  if (!line) return ["\u200b"];
  const [, space, key, rest, remark] = PARTS.exec(line) ?? ["", "", "", line, ""];
  if (!key && rest.startsWith("#")) return [space, h("i", {}, rest, remark ?? "")];
  return [space, key && h("b", {}, key), ...templates(rest), remark && h("i", {}, remark)];
}

/** What is filled in is told from what is said. */
function templates(text) {
  return text.split(/(\{\{.*?\}\}|\{%.*?%\})/).map((part) => (/^\{[{%]/.test(part) ? h("em", {}, part) : part));
}
