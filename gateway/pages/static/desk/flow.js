// One flow: its text with findings, its picture, a trial of it, saving it. Nothing typed is lost.

import { CodeEditor } from "./code_editor.js";
import { h, icon } from "./dom.js";
import "./flow_back.js";
import { Drawing } from "./flow_drawing.js";
import { Findings } from "./flow_findings.js";
import { Saving, shown } from "./flow_saving.js";
import { TrialTalk } from "./flow_trial.js";
import { post } from "./http.js";
import { clock } from "./time.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const CHECK_MS = 1200;
const KEEP_MS = 300;
const LOOK_MS = 30_000;

const field = document.getElementById("flow-yaml");
const notices = document.getElementById("flow-notices");
const state = document.getElementById("flow-state");
const languages = document.getElementById("flow-language");
const readData = () => JSON.parse(document.getElementById("flow-data").textContent);

const page = {
  data: readData(),
  loaded: field.value,
  base: readData().tag,
  steps: {},
  get text() { return code.value; },
  get errors() { return findings.errors; },
  lookAround,
};
const address = `/api/flows/${encodeURIComponent(page.data.name)}`;
const KEPT = `parley.flow.${page.data.name}`;

const findings = new Findings((line) => code.choose(line));
const drawing = new Drawing(page.data.name, (step) => chooseStep(step));
const code = new CodeEditor(document.getElementById("flow-code"), { changed, moved });
const trial = new TrialTalk(page.data.name, {
  text: () => code.value,
  language: () => languages.value,
  show(step, line, jump) {
    code.point(line);
    drawing.mark("here", step, true);
    if (jump) code.choose(line);
  },
});
const saving = new Saving(page, saved);

// -- what is typed is kept ------------------------------------------------------------------

let keeping = 0;
let checking = 0;

function changed() {
  clearTimeout(keeping);
  clearTimeout(checking);
  keeping = setTimeout(keep, KEEP_MS);
  checking = setTimeout(check, CHECK_MS);
  trial.aged();
}

function keep() {
  clearTimeout(keeping);
  if (code.value === page.loaded) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, JSON.stringify({ text: code.value, base: page.base, version: page.data.version, at: new Date().toISOString() }));
  state.textContent = code.value === page.loaded ? "" : t("flow.kept");
}

function restore() {
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
  if (!kept || kept.text === page.loaded) return;
  const bring = () => {
    code.replace(kept.text);
    page.base = kept.base;
    keep();
    lookAround();
  };
  if (new URLSearchParams(location.search).has("version") && kept.version !== page.data.version) {
    note("info", t("flow.kept_other", { at: clock(kept.at), version: kept.version }), [[t("flow.bring_back"), bring]]);
    return;
  }
  bring();
  note("info", t("flow.restored", { at: clock(kept.at) }), [[t("flow.discard"), () => {
    code.replace(page.loaded);
    page.base = page.data.tag;
    keep();
  }]]);
}

/** A line above the work with what can be done about it. */
function note(kind, text, acts = []) {
  const box = h(`div.notice.${kind}`, { role: "status" }, icon(kind === "warn" ? "alert" : "clock", "small"), h("span.grow", {}, text),
    acts.map(([label, act]) => h("button.button.compact", { type: "button", onclick: () => { if (act() !== false) box.remove(); } }, label)),
    h("button.button.quiet.compact", { type: "button", "aria-label": t("shell.close"), onclick: () => box.remove() }, icon("close", "small")));
  notices.append(box);
  return box;
}

// -- checking and drawing --------------------------------------------------------------------

let running = false;
let waiting = false;

async function check() {
  clearTimeout(checking);
  if (running) { waiting = true; return; }
  running = true;
  const text = code.value;
  try {
    const found = await post(`${address}/check`, { text });
    if (text === code.value) took(found);
  } catch (error) {
    document.getElementById("flow-sum").replaceChildren(h("span.level.error", {}, error.message));
  } finally {
    running = false;
    if (waiting) { waiting = false; check(); }
  }
}

function took(found) {
  findings.show(found.findings);
  code.mark(findings.marks);
  if (found.can_run) page.steps = found.steps;
  offer(found.languages);
  draw();
  if (!languages.hidden) moved(code.at, false);
}

function offer(listed) {
  const now = [...languages.options].map((one) => one.value);
  if (!listed.length || now.join() === listed.join()) return;
  const chosen = languages.value;
  const names = new Intl.DisplayNames([document.documentElement.lang], { type: "language" });
  languages.replaceChildren(...listed.map((one) => h("option", { value: one, selected: one === chosen }, names.of(one))));
}

async function draw() {
  if (document.getElementById("side-drawing").hidden) return;
  await drawing.show(code.value, languages.value);
}

/** The cursor is in another line: its step is marked in the picture. */
function moved(line, shown = true) {
  const [step] = Object.entries(page.steps).filter(([, at]) => at <= line).sort((one, two) => two[1] - one[1])[0] ?? [""];
  if (step !== drawing.chosen) drawing.mark("chosen", step, shown);
}

function chooseStep(step) {
  if (page.steps[step]) code.choose(page.steps[step]);
}

// -- saving, and others who do --------------------------------------------------------------

async function save() {
  await check();
  saving.open();
}

async function saved(answer, percent) {
  const version = percent ? (percent < 100 ? answer.trial : answer.live) : answer.history[0].version;
  page.loaded = code.value;
  history.replaceState(null, "", version === answer.live ? location.pathname : `?version=${version}`);
  await fresh();
  page.base = page.data.tag;
  keep();
  for (const box of [...notices.children]) box.remove();
  toast(t(percent === 100 ? "flow.done_all" : percent ? "flow.done_share" : "flow.done_saved", { version, percent }));
}

/** What the server tells of the flow, put in anew; the text stays. */
async function fresh() {
  const answer = await fetch(location.href);
  if (!answer.ok || answer.redirected) return;
  const now = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-part]")) old.replaceWith(now.querySelector(`[data-part="${old.dataset.part}"]`));
  page.data = readData();
}

let told = "";
let telling = null;

/** Whether somebody has changed the flow since the text was opened; says so, `again` when closed. */
async function lookAround(again = false) {
  if (document.hidden) return false;
  const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return false;
  const flow = await answer.json();
  if (flow.tag === page.base) return false;
  if (flow.tag === told && (telling.isConnected || !again)) return true;
  telling?.remove();
  told = flow.tag;
  const [act] = flow.history;
  await fresh();
  telling = note("warn", t("flow.moved_on", { author: act.author, act: t(`flow.act.${act.act}`, { percent: act.percent }), version: act.version, at: clock(act.at) }), [
    [t("flow.see"), () => { compare(act.version); return false; }],
    [t("flow.go_on"), () => { page.base = flow.tag; keep(); }],
  ]);
  return true;
}

async function compare(version) {
  try {
    const { changes } = await post(`${address}/differences`, { text: code.value, version });
    const dialog = h("dialog", { "aria-label": t("flow.theirs", { version }), onclose: () => dialog.remove() },
      h("header", {}, h("h2.grow", {}, t("flow.theirs", { version })), h("button.button.quiet.square", { type: "button", "data-close": true, "aria-label": t("shell.close") }, icon("close"))),
      h("div.body.stack", {}, changes.length ? h("div.flow-changes", {}, h("div", {}, shown(changes))) : h("p", {}, t("flow.no_changes", { version })),
        h("div.row", {}, h("a.button", { href: `?version=${version}`, target: "_blank", rel: "noopener" }, t("flow.open_theirs")))));
    document.body.append(dialog);
    dialog.showModal();
  } catch (error) {
    toast(error.message, "bad");
  }
}

// -- tabs, keys, files -----------------------------------------------------------------------

const tabs = [...document.querySelectorAll("[role=tab]")];

function openTab(tab, focus = false) {
  for (const one of tabs) {
    one.setAttribute("aria-selected", String(one === tab));
    one.tabIndex = one === tab ? 0 : -1;
    document.getElementById(one.getAttribute("aria-controls")).hidden = one !== tab;
  }
  if (focus) tab.focus();
  draw().then(() => drawing.seen());
}

for (const tab of tabs) {
  tab.addEventListener("click", () => openTab(tab));
  tab.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) openTab(tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length], true);
  });
}
languages.addEventListener("change", () => { draw(); trial.forget(); });

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const held = event.ctrlKey || event.metaKey;
  if (event.key === "F8") findings.next(code.at, event.shiftKey);
  else if (held && event.key === "s") save();
  else if (held && event.key === "Enter") check();
  else return;
  event.preventDefault();
});
document.getElementById("flow-save").addEventListener("click", save);
document.getElementById("flow-file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  code.replace(await file.text());
  event.target.value = "";
  changed();
});
document.getElementById("flow-download").addEventListener("click", (event) => {
  event.currentTarget.href = URL.createObjectURL(new Blob([code.value], { type: "application/yaml" }));
});
addEventListener("pagehide", keep);
addEventListener("focus", () => lookAround());
setInterval(() => lookAround(), LOOK_MS);

restore();
check();
