"""Texts that promise what no step does, and keys and words that prompts name in vain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bots.flow.graph import is_open, reached, verb_of
from bots.flow.model import AskStep, DoStep, Flow, Step
from bots.flow.review.finding import Finding, Level
from bots.flow.review.keywords import named_keys
from bots.flow.review.subject import Subject, Written
from bots.nlu.entities import parse
from bots.nlu.numbers import fold
from bots.nlu.shortcuts import shortcut

ALWAYS_KEYS = frozenset("0*")
"""A person and "repeat" at every question."""
MOST_KEYS = 5
"""More choices than that are forgotten before they are all said."""
DIGITS = frozenset("0123456789#*")


def rules(subject: Subject) -> Iterator[Finding]:
    """Everything a text promises."""
    for written in subject.written:
        if written.step is None:
            continue
        yield from _kept(subject, written.step, written)
        if isinstance(written.step, AskStep):
            yield from _keys_named(subject, written.step, written)
            yield from _words_named(subject, written.step, written)
    yield from _keys_unnamed(subject)


# what will happen


@dataclass(frozen=True)
class _Promise:
    """A kind of promise: how it is worded, the steps that keep it, and what to do."""

    rule: str
    what: str
    wording: Mapping[str, re.Pattern[str]]
    verbs: frozenset[str]
    changes: bool
    """Whether an action that changes something keeps it too."""
    fix: str


def _worded(**wording: str) -> dict[str, re.Pattern[str]]:
    return {language: re.compile(pattern, re.I) for language, pattern in wording.items()}


PROMISES = (
    _Promise(
        "promised-callback",
        "a call back",
        _worded(
            en=r"\b(?:will|'ll|shall|going to)\s+(?:\w+ )?(?:call|ring|phone) you(?: back)?\b",
            lv=r"\b(?:at|pār)zvanīs(?:im|i|u)?\b",
            zh=r"(?:会|将)[^。，]{0,6}(?:回电|给您打电话|致电)",
        ),
        frozenset({"callback"}),
        True,
        "lead to a 'callback' step, to a 'do' that orders it, or promise something else",
    ),
    _Promise(
        "promised-person",
        "a person",
        _worded(
            en=r"\b(?:am|will|'ll|let me|i'm|are)\s+(?:now |also )?(?:connect|put|hand|pass|"
            r"transfer|getting|get)\w*\s+(?:you|your|this)\b(?=.*\b(?:colleague|person|agent|team|"
            r"through|over|specialist|department|somebody|someone)\b)|"
            r"\bcolleague (?:will|is going to|takes)\b",
            lv=r"\b(?:savienoju|pārslēdzu|nododu)\b|"
            r"\bkolēģis (?:\w+ ){0,2}(?:atbildēs|palīdzēs|pieņems|atradīs)",
            zh=r"(?:正在|会|将|立即)[^。]{0,6}转接|同事会",
        ),
        frozenset({"handoff", "transfer", "callback"}),
        False,
        "lead to a step with 'handoff:', or do not announce a person",
    ),
    _Promise(
        "promised-message",
        "a message",
        _worded(
            en=r"\b(?:will|'ll|shall|going to|have|am)\s+(?:just )?"
            r"(?:send|sent|sending|text|mail|e-?mail|get|receive)\w*\b"
            r"[^.!?]{0,40}\b(?:sms|text message|text|e-?mail|link|letter|code)\b",
            lv=r"\b(?:nosūtīš\w+|saņemsiet|nosūtīju|nosūtījām)\b"
            r"[^.!?]{0,40}\b(?:sms|īsziņ\w*|e-past\w*|saiti|kodu)",
            zh=r"(?:会|将|已)[^。]{0,8}(?:发送|收到|发)[^。]{0,10}(?:短信|邮件|链接|验证码)",
        ),
        frozenset({"send", "message", "authenticate"}),
        True,
        "send it with a 'do' step (POST) before or after, or do not promise it",
    ),
)


def _kept(subject: Subject, step: Step, written: Written) -> Iterator[Finding]:
    near: set[str] | None = None
    for promise in PROMISES:
        for language in _languages_of(subject, written):
            shown = _all_shown(subject, written, language)
            found = promise.wording[language].search(shown)
            if not found:
                continue
            near = near if near is not None else _near(subject, step)
            if not any(_keeps(subject.flow.steps[name], promise) for name in near):
                yield subject.at(
                    (*written.keys, language),
                    promise.rule,
                    Level.WARNING,
                    f"promises {promise.what} (“{found[0].strip()}”), and no step near keeps it",
                    promise.fix,
                )
                break


def _keeps(step: Step, promise: _Promise) -> bool:
    acts = isinstance(step, DoStep) and not step.reads
    return verb_of(step) in promise.verbs or (promise.changes and acts)


def _near(subject: Subject, step: Step) -> set[str]:
    """The steps before and after it in the same matter: not behind another open question."""
    stops = {name for name, each in subject.flow.steps.items() if is_open(each) and name != step.id}
    after = reached(subject.ways, [step.id], stops)
    before = reached(subject.ways_back, [step.id], stops)
    return after | before


def _languages_of(subject: Subject, written: Written) -> Iterable[str]:
    in_all = "" in written.text.languages()
    return [
        language
        for language in subject.flow.languages
        if in_all or language in written.text.languages()
    ]


def _all_shown(subject: Subject, written: Written, language: str) -> str:
    shown = (
        subject.shown(written.text, language, channel) for channel in ("voice", "chat", "email")
    )
    return "\n".join(dict.fromkeys(shown))


# keys


def _keys_named(subject: Subject, step: AskStep, written: Written) -> Iterator[Finding]:
    usable = keys_of(subject.flow, step, confirming=written.name == "confirm")
    for language in _languages_of(subject, written):
        for channel in ("voice", "chat"):
            named = named_keys(subject.shown(written.text, language, channel), language)
            vain = [key for key in named if key not in usable]
            if vain:
                yield subject.at(
                    (*written.keys, language),
                    "key-in-vain",
                    Level.WARNING,
                    f"tells to press {' and '.join(vain)}, which does nothing here",
                    "add it to 'dtmf:', as in dtmf: "
                    f'{{"{vain[0]}": STEP}}, or take it out of the text',
                )
                break
            if channel == "voice" and len(named) > MOST_KEYS and written.name == "ask":
                yield subject.at(
                    (*written.keys, language),
                    "long-menu",
                    Level.HINT,
                    f"{len(named)} keys in one prompt ({language}): callers keep about "
                    f"{MOST_KEYS} in mind",
                    "split the menu, or name only the ones used most",
                )


def keys_of(flow: Flow, step: AskStep, *, confirming: bool = False) -> frozenset[str]:
    """The keys that do something at this question."""
    usable = set(ALWAYS_KEYS) | set(step.dtmf)
    slot = flow.slots.get(step.slot)
    if confirming or (slot and slot.type == "yes-no"):
        return frozenset(usable | {"1", "2"})
    if slot is None:
        return frozenset(usable)
    if slot.optional:
        usable.add("#")
    if slot.type == "choice":
        return frozenset(usable | {choice.key for choice in slot.choices if choice.key})
    return frozenset(usable | DIGITS)


def _keys_unnamed(subject: Subject) -> Iterator[Finding]:
    """Keys that no prompt of the question tells, so that nobody presses them."""
    flow = subject.flow
    for step in flow.steps.values():
        if not isinstance(step, AskStep):
            continue
        slot = flow.slots.get(step.slot)
        keys = set(step.dtmf) | {choice.key for choice in (slot.choices if slot else ())}
        told = _told_at(subject, step)
        yes_no = {"yes", "no"} & set(step.routes)
        silent = sorted(keys - told - ALWAYS_KEYS - {""})
        if silent and not (yes_no and silent == ["1", "2"]):
            yield subject.at(
                ("steps", step.id, "dtmf" if step.dtmf else "ask"),
                "key-untold",
                Level.HINT,
                f"no prompt names the key{'s' if len(silent) > 1 else ''} {', '.join(silent)}",
                "name it in the question's voice text, or in 'keys:' for the last try",
            )


def _told_at(subject: Subject, step: AskStep) -> set[str]:
    language = subject.flow.languages[0]
    told: set[str] = set()
    for saying in subject.sayings[step.id]:
        for channel in ("voice", "sms"):
            told |= set(named_keys(subject.shown(saying.text, language, channel), language))
    return told


# words

_QUOTED = re.compile(
    r"(?:\b(?:say|write|type|reply|answer|text|rakstiet|ierakstiet|sakiet|atbildiet)\b|输入|回复|说)"
    r"[^“\"”.!?。]{0,12}[“\"](?P<words>[^”\"]{1,60})[”\"]",
    re.I,
)


def _words_named(subject: Subject, step: AskStep, written: Written) -> Iterator[Finding]:
    for language in _languages_of(subject, written):
        for match in _QUOTED.finditer(_all_shown(subject, written, language)):
            words = match["words"].strip(" .,!?")
            if not _understood(subject.flow, step, words, language):
                yield subject.at(
                    (*written.keys, language),
                    "words-in-vain",
                    Level.WARNING,
                    f"tells to say “{words}”, which is no example of anything understood here",
                    "add the words to an intent's examples or a choice's phrases",
                )
                break


def _understood(flow: Flow, step: AskStep, words: str, language: str) -> bool:
    if shortcut(words):
        return True
    plain = fold(words)
    for intent in flow.intents.values():
        if any(fold(phrase) == plain for phrase in intent.examples.get(language, ())):
            return True
    slot = flow.slots.get(step.slot)
    return slot is not None and parse(slot, words, language) is not None
