// Elements without a framework: h("p.note", {title: "…"}, "text", child).

const ICONS = "/static/desk/icons.svg";
const SVG = "http://www.w3.org/2000/svg";

/** An element. `spec` is tag.class.class; functions become listeners; null and false are left out. */
export function h(spec, props, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
  else if (name in element && typeof value === "boolean") element[name] = value;
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : value);
}

/** Make `place` hold exactly `wanted`, leaving alone what is already there (open parts, frames). */
export function patch(place, wanted) {
  wanted.forEach((element, index) => {
    if (place.children[index] !== element) place.insertBefore(element, place.children[index] ?? null);
  });
  while (place.children.length > wanted.length) place.lastElementChild.remove();
}

/** Draw `children` anew in `place`; what had the focus there has it again. */
export function redraw(place, children) {
  const path = [];
  for (let element = document.activeElement; element && element !== place; element = element.parentElement) {
    if (!place.contains(element)) break;
    path.unshift([...element.parentElement.children].indexOf(element));
  }
  place.replaceChildren(...children);
  if (!path.length) return;
  path.reduce((element, index) => element?.children[index], place)?.focus?.({ preventScroll: true });
}

/** An icon of the sprite, hidden from screen readers. */
export function icon(name, size = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${size}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${ICONS}#${name}`);
  svg.append(use);
  return svg;
}

/** The coloured mark of a channel. */
export function channelMark(channel, title) {
  return h(`span.channel.${channel}`, { title }, icon(channel === "voice" ? "phone" : channel));
}

/** A round mark with initials, in the customer's own colour. */
export function avatar(name, hue, large = false) {
  const initials = (name || "").split(/\s+/).map((part) => /^\p{L}/u.exec(part)?.[0] ?? "").slice(0, 2).join("").toUpperCase();
  return h(large ? "span.avatar.large" : "span.avatar", { style: { "--hue": hue }, "aria-hidden": "true" }, initials || icon("user"));
}
