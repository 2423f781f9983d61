// Why somebody still waits, in a line or two, fetched when asked for and kept fresh while shown.

import { h } from "./dom.js";
import { clockSeconds } from "./time.js";
import { t } from "./words.js";

const FRESH_MS = 4000;

export class Reasons {
  constructor() {
    this.places = new Map();
    setInterval(() => this.places.forEach((_, id) => this.load(id)), FRESH_MS);
  }

  isOpen(id) {
    return this.places.has(id);
  }

  close(id) {
    return this.places.delete(id);
  }

  toggle(id) {
    if (this.close(id)) return;
    this.places.set(id, h("div.reasons", { role: "status" }, "…"));
    this.load(id);
  }

  /** The element with the reason; the same one however often the page is drawn. */
  place(id) {
    return this.places.get(id);
  }

  async load(id) {
    const answer = await fetch(`/api/interactions/${id}/routing`).catch(() => null);
    if (!answer?.ok || !this.places.has(id)) return;
    const { waiting } = await answer.json();
    if (waiting) this.places.get(id)?.replaceChildren(...waiting.queues.flatMap((queue) => reason(queue, waiting)));
    else this.close(id);
  }
}

/** One queue: who could take it, what keeps the others, and what time will change. */
function reason(queue, waiting) {
  const { next } = queue;
  const parts = [needed(queue)];
  if (queue.nobody_has_it && queue.agents.length) parts.push(t("route.nobody_has_it"));
  if (queue.shut !== null) parts.push(t("route.shut", { why: queue.shut }));
  if (waiting.prefers) parts.push(waiting.prefers_until ? t("route.prefers", { name: waiting.prefers, t: clockSeconds(waiting.prefers_until) }) : t("route.prefers_open", { name: waiting.prefers }));
  if (queue.able) parts.push(t("route.able", { n: queue.able }));
  for (const [obstacle, n] of Object.entries(queue.counts)) parts.push(`${n} × ${t(`obstacle.${obstacle}`)}`);
  if (!queue.agents.length) parts.push(t("route.nobody"));
  if (next && next.tier > queue.tier) parts.push(t("route.next_tier", { n: next.tier, t: clockSeconds(next.at) }));
  return [h("div", {}, h("span.strong", {}, `${queue.name}: `), parts.join(" · "))];
}

/** What the queue asks for, and until when. */
function needed({ needs, next }) {
  const now = needsText(needs);
  const then = next ? needsText(next.needs) : now;
  return then === now ? t("route.needs_now", { needs: now }) : t("route.needs_until", { needs: now, t: clockSeconds(next.at), then });
}

/** Skills and levels, or that there is none. */
export function needsText(needs) {
  return needs.map((need) => `${need.skill} ≥ ${need.level}`).join(", ") || t("route.no_needs");
}
