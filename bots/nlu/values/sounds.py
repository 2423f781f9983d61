"""How alike two names sound: "Catherine" and "Kathryn", "Smyth" and "Smith". Pure.

A key of English spelling rules (silent letters dropped, letters that sound alike made one, vowels
only at the start) and the edit distance of the spellings; both from 0 to 1.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.distance import JaroWinkler, Levenshtein

from bots.nlu.numbers import fold

RULES: tuple[tuple[str, str], ...] = (
    (r"^(?:kn|gn|pn)", "n"), (r"^wr", "r"), (r"^(?:sean|shaun|shawn)$", "xn"), (r"^ps", "s"),
    (r"^x", "s"), (r"^wh", "w"), (r"mb$", "m"), (r"sch(?=[ou])|ch(?=[lr])", "k"), (r"sch", "x"),
    (r"tch|ch|cz|tsch", "x"), (r"sh|sz|zh", "x"), (r"th", "0"),
    (r"ph", "f"), (r"ght", "t"), (r"gh(?=[aeiouy])", "g"), (r"gh", ""), (r"ck|q", "k"),
    (r"c(?=[eiy])", "s"), (r"c", "k"), (r"g(?=[eiy])", "j"), (r"dg", "j"), (r"z", "s"),
    (r"v", "f"), (r"d", "t"), (r"b", "p"), (r"j", "x"), (r"x", "x"), (r"w(?![aeiouy])", ""),
    (r"(?<=[aeiouy])h(?![aeiouy])", ""), (r"h(?![aeiouy])", ""), (r"^[aeiouy]+", "a"),
)  # fmt: skip
"""In this order; ``0`` stands for "th", ``x`` for "sh" and "ch"."""
SAME_SOUND, WORD = 0.92, 0.55
"""Of names with one key; and what each word of several must have."""


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    """The sound of a name: "Catherine" → ``k0rn``."""
    word = re.sub(r"[^a-z]", "", fold(name))
    for pattern, sound in RULES:
        word = re.sub(pattern, sound, word)
    vowelless = word[:1] + re.sub(r"[aeiouywh]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", vowelless)


def likeness(one: str, other: str) -> float:
    """From 0 (nothing alike) to 1 (the same letters)."""
    words, others = fold(one).split(), fold(other).split()
    if len(words) == len(others) > 1:
        each = [_alike(a, b) for a, b in zip(words, others, strict=True)]
        return 0.0 if min(each) < WORD else sum(each) / len(each)
    if len(words) != len(others):
        # "G mail" and "gmail": where words are cut apart only their letters count.
        return Levenshtein.normalized_similarity(_letters(one), _letters(other))
    return _alike(one, other)


def _alike(one: str, other: str) -> float:
    first, second = _letters(one), _letters(other)
    if not first or not second:
        return 0.0
    if first == second:
        return 1.0
    spelling = Levenshtein.normalized_similarity(first, second)
    start = JaroWinkler.normalized_similarity(first, second)
    sound = Levenshtein.normalized_similarity(key(one), key(other))
    if sound == 1.0 and len(key(one)) > 1:
        return max(SAME_SOUND, spelling)
    return (spelling + start + sound) / 3 if len(key(one)) > 1 else spelling


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", fold(name))
