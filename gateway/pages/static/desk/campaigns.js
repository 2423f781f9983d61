// Buttons that post and reload, figures that follow a running campaign, and the forms for a
// new campaign and for the do-not-contact list.

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

const form = document.getElementById("campaign-form");
const opener = document.getElementById("new-campaign");
opener?.addEventListener("click", () => {
  form.hidden = !form.hidden;
  opener.setAttribute("aria-expanded", String(!form.hidden));
  if (!form.hidden) form.querySelector("input").focus();
});

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const notice = form.querySelector("[role=alert]");
  notice.hidden = true;
  const fields = Object.fromEntries(new FormData(form));
  const csv = await fields.file.text();
  try {
    const answer = await post("/campaigns", {
      name: fields.name, channel: fields.channel, flow: fields.flow, csv,
      window_start: fields.window_start, window_end: fields.window_end,
      max_attempts: Number(fields.max_attempts), concurrency: Number(fields.concurrency),
    });
    location.assign(`/campaigns/${answer.id}`);
  } catch (error) {
    notice.querySelector("span").textContent = error.message;
    notice.hidden = false;
  }
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
