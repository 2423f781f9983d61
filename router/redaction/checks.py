"""Check digits of the numbers that people must not have to trust us with. Pure.

Each takes the characters without spaces and dashes.
"""

from __future__ import annotations

from datetime import date

CARD_LENGTHS = range(13, 20)
LATVIAN_WEIGHTS = (1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHINESE_CHECKS = "10X98765432"
DATELESS = "32"
"""How Latvian codes begin that were given out since July 2017; they hold no date of birth."""
# fmt: off
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30,
    "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22,
    "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}
"""By country, as the IBAN registry of SWIFT lists them."""
# fmt: on
_CARDS = (
    # First and last prefix of a scheme, and the lengths that it gives out (ISO/IEC 7812).
    ("4", "4", (13, 16, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("300", "305", (14,)),
    ("36", "36", (14,)),
    ("38", "39", (14, 16)),
    ("6011", "6011", (16, 19)),
    ("644", "649", (16, 19)),
    ("65", "65", (16, 19)),
    ("3528", "3589", (16, 19)),
    ("62", "62", (16, 17, 18, 19)),
    ("2200", "2204", (16, 17, 18, 19)),
    ("5018", "5020", (13, 14, 15, 16, 17, 18, 19)),
    ("5038", "5038", (13, 14, 15, 16, 17, 18, 19)),
    ("5893", "5893", (13, 14, 15, 16, 17, 18, 19)),
    ("6304", "6304", (13, 14, 15, 16, 17, 18, 19)),
    ("6759", "6763", (13, 14, 15, 16, 17, 18, 19)),
)


def is_card(digits: str) -> bool:
    """A payment card: a scheme's prefix and length, and the check digit (ISO/IEC 7812-1)."""
    return len(digits) in CARD_LENGTHS and _of_a_scheme(digits) and luhn(digits)


def _of_a_scheme(digits: str) -> bool:
    return any(
        low <= digits[: len(low)] <= high and len(digits) in lengths
        for low, high, lengths in _CARDS
    )


def luhn(digits: str) -> bool:
    """The double-add-double check of ISO/IEC 7812-1, annex B."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_iban(code: str) -> bool:
    """The length of its country and the remainder 1 by 97 (ISO 13616, ISO 7064)."""
    code = code.upper()
    if len(code) < 15 or len(code) != IBAN_LENGTHS.get(code[:2]) or not code[2:4].isdigit():
        return False
    moved = code[4:] + code[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def is_latvian_code(digits: str) -> bool:
    """A personas kods: eleven digits, a date of birth or the prefix 32, and a check digit."""
    if len(digits) != 11:
        return False
    total = sum(w * int(d) for w, d in zip(LATVIAN_WEIGHTS, digits, strict=False))
    if (1101 - total) % 11 % 10 != int(digits[10]):
        return False
    return digits.startswith(DATELESS) or _is_day(digits[4:6], digits[2:4], digits[:2])


def is_chinese_code(code: str) -> bool:
    """A resident identity number (GB 11643): a date of birth and a check by 11 (ISO 7064)."""
    if len(code) != 18 or not code[:17].isdigit():
        return False
    total = sum(w * int(d) for w, d in zip(CHINESE_WEIGHTS, code, strict=False))
    day = _is_day(code[6:10], code[10:12], code[12:14])
    return day and code[17].upper() == CHINESE_CHECKS[total % 11]


def _is_day(year: str, month: str, day: str) -> bool:
    """Two figures of a year are of this or the last century: the 29th of February decides none."""
    whole = int(year) if len(year) == 4 else 2000 + int(year)
    if not 1890 <= whole <= 2099:
        return False
    try:
        date(whole, int(month), int(day))
    except ValueError:
        return False
    return True
