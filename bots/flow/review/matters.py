"""Intents and choices: enough examples, and no two that cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from rapidfuzz import fuzz

from bots.flow.model import GLOBALS, Choice, Slot
from bots.flow.review.finding import Finding, Level
from bots.flow.review.subject import Subject
from bots.flow.review.wording import TONGUES
from bots.nlu.numbers import fold
from bots.nlu.shortcuts import shortcut

FEW, FEWEST = 6, 3
"""Examples below which an intent is often missed, and below which it is luck."""
ALIKE = 84.0
"""Of 100: from here on a recogniser mixes two short phrases up."""
NEARLY_SAME = 95.0


def rules(subject: Subject) -> Iterator[Finding]:
    """Everything about what customers may want or choose."""
    yield from _examples(subject)
    for language in subject.flow.languages:
        yield from _shared(subject, language)
    for slot in subject.flow.slots.values():
        yield from _choices(subject, slot)


def _examples(subject: Subject) -> Iterator[Finding]:
    for name, intent in subject.flow.intents.items():
        counts = {
            language: len(intent.examples.get(language, ())) for language in subject.flow.languages
        }
        for language, count in counts.items():
            if not count and (intent.examples or not intent.go):
                yield subject.at(
                    ("intents", name, "examples"),
                    "no-examples",
                    Level.WARNING,
                    f"not one example in {TONGUES[language]}: it is never understood there",
                    f"add 'examples: {{{language}: [...]}}', {FEW} or more",
                )
        few = {language: count for language, count in counts.items() if 0 < count < FEW}
        if few and not intent.small_talk:
            told = ", ".join(f"{count} in {TONGUES[language]}" for language, count in few.items())
            yield subject.at(
                ("intents", name, "examples", next(iter(few))),
                "few-examples",
                Level.WARNING if min(few.values()) < FEWEST else Level.HINT,
                f"few examples: {told}",
                f"add other ways to say it; with {FEW} or more it is understood well",
            )


def _shared(subject: Subject, language: str) -> Iterator[Finding]:
    """Examples that two intents have, and those that a built-in one takes."""
    owners: dict[str, tuple[str, str]] = {}
    for name, intent in subject.flow.intents.items():
        for phrase in intent.examples.get(language, ()):
            keys = ("intents", name, "examples", language)
            plain = fold(phrase)
            builtin = shortcut(phrase)
            if builtin and name != builtin and name not in GLOBALS:
                yield subject.at(
                    keys,
                    "taken-example",
                    Level.WARNING,
                    f"“{phrase}” is always understood as {builtin!r}",
                    "remove it here, or word it differently",
                )
            twin = owners.get(plain) or _nearly(plain, name, owners)
            if twin and twin[0] != name:
                same = twin[1] == phrase
                yield subject.at(
                    keys,
                    "same-example",
                    Level.WARNING if same else Level.HINT,
                    f"“{phrase}” is {'also' if same else 'nearly'} an example of {twin[0]!r}"
                    f"{'' if same else f' (“{twin[1]}”)'}",
                    "keep it where it belongs",
                )
            owners.setdefault(plain, (name, phrase))


def _nearly(plain: str, name: str, owners: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    for other, owner in owners.items():
        if owner[0] != name and fuzz.ratio(plain, other, score_cutoff=NEARLY_SAME):
            return owner
    return None


def _choices(subject: Subject, slot: Slot) -> Iterator[Finding]:
    for one, two in combinations(slot.choices, 2):
        if one.key and one.key == two.key:
            yield subject.at(
                ("slots", slot.name, "choices", two.value, "key"),
                "same-key",
                Level.ERROR,
                f"choices {one.value!r} and {two.value!r} have the same key {one.key!r}",
                "give each its own key",
            )
        yield from _alike(subject, slot, one, two)
    for language in subject.flow.languages:
        for choice in slot.choices:
            if not choice.phrases.get(language):
                yield subject.at(
                    ("slots", slot.name, "choices", choice.value, "phrases"),
                    "no-phrases",
                    Level.WARNING,
                    f"choice {choice.value!r} has no phrase in {TONGUES[language]}",
                    f"add 'phrases: {{{language}: [...]}}'",
                )


def _alike(subject: Subject, slot: Slot, one: Choice, two: Choice) -> Iterator[Finding]:
    for language in subject.flow.languages:
        for first in one.phrases.get(language, ()):
            for second in two.phrases.get(language, ()):
                same = fold(first) == fold(second)
                if same or _sound_alike(first, second, language):
                    yield subject.at(
                        ("slots", slot.name, "choices", two.value, "phrases", language),
                        "same-phrase" if same else "sound-alike",
                        Level.WARNING,
                        f"“{second}” of choice {two.value!r} "
                        f"{'is also a phrase' if same else f'sounds like “{first}”'} of "
                        f"{one.value!r}",
                        "keep phrases that cannot be mistaken for each other",
                    )


def _sound_alike(one: str, two: str, language: str) -> bool:
    """Whether two phrases differ by so little that a bad line hides it."""
    if language == "zh":
        return False
    first, second = _sound(one), _sound(two)
    return first == second or (
        min(len(first), len(second)) > 3 and fuzz.ratio(first, second) >= ALIKE
    )


_SOUNDS = (
    ("ough", "o"), ("ph", "f"), ("ck", "k"), ("qu", "kw"), ("wh", "w"), ("kn", "n"), ("wr", "r"),
    ("tio", "sho"), ("sh", "s"), ("th", "t"), ("c", "k"), ("z", "s"), ("v", "f"), ("d", "t"),
    ("b", "p"), ("g", "k"), ("y", "i"), ("e", "i"), ("u", "o"),
)  # fmt: skip


def _sound(phrase: str) -> str:
    """A rough spelling by sound: letters that a telephone mixes up are one."""
    plain = fold(phrase)
    for written, said in _SOUNDS:
        plain = plain.replace(written, said)
    return "".join(c for i, c in enumerate(plain) if i == 0 or c != plain[i - 1])
