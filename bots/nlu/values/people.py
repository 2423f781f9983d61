"""Names of people and places: told, spelled, or one of a list that sounds alike. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bots.nlu.numbers import fold
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found, Plain
from bots.nlu.values.sounds import likeness

LEAD_IN = re.compile(
    r"^\s*(?:(?:yes|yeah|well|um|uh|er|hello|hi|hey|oh|ok|okay|so|sure|of course)[, .!]+)*"
    r"(?:(?:good (?:morning|afternoon|evening))[, ]+)?"
    r"(?:my (?:full |last |first |family |sur)?name(?: is|'s)|"
    r"the (?:full |last |sur)?name(?: is|'s)|"
    r"(?:sur|last |first )name(?: is)?|it'?s|it is|this is|i am|i'?m|call me|they call me|"
    r"i am called|you can call me|name:|mani sauc|mans vards ir|mans uzvards ir|es esmu|seit|"
    r"我叫|我是|我的名字是|我的名字叫|名字是|我姓|姓名是)[: ]*",
    re.I,
)
TOLD = re.compile(
    r"\b(?:my (?:full |last |first |sur)?name(?: is|'s)|this is|mani sauc|mans vards ir|"
    r"call me)[: ]+|我叫|我的名字是",
    re.I,
)
TITLE = re.compile(r"^(?:mr|mrs|ms|miss|dr|prof|sir|kungs|kundze)\b\.?\s*", re.I)
END = re.compile(
    r"\s*(?:[,;.!?，。！](?:\s|$)|\s(?:here|speaking|calling|from|with|and|but|that's|thats|please|"
    r"thanks|thank you|by the way|i|my|ludzu|un)\b).*$",
    re.I,
)
SPELLED = re.compile(r"(?:(?<![^\W_])[^\W\d_](?![^\W_])[\s,.\-]*){2,}$")
_NOT_NAMES = """
broken late urgent missing lost damaged fine good bad important too very really still just been
i you he we they me your my it is are was am be do does did don't dont know not no yes yeah
what why how who where when which can could would should want need order parcel bill help
agent human person none nothing never tell say said that this there here please wait moment
thanks thank hello hi ok okay sorry the a of for about not and question account number date
speak talk repeat again have has had won't rather prefer later tomorrow today business maybe
sure right correct wrong ja ne nezinu kas kapec ka kad kur vai gribu velos ludzu
"""
NOT_NAMES = frozenset(_NOT_NAMES.split())
LONGEST = 5
"""Words of a name without a lead-in."""
ALIKE, CLEAR = 0.8, 0.06
"""So alike a name of a list has to sound, and so much more than the next one."""
READ = 60
"""Words in which a name of a list is looked for."""
PART, SHORTEST_PART = 0.11, 3
"""What half a name costs, and the letters it needs."""
HAN = re.compile(r"[\u4e00-\u9fff]")
NOT_HAN = re.compile(r"[吗呢么？不什怎为想要请问单话机]")


def names(plain: Plain) -> list[Found]:
    """The name that is told, or that is all that was said."""
    text = plain.origin.replace("’", "'")
    lead = LEAD_IN.match(text) or TOLD.search(text)
    begin = lead.end() if lead else 0
    bare = text[begin:]
    value = _name(bare, told=lead is not None)
    if not value:
        return []
    said = max(bare.find(value) + len(value), len(END.sub("", bare.rstrip(" .,!?。！？，"))))
    start, end = plain.spot(begin, begin + (len(bare) if spelled(bare) else said))
    return [Found(value, start, end, LIKELY if lead or _short(bare) else GUESS)]


def introduces(text: str) -> bool:
    """Whether somebody tells a name: "my name is …"; any words may be one otherwise."""
    lead = LEAD_IN.match(text.strip().replace("’", "'"))
    if lead is None:
        return TOLD.search(text.replace("’", "'")) is not None
    return bool(_name(text.strip()[lead.end() :], told=True))


def _short(bare: str) -> bool:
    return len(bare.split()) <= LONGEST


def _name(bare: str, told: bool) -> str:
    letters = spelled(bare)
    if letters and len(letters) > 2:
        return letters.title()
    titled = TITLE.sub("", bare.strip(" .,!?。！？，"))
    bare = END.sub("", titled).strip(" .,!?\"'")
    if not bare or re.search(r"\d|@|\?", bare) or len(bare.split()) > LONGEST:
        return ""
    if HAN.search(bare):
        return bare if len(bare) <= 6 and not NOT_HAN.search(bare) else ""
    words = fold(bare).replace("’", "'").split()
    if any(word.strip(".,") in NOT_NAMES for word in words):
        return ""
    return bare.title() if bare.islower() or (bare.isupper() and len(bare) > 3) else bare


def spelled(text: str) -> str:
    """The letters spelled at its end, joined; empty when they are fewer than two."""
    run = SPELLED.search(text.strip(" .!?"))
    return re.sub(r"[^\w]", "", run.group()).lower() if run else ""


def is_spelled_out(text: str) -> bool:
    """Whether a name was said and then spelled to its last letter."""
    letters = spelled(text)
    said = re.findall(r"[^\W\d_]{2,}", text.lower())
    return bool(letters) and letters in said


def among(plain: Plain, listed: Sequence[str]) -> list[Found]:
    """The names of the list that are said, best first by ``weight``; sound-alikes too.

    Two names that sound almost as well are none: the customer is asked again.
    """
    return alike(plain, {name: name for name in listed}, parts=True)


def alike(plain: Plain, meanings: Mapping[str, str], parts: bool = False) -> list[Found]:
    """The same for words that mean something: words of one meaning are no rivals.

    With ``parts`` one word of several is enough, as a family name is.
    """
    best: dict[str, tuple[float, int, int]] = {}
    for words, meaning in meanings.items():
        best[meaning] = max(best.get(meaning, (0.0, 0, 0)), _best_window(plain, words, parts))
    scored = sorted(best.items(), key=lambda item: -item[1][0])
    found: list[Found] = []
    for place, (meaning, (score, start, end)) in enumerate(scored):
        if score < ALIKE or any(one.start < end and start < one.end for one in found):
            continue
        rivals = [
            other[0] for _, other in scored[place + 1 :] if other[1] < end and start < other[2]
        ]
        if rivals and score - rivals[0] < CLEAR and (score < 1.0 or rivals[0] == 1.0):
            return []
        sure = SURE if score == 1.0 else LIKELY if score >= 0.9 else GUESS
        found.append(Found(meaning, start, end, sure, weight=round(score * 100)))
    return found


def _best_window(plain: Plain, name: str, parts: bool) -> tuple[float, int, int]:
    """The words of the text that sound most like the name: likeness and place."""
    wanted = fold(name)
    if HAN.search(wanted):
        at = plain.text.find(wanted)
        return (1.0, at, at + len(wanted)) if at >= 0 else (0.0, 0, 0)
    words = list(re.finditer(r"[a-z0-9']+", plain.text))[:READ]
    size = len(re.findall(r"[a-z0-9']+", wanted))
    best = (0.0, 0, 0)
    letters = _spelled_window(plain.text, wanted)
    if letters:
        return letters
    for count in {size, max(1, size - 1), size + 1}:
        for i in range(len(words) - count + 1):
            start, end = words[i].start(), words[i + count - 1].end()
            alike = likeness(plain.text[start:end], wanted)
            if count != size:
                alike -= 0.03
            if alike > best[0]:
                best = (alike, start, end)
    return max(best, _part_of(words, wanted)) if parts else best


def _part_of(words: list[re.Match[str]], wanted: str) -> tuple[float, int, int]:
    """A family name or a first name alone."""
    best = (0.0, 0, 0)
    parts = [part for part in re.findall(r"[a-z']+", wanted) if len(part) >= SHORTEST_PART]
    for word in words:
        for part in parts if len(parts) > 1 else ():
            alike = likeness(word.group(), part) - PART
            best = max(best, (alike, *word.span()))
    return best


def _spelled_window(text: str, wanted: str) -> tuple[float, int, int] | None:
    run = SPELLED.search(text.strip(" .!?"))
    if run and re.sub(r"\W", "", run.group()) == re.sub(r"\W", "", wanted):
        return (1.0, run.start(), min(run.end(), len(text)))
    return None
