// Keeps [data-live] parts of a page fresh while it has a [data-running] mark.

const FOLLOW_MS = 3000;

/** Only what has changed is put in anew, so that nobody loses the focus or a selection. */
async function follow() {
  if (document.hidden || !document.querySelector("[data-running]")) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!now) old.remove();
    else if (now.outerHTML !== old.outerHTML) old.replaceWith(now);
  }
  if (!fresh.querySelector("[data-running]")) document.querySelector("[data-running]")?.remove();
}

setInterval(follow, FOLLOW_MS);
