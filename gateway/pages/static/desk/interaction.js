// One interaction: the timeline in full or only how it was distributed, followed while it is open.

import "./follow.js";

const CHOICE = "parley.story";
const page = document.querySelector(".detail");
const choices = document.querySelectorAll("input[name=story]");

function show(which) {
  page.dataset.story = which;
  for (const choice of choices) choice.checked = choice.value === which;
}

for (const choice of choices) {
  choice.addEventListener("change", () => {
    localStorage.setItem(CHOICE, choice.value);
    show(choice.value);
  });
}
// Whoever chose before this script had come is not overruled by what was kept.
const chosen = [...choices].find((choice) => choice.checked && !choice.defaultChecked);
show(chosen?.value ?? (localStorage.getItem(CHOICE) === "routing" ? "routing" : "all"));
