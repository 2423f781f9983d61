// Buttons that post and reload, figures that follow a running campaign, and the forms for a
// new campaign and for the do-not-contact list.

import { foldedForm } from "./folded_form.js";
import "./follow.js";
import { post } from "./http.js";
import { toast } from "./toast.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-post]");
  if (!button || (button.dataset.sure && !confirm(button.dataset.sure))) return;
  button.disabled = true;
  try {
    await post(button.dataset.post);
    location.reload();
  } catch (error) {
    toast(error.message, "bad");
    button.disabled = false;
  }
});

foldedForm(document.getElementById("new-campaign"), document.getElementById("campaign-form"), async (form) => {
  const fields = Object.fromEntries(new FormData(form));
  const answer = await post("/campaigns", {
    name: fields.name, channel: fields.channel, flow: fields.flow, csv: await fields.file.text(),
    window_start: fields.window_start, window_end: fields.window_end,
    max_attempts: Number(fields.max_attempts), concurrency: Number(fields.concurrency),
  });
  location.assign(`/campaigns/${answer.id}`);
});

document.getElementById("dnc-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("/do-not-contact", { csv: await document.getElementById("dnc-file").files[0].text() });
    location.reload();
  } catch (error) {
    toast(error.message, "bad");
  }
});
