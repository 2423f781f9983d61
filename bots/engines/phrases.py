"""What a caller may say to a kind of question, for models and grammars. English."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bots.engines.lexicon import words_of
from bots.engines.typed_lines import KINDS as TYPED
from bots.engines.typed_lines import typed_lines
from bots.ports import Expectation

DIGITS = ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LEADS = (
    "it's", "it is", "the number is", "my number is", "my order number is",
    "the order number is", "my order is", "order number", "yes it's", "that's",
)  # fmt: skip
YES = (
    "yes", "yes please", "yeah", "yes that is correct", "yes that's correct", "that is correct",
    "correct", "yes i confirm", "i confirm", "yes that is right", "that's right", "yes it is",
    "yes it does", "yes i do", "yes i will", "yes thank you", "sure", "okay", "yep", "right",
)  # fmt: skip
NO = (
    "no", "no thank you", "no thanks", "nope", "no that is wrong", "that is wrong", "wrong",
    "no that is not right", "no that's not correct", "no i do not", "no i don't", "no it is not",
    "no it isn't", "no i cannot", "no i cannot come", "not really", "no that is all",
    "that is all", "that is all thank you", "no goodbye",
)  # fmt: skip
PERSON = (
    "agent", "agent please", "i want to speak to a person", "i want to talk to a person",
    "can i talk to someone", "can i talk to someone please", "let me talk to a human",
    "i want an agent", "speak to a person", "a real person please", "operator", "human",
    "representative", "i would like to speak to someone", "put me through to a person",
)  # fmt: skip
ALWAYS = (
    *PERSON, "help", "repeat", "can you repeat that", "say that again please", "pardon",
    "slower please", "speak slower please", "can you speak more slowly", "go back",
    "goodbye", "thank you goodbye", "thank you", "thanks", "bye", "hello", "i don't know",
    "i do not know", "i don't have it", "i am not sure", "yes", "no", "okay", "one moment",
)  # fmt: skip
CALLERS = Path(__file__).parent / "callers_en.txt"
"""What people say to any company on the telephone: the words between a company's own."""
CLOSED_WEIGHT = 30
"""How often a closed question's own phrases count against one example."""
OPEN_WEIGHT = 6
EXAMPLE_WEIGHT = 4
DIGIT_LINES = 1200
FEW_WORDS = 2
"""One digit, badly heard, becomes no more words than this."""
COUNTED_WEIGHT = 6
"""How often these are there where the number of digits is known: hardly anything else is said then,
and with less, single digits of real people become "want", "bye" and "the"."""
SEED = 7
"""The random order numbers of the model are the same at every start."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The company's own words: what flows give as examples, and the articles' sentences."""

    examples: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()

    def lines(self) -> list[list[str]]:
        """As words, examples and the words that are always right counting more."""
        light = [words_of(text) for text in (*self.sentences, *callers())]
        return self.spoken_lines() * EXAMPLE_WEIGHT + [line for line in light if line]

    def spoken_lines(self) -> list[list[str]]:
        """Only what callers say, without the articles: enough beside a closed question."""
        heavy = [words_of(text) for text in (*self.examples, *ALWAYS, *YES[:3], *NO[:3])]
        return [line for line in heavy if line]


@cache
def callers() -> tuple[str, ...]:
    """The lines of ``CALLERS``."""
    return tuple(CALLERS.read_text(encoding="utf-8").splitlines())


def is_digits(expect: Expectation) -> bool:
    """Whether digits are wanted."""
    return expect.kind in ("digits", "order-number")


def is_closed(expect: Expectation) -> bool:
    """Whether few answers are likely."""
    return is_digits(expect) or expect.kind in ("yes-no", "choice") or expect.kind in TYPED


def question_lines(expect: Expectation) -> list[list[str]]:
    """What this question adds to the corpus, as words, repeated by weight."""
    asked = [words_of(phrase) for phrase in expect.phrases]
    if is_digits(expect):
        return _digit_lines(expect.length) + asked * OPEN_WEIGHT
    if expect.kind == "yes-no":
        fixed = [words_of(text) for text in (*YES, *NO, *YES[:3], *NO[:3])]
        return (fixed + asked) * CLOSED_WEIGHT
    if expect.kind in TYPED:
        return typed_lines(expect.kind) + asked * OPEN_WEIGHT
    return asked * (CLOSED_WEIGHT if expect.kind == "choice" else OPEN_WEIGHT)


def digits_of(length: int) -> Sequence[str]:
    """The words for a digit of so many, 0 for any number.

    "Oh" is said among other digits; alone it is what "two" and "four" are taken for.
    """
    return [digit for digit in DIGITS if digit != "oh"] if length == 1 else DIGITS


def _digit_lines(length: int) -> list[list[str]]:
    chance = random.Random(SEED)
    lines = []
    for number in range(DIGIT_LINES):
        usual = length or (6 if number % 4 else chance.randint(1, 8))
        line = [chance.choice(digits_of(length)) for _ in range(usual)]
        led = number % (10 if length else 5) == 0
        lines.append((words_of(chance.choice(LEADS)) if led else []) + line)
    return lines * COUNTED_WEIGHT if length else lines


def grammar_name(length: int) -> str:
    """The name of :func:`digits_grammar` among a decoder's models."""
    return f"digits-{length or 'any'}"


def digits_grammar(length: int = 0) -> str:
    """A JSGF grammar for so many digits, 0 for any, with what people say around them."""
    digits = " ".join(["<digit>"] * length) or "<digit>+"
    # Who is asked for one digit says it and no more; a lead would be heard in its first sound.
    answer = digits if length == 1 else f"[<lead>] {digits} [please]"
    return (
        "#JSGF V1.0;\ngrammar digits;\n"
        f"<digit> = {' | '.join(digits_of(length))};\n<lead> = {' | '.join(LEADS)};\n"
        f"public <answer> = {answer};\n"
    )


def beside_one_digit() -> Sequence[str]:
    """What is believed, of one or two words, where one digit is asked for: not "bye" for five."""
    alike = {"bye", "hello"}
    lines = (" ".join(words_of(text)) for text in (*ALWAYS, *YES, *NO))
    return sorted({line for line in lines if len(line.split()) <= FEW_WORDS} - alike)


def grammar_words() -> Sequence[str]:
    """Every word of :func:`digits_grammar`."""
    return sorted({*DIGITS, "please", *(word for lead in LEADS for word in words_of(lead))})
