// Keyboard first: Alt and a letter, so that typing is never taken for a command (WCAG 2.1.4).

import { h } from "./dom.js";
import { t } from "./words.js";

const LIST = [
  ["A", "key.accept"], ["R", "key.reject"], ["J / K", "key.next"], ["M", "key.write"], ["S", "key.search"],
  ["T", "key.give"], ["B", "key.call_back"], ["W", "key.swap"], ["G", "key.conference"], ["O", "key.complete"], ["Q", "key.end_question"],
  ["U", "key.mute"], ["H", "key.hold"], ["E", "key.end"], ["P", "key.presence"], ["1 2 3", "key.take_draft"], ["0", "key.aside"], ["N", "key.summarise"], ["I", "key.assist"], ["/", "key.help"],
];

/** Run `acts[letter]` for Alt+letter, unless a dialog is open: it has the keys for itself. */
export function watchKeys(acts) {
  addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const key = /^(Key|Digit)/.test(event.code) ? event.code.replace(/^(Key|Digit)/, "").toLowerCase() : event.code === "Slash" ? "/" : event.key;
    if (!(key in acts)) return;
    event.preventDefault();
    acts[key]();
  });
}

/** The overlay with all of them. */
export function showHelp(dialog) {
  const rows = LIST.flatMap(([keys, text]) => [h("span", {}, h("kbd", {}, `Alt ${keys}`)), h("span", {}, t(text))]);
  dialog.querySelector(".body").replaceChildren(h("div.keys-list", {}, rows, h("span", {}, h("kbd", {}, "Ctrl Enter")), h("span", {}, t("key.send"))));
  dialog.showModal();
}
