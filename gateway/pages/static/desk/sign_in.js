// The sign-in form.

import { post } from "./http.js";
import { t } from "./words.js";
import "./shell.js";

const form = document.getElementById("sign-in");
const notice = document.getElementById("sign-in-error");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  notice.hidden = true;
  try {
    const answer = await post("/sign-in", {
      login: form.login.value,
      password: form.password.value,
      next: form.dataset.next,
    });
    location.assign(answer.next);
  } catch (error) {
    notice.querySelector("span").textContent = error instanceof TypeError ? t("door.offline") : error.message;
    notice.hidden = false;
    form.password.select();
  } finally {
    button.disabled = false;
  }
});
