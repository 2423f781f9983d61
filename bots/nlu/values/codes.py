"""Letters and digits as people spell them, for codes of a pattern. Pure.

1. "A B one two", "bravo", "B as in Bravo", "B for boy", "bee", "double l", "capital S": each
   token may stand for one or several characters, or for nothing ("dash", "then").
2. A code is the longest run of tokens whose characters match the slot's ``pattern`` wholly; dashes
   and spaces are not part of a pattern.
3. Whole digits next to it make it another code: of eight digits no six are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from bots.nlu.numbers import EN_DIGITS, EN_TEENS, EN_TENS, EN_TIMES, LV_DIGITS, ZH_DIGITS
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found, Plain

_NATO = """
alfa alpha bravo charlie delta echo foxtrot golf hotel india juliett juliet kilo lima mike
november oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu
"""
NATO = frozenset(_NATO.split())
NAMES: Mapping[str, str] = {
    "ay": "A", "bee": "B", "be": "B", "cee": "C", "see": "C", "sea": "C", "dee": "D", "ee": "E",
    "eff": "F", "ef": "F", "gee": "G", "aitch": "H", "haitch": "H", "eye": "I", "jay": "J",
    "kay": "K", "el": "L", "ell": "L", "em": "M", "en": "N", "oh": "O", "pee": "P", "pea": "P",
    "queue": "Q", "cue": "Q", "ar": "R", "are": "R", "ess": "S", "es": "S", "tee": "T", "tea": "T",
    "you": "U", "vee": "V", "ex": "X", "why": "Y", "wye": "Y", "zed": "Z", "zee": "Z",
}  # fmt: skip
"""How the names of letters are written when they are heard."""
SOUNDS: Mapping[str, str] = {
    "to": "2", "too": "2", "for": "4", "fore": "4", "won": "1", "ate": "8", "tree": "3",
    "free": "3", "fife": "5", "sicks": "6", "nein": "9", "niner": "9", "oh": "0", "o": "0",
}  # fmt: skip
"""Words that sound like digits."""
SILENT = frozenset(
    {
        "letters",
        "numbers",
        "digits",
        "number",
        "dash",
        "hyphen",
        "minus",
        "slash",
        "stroke",
        "space",
        "then",
        "um",
        "uh",
        "er",
        "and",
    }
    | {"followed", "by", "s", "defise", "svitra"}
)
AS_IN = ("as", "like", "for", "is")
CASE = frozenset({"capital", "upper", "uppercase", "lowercase", "small", "letter", "big", "lower"})
_WORDS = """
is it its my no the an on in at of me we he or if so do go up us by as am was has had get you
and not but can may yes hi ok the our see all any new old one code number order ref id pin key
this that here there have with from your plate post ticket booking case es ir un nav mans mana
numurs kods
"""
WORDS = frozenset(_WORDS.split())
"""Never letters of a code."""
GLUED = 4
"""So many letters in a row may be part of a code without a digit at them."""
LONGEST, BRANCHES = 24, 40_000
"""Characters of a code, and readings of a text that are tried."""
_TOKEN = re.compile(r"(?<!')[a-z]+|\d|[零〇一二三四五六七八九两幺么]")

Option = tuple[str, int, int]
"""Characters, the token after them, and what the reading costs."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """The slot's pattern. Raises ``re.error``."""
    return re.compile(pattern, re.IGNORECASE)


def codes(plain: Plain, pattern: str) -> list[Found]:
    """All codes of the pattern, upper case."""
    return _Speller(plain).find(compiled(pattern))


class _Speller:
    """The tokens of one text and what each may stand for."""

    def __init__(self, plain: Plain) -> None:
        self.plain = plain
        self.tokens = list(_TOKEN.finditer(plain.text))
        self.words = [token.group() for token in self.tokens]
        self.left = BRANCHES
        self._known: dict[int, list[Option]] = {}

    def find(self, wanted: re.Pattern[str]) -> list[Found]:
        """The codes that do not stand in longer ones."""
        found: list[Found] = []
        beyond = 0
        for start in range(len(self.tokens)):
            if start < beyond or not self._begins(start):
                continue
            best = self._longest(start, wanted)
            if best:
                code, after, cost = best
                beyond = after
                found.append(self._found(code, start, after, cost))
        return found

    def _longest(self, start: int, wanted: re.Pattern[str]) -> Option | None:
        best: Option | None = None
        for code, after, cost in self._readings(start):
            if not wanted.fullmatch(code) or self._goes_on(after):
                continue
            if best is None or (-len(code), cost) < (-len(best[0]), best[2]):
                best = (code, after, cost)
        return best

    def _readings(self, start: int) -> Iterator[Option]:
        """Everything that may be spelled from ``start`` on."""
        open_ends: list[Option] = [("", start, 0)]
        while open_ends and self.left > 0:
            code, i, cost = open_ends.pop()
            for piece, after, more in self._known_options(i):
                self.left -= 1
                reading = (code + piece, after, cost + more)
                if reading[0] and len(reading[0]) <= LONGEST and self.left > 0:
                    open_ends.append(reading)
                    if piece:
                        yield reading

    def _begins(self, i: int) -> bool:
        """Whether a code may begin here: no digit may stand at its left."""
        options = self._known_options(i)
        if not any(piece for piece, _, _ in options):
            return False
        return not (i and self._is_digit(i) and self._is_digit(i - 1) and self._near(i))

    def _goes_on(self, after: int) -> bool:
        if after >= len(self.tokens) or not self._is_digit(after):
            return False
        return self._near(after) and self._is_digit(after - 1)

    def _near(self, i: int) -> bool:
        """Whether only spaces and dashes are between token ``i`` and the one before."""
        between = self.plain.text[self.tokens[i - 1].end() : self.tokens[i].start()]
        return not between.strip(" -")

    def _is_digit(self, i: int) -> bool:
        word = self.words[i]
        if word.isdigit() or word in ZH_DIGITS or word in EN_TIMES:
            return True
        return word in LV_DIGITS or (word in EN_DIGITS and word not in SOUNDS)

    def _known_options(self, i: int) -> list[Option]:
        if i not in self._known:
            self._known[i] = self._options(i)
        return self._known[i]

    def _options(self, i: int) -> list[Option]:
        """What token ``i`` may stand for, the likeliest last."""
        if i >= len(self.words):
            return []
        word = self.words[i]
        if word.isdigit():
            return [(word, i + 1, 0)]
        if word in ZH_DIGITS:
            return [(ZH_DIGITS[word], i + 1, 0)]
        phrase = self._phrase(i)
        if phrase:
            return [phrase]
        options: list[Option] = []
        if word in SILENT:
            options.append(("", i + 1, 0))
        options += self._raw(i, word)
        options += self._single(i, word)
        return options

    def _single(self, i: int, word: str) -> list[Option]:
        options: list[Option] = []
        if word in NAMES:
            options.append((NAMES[word], i + 1, 1 if len(word) > 2 and word not in WORDS else 2))
        if word in SOUNDS:
            options.append((SOUNDS[word], i + 1, 1))
        elif word in EN_DIGITS or word in LV_DIGITS:
            options.append((EN_DIGITS.get(word) or LV_DIGITS[word], i + 1, 0))
        if word in EN_TENS:
            unit = EN_DIGITS.get(self._word(i + 1), "0")
            if unit != "0" and self._word(i + 1) not in SOUNDS:
                options.append((str(EN_TENS[word] + int(unit)), i + 2, 0))
            else:
                options.append((str(EN_TENS[word]), i + 1, 0))
        elif word in EN_TEENS:
            options.append((str(EN_TEENS[word]), i + 1, 0))
        elif word == "hundred":
            options.append(("00", i + 1, 0))
        if len(word) == 1 and word.isalpha():
            options.append((word.upper(), i + 1, 0))
        elif word in NATO:
            options.append((word[0].upper(), i + 1, 0))
        return options

    def _raw(self, i: int, word: str) -> list[Option]:
        """Letters that are written together."""
        if len(word) < 2 or len(word) > GLUED + 2 or word in EN_TENS or word in EN_TEENS:
            return []
        if word in NAMES and not self.plain.words(*self.tokens[i].span()).isupper():
            return []
        start, end = self.tokens[i].span()
        before, after = self.plain.text[start - 1 : start], self.plain.text[end : end + 1]
        text = self.plain.text
        if before.isdigit() or after.isdigit():
            return [(word.upper(), i + 1, 0)]
        if (before == "-" or after == "-") and word not in WORDS:
            return [(word.upper(), i + 1, 0)]
        capital = self.plain.words(start, end).isupper() and not self.plain.origin.isupper()
        whole = text.strip(" .!?,") == word
        if capital or whole:
            return [(word.upper(), i + 1, 0)]
        known = word in WORDS or word in EN_DIGITS or word in SILENT or word in CASE
        return [] if known or len(word) > GLUED else [(word.upper(), i + 1, 3)]

    def _phrase(self, i: int) -> Option | None:
        """ "B as in Bravo", "bee for boy", "double l", "capital S", "double you"."""
        word, following = self.words[i], self._word(i + 1)
        if word == "x" and following == "ray":
            return ("X", i + 2, 0)
        if word == "double" and following in ("you", "u"):
            return ("W", i + 2, 0)
        if word in EN_TIMES and following:
            once = [option for option in self._options(i + 1) if len(option[0]) == 1]
            if once:
                piece, after, cost = once[-1]
                return (piece * EN_TIMES[word], after, cost)
        if word in CASE and following:
            after = i + 2 if following == "case" else i + 1
            once = [option for option in self._options(after) if len(option[0]) == 1]
            return once[-1] if once else None
        return self._as_in(i, word)

    def _as_in(self, i: int, word: str) -> Option | None:
        letter = word.upper() if len(word) == 1 else NAMES.get(word, "")
        if not letter or self._word(i + 1) not in AS_IN:
            return None
        after = i + 2
        while self._word(after) in ("in", "the", "word", "for"):
            after += 1
        example = self._word(after)
        if example == "x" and self._word(after + 1) == "ray":
            return (letter, after + 2, 0) if letter == "X" else None
        if len(example) > 1 and example[0].upper() == letter and example not in EN_DIGITS:
            return (letter, after + 1, 0)
        return None

    def _word(self, i: int) -> str:
        return self.words[i] if i < len(self.words) else ""

    def _found(self, code: str, start: int, after: int, cost: int) -> Found:
        first, last = self.tokens[start].start(), self.tokens[after - 1].end()
        written = re.sub(r"[\s.\-–—/#:]", "", self.plain.text[first:last]).upper()
        if written == code.upper():
            sure = SURE if re.search(r"\D", code) or cost == 0 else LIKELY
            confidence = sure if cost < 3 else LIKELY
        else:
            confidence = LIKELY if cost < 3 else GUESS
        return Found(code.upper(), first, last, confidence, weight=-cost)
