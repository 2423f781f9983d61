// The server's clock, and timers that run without drawing the page again.

let offsetMs = 0;

/** Take the server's time from a view. */
export function sync(now) {
  if (now) offsetMs = Date.parse(now) - Date.now();
}

export const now = () => Date.now() + offsetMs;

/** Seconds as m:ss, or h:mm:ss. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const pad = (value) => String(value).padStart(2, "0");
  return minutes >= 60
    ? `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`
    : `${minutes}:${pad(whole % 60)}`;
}

/** 14:05, or 3 Nov 14:05 on another day. */
export function clock(iso, language = document.documentElement.lang) {
  const at = new Date(iso);
  const time = at.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hour12: false });
  if (at.toDateString() === new Date(now()).toDateString()) return time;
  return `${at.toLocaleDateString(language, { day: "numeric", month: "short" })} ${time}`;
}

/** 14:05:09. */
export function clockSeconds(iso, language = document.documentElement.lang) {
  return new Date(iso).toLocaleTimeString(language, { hour12: false });
}

/** Seconds since (or until, negative) an ISO time. */
export const since = (iso) => (now() - Date.parse(iso)) / 1000;

function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = span(since(element.dataset.since));
    const late = Number(element.dataset.late ?? 0);
    if (late) element.classList.toggle("late", since(element.dataset.since) > late);
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = -since(element.dataset.until);
    element.textContent = span(left);
    if (element.dataset.hurry) element.classList.toggle("late", left < Number(element.dataset.hurry));
  }
  for (const element of document.querySelectorAll("[data-drain]")) {
    const [begin, end] = element.dataset.drain.split(" ").map(Date.parse);
    const left = Math.max(0, Math.min(1, (end - now()) / (end - begin)));
    element.style.transform = `scaleX(${left})`;
  }
}

setInterval(tick, 250);
/** Fill the timers at once, after drawing. */
export const retime = tick;
