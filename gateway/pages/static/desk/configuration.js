// The configuration's editor (check, differences, apply) and the history's way back.

import { CodeEditor } from "./code_editor.js";
import { h } from "./dom.js";
import { csrf } from "./http.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const LONGEST = 160;
const MOVE = "move_waiting_to";

async function ask(method, path, body, type) {
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": type, "X-CSRF-Token": csrf, Accept: "application/json" },
    body,
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const error = new Error(answer.detail ?? `HTTP ${response.status}`);
  error.status = response.status;
  error.problems = answer.problems;
  throw error;
}

// -- what an answer looks like -----------------------------------------------------------

function shown(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

function difference(one) {
  return h("li", {}, h("code", {}, one.place),
    one.was !== null && h("del", {}, shown(one.was)), " ",
    one.now !== null && h("ins", {}, shown(one.now)));
}

function flaws(found, onChoose) {
  return h("ul.conf-flaws", {}, found.map((flaw) => h("li", {},
    h("button", { type: "button", onclick: () => onChoose(flaw) },
      h("span.line.num", {}, flaw.line ? t("conf.line", { n: flaw.line }) : ""),
      h("code", {}, flaw.place), h("span", {}, flaw.problem)))));
}

function notice(kind, text) {
  return h(`div.notice.${kind}`, { role: kind === "bad" ? "alert" : null }, h("span", {}, text));
}

/** Problems, warnings and differences of a proposal. */
function report(proposal, onChoose) {
  const parts = [];
  if (proposal.problems.length) {
    parts.push(notice("bad", t("conf.n_problems", { n: proposal.problems.length })), flaws(proposal.problems, onChoose));
  } else if (!proposal.differences.length) {
    parts.push(notice("info", t("conf.same", { n: proposal.base })));
  } else {
    parts.push(notice("good", t("conf.fine", { n: proposal.differences.length, base: proposal.base })));
  }
  if (proposal.warnings?.length) {
    parts.push(h("h3", {}, t("conf.warnings")), flaws(proposal.warnings, onChoose));
  }
  if (proposal.differences?.length) {
    parts.push(h("h3", {}, t("conf.differences")), h("ul.conf-diff", {}, proposal.differences.map(difference)));
  }
  return parts;
}

/** Where those go who are in a queue that goes; calls `again` with the choice. */
function mover(proposal, chosen, again) {
  if (!chosen && !proposal.problems.some((flaw) => flaw.place === MOVE)) return null;
  const select = h("select.input", { id: "conf-move", onchange: () => again(select.value) },
    h("option", { value: "" }, "–"),
    (proposal.queues ?? []).map((id) => h("option", { value: id, selected: id === chosen }, id)));
  return h("div.field", {}, h("label", { for: "conf-move" }, t("conf.move")), select);
}

function applier(label, act) {
  const note = h("input.input", { id: "conf-note", maxlength: 500, placeholder: t("conf.note_hint") });
  const button = h("button.button.primary", { type: "button", onclick: async () => {
    button.disabled = true;
    await act(note.value.trim());
    button.disabled = false;
  } }, label);
  return h("div.conf-apply", {}, h("div.field", {}, h("label", { for: "conf-note" }, t("conf.note")), note), h("div.row", {}, button));
}

// -- the editor ----------------------------------------------------------------------------

function editor(root) {
  const text = document.getElementById("conf-text");
  const code = new CodeEditor(root, { changed: () => stale() });
  const result = document.getElementById("conf-result");
  const loaded = text.value;
  let base = Number(root.dataset.base);
  let move = "";
  let leaving = false;

  const choose = (flaw) => code.choose(flaw.line);

  function stale() {
    code.mark(new Map());
    result.replaceChildren(h("p.muted", {}, t(text.value === loaded ? "conf.unchanged" : "conf.unchecked")));
  }

  async function check() {
    const query = new URLSearchParams({ dry_run: "1", ...(move && { [MOVE]: move }) });
    const sent = text.value;
    try {
      const proposal = await ask("PUT", `/api/configuration?${query}`, sent, "application/yaml");
      if (text.value !== sent) return;
      proposal.differences ??= [];
      code.mark(new Map(proposal.problems.map((flaw) => [flaw.line, "error"])));
      show(proposal);
    } catch (error) {
      result.replaceChildren(notice("bad", error.message));
    }
  }

  function show(proposal) {
    const parts = report(proposal, choose);
    if (proposal.base && proposal.base !== base) {
      parts.unshift(notice("warn", t("conf.moved_on", { n: proposal.base, base })));
    }
    const choice = mover(proposal, move, (queue) => { move = queue; check(); });
    if (choice) parts.push(choice);
    if (!proposal.problems.length && proposal.differences.length) {
      parts.push(applier(t("conf.apply"), (note) => apply(note, proposal.base)));
    }
    result.replaceChildren(...parts);
  }

  async function apply(note, on) {
    const query = new URLSearchParams({ base: String(on), note, ...(move && { [MOVE]: move }) });
    try {
      const version = await ask("PUT", `/api/configuration?${query}`, text.value, "application/yaml");
      leaving = true;
      location.assign(`/configuration/history#v${version.version}`);
    } catch (error) {
      // Refused because it changed meanwhile: show what the text would do to the new version.
      toast(error.message, "bad");
      await check();
    }
  }

  document.getElementById("conf-check").addEventListener("click", check);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && ["Enter", "s"].includes(event.key)) {
      event.preventDefault();
      check();
    }
  });
  document.getElementById("conf-file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    text.value = await file.text();
    event.target.value = "";
    stale();
    await check();
  });
  document.getElementById("conf-download").addEventListener("click", (event) => {
    event.currentTarget.href = URL.createObjectURL(new Blob([text.value], { type: "application/yaml" }));
  });
  addEventListener("beforeunload", (event) => {
    if (!leaving && text.value !== loaded) event.preventDefault();
  });
}

// -- the history ----------------------------------------------------------------------------

function history(root) {
  const dialog = document.getElementById("roll-back");
  const result = document.getElementById("roll-back-result");
  const base = Number(root.dataset.base);

  async function open(to, move = "") {
    document.getElementById("roll-back-title").textContent = t("conf.roll_back_to", { n: to });
    const body = { to, base, [MOVE]: move };
    const send = (more) => ask("POST", "/api/configuration/roll-back", JSON.stringify({ ...body, ...more }), "application/json");
    try {
      const proposal = await send({ dry_run: true });
      const parts = report(proposal, () => {});
      const choice = mover(proposal, move, (queue) => open(to, queue));
      if (choice) parts.push(choice);
      if (!proposal.problems.length && proposal.differences.length) {
        parts.push(applier(t("conf.roll_back"), async (note) => {
          try {
            await send({ note });
            location.reload();
          } catch (error) {
            result.prepend(notice("bad", error.message));
          }
        }));
      }
      result.replaceChildren(...parts);
    } catch (error) {
      result.replaceChildren(notice("bad", error.message));
    }
    if (!dialog.open) dialog.showModal();
  }

  for (const button of root.querySelectorAll("[data-roll-back]")) {
    button.addEventListener("click", () => open(Number(button.dataset.rollBack)));
  }
}

const editing = document.querySelector(".conf-editor");
if (editing) editor(editing);
const past = document.getElementById("conf-history");
if (past) history(past);
