// The picture of a flow: zoomed, its steps chosen by mouse or arrow keys, two of them marked.

import { csrf } from "./http.js";
import { h } from "./dom.js";

const STEP = 1.25;
const [SMALLEST, LARGEST] = [0.08, 2];
const READABLE = 0.75;

export class Drawing {
  /** `choose(step)` is called when somebody chooses one. */
  constructor(name, choose) {
    Object.assign(this, { name, choose, scale: 0, drawn: "" });
    this.place = document.getElementById("flow-picture");
    this.before = document.getElementById("flow-drawn-before");
    this.place.addEventListener("click", (event) => this.clicked(event));
    this.place.addEventListener("keydown", (event) => this.pressed(event));
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.zoom(button.dataset.zoom));
    }
    this.place.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? "in" : "out");
    }, { passive: false });
  }

  /** Draw the text; a text that cannot be read leaves the picture as it was, and says so. */
  async show(text, language) {
    const key = `${language}\n${text}`;
    if (key === this.drawn) return;
    const response = await fetch(`/api/flows/${encodeURIComponent(this.name)}/drawing`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify({ text, language }),
    }).catch(() => null);
    this.old(!response?.ok);
    if (!response?.ok) return;
    this.put(await response.text());
    this.drawn = key;
  }

  old(is) {
    this.before.hidden = !is || !this.svg;
    this.place.classList.toggle("old", is);
    if (!this.svg && is) this.place.replaceChildren(h("div.empty", {}, h("p", {}, this.before.textContent)));
  }

  put(source) {
    const found = new DOMParser().parseFromString(source, "image/svg+xml").documentElement;
    const [left, top] = [this.place.scrollLeft, this.place.scrollTop];
    this.svg = document.importNode(found, true);
    [this.width, this.height] = ["width", "height"].map((side) => Number(found.getAttribute(side)));
    for (const step of this.steps) {
      step.setAttribute("role", "button");
      step.setAttribute("tabindex", "-1");
      step.setAttribute("aria-label", step.querySelector("title").textContent.split("\n").slice(0, 2).join(": "));
    }
    for (const link of this.svg.querySelectorAll("a")) link.setAttribute("tabindex", "-1");
    this.place.replaceChildren(this.svg);
    this.scale ||= READABLE;
    this.size();
    this.place.scrollTo(left, top);
    this.mark("chosen", this.chosen);
    this.mark("here", this.at);
  }

  get steps() {
    return this.svg ? [...this.svg.querySelectorAll("g[id^='step-']")] : [];
  }

  find(step) {
    return this.steps.find((one) => one.id === `step-${step}`);
  }

  // -- zoom ------------------------------------------------------------------------

  zoom(how) {
    if (!this.svg) return;
    const middle = [this.place.scrollLeft + this.place.clientWidth / 2, this.place.scrollTop + this.place.clientHeight / 2].map((one) => one / this.scale);
    const fit = Math.min(1, this.place.clientWidth / this.width, this.place.clientHeight / this.height);
    this.scale = how === "fit" ? Math.max(SMALLEST, fit) : Math.min(LARGEST, Math.max(SMALLEST, this.scale * (how === "in" ? STEP : 1 / STEP)));
    this.size();
    if (how === "fit") this.place.scrollTo(0, 0);
    else this.place.scrollTo(middle[0] * this.scale - this.place.clientWidth / 2, middle[1] * this.scale - this.place.clientHeight / 2);
  }

  size() {
    this.svg.setAttribute("width", this.width * this.scale);
    this.svg.setAttribute("height", this.height * this.scale);
  }

  // -- choosing ---------------------------------------------------------------------

  clicked(event) {
    const link = event.target.closest("a");
    if (link) event.preventDefault();
    const step = link ? decodeURIComponent(link.getAttribute("href")).slice("#step-".length) : event.target.closest("g[id^='step-']")?.id.slice("step-".length);
    if (!step) return;
    this.mark("chosen", step, true);
    this.choose(step);
  }

  /** Arrow keys go from step to step, Enter to its line. */
  pressed(event) {
    const steps = this.steps;
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const now = steps.indexOf(document.activeElement);
    if (by && !event.altKey && !event.ctrlKey && (now >= 0 || document.activeElement === this.place)) {
      event.preventDefault();
      const next = steps[(Math.max(now, by > 0 ? -1 : 0) + by + steps.length) % steps.length];
      next?.focus({ preventScroll: true });
      this.reveal(next);
    } else if (event.key === "Enter" && now >= 0) {
      event.preventDefault();
      this.choose(steps[now].id.slice("step-".length));
    }
  }

  /** Mark a step: "chosen" in the text, or "here" where the trial is. */
  mark(how, step, shown = false) {
    if (how === "here") this.at = step;
    else this.chosen = step;
    if (shown) this.latest = step;
    for (const one of this.steps) one.classList.toggle(how, one.id === `step-${step}`);
    if (shown) this.reveal(this.find(step));
  }

  /** The picture can be seen again: show what was marked meanwhile. */
  seen() {
    this.reveal(this.find(this.latest));
  }

  reveal(step) {
    if (!step || this.place.offsetParent === null) return;
    const [box, frame] = [step.getBoundingClientRect(), this.place.getBoundingClientRect()];
    if (box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom) return;
    this.place.scrollBy({
      left: box.left - frame.left - Math.max(0, (frame.width - box.width) / 2),
      top: box.top - frame.top - Math.max(0, (frame.height - box.height) / 2),
      behavior: "smooth",
    });
  }
}
