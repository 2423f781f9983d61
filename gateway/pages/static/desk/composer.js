// Below the transcript: the reply box, the phone's buttons, or the wrap-up form.

import { draft, keepDraft } from "./drafts.js";
import { h, icon } from "./dom.js";
import { dispositionText, t } from "./words.js";

const TYPING_MS = 3000;

/** The box for a reply. It is made once per conversation, so drawing never takes the cursor away. */
export function composer(card, act) {
  let noted = 0;
  const mail = card.channel === "email";
  const box = h("textarea.input", {
    id: "reply", rows: mail ? "6" : "3", maxlength: "20000",
    placeholder: t("talk.write", { name: writesTo(card) }), "aria-label": t("talk.write", { name: writesTo(card) }),
  });
  box.value = draft(card.id);
  const send = () => {
    const text = box.value.trim();
    if (!text) return;
    // The draft goes first: sending draws the box anew, and it would come back with the old words.
    box.value = "";
    keepDraft(card.id, "");
    act.send(joinedIn(card) ? card.beside.id : card.id, text);
    document.getElementById(box.id)?.focus();
  };
  box.addEventListener("input", () => {
    keepDraft(card.id, box.value);
    if (card.channel === "chat" && box.value && Date.now() - noted > TYPING_MS) {
      noted = Date.now();
      act.typing(card.id);
    }
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    if (mail ? event.ctrlKey || event.metaKey : !event.shiftKey) {
      event.preventDefault();
      send();
    }
  });
  return h("form.composer", { dataset: { kind: "composer" }, onsubmit: (event) => { event.preventDefault(); send(); } },
    box,
    h("div.foot", {}, h("span.hint.grow", {}, mail ? t("talk.enter_mail") : t("talk.enter")),
      h("button.button.primary", { type: "submit" }, icon("send"), t("talk.send"))));
}

/** Whether the one who was asked has been joined to the customer's written talk. */
export const joinedIn = (card) => card.beside?.kind === "customer" && card.talk?.arrangement === "conference" && card.channel !== "voice";

const writesTo = (card) =>
  joinedIn(card) ? card.beside.name : card.parent_id ? card.asked_by : card.customer.name || card.from;

/** The phone's bar. Drawn again whenever the phone or the card changes. */
export function phoneBar(card, phone, act) {
  const mine = phone.interactionId === card.id;
  const state = mine ? phone.state : "lost";
  const talking = state === "talking";
  const third = card.talk?.third ?? card.parent_id;
  const held = card.on_hold && !third;
  const text = held ? t("phone.held") : t(`phone.${state === "idle" ? "lost" : state}`);
  return h("div.phone-bar", { dataset: { kind: "phone", state } },
    h("div.state", {}, h(`span.dot.${held ? "away" : talking ? "available" : "offline"}`),
      h("span", { role: "status" }, text), h("span.num", { dataset: { since: card.accepted_at } }),
      mine && phone.error && h("span.small.chip.bad", { title: phone.error }, phone.error)),
    state === "lost" && (card.connected || !card.call_back) && h("button.button.primary", { type: "button", onclick: () => act.join(card.id) }, icon("phone"), t("phone.again")),
    h(`button.button${mine && phone.muted ? ".on" : ""}`, { type: "button", disabled: !talking, "aria-pressed": String(mine && phone.muted), onclick: act.mute }, icon(phone.muted ? "mic-off" : "mic"), t(phone.muted ? "phone.unmute" : "phone.mute")),
    !third && h(`button.button${card.on_hold ? ".on" : ""}`, { type: "button", "aria-pressed": String(card.on_hold), onclick: () => act.hold(card) }, icon(card.on_hold ? "play" : "pause"), t(`phone.${card.on_hold ? "resume" : "hold"}`)),
    !third && keypad(card, act),
    h("button.button.bad", { type: "button", onclick: () => act.end(card.id) }, icon("hangup"), t(card.parent_id ? "phone.leave" : "phone.hang_up")));
}

function keypad(card, act) {
  const keys = [..."123456789*0#"].map((digit) =>
    h("button", { type: "button", onclick: () => act.keys(card.id, digit) }, digit));
  return h("details.menu", {}, h("summary.button.square", { title: t("phone.keypad"), "aria-label": t("phone.keypad") }, icon("keypad")), h("div.sheet.up", {}, h("div.pad", {}, keys)));
}

/** How it ended. Made once per conversation, like the composer. */
export function wrapUpForm(card, act) {
  const noteKey = `wrap.${card.id}`;
  const note = h("textarea.input", { name: "note", rows: "3", maxlength: "4000", placeholder: t("wrap.note_hint"), "aria-label": t("wrap.note") });
  note.value = draft(noteKey);
  note.addEventListener("input", () => keepDraft(noteKey, note.value));
  const choices = card.dispositions.map((code, index) =>
    h("label", {}, h("input", { type: "radio", name: "disposition", value: code, required: index === 0 }), h("span", {}, dispositionText(code))));
  const submit = (event) => {
    event.preventDefault();
    const chosen = form.querySelector("input[name=disposition]:checked");
    if (chosen) act.file(card.id, chosen.value, note.value.trim(), () => keepDraft(noteKey, ""));
  };
  const optional = card.wrap_up_mode === "optional";
  const timed = card.wrap_up_until && h("span.chip.warn.num", { title: t("wrap.files_itself") }, icon("clock", "small"), h("span", { dataset: { until: card.wrap_up_until, hurry: "15" } }));
  const form = h("form.wrap-up", { dataset: { kind: "wrap-up", mode: card.wrap_up_mode }, onsubmit: submit, onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); } },
    h("div.row", {}, h("h2", {}, t("wrap.title")), h("span.muted.small.grow", {}, t(`wrap.mode.${card.wrap_up_mode}`)), timed),
    h("div.choices", { role: "radiogroup", "aria-label": t("wrap.title") }, choices),
    h("div.filing", { dataset: { filing: "" } }),
    note,
    h("div.row", { style: { "flex-wrap": "wrap" } }, h("button.button", { type: "button", onclick: () => act.callBack(card) }, icon("clock", "small"), t("cb.open")), h("span.grow"),
      optional && h("button.button", { type: "button", onclick: () => act.skip(card.id) }, t("wrap.skip")),
      h("button.button.primary", { type: "submit" }, icon("check"), t("wrap.file"), h("kbd", {}, "Ctrl ⏎"))));
  return form;
}
