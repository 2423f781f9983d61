"""Checks over a whole flow: every name leads somewhere and every step is reached.

1. A step named by another step, an intent or ``always`` exists.
2. Every step can be reached from ``start``, an intent or ``always``.
3. Intents and slots that steps name are declared; keys lead to something.
4. Templates are valid and use only what something sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from bots.flow.model import (
    ALWAYS,
    GLOBALS,
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
    Step,
    Text,
    is_command,
)
from bots.flow.render import TemplateError, names_in

BUILT_IN_NAMES = frozenset(
    {"name", "channel", "language", "intent", "intent_label"}
    | {"queue", "question", "answer", "unanswered", "value", "words", "heard", "person"}
)
"""What every template may use, besides slots, variables, ``save`` and ``set``."""

YES_NO = ("yes", "no")


def problems(flow: Flow) -> list[str]:
    """All that is wrong, one line each; empty when the flow can run."""
    found = list(_unknown_steps(flow))
    found += _bad_references(flow)
    found += _unknown_languages(flow)
    found += _bad_templates(flow)
    return found or list(_unreachable(flow))


def exits(flow: Flow, step: Step) -> Iterator[str]:
    """The steps that may follow this one."""
    match step:
        case SayStep() | SetStep():
            yield step.next
        case AskStep():
            yield from _ask_exits(flow, step)
        case AnswerStep():
            yield from (step.next, step.unknown)
        case DoStep():
            yield from (step.next, step.on_error, *step.on_status.values())
        case BranchStep():
            yield from (go for _, go in step.cases)
            yield step.otherwise


def _ask_exits(flow: Flow, step: AskStep) -> Iterator[str]:
    yield from (target for target in (step.next, step.otherwise) if target)
    yield from step.routes.values()
    if not _is_choice(flow, step):
        yield from (to for to in step.dtmf.values() if not is_command(to))


def _is_choice(flow: Flow, step: AskStep) -> bool:
    slot = flow.slots.get(step.slot)
    return slot is not None and slot.type in ("choice", "yes-no", "integer")


def _unknown_steps(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        for target in exits(flow, step):
            if target not in flow.steps:
                yield _at(flow, step, _no_step(flow, target))
    named = [("start", flow.start)]
    named += [(f"intent {intent.name!r}", intent.go) for intent in flow.intents.values()]
    named += [(f"always {name!r}", target) for name, target in flow.always.items()]
    for place, target in named:
        if target and target not in flow.steps:
            yield f"{flow.path}: {place}: {_no_step(flow, target)}"


def _no_step(flow: Flow, name: str) -> str:
    return f"unknown step {name!r}; {_near(name, flow.steps)}"


def _near(name: str, known: Iterable[str]) -> str:
    listed = list(known)
    close = get_close_matches(name, listed, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {sorted(listed)}"


def _unknown_languages(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        for target in step.dtmf.values() if isinstance(step, AskStep) else ():
            language = target.removeprefix(LANGUAGE_KEY)
            if target != language and language not in flow.languages:
                near = _near(language, flow.languages)
                yield _at(flow, step, f"unknown language {language!r}; {near}")


def _bad_references(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        if not isinstance(step, AskStep):
            continue
        if step.slot and step.slot not in flow.slots:
            yield _at(flow, step, f"unknown slot {step.slot!r}; {_near(step.slot, flow.slots)}")
        for intent in step.routes:
            if intent not in flow.intents and intent not in (*YES_NO, *GLOBALS):
                yield _at(flow, step, f"unknown intent {intent!r}; {_near(intent, flow.intents)}")
        if not step.slot and not step.otherwise:
            yield _at(
                flow, step, "an open question needs 'otherwise: STEP' for what no intent fits"
            )
    for name in flow.always:
        if name not in ALWAYS:
            yield f"{flow.path}: always: unknown {name!r}; use some of {list(ALWAYS)}"
    for slot in flow.slots.values():
        if slot.implies and slot.implies not in flow.intents:
            problem = (
                f"implies unknown intent {slot.implies!r}; {_near(slot.implies, flow.intents)}"
            )
            yield f"{flow.path}: slot {slot.name!r}: {problem}"


def _bad_templates(flow: Flow) -> Iterator[str]:
    known = BUILT_IN_NAMES | set(flow.slots) | set(flow.variables)
    for step in flow.steps.values():
        if isinstance(step, SetStep):
            known |= set(step.values)
        elif isinstance(step, DoStep):
            known |= set(step.save)
    for step in flow.steps.values():
        for template in _templates(step):
            yield from (_at(flow, step, problem) for problem in _wrong(template, known))
    for text in _loose_texts(flow):
        for template in text.variants.values():
            yield from (f"{flow.path}: {problem}" for problem in _wrong(template, known))


def _wrong(template: str, known: Iterable[str]) -> Iterator[str]:
    try:
        names = names_in(template)
    except TemplateError as error:
        yield f"the template {template!r} is broken: {error}"
        return
    for name in sorted(names - set(known)):
        yield f"nothing sets {name!r}, used in {template!r}; {_near(name, known)}"


def _loose_texts(flow: Flow) -> Iterator[Text]:
    yield from flow.no_match + flow.no_input + flow.filler
    yield from flow.words.values()
    if flow.confirm:
        yield flow.confirm
    if flow.letter:
        yield from (flow.letter.opening, flow.letter.closing)


def texts(step: Step) -> Iterator[Text]:
    """Everything this step may say."""
    match step:
        case AskStep():
            yield step.text
            yield from step.no_match + step.no_input
            yield from (text for text in (step.again, step.confirm, step.keys) if text)
        case SayStep():
            yield step.text
        case AnswerStep() | HandOffStep() | EndStep():
            if step.text:
                yield step.text


def _templates(step: Step) -> Iterator[str]:
    for text in texts(step):
        yield from text.variants.values()
    match step:
        case AnswerStep():
            yield step.question
        case DoStep():
            yield from (step.url, step.tried, *(step.body or {}).values())
        case BranchStep():
            yield from ("{{ " + when + " }}" for when, _ in step.cases)
        case SetStep():
            yield from step.values.values()
        case HandOffStep():
            yield from (step.queue, *step.skills)


def _unreachable(flow: Flow) -> Iterator[str]:
    roots = [flow.start, *flow.always.values(), *(intent.go for intent in flow.intents.values())]
    reached: set[str] = set()
    ahead = [root for root in roots if root]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += exits(flow, flow.steps[name])
    for step in flow.steps.values():
        if step.id not in reached:
            yield _at(flow, step, "no step leads here; lead one here or remove it")


def _at(flow: Flow, step: Step, problem: str) -> str:
    return f"{flow.path}:{step.line}: step {step.id!r}: {problem}"
