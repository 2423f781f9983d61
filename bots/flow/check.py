"""Checks over a whole flow: every name leads somewhere and every step is reached.

1. A step named by another step, an intent or ``always`` exists.
2. Every step can be reached from ``start``, an intent or ``always``.
3. Intents and slots that steps name are declared; keys lead to something.
4. Templates are valid and use only what something sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from bots.flow.document import Keys, Lines
from bots.flow.model import (
    ALWAYS,
    GLOBALS,
    LANGUAGE_KEY,
    AnswerStep,
    AskStep,
    BranchStep,
    CallbackStep,
    CallStep,
    CodeStep,
    DoStep,
    EndStep,
    Flow,
    HandOffStep,
    OutsideStep,
    RateStep,
    ReturnStep,
    SayStep,
    SetStep,
    Step,
    Text,
    is_command,
)
from bots.flow.render import TemplateError, names_in, secrets_in

BUILT_IN_NAMES = frozenset(
    {"name", "channel", "language", "intent", "intent_label"}
    | {"queue", "question", "answer", "unanswered", "value", "words", "heard"}
    | {"person", "proved", "mood", "nobody"}
)
"""What every template may use, besides slots, variables, ``save`` and ``set``."""

YES_NO = ("yes", "no")
CALLBACK_NAMES = frozenset({"opens"})
"""What a callback sets: when the queue opens, where it is closed at the wished time."""
OUTSIDE_NAMES = frozenset({"outside"})
"""What a transfer outside sets in writing: the number."""


def problems(flow: Flow, lines: Lines) -> list[str]:
    """All that is wrong, one line each; empty when the flow can run."""
    found = list(_unknown_steps(flow, lines))
    found += _bad_references(flow)
    found += _unknown_languages(flow)
    found += _bad_templates(flow)
    found += _told_secrets(flow)
    return found or list(_unreachable(flow))


def exits(flow: Flow, step: Step) -> Iterator[str]:
    """The steps that may follow this one."""
    match step:
        case SayStep() | SetStep() | RateStep():
            yield step.next
        case CallStep():
            yield from (target for target in (step.next, *step.on_end.values()) if target)
            if step.flow in flow.starts:
                yield flow.starts[step.flow]
        case CallbackStep():
            yield from (target for target in (step.next, step.closed, step.refused) if target)
        case OutsideStep():
            yield from (step.next, *step.on_outcome.values(), step.failed)
        case AskStep():
            yield from _ask_exits(flow, step)
        case AnswerStep():
            yield from (step.next, step.unknown)
        case CodeStep():
            yield from (target for target in (step.next, step.wrong, step.failed) if target)
        case DoStep():
            yield from (step.next, step.on_error, *step.on_status.values())
            yield from (step.wrong,) if step.wrong else ()
        case BranchStep():
            yield from (go for _, go in step.cases)
            yield step.otherwise
        case HandOffStep():
            yield from _handed_back(flow, step)


def _handed_back(flow: Flow, step: HandOffStep) -> Iterator[str]:
    """Where a hand-over goes that no person takes."""
    if step.nobody:
        yield step.nobody
    elif flow.nobody and not (step.alone or step.again):
        yield flow.nobody.go


def _ask_exits(flow: Flow, step: AskStep) -> Iterator[str]:
    yield from (target for target in (step.next, step.otherwise) if target)
    yield from step.routes.values()
    if not _is_choice(flow, step):
        yield from (to for to in step.dtmf.values() if not is_command(to))


def _is_choice(flow: Flow, step: AskStep) -> bool:
    slot = flow.slots.get(step.slot)
    return slot is not None and slot.type in ("choice", "yes-no", "integer")


def _unknown_steps(flow: Flow, lines: Lines) -> Iterator[str]:
    for step in flow.steps.values():
        for target in exits(flow, step):
            if target not in flow.steps:
                yield at(flow, step, _no_step(flow, target))
    named: list[tuple[str, Keys, str]] = [("start", ("start",), flow.start)]
    named += [
        (f"intent {intent.name!r}", ("intents", intent.name, "go"), intent.go)
        for intent in flow.intents.values()
    ]
    named += [
        (f"always {name!r}", ("always", name), target) for name, target in flow.always.items()
    ]
    named += [("nobody", ("nobody", "go"), flow.nobody.go)] if flow.nobody else []
    for place, keys, target in named:
        if target and target not in flow.steps:
            yield f"{flow.path}:{lines.of(keys)}: {place}: {_no_step(flow, target)}"


def _no_step(flow: Flow, name: str) -> str:
    return f"unknown step {name!r}; {near(name, flow.steps)}"


def near(name: str, known: Iterable[str]) -> str:
    """The known name that may be meant, or all of them."""
    listed = list(known)
    close = get_close_matches(name, listed, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {sorted(listed)}"


def _unknown_languages(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        for target in step.dtmf.values() if isinstance(step, AskStep) else ():
            language = target.removeprefix(LANGUAGE_KEY)
            if target != language and language not in flow.languages:
                close = near(language, flow.languages)
                yield at(flow, step, f"unknown language {language!r}; {close}")


def _bad_references(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        if not isinstance(step, AskStep):
            continue
        for name in (step.slot, *step.also):
            if name and name not in flow.slots:
                yield at(flow, step, f"unknown slot {name!r}; {near(name, flow.slots)}")
        for intent in step.routes:
            if intent not in flow.intents and intent not in (*YES_NO, *GLOBALS):
                yield at(flow, step, f"unknown intent {intent!r}; {near(intent, flow.intents)}")
        if not step.slot and not step.otherwise:
            yield at(flow, step, "an open question needs 'otherwise: STEP' for what no intent fits")
    for name in flow.always:
        if name not in ALWAYS:
            yield f"{flow.path}: always: unknown {name!r}; use some of {list(ALWAYS)}"
    for slot in flow.slots.values():
        if slot.implies and slot.implies not in flow.intents:
            problem = f"implies unknown intent {slot.implies!r}; {near(slot.implies, flow.intents)}"
            yield f"{flow.path}: slot {slot.name!r}: {problem}"


def _bad_templates(flow: Flow) -> Iterator[str]:
    known = BUILT_IN_NAMES | settable(flow)
    for step in flow.steps.values():
        for template in templates(step):
            yield from (at(flow, step, problem) for problem in _wrong(template, known))
    for step in flow.steps.values():
        for template in step.headers.values() if isinstance(step, DoStep) else ():
            found = _wrong(template, known | {"secret"})
            yield from (at(flow, step, problem) for problem in (*found, *_hidden(template)))
    loose = [template for text in _loose_texts(flow) for template in text.variants.values()]
    loose += [_expression(each.when) for slot in flow.slots.values() for each in slot.checks]
    for template in loose:
        yield from (f"{flow.path}: {problem}" for problem in _wrong(template, known))


def _told_secrets(flow: Flow) -> Iterator[str]:
    """What nobody may keep is for actions and conditions, not for texts, which are kept."""
    secret = {slot.name for slot in flow.slots.values() if slot.sensitive}
    for step in flow.steps.values() if secret else ():
        told = [template for text in texts(step) for template in text.variants.values()]
        told += [step.tried] if isinstance(step, DoStep) else []
        named = {name for template in told for name in _names(template)} & secret
        for name in sorted(named):
            yield at(flow, step, f"slot {name!r} is sensitive: no text may tell it; take it out")


def _names(template: str) -> Iterable[str]:
    try:
        return names_in(template)
    except TemplateError:
        return ()  # Named already.


def settable(flow: Flow) -> set[str]:
    """Every slot and variable that the flow itself knows."""
    known = set(flow.slots) | set(flow.variables)
    for step in flow.steps.values():
        match step:
            case SetStep():
                known |= set(step.values)
            case DoStep() | CallStep():
                known |= set(step.save)
            case CallbackStep():
                known |= CALLBACK_NAMES
            case OutsideStep():
                known |= OUTSIDE_NAMES
    return known


def _wrong(template: str, known: Iterable[str]) -> Iterator[str]:
    try:
        names = names_in(template)
    except TemplateError as error:
        yield f"the template {template!r} is broken: {error}"
        return
    for name in sorted(names - set(known)):
        yield f"nothing sets {name!r}, used in {template!r}; {near(name, known)}"


def secrets_of(flow: Flow) -> set[str]:
    """The names of all secrets that its actions need."""
    named: set[str] = set()
    for step in flow.steps.values():
        for template in step.headers.values() if isinstance(step, DoStep) else ():
            named |= secrets_in(template)[0]
    return named


def parties_of(flow: Flow) -> set[str]:
    """The names of all to whom it may put callers through outside."""
    return {step.party for step in flow.steps.values() if isinstance(step, OutsideStep)}


def _hidden(template: str) -> Iterator[str]:
    try:
        _, plain = secrets_in(template)
    except TemplateError:
        return  # Named already.
    if not plain:
        yield f"a secret stands for itself, as in {{{{ secret('crm') }}}}, not as in {template!r}"


def _loose_texts(flow: Flow) -> Iterator[Text]:
    yield from flow.no_match + flow.no_input + flow.filler
    yield from flow.words.values()
    for slot in flow.slots.values():
        yield from (each.text for each in slot.checks)
    for intent in flow.intents.values():
        if intent.about:
            yield intent.about
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
            yield from (each.text for each in step.checks)
        case SayStep():
            yield step.text
        case AnswerStep() | HandOffStep() | OutsideStep() | EndStep() | ReturnStep():
            if step.text:
                yield step.text


def templates(step: Step) -> Iterator[str]:
    """Every template of this step: its texts, and what it fills in without saying it."""
    for text in texts(step):
        yield from text.variants.values()
    match step:
        case AnswerStep():
            yield step.question
        case AskStep():
            yield from (_expression(each.when) for each in step.checks)
        case DoStep():
            yield from (step.url, step.tried, *(step.body or {}).values())
        case CallStep():
            yield from step.arguments.values()
        case CallbackStep():
            yield from (step.number, step.at, step.queue)
        case RateStep():
            yield step.score
        case CodeStep():
            yield step.code
        case BranchStep():
            yield from (_expression(when) for when, _ in step.cases)
        case SetStep():
            yield from step.values.values()
        case HandOffStep():
            yield from (step.queue, step.agent, step.reach, *step.skills)


def _expression(when: str) -> str:
    return "{{ " + when + " }}"


def _unreachable(flow: Flow) -> Iterator[str]:
    roots = [flow.start, *flow.always.values(), *(intent.go for intent in flow.intents.values())]
    roots += [flow.nobody.go] if flow.nobody else []
    reached: set[str] = set()
    ahead = [root for root in roots if root]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += exits(flow, flow.steps[name])
    for step in flow.steps.values():
        if step.id not in reached:
            yield at(flow, step, "no step leads here; lead one here or remove it")


def at(flow: Flow, step: Step, problem: str) -> str:
    """A problem with its place in the file."""
    return f"{flow.path}:{step.line}: step {step.id!r}: {problem}"
