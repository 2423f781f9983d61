// The agent's page: draws what the socket tells, and asks for what the agent does.

import { Assist, madeOf } from "./assist.js";
import { besidePanel, betweenUs, drawTalkOf, fillBeside } from "./consult.js";
import { BrowserPhone } from "./phone.js";
import { CallbackDialog } from "./callback.js";
import { composer, joinedIn, phoneBar, wrapUpForm } from "./composer.js";
import { Connection } from "./socket.js";
import { Desk } from "./state.js";
import { drawContext, knowledgePanel, summaryOf } from "./context.js";
import { drawLines } from "./lines.js";
import { drawWork, nameOf } from "./worklist.js";
import { channelMark, h, icon, patch, redraw } from "./dom.js";
import { draft, keepDraft, keepDraftMadeOf, putOut, takeOut, unsent } from "./drafts.js";
import { CorrectDialog } from "./correct.js";
import { GiveDialog } from "./give.js";
import { clock, retime, sync } from "./time.js";
import { showHelp, watchKeys } from "./keys.js";
import { startRinging, stopRinging } from "./sound.js";
import { namePauses, reasonText, t } from "./words.js";
import { toast } from "./toast.js";

const TYPING_SHOWN_MS = 5000;
const MOVING_MS = 3000;
const at = (id) => document.getElementById(id);
const desk = new Desk();
const places = { lines: null, foot: null, footKey: "", tab: "context" };

const connection = new Connection("/desk/socket", onView, onLink);
const phone = new BrowserPhone((type, fields) => connection.ask(type, fields), at("far-end"), () => drawTalk());
phone.insecureText = t("phone.insecure");
const ask = (type, fields, answerMs) => connection.ask(type, fields, answerMs);
const give = new GiveDialog(at("give"), ask, toast);
const correct = new CorrectDialog(at("correct"), ask, toast);
const callBack = new CallbackDialog(at("call-back"), ask, (card, due) => promised(card, due));

// -- what comes from the server ------------------------------------------------

function onView(view) {
  sync(view.now);
  if (view.type === "beat") return;
  const before = desk.card;
  desk.take(view);
  if (view.type === "snapshot") afterSnapshot(view);
  if (view.type === "offer") announce(view.offer);
  if (view.type === "offer-gone") offerGone(view);
  if (view.type === "work") joinCalledBack(view.card);
  if (view.type === "transfer-failed") toast(t("give.failed", { name: view.target, outcome: t(`outcome.${view.outcome}`) }), "bad");
  if (view.type === "callback-failed") toast(t(view.retry_at ? "cb.failed_again" : "cb.failed", { outcome: t(`outcome.${view.outcome}`), when: view.retry_at && clock(view.retry_at) }), "bad");
  if (phone.interactionId && desk.cards.get(phone.interactionId)?.state !== "agent") leaveCall();
  if (at("give").open && desk.cards.get(give.card.id)?.state !== "agent") at("give").close();
  draw(before?.id !== desk.card?.id);
}

function afterSnapshot(view) {
  namePauses(view.pause_codes);
  for (const line of unsent()) deliver(line);
  const call = desk.cards.get(phone.joinedBefore);
  if (call?.channel === "voice" && call.state === "agent") phone.connect(call.id, call.parent_id);
  if (desk.offers.size) announce([...desk.offers.values()][0]);
}

/** The call is not mine any more. A question whose customer is mine now has only changed its name. */
function leaveCall() {
  const { interactionId, parentId } = phone;
  if (!parentId) return phone.hangUp();
  if (desk.cards.get(parentId)?.state === "agent") return phone.become(parentId);
  // The two facts travel apart: wait a moment before the line is given up.
  setTimeout(() => phone.interactionId === interactionId && !desk.cards.has(interactionId) && phone.hangUp(), MOVING_MS);
  return undefined;
}

/** A caller whose line was lost while waiting has been called back: join the call now. */
function joinCalledBack(card) {
  const mine = card.state === "agent" && card.id === phone.interactionId;
  if (mine && card.connected && phone.state === "lost") phone.connect(card.id);
}

function announce(offer) {
  const { card } = offer;
  const name = nameOf(card);
  at("announce").textContent = t("offer.announce", {
    channel: t(`channel.${card.channel}`), name, queue: card.queue_name ?? "", summary: card.parent_id ? card.subject : summaryOf(card.handoff),
  });
  startRinging(t("offer.flash", { name }));
}

function offerGone(view) {
  if (view.how === "expired") toast(t("offer.gone.expired"), "bad");
  if (view.how === "withdrawn") toast(t("offer.gone.withdrawn", { reason: view.reason }));
}

function onLink(on) {
  const place = at("link");
  place.hidden = on;
  place.replaceChildren(icon("alert", "small"), t("link.off"));
}

// -- what the agent does -------------------------------------------------------

const act = {
  become: () => tell("presence", { presence: "available" }),
  presence: (presence, reason = "") => tell("presence", { presence, reason }),
  reject: (id) => tell("reject", { offer_id: id }),
  async accept(id) {
    const offer = desk.offers.get(id);
    if (!offer) return;
    stopRinging();
    const answer = await tell("accept", { offer_id: id });
    if (!answer) return;
    desk.offers.delete(id);
    desk.select(answer.interaction_id);
    draw(true);
    const { channel, parent_id: parentId, call_back: waitsForCall } = offer.card;
    if (channel === "voice" && !(waitsForCall && !offer.card.connected)) phone.connect(answer.interaction_id, parentId);
    else if (channel === "voice") phone.expect(answer.interaction_id);
    else focusReply();
  },
  select(id) {
    desk.select(id);
    draw(true);
  },
  send(id, text) {
    deliver(putOut(id, text, madeOf(id, text)));
    keepDraftMadeOf(id, null);
    drawTalk(true);
  },
  typing: (id) => connection.ask("typing", { interaction_id: id }).catch(() => {}),
  join: (id) => phone.connect(id, desk.cards.get(id)?.parent_id),
  mute: () => phone.toggleMute(),
  hold: (card) => tell(card.on_hold ? "resume" : "hold", { interaction_id: card.id }),
  keys: (id, digits) => tell("keys", { interaction_id: id, digits }),
  end: (id) => tell("end", { interaction_id: id }),
  give: (card) => give.open(card),
  correct: (card, name, value) => correct.open(card, name, value),
  swap: (id) => tell("swap", { interaction_id: id }),
  conference: (id) => tell("conference", { interaction_id: id }),
  complete: (id) => tell("complete", { interaction_id: id }),
  endConsult: (id) => tell("end-consult", { interaction_id: id }),
  callBack: (card) => callBack.open(card),
  deliver: (line) => { deliver(line); drawTalk(); },
  skip: (id) => tell("skip-wrap-up", { interaction_id: id }),
  async file(id, disposition, note, filed) {
    if (await tell("wrap-up", { interaction_id: id, disposition, note })) filed();
  },
  async read(id) {
    const answer = await tell("read", { interaction_id: id });
    if (answer) showEarlier(answer.card);
  },
  async search(words) {
    const answer = await connection.ask("search", { words, language: desk.card?.language ?? document.documentElement.lang });
    return answer.articles;
  },
  insert(text) {
    const card = desk.card;
    if (!card || card.state !== "agent" || card.channel === "voice") return;
    const box = at("reply");
    box.value = [box.value.trimEnd(), text].filter(Boolean).join("\n");
    keepDraft(card.id, box.value);
    box.focus();
  },
};

const assist = new Assist(ask, act, () => { drawAssist(); drawSide(); }, toast);

/** Ask, and show a failure. The answer, or null. */
async function tell(type, fields) {
  try {
    return await connection.ask(type, fields);
  } catch (error) {
    toast(error.message, "bad");
    return null;
  }
}

/** Send a line from the outbox. Without a connection it stays there and goes with the next snapshot. */
async function deliver(line) {
  try {
    await connection.ask("send", { interaction_id: line.interaction_id, draft_id: line.draft_id, text: line.text, suggestion: line.suggestion ?? null });
    takeOut(line.draft_id);
  } catch (error) {
    if (error.status === 0) return;
    // Refused for good: the words go back into the draft, so that they can be used elsewhere.
    takeOut(line.draft_id);
    keepDraft(line.interaction_id, [draft(line.interaction_id), line.text].filter(Boolean).join("\n"));
    places.footKey = "";
    toast(error.message, "bad");
    drawTalk();
  }
}

// -- drawing -------------------------------------------------------------------

function draw(changed = false) {
  if (!desk.offers.size) stopRinging();
  drawPresence();
  redraw(at("work"), drawWork(desk, act));
  drawTalk(changed);
  drawSide();
  retime();
}

function drawPresence() {
  const { me } = desk;
  if (!me) return;
  const summary = at("presence").querySelector("summary");
  summary.querySelector(".dot").className = `dot ${me.presence}`;
  const reason = me.reason && reasonText(me.reason);
  summary.querySelector(".label").textContent = [t(`presence.${me.presence}`), me.presence !== "available" && reason].filter(Boolean).join(" · ");
  if (me.since) summary.querySelector(".since").dataset.since = me.since;
  const item = (presence, reasonCode, text) =>
    h("button.item", {
      type: "button", role: "menuitemradio", "aria-checked": String(me.presence === presence && (presence === "available" || me.reason === reasonCode)),
      onclick: () => { at("presence").open = false; act.presence(presence, reasonCode); },
    }, h(`span.dot.${presence}`), text);
  at("presence").querySelector(".sheet").replaceChildren(
    item("available", "", t("presence.available")),
    h("div.title", {}, t("presence.go_away")),
    ...desk.pauses.map(({ code }) => item("away", code, reasonText(code))),
    h("div.title", {}, ""),
    item("offline", "", t("presence.offline")));
}

function drawTalk(changed = false) {
  const { card } = desk;
  const place = at("talk");
  if (!card && desk.offers.size) {
    drawPreview([...desk.offers.values()][0]);
    return;
  }
  if (!card) {
    places.footKey = "";
    place.replaceChildren(h("header", {}, h("h2.muted", {}, t("work.title"))), h("div.empty", {}, icon("chat"), h("p", {}, t("talk.none"))), h("div"));
    return;
  }
  if (changed || !places.lines?.isConnected) {
    places.lines = h("div.lines", { role: "log", "aria-label": t("talk.transcript"), tabindex: "0" });
    places.drawn = new Map();
    places.typing = h("div.typing", { role: "status" });
    places.head = h("header");
    places.strips = h("div.strips");
    places.beside = null;
    places.foot = h("div");
    places.footKey = "";
    place.replaceChildren(places.head, h("div", { style: { display: "flex", "flex-direction": "column", "min-height": "0" } }, places.lines, places.typing), h("div", {}, places.strips, assist.strip, places.foot));
    places.lines.style.flex = "1";
  }
  if (!places.head.querySelector("details[open]")) redraw(places.head, header(card));
  const low = places.lines.scrollHeight - places.lines.scrollTop - places.lines.clientHeight < 80;
  patch(places.lines, drawLines(card.parent_id ? betweenUs(card, desk.me) : card, unsent(), places.drawn));
  drawStrips(card);
  drawTyping();
  drawFoot(card);
  drawAssist();
  // Last, when everything below has taken its room.
  if (changed || low) places.lines.scrollTop = places.lines.scrollHeight;
  retime();
}

/** What helps with the open conversation; asked for when a line was added. */
function drawAssist() {
  const { card } = desk;
  const found = assist.look(card);
  if (!card) return;
  assist.drawStrip(card, found);
  assist.fillFiling(places.foot, found);
}

/** Above the reply box: who is asked or has joined, and the other conversation. */
function drawStrips(card) {
  if (card.beside && places.beside?.dataset.beside !== card.beside.id) places.beside = besidePanel(card, act);
  if (!card.beside) places.beside = null;
  const strips = drawTalkOf(card, desk.me, act);
  const key = JSON.stringify([card.id, card.talk, card.voicemail, card.connected, card.asked_by]);
  if (places.stripsKey !== key || !places.strips.childElementCount) {
    places.stripsKey = key;
    redraw(places.strips, [...strips, places.beside].filter(Boolean));
  }
  if (places.beside) fillBeside(places.beside, card, desk.me);
}

/** What rings, while nothing else is open: the conversation so far, and the choice. */
function drawPreview(offer) {
  const { card } = offer;
  places.footKey = "";
  const lines = h("div.lines", {}, drawLines(card.beside ? { ...card, messages: card.beside.messages } : card));
  at("talk").replaceChildren(
    h("header", {}, channelMark(card.channel, t(`channel.${card.channel}`)),
      h("div.grow", {}, h("h2.clip", {}, nameOf(card)), h("div.muted.small.clip", {}, about(card))),
      h("span.chip.warn", {}, t("state.offered"))),
    lines,
    h("div.preview-bar", {}, h("span.row.grow.muted", {}, icon("clock", "small"), h("span.num", { dataset: { until: offer.expires_at } })),
      h("button.button.large", { type: "button", onclick: () => act.reject(offer.id) }, t("offer.reject"), h("kbd", {}, "Alt R")),
      h("button.button.good.large", { type: "button", onclick: () => act.accept(offer.id) }, icon("check"), t("offer.accept"), h("kbd", {}, "Alt A"))));
  lines.scrollTop = lines.scrollHeight;
}

const about = (card) =>
  [card.subject, card.queue_name, card.parent_id ? "" : card.from].filter(Boolean).join(" · ");

function header(card) {
  const talking = card.state === "agent";
  const gives = talking && !card.parent_id;
  return [
    channelMark(card.channel, t(`channel.${card.channel}`)),
    h("div.grow", {}, h("h2.clip", {}, nameOf(card)), h("div.muted.small.clip", {}, about(card))),
    h("span.chip.num", { title: t("list.length") }, icon("clock", "small"), h("span", { dataset: { since: talking ? card.accepted_at : card.left_at ?? card.accepted_at } })),
    gives && h("button.button.quiet.square", { type: "button", title: `${t("cb.open")} (Alt+B)`, "aria-label": t("cb.open"), onclick: () => act.callBack(card) }, icon("clock")),
    gives && h("button.button", { type: "button", title: "Alt+T", onclick: () => act.give(card) }, icon("transfer"), t("talk.transfer")),
    talking && card.channel !== "voice" && h("button.button", { type: "button", onclick: () => act.end(card.id) }, icon("check"), t(card.parent_id ? "talk.end_asked" : "talk.end")),
  ].filter(Boolean);
}

/** A call was promised: say when, and file it so where that is an outcome. */
function promised(card, due) {
  toast(t("cb.promised", { due }));
  const choice = document.querySelector('form.wrap-up input[value="callback"]');
  if (card.state === "wrap-up" && choice) choice.checked = true;
}

function drawTyping() {
  const { card } = desk;
  if (!card || !places.typing) return;
  const fresh = Date.now() - (desk.typing.get(card.id) ?? 0) < TYPING_SHOWN_MS;
  places.typing.textContent = fresh ? t("talk.typing", { name: card.customer.name || card.from }) : "";
}

function drawFoot(card) {
  const kind = card.state === "wrap-up" ? "wrap-up" : card.channel === "voice" ? "phone" : "composer";
  const key = `${card.id} ${kind} ${card.wrap_up_until} ${joinedIn(card)}`;
  if (kind !== "phone" && places.footKey === key) return;
  if (kind === "phone" && places.foot.querySelector("details[open]")) return; // the keypad is in use
  places.footKey = key;
  const part = kind === "composer" ? composer(card, act) : kind === "phone" ? phoneBar(card, phone, act) : wrapUpForm(card, act);
  redraw(places.foot, [part]);
}

const TABS = { context: "context.title", assist: "assist.title", knowledge: "context.knowledge" };
const knowledge = knowledgePanel(act);
const panel = h("div.panel", { role: "tabpanel" });
const tabs = h("div.tabs", { role: "tablist" });
at("context").replaceChildren(tabs, panel);

function drawSide() {
  const drafts = desk.card?.state === "agent" ? assist.now?.drafts.length : 0;
  redraw(tabs, Object.entries(TABS).map(([name, title]) =>
    h("button", { type: "button", role: "tab", "aria-selected": String(places.tab === name), onclick: () => openTab(name) }, t(title),
      name === "assist" && drafts > 0 && h("span.count", { title: t("assist.drafts") }, String(drafts)))));
  if (places.tab === "knowledge") {
    if (!knowledge.isConnected) panel.replaceChildren(knowledge);
    return;
  }
  if (places.tab === "assist") {
    redraw(panel, assist.drawPanel(desk.card, assist.look(desk.card)));
    return;
  }
  const ringing = [...desk.offers.values()][0]?.card;
  redraw(panel, drawContext(desk.card ?? ringing, act));
}

function openTab(name) {
  places.tab = name;
  drawSide();
}

function showEarlier(card) {
  const dialog = at("earlier");
  dialog.querySelector("h2").textContent = `${t(`channel.${card.channel}`)} · ${card.customer.name || card.from}`;
  dialog.querySelector(".body").replaceChildren(h("div.lines", { style: { padding: "0" } }, drawLines(card)));
  dialog.showModal();
}

const focusReply = () => at("reply")?.focus();

function step(by) {
  const ids = desk.sorted().map((card) => card.id);
  if (ids.length) act.select(ids[(ids.indexOf(desk.selected) + by + ids.length) % ids.length]);
}

const firstOffer = () => [...desk.offers.keys()][0];
const third = (...arrangements) => !desk.card?.parent_id && desk.card?.talk?.third && arrangements.includes(desk.card.talk.arrangement);
watchKeys({
  a: () => firstOffer() && act.accept(firstOffer()),
  r: () => firstOffer() && act.reject(firstOffer()),
  j: () => step(1),
  k: () => step(-1),
  m: focusReply,
  s: () => { openTab("knowledge"); at("search").focus(); },
  u: () => phone.state === "talking" && act.mute(),
  h: () => desk.card?.channel === "voice" && desk.card.state === "agent" && act.hold(desk.card),
  e: () => desk.card?.state === "agent" && act.end(desk.card.id),
  t: () => desk.card?.state === "agent" && !desk.card.parent_id && act.give(desk.card),
  b: () => desk.card && !desk.card.parent_id && act.callBack(desk.card),
  w: () => third("consulting", "swapped") && act.swap(desk.card.id),
  g: () => third("consulting", "swapped") && act.conference(desk.card.id),
  o: () => third("consulting", "swapped", "conference") && act.complete(desk.card.id),
  q: () => third("asking", "consulting", "swapped", "conference") && act.endConsult(desk.card.id),
  p: () => (desk.me?.presence === "available" ? act.presence("away", desk.pauses[0]?.code) : act.become()),
  1: () => assist.take(0),
  2: () => assist.take(1),
  3: () => assist.take(2),
  0: () => assist.aside(),
  n: () => assist.summarise(),
  i: () => openTab(places.tab === "assist" ? "context" : "assist"),
  "/": () => showHelp(at("help")),
});
at("help-open").addEventListener("click", () => showHelp(at("help")));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) drawAssist();
  if (!document.hidden && desk.selected && desk.unread.delete(desk.selected)) draw();
});
setInterval(drawTyping, 1000);
draw();
