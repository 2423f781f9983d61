// What the agent types is kept in this browser until the server has it.

const DRAFT = "parley.draft.";
const OUTBOX = "parley.outbox";

export const draft = (id) => localStorage.getItem(DRAFT + id) ?? "";

export function keepDraft(id, text) {
  if (text) localStorage.setItem(DRAFT + id, text);
  else localStorage.removeItem(DRAFT + id);
}

const MADE_OF = "parley.made-of.";

/** The suggestion that was last put into the draft: {suggestion_id, kind, text}; null for none. */
export const draftMadeOf = (id) => JSON.parse(localStorage.getItem(MADE_OF + id) ?? "null");

export function keepDraftMadeOf(id, suggestion) {
  if (suggestion) localStorage.setItem(MADE_OF + id, JSON.stringify(suggestion));
  else localStorage.removeItem(MADE_OF + id);
}

const read = () => JSON.parse(localStorage.getItem(OUTBOX) ?? "[]");
const write = (lines) => localStorage.setItem(OUTBOX, JSON.stringify(lines));

/** Lines that were sent but not acknowledged yet: {draft_id, interaction_id, text, suggestion, at}. */
export const unsent = read;

/** Take a line into the outbox; its draft id makes it one message however often it is sent. */
export function putOut(interactionId, text, suggestion = null) {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const draftId = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const line = { draft_id: draftId, interaction_id: interactionId, text, suggestion, at: new Date().toISOString() };
  write([...read(), line]);
  return line;
}

/** The server has it (or has refused it for good). */
export function takeOut(draftId) {
  write(read().filter((line) => line.draft_id !== draftId));
}
