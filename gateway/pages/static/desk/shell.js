// What every page has: theme, language, sign-out, dialogs, menus.

import { post } from "./http.js";
import { toast } from "./toast.js";

document.getElementById("theme-switch")?.addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("parley.theme", root.dataset.theme);
});

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    document.cookie = `parley_language=${button.dataset.language}; path=/; max-age=31536000; samesite=lax`;
    location.reload();
  });
}

document.getElementById("sign-out")?.addEventListener("click", async () => {
  try {
    const answer = await post("/sign-out");
    location.assign(answer.next);
  } catch (error) {
    toast(error.message, "bad");
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
