// Elements without HTML strings: a customer's or an agent's text is only ever text.

const LINK = /\bhttps?:\/\/[^\s<>"'，。！？、）]+/g;
const TRAILING = /[.,;:!?)\]]+$/;

/** `h("a.cls", {href, onclick}, child…)`; strings become text nodes. */
export function h(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

export function icon(path, size = 24) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", size);
  svg.setAttribute("height", size);
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(space, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/** A link, or plain text when the address is not http(s). */
export function link(text, address, base) {
  let url;
  try {
    url = new URL(address, base);
  } catch {
    return document.createTextNode(text);
  }
  if (!["http:", "https:"].includes(url.protocol)) return document.createTextNode(text);
  return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** Text with its web addresses as links. */
export function rich(text) {
  const out = document.createDocumentFragment();
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    const address = found[0].replace(TRAILING, "");
    out.append(text.slice(at, found.index), link(address, address));
    at = found.index + address.length;
  }
  out.append(text.slice(at));
  return out;
}
