"""Reads the steps of a flow: one function per verb of the language.

A verb may stand for several steps: a question for several slots, an action that asks for
consent first, a survey. These are made here, so that the interpreter knows simple ones only;
their parts are named ``STEP.PART``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bots.flow import fallback, phrases, shape
from bots.flow.document import Section
from bots.flow.model import (
    PART,
    AnswerStep,
    AskStep,
    BranchStep,
    CallbackStep,
    CallStep,
    Check,
    CodeStep,
    DoStep,
    EndStep,
    HandOffStep,
    OutsideStep,
    RateStep,
    SayStep,
    SetStep,
    Slot,
    Step,
)
from bots.flow.reader import Reader
from bots.turn import PROFILES
from router.acts.parties import TransferOutcome

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
TIMEOUT_S, MOST_TIMEOUT_S = 3.0, 30
RETRIES, MOST_RETRIES = 1, 3
TRANSFER = "transferred"
"""The reason of a transfer that names none."""
RING_S, LEAST_RING_S, MOST_RING_S = 25.0, 5, 120
OUTCOMES = tuple(
    str(each)
    for each in TransferOutcome
    if each not in (TransferOutcome.ANSWERED, TransferOutcome.LEFT, TransferOutcome.CANCELLED)
)
"""How calling somebody outside may fail while the caller is there."""
BEST_SCORE = 5
PARTY = re.compile(r"[a-z][a-z0-9-]{0,39}")
WAYS = ("sms", "email")
"""How a one-time code is sent."""
CODE_DIGITS = 6
ASK_WORDS = frozenset({"again", "confirm", "no_match", "no_input", "keys"})
STEP_KEYS: Mapping[str, frozenset[str]] = {
    "say": frozenset({"next", "protected"}),
    "ask": frozenset({"slot", "slots", "missing", "next", "routes", "otherwise", "dtmf", "turn"})
    | {"check", "resumes"}
    | ASK_WORDS,
    "answer": frozenset({"next", "unknown", "text"}),
    "do": frozenset({"next", "save", "on_status", "on_error", "tried"})
    | {"confirm", "declined", "irreversible", "needs", "wrong"},
    "verify": frozenset({"next", "failed", "text", "again"}),
    "branch": frozenset({"otherwise"}),
    "set": frozenset({"next"}),
    "call": frozenset({"with", "save", "on_end", "next"}),
    "handoff": frozenset({"queue", "skills", "agent", "text", "nobody"}),
    "message": frozenset({"queue", "to", "text"}),
    "transfer": frozenset({"reason", "skills", "text", "next", "failed", "on_outcome"}),
    "callback": frozenset({"next", "closed", "refused"}),
    "survey": frozenset({"next"}),
    "end": frozenset({"text"}),
}
"""The verbs of the language, and what else each may carry."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a verb stands for: steps, and slots of their own."""

    steps: tuple[Step, ...]
    slots: tuple[Slot, ...] = ()


def read_step(reader: Reader, name: str, raw: Section) -> Made | None:
    """The steps that ``raw`` describes; None when it is not clear which verb it is."""
    verbs = [verb for verb in STEP_KEYS if verb in raw]
    if len(verbs) != 1:
        reader.bad(f"needs exactly one of {list(STEP_KEYS)}, found {verbs or list(raw)}")
        return None
    verb = verbs[0]
    reader.known(raw, STEP_KEYS[verb] | {verb})
    return _PARSERS[verb](reader, name, raw)


def checks(reader: Reader, raw: Section) -> tuple[Check, ...]:
    """The conditions under ``check``: one, or a list of them."""
    listed = raw.get("check", [])
    found = []
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, Section) and set(each) == {"when", "text"}:
            found.append(Check(str(each["when"]), reader.text(each, "text")))
        else:
            reader.bad(f"a check needs 'when' and 'text', found {each!r}")
    return tuple(found)


def _say(reader: Reader, name: str, raw: Section) -> Made:
    step = SayStep(
        id=name,
        line=reader.line,
        text=reader.text(raw, "say"),
        next=reader.needed(raw, "next"),
        protected=reader.flag(raw, "protected"),
    )
    return Made((step,))


def _ask(reader: Reader, name: str, raw: Section) -> Made:
    typed = "slot" in raw or "slots" in raw
    step = AskStep(
        id=name,
        line=reader.line,
        text=reader.text(raw, "ask"),
        slot=str(raw.get("slot", "")),
        next=reader.needed(raw, "next") if typed else str(raw.get("next", "")),
        routes=reader.names(raw, "routes"),
        otherwise=str(raw.get("otherwise", "")),
        dtmf=reader.names(raw, "dtmf"),
        no_match=reader.texts(raw, "no_match"),
        no_input=reader.texts(raw, "no_input"),
        again=reader.optional_text(raw, "again"),
        confirm=reader.optional_text(raw, "confirm"),
        keys=reader.optional_text(raw, "keys"),
        turn=reader.one_of(raw, "turn", ("", *PROFILES), ""),
        checks=checks(reader, raw),
        resumes=reader.flag(raw, "resumes"),
    )
    return Made(tuple(_form(reader, step, raw)) if "slots" in raw else (step,))


def _form(reader: Reader, step: AskStep, raw: Section) -> list[Step]:
    """One question for several slots, and a question for each that the answer left open."""
    wanted = reader.words(raw, "slots")
    missing = reader.section(raw, "missing")
    if "slot" in raw or len(wanted) < 2:
        reader.bad("'slots' is a list of two or more, and takes the place of 'slot'")
        return [step]
    for slot in wanted:
        if slot not in missing:
            reader.bad(f"missing: no question for {slot!r} alone; add one")
            return [step]
    reader.known(missing, frozenset(wanted))
    texts = {slot: reader.text(missing, slot) for slot in wanted}
    first, *others = wanted
    ids = [f"{step.id}{PART}{slot}" for slot in others]
    made: list[Step] = []
    made.append(replace(step, slot=first, also=tuple(others), next=ids[0], again=texts[first]))
    for place, slot in enumerate(others):
        made.append(
            AskStep(
                id=ids[place],
                line=step.line,
                text=texts[slot],
                slot=slot,
                also=tuple(others[place + 1 :]),
                follows=True,
                routes=step.routes,
                next=ids[place + 1] if place + 1 < len(ids) else step.next,
            )
        )
    return made


def _answer(reader: Reader, name: str, raw: Section) -> Made:
    step = AnswerStep(
        id=name,
        line=reader.line,
        question=reader.needed(raw, "answer"),
        next=reader.needed(raw, "next"),
        unknown=reader.needed(raw, "unknown"),
        text=reader.optional_text(raw, "text"),
    )
    return Made((step,))


def _do(reader: Reader, name: str, raw: Section) -> Made:
    if "needs" in raw:
        return _with_proof(reader, name, raw)
    return _done(reader, _action(reader, name, raw), raw)


def _with_proof(reader: Reader, name: str, raw: Section) -> Made:
    """The customer is proven to a level first; the action itself looks again."""
    needs = reader.section(raw, "needs")
    reader.known(needs, frozenset({"level", "prove"}))
    level = needs.get("level")
    if level not in (1, 2):
        reader.bad(f"needs: level {level!r} is not 1 (knowledge) or 2 (a one-time code)")
        level = 2
    done = f"{name}{PART}proven"
    branch = BranchStep(
        id=name,
        line=reader.line,
        cases=((f"proved >= {level}", done),),
        otherwise=reader.needed(needs, "prove"),
    )
    action = replace(_action(reader, done, raw), needs=level)
    made = _done(reader, action, raw)
    return Made((branch, *made.steps), made.slots)


def _done(reader: Reader, step: DoStep, raw: Section) -> Made:
    if "confirm" in raw:
        return _with_consent(reader, step, raw)
    if reader.flag(raw, "irreversible"):
        reader.bad("what cannot be undone needs 'confirm: TEXT' and 'declined: STEP'")
    if "declined" in raw:
        reader.bad("'declined' is for an action with 'confirm'")
    return Made((step,))


def _action(reader: Reader, name: str, raw: Section) -> DoStep:
    call = reader.section(raw, "do")
    keys = {"method", "url", "headers", "body", "timeout_s", "retries", "expects"}
    reader.known(call, frozenset(keys))
    method = str(call.get("method", "GET")).upper()
    if method not in METHODS:
        reader.bad(f"unknown method {method!r}; use one of {list(METHODS)}")
    timeout_s = call.get("timeout_s", TIMEOUT_S)
    if not isinstance(timeout_s, int | float) or not 0 < timeout_s <= MOST_TIMEOUT_S:
        limits = f"a number of seconds above 0, at most {MOST_TIMEOUT_S}"
        reader.bad(f"timeout_s {timeout_s!r} is not {limits}")
        timeout_s = TIMEOUT_S
    retries = call.get("retries", RETRIES)
    if not isinstance(retries, int) or not 0 <= retries <= MOST_RETRIES:
        reader.bad(f"retries {retries!r} is not a whole number from 0 to {MOST_RETRIES}")
        retries = RETRIES
    return DoStep(
        id=name,
        line=reader.line,
        method=method,
        url=reader.needed(call, "url"),
        headers=reader.names(call, "headers"),
        body=reader.names(call, "body") if "body" in call else None,
        timeout_s=float(timeout_s),
        retries=retries,
        expects=_expects(reader, call),
        save=reader.names(raw, "save"),
        next=reader.needed(raw, "next"),
        on_status=_statuses(reader, raw),
        on_error=reader.needed(raw, "on_error"),
        tried=str(raw.get("tried", "")),
        wrong=str(raw.get("wrong", "")),
    )


def _verify(reader: Reader, name: str, raw: Section) -> Made:
    """A code is sent, asked for and looked at; a wrong one is asked for again."""
    way = reader.one_of(raw, "verify", WAYS, "sms")
    then, failed = reader.needed(raw, "next"), reader.needed(raw, "failed")
    slot = f"{_identifier(name)}_code"
    asked, looked, again = (f"{name}{PART}{part}" for part in ("ask", "look", "again"))
    text = reader.optional_text(raw, "text") or phrases.CODE_SENT
    wrong = reader.optional_text(raw, "again") or phrases.CODE_WRONG
    line = reader.line
    return Made(
        (
            CodeStep(id=name, line=line, way=way, next=asked, failed=failed),
            AskStep(id=asked, line=line, text=text, slot=slot, next=looked, again=phrases.CODE),
            CodeStep(
                id=looked,
                line=line,
                way=way,
                code=f"{{{{ {slot} }}}}",
                slot=slot,
                next=then,
                wrong=again,
                failed=failed,
            ),
            AskStep(id=again, line=line, text=wrong, slot=slot, next=looked, again=phrases.CODE),
        ),
        (Slot(slot, "digits", length=CODE_DIGITS),),
    )


def _expects(reader: Reader, call: Section) -> Mapping[str, Any] | None:
    if "expects" not in call:
        return None
    schema = reader.section(call, "expects")
    for problem in shape.problems_of_schema(schema):
        reader.bad(f"expects: {problem}")
    return schema


def _statuses(reader: Reader, raw: Section) -> dict[int, str]:
    found = {}
    for status, step in reader.names(raw, "on_status").items():
        if status.isdigit() and 100 <= int(status) <= 599:
            found[int(status)] = step
        else:
            reader.bad(f"on_status: {status!r} is not an HTTP status from 100 to 599")
    return found


def _with_consent(reader: Reader, action: DoStep, raw: Section) -> Made:
    """The customer says yes to exactly this before it is done, each time."""
    name = action.id
    consent = f"{_identifier(name)}_consent"
    decided, done = f"{name}{PART}decided", f"{name}{PART}do"
    question = AskStep(
        id=name,
        line=action.line,
        text=reader.text(raw, "confirm"),
        slot=consent,
        next=decided,
    )
    branch = BranchStep(
        id=decided,
        line=action.line,
        cases=((f"{consent} == 'yes'", done),),
        otherwise=reader.needed(raw, "declined"),
    )
    slot = Slot(consent, "yes-no", consent=True)
    return Made((question, branch, replace(action, id=done)), (slot,))


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _branch(reader: Reader, name: str, raw: Section) -> Made:
    cases: list[tuple[str, str]] = []
    listed = raw["branch"]
    for case in listed if isinstance(listed, list) else []:
        if isinstance(case, Section) and set(case) == {"when", "go"}:
            cases.append((str(case["when"]), str(case["go"])))
        else:
            reader.bad(f"a case needs 'when' and 'go', found {case!r}")
    if not cases:
        reader.bad("branch needs a list of cases with 'when' and 'go'")
    otherwise = reader.needed(raw, "otherwise")
    return Made((BranchStep(id=name, line=reader.line, cases=tuple(cases), otherwise=otherwise),))


def _set(reader: Reader, name: str, raw: Section) -> Made:
    values, then = reader.names(raw, "set"), reader.needed(raw, "next")
    return Made((SetStep(id=name, line=reader.line, values=values, next=then),))


def _call(reader: Reader, name: str, raw: Section) -> Made:
    step = CallStep(
        id=name,
        line=reader.line,
        flow=reader.needed(raw, "call"),
        next=reader.needed(raw, "next"),
        arguments=reader.names(raw, "with"),
        save=reader.names(raw, "save"),
        on_end=reader.names(raw, "on_end"),
    )
    return Made((step,))


def _handoff(reader: Reader, name: str, raw: Section) -> Made:
    alone = raw.get("nobody") is False
    step = HandOffStep(
        id=name,
        line=reader.line,
        reason=reader.needed(raw, "handoff"),
        queue=reader.queue(raw),
        skills=_skills(reader, raw),
        agent=str(raw.get("agent", "")),
        text=reader.optional_text(raw, "text"),
        nobody="" if alone else str(raw.get("nobody", "")),
        alone=alone,
    )
    return Made((step,))


def _message(reader: Reader, name: str, raw: Section) -> Made:
    """A voice message on a call, in writing a mail: a colleague answers later."""
    step = HandOffStep(
        id=name,
        line=reader.line,
        reason=reader.needed(raw, "message"),
        queue=reader.queue(raw),
        text=reader.optional_text(raw, "text"),
        again="queue" not in raw,
        instead=fallback.MESSAGE,
        reach=str(raw.get("to", "")),
    )
    return Made((step,))


def _skills(reader: Reader, raw: Section) -> dict[str, int]:
    skills = {}
    for skill, level in reader.section(raw, "skills").items():
        if isinstance(level, int) and 1 <= level <= 5:
            skills[skill] = level
        else:
            reader.bad(f"skills: the level of {skill!r} is {level!r}, not 1 to 5")
    return skills


def _transfer(reader: Reader, name: str, raw: Section) -> Made:
    target = reader.section(raw, "transfer")
    reader.known(target, frozenset({"queue", "agent", "flow", "outside", "ring_s"}))
    if "outside" in target:
        return _outside(reader, name, raw, target)
    for key in ("next", "failed", "on_outcome"):
        if key in raw:
            reader.bad(f"{key!r} is for a transfer to 'outside'; nothing comes back of this one")
    ways = set(target)
    if ways not in ({"queue"}, {"agent"}, {"queue", "agent"}, {"flow"}):
        reader.bad("transfer needs 'queue' or 'agent' or both, or 'flow', or 'outside'")
    text = reader.optional_text(raw, "text")
    if "flow" in ways:
        flow = str(target["flow"])
        return Made((CallStep(id=name, line=reader.line, flow=flow),))
    step = HandOffStep(
        id=name,
        line=reader.line,
        reason=str(raw.get("reason", TRANSFER)),
        queue=reader.queue(target),
        skills=_skills(reader, raw),
        agent=str(target.get("agent", "")),
        text=text,
    )
    return Made((step,))


def _outside(reader: Reader, name: str, raw: Section, target: Section) -> Made:
    """To somebody of the operator's list. What a customer says can never name them."""
    party = str(target["outside"])
    if not PARTY.fullmatch(party):
        reader.bad(
            f"outside {party[:40]!r} is no name of PARLEY_OUTSIDE (small letters, digits, '-'): "
            "numbers and templates do not stand in flows"
        )
    if set(target) - {"outside", "ring_s"} or set(raw) & {"reason", "skills"}:
        reader.bad("a transfer to 'outside' has no queue, agent, flow, skills or reason")
    ring_s = target.get("ring_s", RING_S)
    if not isinstance(ring_s, int | float) or not LEAST_RING_S <= ring_s <= MOST_RING_S:
        reader.bad(f"ring_s {ring_s!r} is not from {LEAST_RING_S} to {MOST_RING_S} seconds")
        ring_s = RING_S
    outcomes = reader.names(raw, "on_outcome")
    for outcome in outcomes:
        if outcome not in OUTCOMES:
            reader.bad(f"on_outcome: unknown {outcome!r}; use some of {list(OUTCOMES)}")
    step = OutsideStep(
        id=name,
        line=reader.line,
        party=party,
        ring_s=float(ring_s),
        next=reader.needed(raw, "next"),
        failed=reader.needed(raw, "failed"),
        on_outcome=outcomes,
        text=reader.optional_text(raw, "text"),
    )
    return Made((step,))


def _callback(reader: Reader, name: str, raw: Section) -> Made:
    promise = reader.section(raw, "callback")
    reader.known(promise, frozenset({"number", "at", "queue"}))
    step = CallbackStep(
        id=name,
        line=reader.line,
        number=reader.needed(promise, "number"),
        at=str(promise.get("at", "")),
        queue=str(promise.get("queue", "")),
        next=reader.needed(raw, "next"),
        closed=str(raw.get("closed", "")),
        refused=reader.needed(raw, "refused"),
    )
    return Made((step,))


def _survey(reader: Reader, name: str, raw: Section) -> Made:
    """A question from 1 to 5 that may be left out, and the step that records the answer."""
    score = f"{_identifier(name)}_score"
    rated = f"{name}{PART}rated"
    question = AskStep(
        id=name, line=reader.line, text=reader.text(raw, "survey"), slot=score, next=rated
    )
    record = RateStep(
        id=rated, line=reader.line, score=f"{{{{ {score} }}}}", next=reader.needed(raw, "next")
    )
    return Made(
        (question, record), (Slot(score, "integer", optional=True, low=1, high=BEST_SCORE),)
    )


def _end(reader: Reader, name: str, raw: Section) -> Made:
    step = EndStep(
        id=name,
        line=reader.line,
        reason=reader.needed(raw, "end"),
        text=reader.optional_text(raw, "text"),
    )
    return Made((step,))


_PARSERS: Mapping[str, Callable[[Reader, str, Section], Made]] = {
    "say": _say,
    "ask": _ask,
    "answer": _answer,
    "do": _do,
    "branch": _branch,
    "set": _set,
    "call": _call,
    "handoff": _handoff,
    "message": _message,
    "transfer": _transfer,
    "callback": _callback,
    "survey": _survey,
    "verify": _verify,
    "end": _end,
}
