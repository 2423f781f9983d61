"""How people say and write values: from a value to words, for utterances whose value is known.

The other way round from ``bots.nlu.values`` and on purpose without any of it. Randomness is given.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date

ONES = "zero one two three four five six seven eight nine".split()  # noqa: SIM905
TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
IRREGULAR: Mapping[str, str] = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NATO = (
    "Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliet",
    "Kilo", "Lima", "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango",
    "Uniform", "Victor", "Whiskey", "X-ray", "Yankee", "Zulu",
)  # fmt: skip
EVERYDAY = (
    "apple", "boy", "cat", "dog", "easy", "fox", "george", "house", "india", "john", "king",
    "lemon", "mother", "nancy", "orange", "peter", "queen", "robert", "sugar", "tommy", "uncle",
    "victor", "william", "xylophone", "yellow", "zebra",
)  # fmt: skip
LETTER_NAMES: Mapping[str, str] = {
    "B": "bee", "C": "see", "D": "dee", "F": "eff", "G": "gee", "J": "jay", "K": "kay", "L": "el",
    "M": "em", "N": "en", "P": "pee", "Q": "queue", "R": "ar", "S": "ess", "T": "tee", "V": "vee",
    "X": "ex", "Y": "why", "Z": "zed",
}  # fmt: skip
HOMOPHONES: Mapping[str, str] = {"four": "for", "two": "to", "eight": "ate", "one": "won"}


def below_hundred(n: int, join: str = " ") -> str:
    """0 to 99."""
    if n < 10:
        return ONES[n]
    if n < 20:
        return TEENS[n - 10]
    return TENS[n // 10] + (join + ONES[n % 10] if n % 10 else "")


def whole(n: int, rng: random.Random) -> str:
    """A whole number below a million, British or American."""
    join, together = rng.choice((" ", "-")), rng.choice((" and ", " "))
    if n < 100:
        return below_hundred(n, join)
    if n < 1000:
        head = rng.choice(("a", "one")) if n // 100 == 1 else ONES[n // 100]
        rest = together + below_hundred(n % 100, join) if n % 100 else ""
        return f"{head} hundred{rest}"
    below = n % 1000
    tail = (
        "" if not below else f" {'and ' if below < 100 else ''}{whole_below(below, join, together)}"
    )
    return f"{whole_below(n // 1000, join, together)} thousand{tail}"


def whole_below(n: int, join: str, together: str) -> str:
    """Below a thousand, without "a"."""
    if n < 100:
        return below_hundred(n, join)
    rest = together + below_hundred(n % 100, join) if n % 100 else ""
    return f"{ONES[n // 100]} hundred{rest}"


def ordinal(n: int, join: str = "-") -> str:
    """ "First" to "ninety-ninth"."""
    words = below_hundred(n, join)
    head, sep, last = words.rpartition(join) if n > 20 and n % 10 else ("", "", words)
    if last in IRREGULAR:
        return head + sep + IRREGULAR[last]
    return head + sep + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def suffixed(n: int) -> str:
    """ "1st", "22nd"."""
    if n % 100 in (11, 12, 13):
        return f"{n}th"
    return f"{n}{('th', 'st', 'nd', 'rd', *['th'] * 6)[n % 10]}"


def digits(text: str, rng: random.Random, homophones: float = 0.0) -> str:
    """Digit by digit, with doubles and ohs, sometimes in pairs."""
    if rng.random() < 0.15 and len(text) % 2 == 0 and "0" not in text[::2]:
        return " ".join(below_hundred(int(text[i : i + 2])) for i in range(0, len(text), 2))
    zero = rng.choice(("zero", "oh"))
    doubles = rng.random() < 0.6
    said: list[str] = []
    i = 0
    while i < len(text):
        word = zero if text[i] == "0" else ONES[int(text[i])]
        run = len(text[i:]) - len(text[i:].lstrip(text[i]))
        if doubles and run >= 3:
            said.append(f"triple {word}")
            i += 3
        elif doubles and run == 2:
            said.append(f"double {word}")
            i += 2
        else:
            heard = HOMOPHONES.get(word, word) if rng.random() < homophones and i else word
            said.append(heard)
            i += 1
    return " ".join(said)


def letter(char: str, rng: random.Random, style: int) -> str:
    """A letter as it is spelled: plain, by alphabet, by an everyday word, by its name."""
    place = ord(char) - ord("A")
    if style == 1:
        return NATO[place].lower()
    if style == 2:
        word = rng.choice((NATO[place], EVERYDAY[place])).lower()
        return f"{char.lower()} {rng.choice(('as in', 'for', 'like'))} {word}"
    if style == 3:
        return LETTER_NAMES.get(char, char.lower())
    return char if style == 4 else char.lower()


def code(text: str, rng: random.Random) -> str:
    """Letters and digits, spoken or written."""
    kind = rng.random()
    if kind < 0.3:
        grouped = "".join(
            (rng.choice((" ", "-")) if i and a.isalpha() != text[i - 1].isalpha() else "") + a
            for i, a in enumerate(text)
        )
        return rng.choice((text, text.lower(), grouped, grouped, " ".join(text)))
    style = rng.choice((0, 0, 1, 2, 2, 3, 4))
    parts: list[str] = []
    run = ""
    for char in text + " ":
        if char.isdigit():
            run += char
            continue
        if run:
            parts.append(digits(run, rng))
            run = ""
        if char.isalpha():
            parts.append(letter(char, rng, style))
    return rng.choice((" ", " ", ", ")).join(parts)


def money(cents: int, unit: str, rng: random.Random) -> str:
    """An amount with or without its currency (``EUR``, ``USD``, ``GBP`` or none)."""
    euros, rest = divmod(cents, 100)
    sign = {"EUR": "€", "USD": "$", "GBP": "£", "": ""}[unit]
    name = {"EUR": "euro", "USD": "dollar", "GBP": "pound", "": ""}[unit]
    minor = "pence" if unit == "GBP" else "cents"
    grouped = f"{euros:,}"
    if not unit:
        forms = [f"{euros}.{rest:02d}", f"{euros},{rest:02d}"] if rest else [str(euros)]
        if 10 <= euros < 100 and rest >= 10:
            forms.append(f"{below_hundred(euros)} {below_hundred(rest)}")
        return rng.choice(forms)
    plural = name if euros == 1 else name + "s"
    forms = [f"{sign}{euros}.{rest:02d}", f"{sign}{grouped}.{rest:02d}",
             f"{euros}.{rest:02d} {unit}",
             f"{unit} {euros}.{rest:02d}", f"{euros},{rest:02d} {sign}"]  # fmt: skip
    if unit == "EUR" and euros >= 1000:
        forms += [f"{grouped.replace(',', '.')},{rest:02d} EUR"] * 3
    spoken = f"{whole(euros, rng)} {plural}"
    if not rest:
        return rng.choice(
            [f"{sign}{euros}", f"{euros} {plural}", f"{grouped} {plural}", *[spoken] * 4]
        )
    cent = whole(rest, rng)
    minor = "cent" if rest == 1 and unit != "GBP" else minor
    said = [f"{spoken} and {cent} {minor}", f"{spoken} {cent} {minor}"]
    if rest >= 10:
        said += [f"{spoken} {cent}", f"{spoken} and {cent}"]
    if rest == 50:
        said.append(f"{whole(euros, rng)} and a half {name}s")
    if not euros:
        said = [f"{cent} {minor}", f"{rest} {minor}"]
    return rng.choice([*said, *said, *forms])


def full_date(day: date, rng: random.Random) -> str:
    """With its year."""
    d, month, year = day.day, MONTHS[day.month - 1], day.year
    spoken = f"twenty {below_hundred(year % 100)}"
    return rng.choice([
        day.isoformat(), f"{d}.{day.month}.{year}", f"{d:02d}/{day.month:02d}/{year}",
        f"{suffixed(d)} of {month} {year}", f"{month} {d}, {year}", f"{d} {month} {year}",
        f"the {ordinal(d)} of {month.lower()} {spoken}",
        f"{month.lower()} {ordinal(d, ' ')} {spoken}",
        f"{d} {month[:3]} {year}", f"{d}.{day.month}.{year % 100}",
    ])  # fmt: skip


def date_of_year(day: date, rng: random.Random) -> str:
    """Without its year."""
    d, month = day.day, MONTHS[day.month - 1]
    return rng.choice([
        f"the {ordinal(d)} of {month.lower()}", f"{month} {suffixed(d)}",
        f"{month} the {ordinal(d)}",
        f"{d} {month}", f"{suffixed(d)} {month}", f"the {suffixed(d)} of {month}",
        f"{month.lower()} {ordinal(d, ' ')}", f"{d}.{day.month}.", f"{d}/{day.month}",
        f"{d:02d}.{day.month:02d}.", f"{month[:3]} {d}", f"{ordinal(d, ' ')} {month.lower()}",
        f"{WEEKDAYS[day.weekday()]} the {suffixed(d)} of {month}",
        f"{month.lower()} {below_hundred(d)}",
    ])  # fmt: skip


def clock(hour: int, minute: int, rng: random.Random) -> str:
    """A time that only that one can be."""
    twelve, noon = hour % 12 or 12, hour >= 12
    part = "in the morning" if not noon else "in the afternoon" if hour < 18 else "in the evening"
    short = rng.choice(("pm", "p.m.", "p m", "PM") if noon else ("am", "a.m.", "a m", "AM"))
    said, following = below_hundred(twelve), below_hundred(twelve % 12 + 1)
    forms = [f"{hour:02d}:{minute:02d}", f"{twelve}:{minute:02d} {short}"]
    if hour >= 10:
        forms.append(f"{hour}.{minute:02d}")
    tail = rng.choice((part, part, short))
    if minute == 0:
        forms += [f"{twelve} {short}", f"{said} {short}", f"{said} o'clock {part}",
                  f"{said} {part}",
                  f"{twelve}{short}"]  # fmt: skip
    elif minute == 30:
        forms += [f"half past {said} {tail}"] * 3 + [f"{said} thirty {tail}", f"half {said} {tail}"]
    elif minute == 15:
        forms += [f"quarter past {said} {tail}", f"a quarter past {said} {tail}"]
    elif minute == 45:
        if twelve not in (11, 12):
            forms += [f"quarter to {following} {tail}", f"a quarter to {following} {tail}"]
    elif minute % 5 == 0 and minute < 30:
        forms += [f"{below_hundred(minute)} past {said} {tail}",
                  f"{below_hundred(minute)} minutes past {said} {tail}"]  # fmt: skip
    elif minute % 5 == 0 and twelve not in (11, 12):
        forms += [f"{below_hundred(60 - minute)} to {following} {tail}"]
    if minute >= 10:
        forms.append(f"{said} {below_hundred(minute)} {tail}")
    elif minute:
        forms.append(f"{said} oh {below_hundred(minute)} {tail}")
    return rng.choice(forms)


def phone(national: str, calling: str, trunk: str, rng: random.Random) -> str:
    """``national`` without its trunk prefix; ``calling`` is the country's code."""
    local = trunk + national
    cuts = sorted(rng.sample(range(2, len(local) - 1), 2))
    parts = [local[: cuts[0]], local[cuts[0] : cuts[1]], local[cuts[1] :]]
    pairs = [national[i : i + 3] for i in range(0, len(national), 3)]
    return rng.choice([
        local, " ".join(parts), "-".join(parts), f"({parts[0]}) {parts[1]}-{parts[2]}",
        f"+{calling}{national}", f"+{calling} {' '.join(pairs)}", f"00{calling} {' '.join(pairs)}",
        f"+{calling}-{'-'.join(pairs)}",
        digits(local, rng), digits(local, rng), digits(local, rng),
        ", ".join(digits(part, rng) for part in parts),
        f"plus {digits(calling, rng)} {digits(national, rng)}",
        f"plus {' '.join(ONES[int(c)] for c in calling)} {' '.join(pairs)}",
    ])  # fmt: skip


def address(local: list[str], domain: list[str], rng: random.Random) -> tuple[str, str]:
    """An address of parts and signs, as written and as said."""
    signs = {".": "dot", "_": "underscore", "-": rng.choice(("dash", "hyphen"))}
    said: list[str] = []
    for part in local:
        if part in signs:
            said.append(signs[part])
        elif part.isdigit():
            said.append(digits(part, rng))
        elif rng.random() < 0.15:
            said.append(" ".join(part))
        else:
            said.append(part)
    written = f"{''.join(local)}@{'.'.join(domain)}"
    at = rng.choice(("at", "at", "at", "at sign"))
    kind = rng.random()
    if kind < 0.25:
        apart = written.replace("@", rng.choice((" @ ", " (at) ")))
        return written, rng.choice(
            (written, written.upper(), written.title(), f"<{written}>", apart)
        )
    return written, f"{' '.join(said)} {at} {' dot '.join(domain)}"


# -- 中文 -------------------------------------------------------------------------

HAN = "零一二三四五六七八九"


def han(n: int) -> str:
    """A whole number below a hundred thousand."""
    if n < 10:
        return HAN[n]
    if n < 20:
        return "十" + (HAN[n % 10] if n % 10 else "")
    if n < 100:
        return HAN[n // 10] + "十" + (HAN[n % 10] if n % 10 else "")
    for size, unit in ((10000, "万"), (1000, "千"), (100, "百")):
        if n >= size:
            head = ("两" if n // size == 2 else han(n // size)) + unit
            rest = n % size
            if not rest:
                return head
            gap = "零" if rest < size // 10 else ""
            inner = "一" + han(rest) if 10 <= rest < 20 else han(rest)
            return head + gap + inner
    raise ValueError(f"{n} is not below 100,000")


# -- latviešu ---------------------------------------------------------------------

LV_ONES = (
    "nulle", "viens", "divi", "trīs", "četri", "pieci", "seši", "septiņi", "astoņi", "deviņi",
)  # fmt: skip
LV_STEMS = ("", "vien", "div", "trīs", "četr", "piec", "seš", "septiņ", "astoņ", "deviņ")
LV_ORDINALS = (
    "", "pirm", "otr", "treš", "ceturt", "piekt", "sest", "septīt", "astot", "devīt", "desmit",
)  # fmt: skip
LV_MONTHS = (
    "janvārī", "februārī", "martā", "aprīlī", "maijā", "jūnijā", "jūlijā", "augustā", "septembrī",
    "oktobrī", "novembrī", "decembrī",
)  # fmt: skip
LV_WEEKDAYS = (
    "pirmdien", "otrdien", "trešdien", "ceturtdien", "piektdien", "sestdien", "svētdien",
)  # fmt: skip


def latvian(n: int) -> str:
    """A whole number below ten thousand, in its usual form."""
    if n < 10:
        return LV_ONES[n]
    if n == 10:
        return "desmit"
    if n < 20:
        return f"{LV_STEMS[n - 10]}padsmit"
    if n < 100:
        return f"{LV_STEMS[n // 10]}desmit" + (f" {LV_ONES[n % 10]}" if n % 10 else "")
    if n < 1000:
        head = "simts" if n // 100 == 1 else f"{LV_ONES[n // 100]} simti"
        return head + (f" {latvian(n % 100)}" if n % 100 else "")
    head = "tūkstotis" if n // 1000 == 1 else f"{latvian(n // 1000)} tūkstoši"
    return head + (f" {latvian(n % 1000)}" if n % 1000 else "")


def latvian_ordinal(n: int, ending: str = "ajā") -> str:
    """ "Piektajā", "divdesmit pirmajā"."""
    if n <= 10:
        return LV_ORDINALS[n] + ending
    if n < 20:
        return f"{LV_STEMS[n - 10]}padsmit{ending}"
    if n % 10 == 0:
        return f"{LV_STEMS[n // 10]}desmit{ending}"
    return f"{LV_STEMS[n // 10]}desmit {LV_ORDINALS[n % 10]}{ending}"
