"""Words for an offline recogniser: plain text out of sentences, pronunciations, models.

The recogniser knows the words of a model's text and nothing else. Pronunciations come
from the CMU dictionary that pocketsphinx carries, and for other words from espeak-ng.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pocketsphinx.lm import ArpaBoLM

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
LONGEST_NUMBER = 4
"""Digits of a number that is read as one; a longer one is read digit by digit."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*|\d+")

# espeak-ng's IPA for English to the CMU phone set (ARPABET), longest match first.
_IPA = {
    "tʃ": "CH", "dʒ": "JH", "aɪə": "AY ER", "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "ɔɪ": "OY",
    "oʊ": "OW", "əʊ": "OW", "ɪə": "IH R", "eə": "EH R", "ʊə": "UH R", "iː": "IY", "uː": "UW",
    "ɑː": "AA", "ɔː": "AO", "ɜː": "ER", "ɚ": "ER", "ɝ": "ER", "ɐ": "AH", "ə": "AH", "ʌ": "AH",
    "æ": "AE", "a": "AE", "ɛ": "EH", "e": "EH", "ɪ": "IH", "i": "IY", "ᵻ": "IH", "ɒ": "AA",
    "ɔ": "AO", "o": "OW", "ʊ": "UH", "u": "UW", "ɑ": "AA", "b": "B", "d": "D", "f": "F",
    "ɡ": "G", "g": "G", "h": "HH", "j": "Y", "k": "K", "l": "L", "m": "M", "n": "N", "ŋ": "NG",
    "p": "P", "ɹ": "R", "r": "R", "ɾ": "T", "s": "S", "ʃ": "SH", "t": "T", "θ": "TH", "ð": "DH",
    "v": "V", "w": "W", "x": "K", "z": "Z", "ʒ": "ZH", "ʔ": "T",
}  # fmt: skip
_IPA_PIECE = re.compile("|".join(sorted(map(re.escape, _IPA), key=len, reverse=True)))


def number_words(digits: str) -> list[str]:
    """A whole number as it is read aloud: up to 9999 as a number, longer digit by digit."""
    if len(digits) > LONGEST_NUMBER or (digits[0] == "0" and len(digits) > 1):
        return [ONES[int(digit)] for digit in digits]
    value = int(digits)
    if value < 20:
        return [ONES[value]]
    if value < 100:
        return [TENS[value // 10]] + ([ONES[value % 10]] if value % 10 else [])
    unit, name = (1000, "thousand") if value >= 1000 else (100, "hundred")
    rest = number_words(str(value % unit)) if value % unit else []
    return [*number_words(str(value // unit)), name, *rest]


def words_of(text: str) -> list[str]:
    """The text as spoken words: lower case, numbers read out, marks dropped."""
    plain = text.lower().replace("’", "'")
    words: list[str] = []
    for found in _WORD.findall(plain):
        words += number_words(found) if found.isdigit() else [found]
    return words


def phones_of_ipa(ipa: str) -> str:
    """CMU phones for espeak-ng's IPA; signs without a phone (stress, length) are skipped."""
    return " ".join(_IPA[piece] for piece in _IPA_PIECE.findall(ipa))


def read_dictionary(path: str) -> dict[str, list[str]]:
    """Word to pronunciations, from a CMU dictionary file."""
    entries: dict[str, list[str]] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            word, _, phones = line.strip().partition(" ")
            entries.setdefault(word.partition("(")[0], []).append(phones)
    return entries


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Pronunciations by word; ``guess`` gives IPA for a word that is in no dictionary."""

    entries: Mapping[str, Sequence[str]]
    guess: Callable[[str], str] | None = None

    def phones(self, word: str) -> list[str]:
        """Every way to say it; empty when nobody knows, and then the word is left out."""
        known = self.entries.get(word)
        if known:
            return list(known)
        guessed = phones_of_ipa(self.guess(word)) if self.guess is not None else ""
        return [guessed] if guessed else []


def arpa(lines: Iterable[Sequence[str]], discount: float = 0.5) -> str:
    """A trigram language model in ARPA format from lines of words."""
    text = "\n".join(" ".join(words) for words in lines)
    model = ArpaBoLM(text=text, add_start=True, discount_mass=discount)
    model.compute()
    out = io.StringIO()
    model.write(out)
    return out.getvalue()
