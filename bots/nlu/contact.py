"""Names, e-mail addresses and times of day as people say or write them. Pure.

Each gives the normalised value, or an empty string where there is none: ``ann.lee@example.com``
(also from "ann dot lee at example dot com"), ``Smith`` (also from "S M I T H"),
``15:30`` (also from "half past three in the afternoon", 下午三点半, "pusčetros").
"""

from __future__ import annotations

import re

from bots.nlu.numbers import digit_string, fold, integer

SAID = {
    "@": r"(?:at sign|at zime|at|et|艾特|小老鼠)",
    ".": r"(?:dot|punkts|point|点)",
    "-": r"(?:dash|hyphen|minus|defise|domuzime|横杠|减号)",
    "_": r"(?:underscore|under score|apakssvitra|下划线)",
}
"""What stands for a sign of an address between two of its parts."""
ADDRESS = re.compile(r"[a-z0-9][a-z0-9._+-]*@(?:[a-z0-9-]+\.)+[a-z]{2,}")
LEAD_IN = re.compile(
    r"^(?:(?:yes|well|um|uh|hello|hi)[, ]+)*(?:my (?:full |last |first )?name is|the name is|it'?s|"
    r"it is|this is|i am|i'?m|mani sauc|mans vards ir|es esmu|我叫|我是|我的名字是|名字是)[: ]*",
    re.I,
)
HOUR_WORDS = (
    r"(?:o'?clock|oclock|a ?m\b|p ?m\b|a\. ?m\.|p\. ?m\.|noon|midnight|past|quarter|"
    r"in the (?:morning|afternoon|evening)|pulksten|pus[a-z]+|点|點)"
)
LV_HOURS = {
    "vienos": 1, "divos": 2, "trijos": 3, "cetros": 4, "piecos": 5, "sesos": 6, "septinos": 7,
    "astonos": 8, "devinos": 9, "desmitos": 10, "vienpadsmitos": 11, "divpadsmitos": 12,
}  # fmt: skip


def email(text: str) -> str:
    """The address in it, lower case."""
    plain = fold(text)
    written = ADDRESS.search(plain)
    if written:
        return written.group()
    # Letters and digits that are spelled are one part.
    plain = _figures(LEAD_IN.sub("", plain))
    plain = re.sub(r"(?<=\b[a-z0-9])\s+(?=[a-z0-9]\b)", "", plain)
    for sign, said in SAID.items():
        plain = re.sub(rf"(?<=\S)\s*(?:\b{said}\b|{re.escape(sign)})\s*(?=\S)", sign, plain)
    found = ADDRESS.search(plain)
    return found.group() if found else ""


def _figures(plain: str) -> str:
    """Digits that are said as words, as digits."""
    words = [digit_string(word) for word in plain.split(" ")]
    return " ".join(d[0] if d else word for d, word in zip(words, plain.split(" "), strict=True))


def name(text: str) -> str:
    """The name, without what leads up to it; spelled letters are joined."""
    bare = LEAD_IN.sub("", text.strip()).strip(" .,!?")
    letters = spelled(bare)
    if letters:
        return letters.title()
    return bare.title() if bare.islower() else bare


def introduces(text: str) -> bool:
    """Whether somebody tells a name: "my name is …"; any words may be one otherwise."""
    return LEAD_IN.match(text.strip()) is not None


def spelled(text: str) -> str:
    """The letters spelled at its end, joined; empty when they are fewer than two."""
    run = re.search(r"(?:\b[^\W\d_]\b[\s,.\-]*){2,}$", text.strip())
    return re.sub(r"[^\w]", "", run.group()).lower() if run else ""


def is_spelled_out(text: str) -> bool:
    """Whether a name was said and then spelled to its last letter."""
    letters = spelled(text)
    said = re.findall(r"[^\W\d_]{2,}", text.lower())
    return bool(letters) and letters in said


def time_of_day(text: str) -> str:
    """``HH:MM``. A bare number is none: "three" may be anything."""
    plain = fold(text)
    written = re.search(r"\b([01]?\d|2[0-3])[:.]([0-5]\d)\b", plain)
    if written:
        return _clock(int(written.group(1)), int(written.group(2)), plain)
    if not re.search(HOUR_WORDS, plain):
        return ""
    if re.search(r"\b(?:noon|midnight)\b", plain):
        return "12:00" if "noon" in plain else "00:00"
    half = re.search(r"\bpus(\w+)", plain)
    if half and half.group(1) in LV_HOURS:
        return _clock((LV_HOURS[half.group(1)] - 2) % 12 + 1, 30, plain)
    latvian = re.search(r"\bpulksten(?:is|s)? (\w+)", plain)
    if latvian and latvian.group(1) in LV_HOURS:
        return _clock(LV_HOURS[latvian.group(1)], 0, plain)
    chinese = re.search(
        r"([零一二两三四五六七八九十\d]+)[点點](半|[零一二两三四五六七八九十\d]+)?", text
    )
    if chinese:
        minutes = 30 if chinese.group(2) == "半" else integer(chinese.group(2) or "") or 0
        return _clock(integer(chinese.group(1)) or 0, minutes, text)
    return _english_time(plain)


def _english_time(plain: str) -> str:
    around = re.split(r"\bpast\b|\bto\b", plain, maxsplit=1)
    if len(around) == 2 and integer(around[1]) is not None:
        first = around[0]
        minutes = 30 if "half" in first else 15 if "quarter" in first else integer(first) or 0
        hour = integer(around[1]) or 0
        if re.search(r"\bto\b", plain) and " past " not in plain:
            hour, minutes = (hour - 1) % 24, 60 - minutes
        return _clock(hour, minutes, plain)
    hour_word = next((part for part in re.findall(r"[a-z]+|\d+", plain) if integer(part)), "")
    rest = plain.partition(hour_word)[2] if hour_word else ""
    minutes = integer(rest) or 0
    hour = integer(hour_word) or 0
    return _clock(hour, minutes if minutes < 60 else 0, plain) if hour_word else ""


def _clock(hour: int, minute: int, words: str) -> str:
    """24 hours; the afternoon where the words say so."""
    later = r"\bp\.? ?m\b|afternoon|evening|tonight|下午|晚上|pecpusdiena|vakara"
    if hour < 12 and re.search(later, words):
        hour += 12
    if hour == 12 and re.search(r"\ba\.? ?m\b|midnight", words):
        hour = 0
    return f"{hour:02d}:{minute:02d}" if hour < 24 and 0 <= minute < 60 else ""
