"""Which of our languages a text is in: by script, diacritics and frequent words.

Light on purpose: a word or two ("ok", a number) decides nothing, and the
conversation goes on in the language it had.
"""

from __future__ import annotations

import re

from bots.nlu.numbers import fold

HAN = re.compile(r"[\u4e00-\u9fff]")
LATVIAN = re.compile(r"[āčēģīķļņšūž]", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = """
the a an is are was my your i you it to of and in on for can do does how what when where who why
please have has not need want would like me with this that there am help order bill
"""
_LATVIAN = """
es jūs mans mana manu kur kas kad kā vai ir nav un par uz no ar lai man jums lūdzu paldies labdien
sveiki rēķins rēķinu pasūtījums pasūtījumu cik ko gribu vēlos varu var nevaru esmu tas šis jūsu
bija būs pēc līdz jau vēl mani kapec ludzu velos rekins pasutijums sutijums sūtījums cilvēku
darbinieku
"""
EN_WORDS = frozenset(_ENGLISH.split())
LV_WORDS = frozenset(_LATVIAN.split())
ENOUGH = 2
"""So many telling words decide; one does when nothing speaks for another language."""

_NAMES = {
    "en": ("english", r"angliski|anglu(?: valod\w+)?", "英文|英语"),
    "zh": (r"chinese|mandarin", r"kiniski|kiniesu(?: valod\w+)?", "中文|普通话|国语|汉语"),
    "lv": ("latvian", r"latviski|latviesu(?: valod\w+)?", "拉脱维亚语|拉脱维亚文"),
}
_EN_BEFORE = (
    r"(?:(?:please|can|could|we|you|do|i|would|like|want|to|speak|talk|switch|change|go|on|continue|"
    r"say|it|that|use|in|the|language) )*"
)
_LV_BEFORE = (
    r"(?:(?:ludzu|vai|var|varat|varam|es|gribu|velos|runajiet|runat|runasim|parsledziet|parsledzieties|"
    r"turpiniet|uz|pa) )*"
)
_ZH_BEFORE = "(?:请|我|要|想|可以|能|你|您|用|说|讲|切换|换|转|到|成|为)*"
_WISHES = {
    code: re.compile(
        rf"^(?:{_EN_BEFORE}(?:{english})(?: language)?(?: please)?"
        rf"|{_LV_BEFORE}(?:{latvian})(?: ludzu)?"
        rf"|{_ZH_BEFORE}(?:{chinese})(?:吗|好吗|服务|谢谢)*)$"
    )
    for code, (english, latvian, chinese) in _NAMES.items()
}


def wished(text: str) -> str:
    """The language that somebody asks to go on in, with nothing else; empty when nobody does."""
    plain = " ".join(re.sub(r"[^\w\s]", " ", fold(text)).split())
    return next((code for code, pattern in _WISHES.items() if pattern.match(plain)), "")


def detect(text: str) -> str:
    """``en``, ``zh`` or ``lv``; empty when the text does not say."""
    if HAN.search(text):
        return "zh"
    words = [word.lower() for word in WORD.findall(text)]
    latvian = sum(word in LV_WORDS for word in words)
    latvian += ENOUGH * sum(bool(LATVIAN.search(word)) for word in words)
    english = sum(word in EN_WORDS for word in words)
    if max(latvian, english) < ENOUGH or latvian == english:
        return ""
    return "lv" if latvian > english else "en"
