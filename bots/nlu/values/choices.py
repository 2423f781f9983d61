"""Which of a few things is meant: by its phrases, by its place, or by its sound. Pure.

1. The longest phrase of any choice that stands in the text wins; a negated one is left out.
2. Else "the first one", "option two", "the last": by the order of the choices.
3. Else the phrase that sounds most like the words said, where one does clearly: a ``GUESS``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bots.flow.model import Choice
from bots.nlu.numbers import fold
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found, Plain
from bots.nlu.values.people import alike

PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LV_PLACES = ("pirm", "otr", "tres", "ceturt", "piekt", "sest")
ZH_PLACES = "一二三四五六七八九"
LETTERS = 4
"""Shorter phrases sound like too much."""
_NEGATED = re.compile(
    r"\b(?:not|no|isn't|don't want|without|ne|nevis)\s+(?:the |a |an |in |on |by )?$|不[是要]?$"
)


def choices(plain: Plain, listed: Sequence[Choice], language: str) -> list[Found]:
    """The values meant, the likeliest with the most weight."""
    found = list(_phrases_in(plain, listed, language))
    if found:
        return found
    return _by_place(plain, listed) or _by_sound(plain, listed, language)


def _phrases_in(plain: Plain, listed: Sequence[Choice], language: str) -> Iterator[Found]:
    whole = len(re.sub(r"\W", "", plain.text))
    for choice in listed:
        for phrase in _phrases(choice.phrases, language):
            for start, end in _places(phrase, plain.text):
                if _NEGATED.search(plain.text[:start]):
                    continue
                size = len(re.sub(r"\W", "", fold(phrase)))
                sure = SURE if size == whole else LIKELY
                yield Found(choice.value, start, end, sure, weight=size)


def _phrases(phrases: Mapping[str, tuple[str, ...]], language: str) -> Iterator[str]:
    """The language's own first; the others too, for customers mix them."""
    yield from phrases.get(language, ())
    for other, said in phrases.items():
        if other != language:
            yield from said


def _places(phrase: str, text: str) -> Iterator[tuple[int, int]]:
    words = re.findall(r"\w+", fold(phrase))
    if not words:
        return
    if fold(phrase).isascii():
        pattern = r"\b" + r"\W+".join(map(re.escape, words)) + r"\b"
    else:
        pattern = r"\s*".join(re.escape(char) for char in "".join(words))
    for match in re.finditer(pattern, text):
        yield match.span()


def _by_place(plain: Plain, listed: Sequence[Choice]) -> list[Found]:
    last = re.search(r"\b(?:the )?last(?: one| option)?\b|\bpedej\w+\b|最后", plain.text)
    if last and listed:
        return [Found(listed[-1].value, last.start(), last.end(), LIKELY)]
    for place, choice in enumerate(listed[: len(PLACES)]):
        latvian = rf"|\b{LV_PLACES[place]}[aio]\w*\b" if place < len(LV_PLACES) else ""
        pattern = (
            rf"\b(?:the )?(?:{PLACES[place]}|{place + 1}(?:st|nd|rd|th))(?: one| option)?\b"
            rf"|\b(?:option|number|choice)(?: number)? (?:{COUNTS[place]}|{place + 1})\b{latvian}"
            rf"|第{ZH_PLACES[place]}|^\W*{place + 1}\W*$"
        )
        match = re.search(pattern, plain.text)
        if match:
            return [Found(choice.value, match.start(), match.end(), LIKELY)]
    return []


def _by_sound(plain: Plain, listed: Sequence[Choice], language: str) -> list[Found]:
    spoken = {
        phrase: choice.value
        for choice in listed
        for phrase in _phrases(choice.phrases, language)
        if len(re.sub(r"\W", "", phrase)) >= LETTERS and fold(phrase).isascii()
    }
    found = alike(plain, spoken)
    return [Found(one.value, one.start, one.end, GUESS) for one in found[:1]]
