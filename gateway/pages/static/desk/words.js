// The page's texts, in the reader's language (embedded by the server).

const texts = JSON.parse(document.getElementById("words").textContent);

/** A text with its {places} filled; the last part of the key when nobody wrote it. */
export function t(key, values = {}) {
  const text = texts[key] ?? key.split(".").slice(1).join(".") ?? key;
  return text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

const pauses = new Map();

/** The company's own names of its pause codes, for those that we have no word for. */
export function namePauses(list) {
  for (const { code, name } of list) pauses.set(code, name);
}

/** Why somebody is away. */
export const reasonText = (code) => texts[`reason.${code}`] ?? pauses.get(code) ?? code;

/** A channel in small letters, for counts: "2 chat". */
export const channelText = (channel) => t(`channel.${channel}`).toLowerCase();

/** How it ended, as a word or as the code itself. */
export const dispositionText = (code) => texts[`disposition.${code}`] ?? code;
