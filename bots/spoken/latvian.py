"""Latvian as it is said: numbers agree with what they count, ordinals with their noun. Pure.

Gender and case are read from the ending of the noun that follows; its own form is
never changed. Without a noun a number is masculine nominative.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bots.spoken.latvian_forms import (
    adjective_ending,
    case_after,
    counted_form,
    declined,
    form_for,
    head_of,
)
from bots.spoken.tongue import Day, Number, Rule, abbreviations

SMALL = (
    "nulle", "viens", "divi", "trīs", "četri", "pieci", "seši", "septiņi", "astoņi", "deviņi",
    "desmit",
)  # fmt: skip
TEENS = (
    "desmit", "vienpadsmit", "divpadsmit", "trīspadsmit", "četrpadsmit", "piecpadsmit",
    "sešpadsmit", "septiņpadsmit", "astoņpadsmit", "deviņpadsmit",
)  # fmt: skip
TENS = (
    "-", "-", "divdesmit", "trīsdesmit", "četrdesmit", "piecdesmit", "sešdesmit",
    "septiņdesmit", "astoņdesmit", "deviņdesmit",
)  # fmt: skip
SCALES = (
    (10**12, "triljons", "triljoni"),
    (10**9, "miljards", "miljardi"),
    (10**6, "miljons", "miljoni"),
    (1000, "tūkstotis", "tūkstoši"),
)
ORDINAL_STEMS = (
    "null", "pirm", "otr", "treš", "ceturt", "piekt", "sest", "septīt", "astot", "devīt",
    "desmit",
)  # fmt: skip
MONTHS = (
    "janvāris", "februāris", "marts", "aprīlis", "maijs", "jūnijs", "jūlijs", "augusts",
    "septembris", "oktobris", "novembris", "decembris",
)  # fmt: skip
DAYS = {
    "pirmdiena": ("Pirmd", "Pr", "P"), "otrdiena": ("Otrd", "Ot", "O"),
    "trešdiena": ("Trešd", "Tr", "T"), "ceturtdiena": ("Ceturtd", "Ce", "C"),
    "piektdiena": ("Piektd", "Pk"), "sestdiena": ("Sestd", "Se", "S"),
    "svētdiena": ("Svētd", "Sv"),
}  # fmt: skip
MONEY = {
    "EUR": ("eiro", "eiro", "cents", "centi"),
    "USD": ("dolārs", "dolāri", "cents", "centi"),
    "GBP": ("mārciņa", "mārciņas", "penss", "pensi"),
    "CNY": ("juaņa", "juaņas", "feņs", "feņi"),
}
UNITS = {
    "%": ("procents", "procenti"), "kg": ("kilograms", "kilogrami"), "g": ("grams", "grami"),
    "mg": ("miligrams", "miligrami"), "t": ("tonna", "tonnas"),
    "km": ("kilometrs", "kilometri"), "m": ("metrs", "metri"),
    "cm": ("centimetrs", "centimetri"), "mm": ("milimetrs", "milimetri"),
    "m²": ("kvadrātmetrs", "kvadrātmetri"), "m³": ("kubikmetrs", "kubikmetri"),
    "l": ("litrs", "litri"), "ml": ("mililitrs", "mililitri"),
    "kWh": ("kilovatstunda", "kilovatstundas"), "MWh": ("megavatstunda", "megavatstundas"),
    "kW": ("kilovats", "kilovati"), "W": ("vats", "vati"), "V": ("volts", "volti"),
    "A": ("ampērs", "ampēri"), "°C": ("Celsija grāds", "Celsija grādi"),
    "°": ("grāds", "grādi"), "km/h": ("kilometrs stundā", "kilometri stundā"),
    "KB": ("kilobaits", "kilobaiti"), "MB": ("megabaits", "megabaiti"),
    "GB": ("gigabaits", "gigabaiti"), "Mbit/s": ("megabits sekundē", "megabiti sekundē"),
    "Hz": ("hercs", "herci"), "h": ("stunda", "stundas"), "min": ("minūte", "minūtes"),
    "s": ("sekunde", "sekundes"), "day": ("diena", "dienas"), "week": ("nedēļa", "nedēļas"),
    "hour": ("stunda", "stundas"),
    "month": ("mēnesis", "mēneši"), "year": ("gads", "gadi"),
}  # fmt: skip
SHORT = {
    "piem.": "piemēram", "Piem.": "piemēram", "t.i.": "tas ir", "t. i.": "tas ir",
    "utt.": "un tā tālāk", "u.c.": "un citi", "u. c.": "un citi", "u.tml.": "un tamlīdzīgi",
    "t.sk.": "tai skaitā", "plkst.": "pulksten", "Plkst.": "pulksten", "tālr.": "tālrunis",
    "Tālr.": "tālrunis", "apm.": "apmēram", "maks.": "maksimums", "Nr.": "numurs",
    "nr.": "numurs", "№": "numurs", "dz.": "dzīvoklis", "iel.": "iela", "tūkst.": "tūkstoši",
    "milj.": "miljoni", "e.g.": "piemēram", "vs.": "pret",
}  # fmt: skip
PREPOSITION = re.compile(r"(?i)\b(no|līdz|pirms|pēc|ap|kopš)\s+(?:pulksten |plkst\. ?)?$")
CASE_ENDINGS = ("a", "ā", "ī", "am", "im", "u", "i")
_MONTH_FORMS = {
    form: number
    for number, month in enumerate(MONTHS, 1)
    for form in (month, *(re.sub("i?s$", end, month) for end in CASE_ENDINGS))
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTH_FORMS, key=len, reverse=True))
_SHORT_DAYS = {short: day for day, shorts in DAYS.items() for short in shorts}
_DAY = "|".join(sorted(_SHORT_DAYS, key=len, reverse=True))


def cardinal(number: int, noun: str = "") -> str:
    """21 with ``diena`` → divdesmit viena."""
    if number < 10 or (20 < number < 100 and number % 10):
        tens, one = divmod(number, 10)
        said = counted_form(one, noun) or SMALL[one]
        return f"{TENS[tens]} {said}" if tens else said
    if number < 100:
        return TENS[number // 10] if number >= 20 else TEENS[number - 10]
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        head = "simts" if hundreds == 1 else f"{SMALL[hundreds]} simti"
        return f"{head} {cardinal(rest, noun)}" if rest else head
    size, scale, many = next(each for each in SCALES if number >= each[0])
    count, rest = divmod(number, size)
    single = count % 10 == 1 and count % 100 != 11
    # One thousand has a short form of its own: tūkstoš deviņi simti.
    alone = "tūkstoš" if size == 1000 else scale
    head = alone if count == 1 else f"{cardinal(count)} {scale if single else many}"
    return f"{head} {cardinal(rest, noun)}" if rest else head


def ordinal(number: int, ending: str) -> str:
    """21 with ``-ajā`` → divdesmit pirmajā. Only the last word is an ordinal."""
    rest = number % 100
    if rest == 0:
        if number % 1000 == 0 and number < 10000:
            return f"{_joined_stem(number // 1000)}tūkstoš{ending}"
        head = cardinal(number - number % 1000) + " " if number >= 1000 else ""
        hundreds = number % 1000 // 100
        return f"{head}{_joined_stem(hundreds)}simt{ending}"
    head = f"{cardinal(number - rest)} " if number > rest else ""
    if rest <= 10:
        return f"{head}{ORDINAL_STEMS[rest]}{ending}"
    if rest < 20:
        return f"{head}{TEENS[rest - 10]}{ending}"
    tens, one = divmod(rest, 10)
    if one == 0:
        return f"{head}{TENS[tens]}{ending}"
    return f"{head}{TENS[tens]} {ORDINAL_STEMS[one]}{ending}"


def _joined_stem(hundreds: int) -> str:
    stems = ("", "", "div", "trīs", "četr", "piec", "seš", "septiņ", "astoņ", "deviņ")
    return stems[hundreds]


class Latvian:
    """Implements ``bots.spoken.tongue.Tongue``."""

    code = "lv"
    decimal_mark = ","
    cue = (
        r"(?:\b[Kk]od[sua]|\bPIN|\b[Nn]umur(?:s|u|a|am|ā)|\b[Nn]r\.|[Pp]asūtījum(?:s|u|a|ā|am)|"
        r"[Kk]ont(?:s|u|a)|[Rr]ēķin(?:s|u|a)|[Tt]ālrun(?:is|i)|[Zz]vaniet|[Ii]stab[au]|[Rr]eis[su])"
    )
    words: Mapping[str, str] = {
        "@": "et", ".": "punkts", "/": "slīpsvītra", "-": "defise", "_": "pasvītra",
        "+": "plus", "&": "un", "=": "ir", "<": "mazāk nekā", ">": "vairāk nekā",
        "≤": "ne vairāk kā", "≥": "vismaz", "±": "plus mīnus", "×": "reiz", "°": "grādi",
        "§": "paragrāfs", "#": "numurs", "~": "apmēram", "≈": "apmēram", "minus": "mīnus",
        "to": "līdz", ":": "pret", "24/7": "visu diennakti, septiņas dienas nedēļā",
        "→": "uz", "€": "eiro", "$": "dolāri", "£": "mārciņas", "¥": "juaņas", "%": "procenti",
        "‰": "promiles",
    }  # fmt: skip

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Dates with their month, ordinals with a dot, weekdays, short forms of Latvian."""
        year = r"(?<![\w.,])(\d{4})\. ?"
        noun = "(?=([a-zāčēģīķļņšūž]+))"
        return (
            (re.compile(rf"{year}(?:gada|g\.) (\d{{1,2}})\. ({_MONTH})\b"), _full_date),
            (re.compile(rf"{year}(?:gada|g\.) (?={_MONTH})"), _year_of),
            (re.compile(rf"{year}g\.(?!\w)"), _short_year),
            (re.compile(rf"(?<![\w.])({_DAY})\.?\s?[-–—]\s?({_DAY})\.?(?!\w)"), _days),
            (re.compile(rf"(?<![\w.])({_DAY})\.?(?=:? \d{{1,2}}[:.]\d\d)"), _one_day),
            (re.compile(rf"(?<![\w.,])(\d{{1,2}})\.?\s?[-–—~]\s?(\d{{1,2}})\. {noun}"), _ordinals),
            (re.compile(rf"(?<![\w.,-])(\d{{1,4}})\. {noun}"), _ordinal),
            (re.compile(r"(?i)(?<=plkst\. )([01]?\d|2[0-4])\.([0-5]\d)(?!\d)"), _dotted_time),
            abbreviations(SHORT),
        )

    def count(self, number: Number, after: str = "") -> str:
        """As ``Tongue``."""
        if number.fraction:
            zeros = len(number.fraction) - len(number.fraction.lstrip("0"))
            rest = number.fraction[zeros:]
            tail = ["nulle"] * zeros + (
                [cardinal(int(rest))] if 0 < len(rest) <= 2 else _each(rest)
            )
            said = f"{cardinal(number.value)} komats {' '.join(tail)}"
        else:
            said = cardinal(number.value, after)
        return f"mīnus {said}" if number.minus else said

    def year(self, year: int) -> str:
        """As a plain number."""
        return cardinal(year)

    def spelled(self, digit: str) -> str:
        """As ``Tongue``."""
        return SMALL[int(digit)]

    def joined(self, groups: list[list[str]]) -> str:
        """As ``Tongue``."""
        return ", ".join(" ".join(group) for group in groups)

    def money(self, number: Number, currency: str, before: str = "") -> str:
        """12,50 EUR → divpadsmit eiro piecdesmit centi."""
        one, many, cent, cents = MONEY[currency]
        minor = number.minor
        if minor is None:
            return f"{self.count(number)} {many}"
        sign = "mīnus " if number.minus else ""
        small = _counted(minor, (cent, cents), before) if minor else ""
        if number.value == 0 and minor:
            return sign + small
        return f"{sign}{_counted(number.value, (one, many), before)} {small}".rstrip()

    def measured(self, number: Number, unit: str, before: str = "", first: str = "") -> str | None:
        """As ``Tongue``."""
        if unit not in UNITS:
            return None
        if number.fraction:
            noun = UNITS[unit][1]
            case = case_after(before)
            return f"{first}{self.count(number)} {declined(noun, case) if case else noun}"
        sign = "mīnus " if number.minus else ""
        return f"{first}{sign}{_counted(number.value, UNITS[unit], before)}"

    def per(self, said: str, unit: str) -> str | None:
        """As ``Tongue``: par kilovatstundu."""
        if unit not in UNITS:
            return None
        noun = UNITS[unit][0]
        stem = (
            noun[:-2] + "i"
            if noun.endswith("is")
            else noun[:-1] + ("i" if noun.endswith("e") else "u")
        )
        return f"{said} par {stem}"

    def clock(self, hour: int, minute: int, before: str = "") -> str:
        """14:30 → četrpadsmitos trīsdesmit; after a preposition četrpadsmitiem trīsdesmit."""
        dative = bool(PREPOSITION.search(before))
        if minute == 0 and hour in (0, 24):
            return "pusnaktij" if dative else "pusnaktī"
        return self._at(hour, minute, "-iem" if dative else "-os")

    def hours(self, begin: tuple[int, int], end: tuple[int, int], before: str = "") -> str:
        """9:00–17:00 → no deviņiem līdz septiņpadsmitiem."""
        no = "" if PREPOSITION.search(before) else "no "
        return f"{no}{self._at(*begin, '-iem')} līdz {self._at(*end, '-iem')}"

    @staticmethod
    def _at(hour: int, minute: int, case: str) -> str:
        if minute == 0 and hour in (0, 24):
            return "pusnaktij"
        ending = case[1:]
        if hour == 0:
            said = "nulle"
        elif hour == 3 or (hour > 20 and hour % 10 == 3):
            said = cardinal(hour)[: -len("trīs")] + ("trijiem" if ending == "iem" else "trijos")
        else:
            said = re.sub(r"(?:s|i)$", "", cardinal(hour)) + ending
        if minute == 0:
            return said
        return f"{said} {'nulle ' if minute < 10 else ''}{cardinal(minute)}"

    def date(self, day: Day, before: str = "") -> str:
        """2026-03-02 → divi tūkstoši divdesmit sestā gada otrajā martā."""
        found = PREPOSITION.search(before)
        word = found[1].lower() if found else ""
        month = MONTHS[day.month - 1]
        stem = month[:-2] if month.endswith("is") else month[:-1]
        soft = month.endswith("is")
        if word in ("no", "pirms", "pēc", "kopš"):
            said = f"{ordinal(day.day, 'ā')} {stem}a"
        elif word == "līdz":
            said = f"{ordinal(day.day, 'ajam')} {stem}{'im' if soft else 'am'}"
        else:
            said = f"{ordinal(day.day, 'ajā')} {stem}{'ī' if soft else 'ā'}"
        return f"{ordinal(day.year, 'ā')} gada {said}" if day.year is not None else said

    def share(self, part: int, whole: int) -> str:
        """1/2 → puse, 3/4 → trīs ceturtdaļas."""
        if (part, whole) == (1, 2):
            return "puse"
        noun = f"{ORDINAL_STEMS[whole]}daļ" if whole <= 10 else f"{cardinal(whole)}daļ"
        return _counted(part, (f"{noun}a", f"{noun}as"))


def _each(digits: str) -> list[str]:
    return [SMALL[int(digit)] for digit in digits]


def _counted(number: int, nouns: tuple[str, str], before: str = "") -> str:
    """A number and its noun, in the case that a preposition before them wants."""
    single = number % 10 == 1 and number % 100 != 11
    noun = nouns[0] if single else nouns[1]
    case = case_after(before, single=single)
    if case is None:
        return f"{cardinal(number, head_of(noun))} {noun}"
    return f"{cardinal(number, form_for(noun, case))} {declined(noun, case)}"


def _dotted_time(found: re.Match[str]) -> str:
    return Latvian().clock(int(found[1]), int(found[2]), found.string[: found.start()])


def _full_date(found: re.Match[str]) -> str | None:
    if not 1 <= int(found[2]) <= 31:
        return None
    ending = adjective_ending(found[3])
    return f"{ordinal(int(found[1]), 'ā')} gada {ordinal(int(found[2]), ending)} {found[3]}"


def _year_of(found: re.Match[str]) -> str:
    return f"{ordinal(int(found[1]), 'ā')} gada "


def _short_year(found: re.Match[str]) -> str:
    return f"{ordinal(int(found[1]), 'ā')} gada"


def _days(found: re.Match[str]) -> str:
    first, last = _SHORT_DAYS[found[1]], _SHORT_DAYS[found[2]]
    return f"no {first[:-1]}as līdz {last[:-1]}ai"


def _one_day(found: re.Match[str]) -> str:
    return f"{_SHORT_DAYS[found[1]][:-1]}ā"


def _ordinals(found: re.Match[str]) -> str:
    ending = adjective_ending(found[3])
    return f"{ordinal(int(found[1]), ending)} līdz {ordinal(int(found[2]), ending)} "


def _ordinal(found: re.Match[str]) -> str | None:
    number = int(found[1])
    return None if number == 0 else f"{ordinal(number, adjective_ending(found[2]))} "
