"""Endings of Latvian numbers, read from the noun that they go with. Pure.

The tables map the noun's ending to the number's form. Where an ending belongs to two
cases, the number's form is the same in both, or the commoner one is taken.
"""

from __future__ import annotations

import re

ONE = (
    (("as", "es"), "vienas"),
    (("am", "im"), "vienam"),
    (("ai", "ei"), "vienai"),
    (("ā", "ē", "ī"), "vienā"),
    (("u", "i"), "vienu"),
    (("a", "e"), "viena"),
)
"""One in the singular; a masculine nominative (-s, -š, -o) has no row."""
STEMS = {4: "četr", 5: "piec", 6: "seš", 7: "septiņ", 8: "astoņ", 9: "deviņ"}
TWO_PLUS = (
    (("iem",), "iem", "iem"),
    (("ām", "ēm", "īm"), "ām", "ām"),
    (("ās", "ēs", "īs"), "ās", "ās"),
    (("os",), "os", "os"),
    (("as", "es", "is"), "as", "as"),
    (("us",), "us", "us"),
    (("u",), "u", "u"),
)
"""Two and more in the plural: the noun's endings, then the ending of two and of four to nine."""
THREE = {"iem": "trim", "ām": "trim", "ās": "trijās", "os": "trijos", "u": "triju"}
BETWEEN = re.compile(r"\s*(?:(?:darba|kalendāra|brīvas|pilnas) )?([^\W\d_]{3,})")
"""The noun; a genitive that tells what kind of day it is stands before it."""
ADJECTIVE = (
    (("iem",), "ajiem"),
    (("ām", "ēm", "īm"), "ajām"),
    (("ās", "ēs"), "ajās"),
    (("os",), "ajos"),
    (("am", "im", "um"), "ajam"),
    (("ai", "ei"), "ajai"),
    (("as", "es"), "ās"),
    (("ā", "ē", "ī", "ū"), "ajā"),
    (("us",), "os"),
    (("u",), "o"),
    (("a", "e"), "ā"),
    (("i",), "ie"),
)


def counted_form(one: int, after: str) -> str | None:
    """The form of 1 to 9 before the noun that ``after`` begins with; None: as in a list."""
    found = BETWEEN.match(after)
    if found is None or not 1 <= one <= 9:
        return None
    noun = found[1].lower()
    if one == 1:
        return _first(ONE, noun)
    ending = next((row[1] for row in TWO_PLUS if noun.endswith(row[0])), None)
    if ending is None:
        return None
    if one == 3:
        return THREE.get(ending)
    return f"{'div' if one == 2 else STEMS[one]}{ending}"


def adjective_ending(noun: str) -> str:
    """The definite ending of an ordinal before this noun: stāvā → ajā."""
    return _first(ADJECTIVE, noun.lower()) or "ais"


def _first(table: tuple[tuple[tuple[str, ...], str], ...], noun: str) -> str | None:
    return next((form for endings, form in table if noun.endswith(endings)), None)


PREPOSITIONS = (
    (("līdz",), "dative"),
    (("ar", "par", "ap", "pa", "caur"), "accusative"),
    (("no", "pēc", "pirms", "virs", "zem", "kopš", "bez", "pie"), "genitive"),
)
"""The case of a singular; every plural is a dative."""
_PREPOSITION = re.compile(r"(?i)(?<!\w)(\w+)\s+$")
CASES = {
    "genitive": (("is", "a"), ("s", "a"), ("a", "as"), ("e", "es")),
    "dative": (("is", "im"), ("s", "am"), ("a", "ai"), ("e", "ei")),
    "accusative": (("is", "i"), ("s", "u"), ("a", "u"), ("e", "i")),
    "plural": (("i", "iem"), ("as", "ām"), ("es", "ēm")),
}
SAMPLES = {"genitive": "eira", "dative": "eiram", "accusative": "eiru", "plural": "eiriem"}
"""How an indeclinable masculine noun would end, for the number before it."""


def case_after(before: str, *, single: bool = False) -> str | None:
    """The case that the preposition at the end of ``before`` wants; None without one."""
    found = _PREPOSITION.search(before)
    word = found[1].lower() if found else ""
    case = next((case for words, case in PREPOSITIONS if word in words), None)
    return case if single or case is None else "plural"


def head_of(noun: str) -> str:
    """The word of a unit that is declined: Celsija *grāds*, *kilometrs* stundā."""
    first, _, last = noun.partition(" ")
    return first if last.endswith(("ā", "ē")) else last or first


def declined(noun: str, case: str) -> str:
    """A unit's nominative, singular or plural, in another case; eiro stays as it is."""
    head = head_of(noun)
    for ending, other in CASES[case]:
        if head.endswith(ending):
            return noun.replace(head, head[: -len(ending)] + other)
    return noun


def form_for(noun: str, case: str) -> str:
    """The noun whose ending the number before it takes."""
    changed = head_of(declined(noun, case))
    return SAMPLES[case] if changed == head_of(noun) else changed
