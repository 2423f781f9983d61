"""Runs a flow, purely: memory and what happened in, memory and what to do out.

1. Steps run until one waits: for the customer, the knowledge base or an action.
2. A question gets two repairs, each in other words, then the keys, then a person
   (``bots.flow.ladder``).
3. A value that is costly to get wrong is read back before it is used.
4. A question aside is answered, then the open question is put again.
5. "Agent", ``0``, "repeat", "slower", "go back", "goodbye" and the name of a language work at
   every question.
   Nobody goes back behind an action that changed something.
6. After a hand-over or an end nothing is ever said again.

The memory is JSON; its keys are listed in ``bots.flow.memory.fresh``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from bots.flow import phrases, render
from bots.flow.ladder import (
    MAX_REPAIRS,
    MAX_REPAIRS_IN_ALL,
    by_keys,
    choices_by_key,
    digits_of,
    expected,
    has_keys,
    rung,
)
from bots.flow.meaning import (
    Aside,
    Command,
    Confirmed,
    Denied,
    Filled,
    Meaning,
    Silent,
    Skipped,
    Unclear,
    Wants,
    prefilled,
    read,
)
from bots.flow.memory import fresh, pack_say, unpack_say, value_at
from bots.flow.model import (
    LANGUAGE_KEY,
    AnswerStep,
    AskStep,
    BranchStep,
    DoStep,
    EndStep,
    Flow,
    HandOffStep,
    SayStep,
    SetStep,
    Slot,
    Step,
    Text,
)
from bots.flow.outcome import (
    Action,
    Answered,
    Ask,
    Context,
    End,
    Fetched,
    Given,
    HandOff,
    Memory,
    NeedAnswer,
    NeedHttp,
    Outcome,
    Say,
    Understood,
)
from bots.flow.playout import question_heard, value_heard
from bots.flow.values import how, request_of, shortened, values_of
from bots.nlu.entities import Entity
from router.model import Citation

MAX_STEPS = 100
"""Steps in one turn; more is a loop in the flow, and a person takes over."""
SLOWER = 0.8
"""How much slower each wish for it makes the voice."""
SLOWEST = 0.6
MAX_TRAIL = 20
PATIENT = "silence-expected"
"""The way of listening to somebody who was asked to look for something."""
MAX_WAITS = 2
"""So often the silence of such a caller is only acknowledged."""
READING = ("GET", "HEAD")
"""Actions behind which a customer may go back."""


def start(flow: Flow, context: Context, settings: Mapping[str, Any] | None = None) -> Outcome:
    """The first turn. ``settings`` are the operator's values, over the flow's variables."""
    run = _Run(flow, fresh(flow, context), settings or {})
    return run.outcome(lambda: run.go(flow.start))


def resume(
    flow: Flow, memory: Mapping[str, Any], given: Given, settings: Mapping[str, Any] | None = None
) -> Outcome:
    """The next turn, or the rest of this one after I/O. ``memory`` is left as it is."""
    run = _Run(flow, copy.deepcopy(dict(memory)), settings or {})
    if run.memory["over"]:
        return Outcome(run.memory, ())
    return run.outcome(lambda: run.take(given))


def give_up(
    flow: Flow, memory: Mapping[str, Any], reason: str, settings: Mapping[str, Any] | None = None
) -> Outcome:
    """The flow's way to a person for a reason outside of it, from wherever it is."""
    run = _Run(flow, copy.deepcopy(dict(memory)), settings or {})
    run.memory |= {"over": "", "said": []}
    return run.outcome(lambda: run.person(reason))


def phrase(
    flow: Flow, memory: Mapping[str, Any], text: Text, settings: Mapping[str, Any] | None = None
) -> str:
    """A text of the flow filled in from this memory; empty when its template fails."""
    try:
        return _Run(flow, dict(memory), settings or {}).render(text)
    except render.TemplateError:
        return ""


class _Run:
    """One call of :func:`start` or :func:`resume`: memory and actions being made."""

    def __init__(self, flow: Flow, memory: Memory, settings: Mapping[str, Any]) -> None:
        self.flow = flow
        self.memory = memory
        self.settings = settings
        self.actions: list[Action] = []

    def outcome(self, act: Callable[[], None]) -> Outcome:
        """Act; a template that fails at run time brings a person, never silence."""
        try:
            act()
        except render.TemplateError as error:
            self.actions.clear()
            self.memory["tried"].append(f"flow step {self.memory['step']} failed: {error}")
            self.memory["why"] = "flow-error"
            self._hand_off(HandOffStep(id="flow-error", reason="flow-error"))
        return Outcome(self.memory, tuple(self.actions))

    # what came in

    def take(self, given: Given) -> None:
        match given:
            case Understood():
                self._heard(given)
            case Answered():
                self._answered(given)
            case Fetched():
                self._fetched(given)

    def _heard(self, given: Understood) -> None:
        step = self.flow.find(self.memory["step"])
        if not isinstance(step, AskStep):
            # A lost turn (the process died during I/O) begins its step again.
            self.go(step.id)
            return
        if given.text:
            self.memory["last_utterance"] = given.text
            if self.memory["channel"] != "voice" and given.language in self.flow.languages:
                self.memory["language"] = given.language
        meaning = read(self.flow, step, self.memory, given)
        if isinstance(meaning, Wants | Filled | Aside):
            self._keep_prefilled(given, step)
        if not (isinstance(meaning, Command) and meaning.name in ("repeat", "slower")):
            self.memory["said"] = []
        self._act(step, meaning, given)

    def _keep_prefilled(self, given: Understood, step: AskStep) -> None:
        for slot, entity in prefilled(self.flow, given):
            if slot.name != step.slot:
                self._store(slot, entity, confirmed=False)

    def _act(self, step: AskStep, meaning: Meaning, given: Understood) -> None:
        match meaning:
            case Command(name):
                self._command(step, name, given)
            case Filled(entity, keyed):
                self._filled(step, entity, keyed)
            case Confirmed() if value_heard(self.memory):
                self._settle(step, confirmed=True)
            case Confirmed():
                self._ask_again(step, "no_match")
            case Denied():
                self.memory["slots"].pop(step.slot, None)
                self.memory["mode"] = "ask"
                self._repair(step, "no_match", denied=True)
            case Wants(target, intent):
                self._wants(target, intent, given)
            case Aside():
                self.memory["mode"] = "aside"
                self.actions.append(NeedAnswer(given.gist or given.text))
            case Unclear() if question_heard(self.memory):
                self._repair(step, "no_match")
            case Unclear():
                self.actions.append(self._say(self.flow.no_match[0]))
                self._ask_again(step, "no_match")
            case Skipped():
                self.go(step.next)
            case Silent():
                self._silent(step)

    def _ask_again(self, step: AskStep, kind: str) -> None:
        """A question that was cut off, as it was: that is none of its own repairs."""
        if self.memory["repairs_in_all"] >= MAX_REPAIRS_IN_ALL:
            self.actions.clear()
            self._give_up(kind)
            return
        self.memory["repairs_in_all"] += 1
        self._ask(step, self.memory["asked"])

    def _wants(self, target: str, intent: str | None, given: Understood) -> None:
        if given.text:
            self.memory["question"] = given.gist or given.text
        if intent:
            self._adopt(intent)
        self.go(target)

    def _adopt(self, intent: str) -> None:
        self.memory["intent"] = intent
        known = self.flow.intents.get(intent)
        if known and known.queue:
            self.memory["queue"] = known.queue

    def _command(self, step: AskStep, name: str, given: Understood) -> None:
        if name == "slower":
            pace = self.memory.get("pace", 1.0)
            self.memory["pace"] = max(SLOWEST, round(pace * SLOWER, 2))
        if name in ("repeat", "slower"):
            for said in self.memory["said"]:
                self.actions.append(unpack_say(said))
            self._ask(step, self.memory["asked"])
            return
        if name == "back":
            self._back(step)
            return
        if name.startswith(LANGUAGE_KEY):
            self._speak(name.removeprefix(LANGUAGE_KEY), step)
            return
        if given.related and not self.memory["intent"]:
            self._adopt(given.related)
        if name == "agent":
            self.person("asked-for-person")
        else:
            self._leave()

    def _speak(self, language: str, step: AskStep) -> None:
        """Put the open question again in another language, and go on in it."""
        self.memory["language"] = language
        self.actions.append(self._say(phrases.LANGUAGE))
        if self.memory["mode"] == "confirm":
            self._confirm(step)
        else:
            self._ask(step, self.render(step.text))

    def _back(self, step: AskStep) -> None:
        """To the question before, or to this one when its value was being read back."""
        self._forget(step.slot)
        trail = self.memory.setdefault("trail", [])
        if self.memory["mode"] == "confirm":
            self.memory["mode"] = "ask"
            self._ask(step, self.render(step.again or step.text))
            return
        if trail and trail[-1] == step.id:
            trail.pop()
        before = self.flow.steps.get(trail.pop()) if trail else None
        if isinstance(before, AskStep):
            self._forget(before.slot)
            self.go(before.id)
        else:
            trail.append(step.id)
            self.actions.append(self._say(phrases.FIRST_QUESTION))
            self._ask(step, self.render(step.again or step.text))

    def _forget(self, slot: str) -> None:
        self.memory["slots"].pop(slot, None)
        self.memory["answers"].pop(slot, None)

    def person(self, why: str) -> None:
        """The flow's own step for that, or just the hand-over."""
        self.memory["why"] = why
        target = self.flow.always.get("agent")
        if target:
            self.go(target)
        else:
            self._hand_off(HandOffStep(id="agent", reason=why))

    def _give_up(self, kind: str) -> None:
        """The repairs are used up: the flow's own step for that, else a person."""
        target = self.flow.always.get(kind)
        if target:
            self.go(target)
        else:
            self.person("not-understood" if kind == "no_match" else "no-input")

    def _leave(self) -> None:
        target = self.flow.always.get("goodbye")
        if target:
            self.go(target)
        else:
            self._end(EndStep(id="goodbye", reason="customer-left", text=phrases.GOODBYE))

    # slots

    def _filled(self, step: AskStep, entity: Entity, keyed: bool) -> None:
        slot = self.flow.slots[step.slot]
        self._store(slot, entity, confirmed=keyed)
        if self._must_confirm(slot):
            self._confirm(step)
        else:
            self._settle(step, confirmed=keyed)

    def _store(self, slot: Slot, entity: Entity, *, confirmed: bool) -> None:
        self.memory["slots"][slot.name] = {
            "value": entity.value,
            "confidence": entity.confidence,
            "confirmed": confirmed,
        }

    def _must_confirm(self, slot: Slot) -> bool:
        return slot.to_be_confirmed(self.memory["slots"][slot.name], self.memory["channel"])

    def _confirm(self, step: AskStep) -> None:
        self.memory["mode"] = "confirm"
        self.memory["value"] = self.memory["slots"][step.slot]["value"]
        text = step.confirm or self.flow.confirm or phrases.CONFIRM
        self._ask(step, self.render(text))

    def _settle(self, step: AskStep, *, confirmed: bool) -> None:
        slot = self.flow.slots[step.slot]
        kept = self.memory["slots"][step.slot]
        kept["confirmed"] = kept["confirmed"] or confirmed
        if slot.answer:
            self.memory["answers"][slot.name] = kept["value"]
        self.go(step.next)

    # repairs

    def _silent(self, step: AskStep) -> None:
        """Nobody spoke; who was told to take their time is not asked again at once."""
        waited = self.memory.get("waited", 0)
        unhurried = step.turn == PATIENT and self.memory["mode"] != "confirm"
        if not unhurried or waited >= MAX_WAITS:
            self._repair(step, "no_input")
            return
        self.memory["waited"] = waited + 1
        asked, heard = self.memory["asked"], self.memory["asked_heard"]
        self.actions.append(self._say(phrases.NO_HURRY))
        self._ask(step, "")
        self.memory["asked"], self.memory["asked_heard"] = asked, heard

    def _repair(self, step: AskStep, kind: str, *, denied: bool = False) -> None:
        repairs = self.memory["repairs"]
        times = sum(repairs.values())
        confirming = self.memory["mode"] == "confirm"
        voice = self.memory["channel"] == "voice"
        # An empty room, of which the flow takes care itself, is not asked for keys.
        empty = kind == "no_input" and kind in self.flow.always
        keys = voice and not empty and has_keys(self.flow, step, confirming=confirming)
        last = keys and times == MAX_REPAIRS
        if (times >= MAX_REPAIRS and not last) or self.memory[
            "repairs_in_all"
        ] >= MAX_REPAIRS_IN_ALL:
            self._give_up(kind)
            return
        repairs[kind] += 1
        self.memory["repairs_in_all"] += 1
        if last:
            self._by_keys(step, confirming=confirming)
        elif denied:
            self._ask(step, self.render(step.again or step.text))
        else:
            self._in_other_words(step, kind, times)

    def _in_other_words(self, step: AskStep, kind: str, times: int) -> None:
        confirming = self.memory["mode"] == "confirm"
        own, general = step.no_input, self.flow.no_input
        if kind == "no_match":
            own, general = step.no_match, self.flow.no_match
        text, whole = rung(() if confirming else own, general, times)
        if whole:
            self._ask(step, self.render(text))
            return
        self.actions.append(self._say(text))
        if confirming:
            self._confirm(step)
        else:
            self._ask(step, self.render(step.again or step.text))

    def _by_keys(self, step: AskStep, *, confirming: bool) -> None:
        """The last time: by the keys of the telephone."""
        text = by_keys(self.flow, step, confirming=confirming)
        if confirming:
            self._confirm(step)
            self._ask(step, f"{self.memory['asked']} {self.render(text)}")
            self.actions.pop(-2)
        elif text is phrases.KEYS_MENU:
            self.actions.append(self._say(text))
            self._ask(step, self._menu(step))
        else:
            self._ask(step, self.render(text))

    def _menu(self, step: AskStep) -> str:
        """The choices with their keys, or the question, which names them."""
        slot = self.flow.slots.get(step.slot)
        listed = choices_by_key(slot, self.memory["language"]) if slot else ""
        return listed or self.render(step.text)

    # results of I/O

    def _answered(self, given: Answered) -> None:
        step = self.flow.find(self.memory["step"])
        if given.known:
            self.memory["unanswered"] = 0
            short = self.memory["channel"] in ("voice", "sms")
            self.memory["answer"] = given.spoken if short else given.text
        else:
            self.memory["unanswered"] += 1
            asked = self.memory["last_utterance"] or self.memory["question"]
            self._tried(f"knowledge base had no answer to “{shortened(asked)}”")
        if isinstance(step, AskStep):
            self._answered_aside(step, given)
        elif isinstance(step, AnswerStep):
            if given.known:
                self._say_answer(step.text, given.citations)
            self.go(step.next if given.known else step.unknown)

    def _answered_aside(self, step: AskStep, given: Answered) -> None:
        self.memory["mode"] = "ask"
        if given.known:
            self._say_answer(None, given.citations)
            self._ask(step, self.render(step.again or step.text))
        else:
            self._repair(step, "no_match")

    def _say_answer(self, text: Text | None, citations: tuple[Citation, ...]) -> None:
        words = self.render(text) if text else self.memory["answer"]
        say = Say(words, words, citations, self.memory["step"])
        self.actions.append(say)
        self._remember(say)

    def _tried(self, what: str) -> None:
        if what not in self.memory["tried"]:
            self.memory["tried"].append(what)

    def _fetched(self, given: Fetched) -> None:
        step = self.flow.find(self.memory["step"])
        if not isinstance(step, DoStep):
            return
        succeeded = 200 <= given.status < 300
        if step.tried:
            self._tried(f"{self._fill(step.tried)}: {how(given.status)}")
        if succeeded:
            for name, path in step.save.items():
                self.memory["vars"][name] = value_at(given.body, path)
            self.go(step.next)
        else:
            self.go(step.on_status.get(given.status, step.on_error))

    # steps

    def go(self, target: str) -> None:
        """Run from ``target`` until a step waits or ends."""
        ahead: str | None = target
        for _ in range(MAX_STEPS):
            if ahead is None:
                return
            self.memory["step"], self.memory["mode"] = ahead, "run"
            ahead = self._run(self.flow.find(ahead))
        self.memory["why"] = "flow-error"
        self._hand_off(HandOffStep(id=target, reason="flow-error"))

    def _run(self, step: Step) -> str | None:
        """Do one step; the next one, or None when it waits."""
        match step:
            case SayStep():
                self.actions.append(self._say(step.text))
                return step.next
            case SetStep():
                self._set(step)
                return step.next
            case BranchStep():
                values = self._values()
                hits = (go for when, go in step.cases if render.truth(when, values))
                return next(hits, step.otherwise)
            case AskStep():
                return self._begin_question(step)
            case AnswerStep():
                self.memory["mode"] = "answer"
                self.actions.append(NeedAnswer(self._fill(step.question)))
            case DoStep():
                self.memory["mode"] = "http"
                self.actions.append(self._request(step))
            case HandOffStep():
                self._hand_off(step)
            case EndStep():
                self._end(step)
        return None

    def _begin_question(self, step: AskStep) -> str | None:
        self._remember_question(step)
        self.memory["repairs"] = {"no_match": 0, "no_input": 0}
        self.memory["waited"] = 0
        slot = self.flow.slots.get(step.slot)
        if slot and slot.prefill and slot.name in self.memory["slots"]:
            if not self._must_confirm(slot):
                self.memory["trail"].pop()
                self._settle(step, confirmed=False)
            else:
                self._confirm(step)
            return None
        self._ask(step, self.render(step.text))
        return None

    def _remember_question(self, step: AskStep) -> None:
        trail = self.memory.setdefault("trail", [])
        trail.append(step.id)
        del trail[:-MAX_TRAIL]

    def _set(self, step: SetStep) -> None:
        for name, template in step.values.items():
            value = self._fill(template)
            if name == "language":
                self.memory[name] = value if value in self.flow.languages else self.memory[name]
            elif name in ("queue", "intent"):
                self.memory[name] = value or None if name == "intent" else value
            elif name not in self.flow.slots:
                self.memory["vars"][name] = value
            elif value:
                self._store(self.flow.slots[name], Entity(value), confirmed=False)
            else:
                self.memory["slots"].pop(name, None)

    def _request(self, step: DoStep) -> NeedHttp:
        if step.method not in READING:
            self.memory["trail"] = []
        return request_of(step, self._values())

    def _ask(self, step: AskStep, text: str) -> None:
        if self.memory["mode"] != "confirm":
            self.memory["mode"] = "ask"
        self.memory["asked"] = self.memory["asked_heard"] = text
        confirming = self.memory["mode"] == "confirm"
        language = self.memory["language"]
        kind, listed, keys = expected(self.flow, step, language, confirming=confirming)
        length = 0 if confirming else digits_of(self.flow.slots.get(step.slot))
        turn = "" if confirming else step.turn
        self.actions.append(Ask(text, kind, listed, keys, length, turn, step.id))

    def _hand_off(self, step: HandOffStep) -> None:
        self.actions.append(self._say(step.text or phrases.HANDOFF))
        queue = self._fill(step.queue) or self.memory["queue"] or self.flow.queue
        skills = {self._fill(skill): level for skill, level in step.skills.items()}
        reason = self.memory["why"] or step.reason
        self.memory["over"] = "handoff"
        named = {skill: level for skill, level in skills.items() if skill}
        self.actions.append(HandOff(reason, queue, named))

    def _end(self, step: EndStep) -> None:
        if step.text:
            self.actions.append(self._say(step.text))
        self.memory["over"] = "end"
        self.actions.append(End(step.reason))

    # texts

    def _say(self, text: Text) -> Say:
        words = self.render(text)
        say = Say(words, words, step=self.memory["step"])
        self._remember(say)
        return say

    def _remember(self, say: Say) -> None:
        self.memory["said"].append(pack_say(say))

    def render(self, text: Text) -> str:
        """The variant for this language and channel, filled in."""
        language, channel = self.memory["language"], self.memory["channel"]
        return self._fill(text.find(language, channel, self.flow.languages[0]))

    def _fill(self, template: str) -> str:
        return render.text(template, self._values()) if "{" in template else template

    def _values(self) -> dict[str, Any]:
        return values_of(self.flow, self.memory, self.settings)
