// Dead letters: give back one or a whole group, or throw one away with a note.

import { post } from "./http.js";
import { t } from "./words.js";
import { toast } from "./toast.js";

const dialog = document.getElementById("discard");
const note = dialog.querySelector("textarea");
const notice = dialog.querySelector("[role=alert]");

const path = (...parts) => ["/api/dead-letters", ...parts.map(encodeURIComponent)].join("/");

async function replay(button, address) {
  button.disabled = true;
  try {
    const { replayed } = await post(address);
    remove(button.closest("[data-letter]") ?? button.closest("[data-group]"));
    toast(t("sys.replayed", { n: replayed }));
  } catch (error) {
    toast(error.message, "bad");
    button.disabled = false;
  }
}

/** Take a letter or a whole group off the page; the focus goes to what comes next. */
function remove(element) {
  const group = element.closest("[data-group]");
  const next = element.nextElementSibling ?? element.previousElementSibling;
  element.remove();
  const left = group.querySelectorAll("[data-letter]").length;
  if (left && group.isConnected) group.querySelector("[data-count]").textContent = String(left);
  else group.remove();
  document.getElementById("no-letters").hidden = Boolean(document.querySelector("[data-letter]"));
  (next?.querySelector("[data-replay]") ?? document.querySelector("[data-replay-group]"))?.focus();
}

function askDiscard(button) {
  dialog.dataset.about = button.dataset.discard;
  dialog.querySelector("[data-what]").textContent = button.dataset.what;
  note.value = "";
  notice.hidden = true;
  dialog.showModal();
  note.focus();
}

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const id = dialog.dataset.about;
  try {
    await post(path(id, "discard"), { note: note.value });
    dialog.close();
    remove(document.querySelector(`[data-letter="${CSS.escape(id)}"]`));
    toast(t("sys.was_discarded"));
  } catch (error) {
    notice.querySelector("span").textContent = error.message;
    notice.hidden = false;
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.replay) replay(button, path(button.dataset.replay, "replay"));
  else if (button.dataset.replayGroup) replay(button, path("groups", button.dataset.replayGroup, "replay"));
  else if (button.dataset.discard) askDiscard(button);
});
