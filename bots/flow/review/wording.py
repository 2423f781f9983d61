"""Texts: written in every language and for every channel, and short enough for ear and screen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bots.flow.model import ANY, CHANNELS, AskStep, SayStep, Text
from bots.flow.review.finding import Finding, Level
from bots.flow.review.subject import Subject, Written
from bots.segments import PLAIN, SEGMENTS, segments_of
from bots.spoken.reading import spoken

LETTERS_PER_S = {"en": 15.0, "lv": 14.0, "zh": 4.5}
"""About how many letters (characters in 中文) a voice says in a second."""
QUESTION_S, TEXT_S, NOTICE_S = 15.0, 22.0, 40.0
"""A question, a text and a protected notice that take longer are not listened to."""
_LETTER = re.compile(r"[^\W\d_]")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
NAMES = {"voice": "telephone", "chat": "chat", "email": "e-mail", "sms": "SMS"}
TONGUES = {"en": "English", "zh": "中文", "lv": "latviešu"}


def rules(subject: Subject) -> Iterator[Finding]:
    """Everything about how texts are written."""
    for written in subject.written:
        yield from _languages(subject, written)
        if written.name not in ("opening", "closing") and not written.place.startswith("word "):
            yield from _lengths(subject, written)
    yield from _repairs(subject)


def seconds(text: str, language: str) -> float:
    """About how long a voice takes for this text."""
    said = spoken(text, language)
    return len(said.replace(" ", "") if language == "zh" else said) / LETTERS_PER_S[language]


def channels(names: Sequence[str]) -> str:
    """The channels by name, joined."""
    if set(names) == set(CHANNELS):
        return "any channel"
    if set(names) == set(CHANNELS[1:]):
        return "the written channels"
    return " and ".join(NAMES[name] for name in names)


def _languages(subject: Subject, written: Written) -> Iterator[Finding]:
    flow = subject.flow
    first, *others = flow.languages
    text = written.text
    if others and text.languages() == {ANY} and _wordy(text):
        names = ", ".join(flow.languages)
        yield subject.at(
            written.keys,
            "one-wording",
            Level.HINT,
            f"the same words are said in {names}",
            f"write one variant per language: {{{first}: …, {others[0]}: …}}",
        )
        return
    for language in others:
        missing = [channel for channel in CHANNELS if not _has(text, language, channel)]
        if missing:
            where = "" if len(missing) == len(CHANNELS) else f" for {channels(missing)}"
            yield subject.at(
                written.keys,
                "missing-language",
                Level.WARNING,
                f"not written in {TONGUES[language]}{where}: customers get {TONGUES[first]}",
                f"add '{language}: …'{where}",
            )


def _has(text: Text, language: str, channel: str) -> bool:
    """Whether the language, or a text for all of them, has something for this channel."""
    family = "voice" if channel == "voice" else "text"
    return any(
        (spoken_in, where) in text.variants
        for spoken_in in (language, ANY)
        for where in (channel, family, ANY)
    )


def _wordy(text: Text) -> bool:
    plain = " ".join(_TEMPLATE.sub(" ", variant) for variant in text.variants.values())
    return len(_LETTER.findall(plain)) > 1


def _lengths(subject: Subject, written: Written) -> Iterator[Finding]:
    limit, kind = _limit(written)
    for language in subject.flow.languages:
        heard = subject.shown(written.text, language, "voice")
        takes = seconds(heard, language)
        if takes > limit:
            yield subject.at(
                (*written.keys, language),
                "long-by-voice",
                Level.WARNING,
                f"about {takes:.0f} s on a call ({language}); a {kind} of more than {limit:.0f} s "
                "is not listened to",
                "shorten it, or write a shorter 'voice:' variant",
            )
        parts = segments_of(subject.shown(written.text, language, "sms").translate(PLAIN))
        if parts > SEGMENTS:
            yield subject.at(
                (*written.keys, language),
                "long-by-sms",
                Level.WARNING,
                f"{parts} segments by SMS ({language}); what is over {SEGMENTS} is cut off",
                "write a shorter 'sms:' variant",
            )


def _limit(written: Written) -> tuple[float, str]:
    if isinstance(written.step, SayStep) and written.step.protected:
        return NOTICE_S, "notice"
    if isinstance(written.step, AskStep):
        return QUESTION_S, "question"
    return TEXT_S, "text"


def _repairs(subject: Subject) -> Iterator[Finding]:
    """Questions that are only repeated behind a general sentence when they fail."""
    plain = [
        step.id
        for step in subject.flow.steps.values()
        if isinstance(step, AskStep) and step.slot and not step.follows and not step.no_match
    ]
    for name in plain:
        slot = subject.flow.slots[subject.flow.steps[name].slot]  # type: ignore[attr-defined]
        if slot.type in ("yes-no", "text") or slot.optional:
            continue
        yield subject.at_step(
            name,
            "no-own-repair",
            Level.HINT,
            "who is not understood here is only told so, and asked the same again",
            f"add 'no_match:' with other words that say what is wanted ({slot.type})",
        )
