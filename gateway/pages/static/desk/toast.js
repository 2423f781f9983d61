// Short notices at the bottom of the page.

import { h, icon } from "./dom.js";
import { t } from "./words.js";

const SHOWN_MS = 6000;

/** Show a notice; kind "bad" for a failure. */
export function toast(text, kind = "") {
  const close = h("button", { "aria-label": t("shell.close"), onclick: () => box.remove() }, icon("close", "small"));
  const box = h(kind ? `div.toast.${kind}` : "div.toast", {}, kind ? icon("alert") : null, h("span", {}, text), close);
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), SHOWN_MS);
}
