"""Whether a sentence that somebody wrote says no more than the passages it names. Pure.

1. It names at least one passage, and only passages that were given.
2. Every number, date, time, amount, code and address in it is in those passages, a number with
   its measure, a range with both its ends: "14 days" is not "14 hours". "Two" and "2" are the
   same. The sentences that hold its numbers are those that speak of the same.
3. Every name in it (a capital in the middle of a sentence) is in them.
4. Words that promise or bind ("free", "always", "guaranteed") are in them as they are.
5. One of their sentences carries it: it shares most of the words that mean something, says yes
   where that says yes and no where it says no, and keeps its condition ("if", "only").
   What is left of the words is in the passages.

It errs on the side of refusing: a good sentence refused costs the wording, a bad one let through
is an invented fact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from knowledge.chunking import split_sentences
from knowledge.grounding_words import (
    BINDING,
    BINDING_ZH,
    COMMON,
    CONDITION,
    COUNTED,
    DIGITS_ZH,
    MEASURES,
    NEGATION,
    SIGNS,
)
from knowledge.lexical import terms
from knowledge.ports import Statement

CARRIED = 0.5
"""Share of a sentence's words that the one which carries it must have."""
SPEAKS_OF = 0.3
"""Share of them from which a sentence speaks of the same, so that its numbers may be meant."""
COVERED = 0.75
"""Share of them that the passages named must have."""
LONGEST = 400
"""Characters of one sentence."""

ADDRESS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+|(?<![\w/])/[\w/-]{3,}")
CODE = re.compile(r"\b(?=\w*\d)(?=\w*[^\W\d_])[\w-]{3,}\b", re.ASCII)
WORD = re.compile(r"[^\W\d_][\w'’-]*")
PART = re.compile(r"\d+(?:[.,:]\d+)*|[\u3400-\u9fff]|[^\W\d_]+")
RANGE = re.compile(
    r"(\d[\d.,:]*)\s*(?:–|-|—|to|till|until|and|līdz|un|至|到|和)\s*(?=(\d[\d.,:]*))"
)
BEFORE_UNIT_ZH = re.compile(r"[零一二两三四五六七八九十](?=[天日小周月年个分元次号点])")


@dataclass(frozen=True, slots=True)
class Grounded:
    """A sentence that the passages carry, and which they are, from 0."""

    text: str
    passages: tuple[int, ...]


def grounded(statement: Statement, passages: Sequence[str], language: str) -> Grounded | str:
    """The sentence as it may be said, or why it may not."""
    text = " ".join(statement.text.split())
    places = [place - 1 for place in statement.sources]
    if not text or len(text) > LONGEST:
        return f"expected a sentence of at most {LONGEST} characters"
    if not places or not all(0 <= place < len(passages) for place in places):
        return f"it names no passage that was given: {list(statement.sources)}"
    named = tuple(dict.fromkeys(places))
    told = [passages[place] for place in named]
    for sentence in split_sentences(text):
        if why := _objection(sentence, told, language):
            return f"{why}: {sentence!r}"
    return Grounded(text, named)


def _objection(sentence: str, told: Sequence[str], language: str) -> str:
    whole = "\n".join(told)
    for missing in (_address, _code, _name, _promise):
        if found := missing(sentence, whole):
            return f"{found!r} is not in its passages"
    wanted = _content(sentence, language)
    if not wanted:
        return "it says nothing by itself"
    lines = [line for passage in told for line in split_sentences(passage)]
    shares = [len(wanted & _content(line, language)) / len(wanted) for line in lines]
    speaking = [line for line, share in zip(lines, shares, strict=True) if share >= SPEAKS_OF]
    if number := _number_missing(sentence, speaking):
        return f"{number!r} is not in its passages"
    everything = set().union(*(_content(line, language) for line in lines))
    best = max(shares, default=0.0)
    if best < CARRIED or len(wanted & everything) / len(wanted) < COVERED:
        return "it says more than its passages"
    nearest = [line for line, share in zip(lines, shares, strict=True) if share == best]
    if not any(_alike(sentence, line) for line in nearest):
        return "it turns round or drops the condition of what its passages say"
    return ""


def _address(sentence: str, told: str) -> str:
    """The first address that nobody told."""
    known = told.lower()
    found = (address.rstrip(".,;:!?)»”\"'") for address in ADDRESS.findall(sentence))
    return next((address for address in found if address.lower() not in known), "")


def _code(sentence: str, told: str) -> str:
    codes = {code.lower() for code in CODE.findall(told)}
    return next((code for code in CODE.findall(sentence) if code.lower() not in codes), "")


def _number_missing(sentence: str, lines: Sequence[str]) -> str:
    known = set().union(*(_counts(line) for line in lines))
    missing = sorted(_counts(sentence) - known)
    return " ".join(missing[0]).strip() if missing else ""


def _name(sentence: str, told: str) -> str:
    known = {word.lower() for word in WORD.findall(told)}
    later = list(WORD.finditer(sentence))[1:]
    names = (match.group() for match in later if match.group()[0].isupper())
    return next((name for name in names if name.lower() not in known and name != "I"), "")


def _promise(sentence: str, told: str) -> str:
    known = {word.lower() for word in WORD.findall(told)}
    words = (word.lower() for word in WORD.findall(sentence))
    promised = next((word for word in words if word in BINDING and word not in known), "")
    return promised or next(
        (word for word in BINDING_ZH if word in sentence and word not in told), ""
    )


def _alike(sentence: str, line: str) -> bool:
    if bool(NEGATION.search(sentence)) != bool(NEGATION.search(line)):
        return False
    return bool(CONDITION.search(sentence)) or not CONDITION.search(line)


def _content(text: str, language: str) -> set[str]:
    return set(terms(text, language)) - _common(language)


@cache
def _common(language: str) -> frozenset[str]:
    return frozenset(term for word in COMMON for term in terms(word, language))


def _counts(text: str) -> set[tuple[str, str]]:
    """Every number with its measure, and with the other end of its range.

    "3 to 5 days" is (3, ""), (3, "to 5") and (5, "day").
    """
    lowered = text.lower()
    for sign, name in SIGNS.items():
        lowered = lowered.replace(sign, f" {name} ")
    lowered = BEFORE_UNIT_ZH.sub(lambda match: DIGITS_ZH[match.group()], lowered)
    parts = PART.findall(lowered)
    found: set[tuple[str, str]] = set()
    for before, part, behind in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        number = _number(part)
        if number:
            signed = _measure(before) if before in SIGNS.values() else ""
            found.add((number, _measure(behind) or signed))
    ends = (
        (_number(first.rstrip(".,:")), _number(last.rstrip(".,:")))
        for first, last in RANGE.findall(lowered)
    )
    return found | {(first, f"to {last}") for first, last in ends}


def _number(part: str) -> str:
    """1,250.00 and 1250 are one number, 12,50 and 12.5 too; 9:00 is a time, and 9 is not."""
    if part in COUNTED:
        return str(COUNTED[part])
    if not part[0].isdigit():
        return ""
    plain = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", part).replace(",", ".")
    if "." in plain and ":" not in plain:
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"


def _measure(word: str) -> str:
    """The same for all forms of a measure; empty for a word that is none."""
    return _by_stem(word, MEASURES)


def _by_stem(word: str, measures: Mapping[str, str]) -> str:
    for length in range(min(len(word), 6), 0, -1):
        if (found := measures.get(word[:length])) and (length > 2 or len(word) == length):
            return found
    return ""
