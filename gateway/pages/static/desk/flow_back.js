// Rolling a flow back, in one act: says what will happen, asks why, and does it.

import { post } from "./http.js";
import { t } from "./words.js";

const dialog = document.getElementById("flow-back");
const alarm = dialog.querySelector("[role=alert]");
let asked = null;

function open(button) {
  asked = button.dataset;
  const key = asked.trial ? "flow.back_trial" : "flow.back_live";
  dialog.querySelector("[data-what]").textContent = t(key, { ...asked });
  alarm.hidden = true;
  dialog.showModal();
  dialog.querySelector("input").focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-roll-back]");
  if (button) open(button);
});

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  button.disabled = true;
  try {
    const note = dialog.querySelector("input").value.trim();
    await post(`/api/flows/${encodeURIComponent(asked.rollBack)}/roll-back`, { note, base: asked.tag });
    dialog.close();
    location.reload();
  } catch (error) {
    alarm.querySelector("span").textContent = error.message;
    alarm.hidden = false;
  } finally {
    button.disabled = false;
  }
});
