"""Telephone numbers as people say and write them, to E.164. Pure.

"26 123 456", "plus three seven one two six …", "double oh four four", "(020) 7946-0958": the digits
are found here; numbering plans are those of the ``phonenumbers`` package.
"""

from __future__ import annotations

import re

import phonenumbers

from bots.nlu.numbers import Run, digit_runs
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found, Plain

SHORTEST, LONGEST = 6, 17
NEAR = 40
"""Characters before a number in which its plus or "my number is" stands."""
_PLUS = re.compile(r"(?:\+|\bplus+\b|加)[\s(]*$")
_CUE = re.compile(
    r"(?:phone|number|mobile|cell|tel|telephone|call me|reach me|text me|numurs|telefon\w+|"
    r"talrunis|电话|手机|号码)\W*(?:is|on|at|ir|是|号)*\W*(?:\+|plus\s*)?$"
)


def phones(plain: Plain, country: str) -> list[Found]:
    """All numbers; those without a country code are of ``country`` (ISO 3166, "LV")."""
    found = (_phone(plain, run, country) for run in digit_runs(plain.text))
    return [one for one in found if one]


def _phone(plain: Plain, run: Run, country: str) -> Found | None:
    if not SHORTEST <= len(run.digits) <= LONGEST:
        return None
    before = plain.text[max(0, run.start - NEAR) : run.start]
    plus = _PLUS.search(before)
    written = not re.search(r"[a-z\u4e00-\u9fff]", plain.text[run.start : run.end])
    digits = plain.text[run.start : run.end] if written else run.digits
    text = f"+{digits}" if plus else digits
    number = _parsed(text, country)
    if number is None and not plus:
        # Dialled as from another country, "00 371 …", or without its plus.
        number = _parsed("+" + run.digits.removeprefix("00"), country)
    if number is None:
        return None
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    cue = _CUE.search(before)
    sure = (SURE if plus or cue else LIKELY) if phonenumbers.is_valid_number(number) else GUESS
    start = run.start - len(plus.group()) if plus else run.start
    return Found(value, start, run.end, sure, weight=bool(plus) + bool(cue) + (sure > GUESS))


def _parsed(text: str, country: str) -> phonenumbers.PhoneNumber | None:
    """The number if it may be one; of the wrong length it is none."""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    return number if possible == phonenumbers.ValidationResult.IS_POSSIBLE else None
