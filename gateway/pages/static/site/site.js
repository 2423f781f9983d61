// Harbourline's pages: the buttons that open the chat, ask about a parcel, or call.

import { CallWindow } from "./call.js";

const call = new CallWindow(document.getElementById("call"), document.documentElement.lang);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-chat], [data-call]");
  if (!button) return;
  if (button.dataset.chat !== undefined) window.Parley?.open();
  else call.place();
});

document.querySelector("[data-track]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const order = new FormData(event.target).get("order").trim();
  window.Parley?.open(event.target.dataset.track.replace("{order}", order));
});
