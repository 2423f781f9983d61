"""Fixed phrases understood at every question, without any model.

A wish for a person is never argued with: a short sentence with one of its words,
or any sentence that asks to be put through to somebody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bots.nlu.numbers import fold

SHORT = 4
"""Up to so many words, the bare word "agent" is a wish for one."""

_PERSON = (
    r"agents?|operators?|humans?|representatives?|(?:real|live|actual) persons?|persons?|people|"
    r"advis[eo]rs?|somebody|someone|colleague|staff|receptionist|reception|rep"
)
_BARE = re.compile(
    r"\b(?:agent|operator|human|representative|advis[eo]r|real person|live person|person please)\b"
)
_ASKING = re.compile(
    r"\b(?:speak|talk|chat|connect(?: me)?|transfer(?: me)?|put me through|get me|give me|"
    r"hand me over|pass me|switch me)\b"
    rf"(?:\W+\w+){{0,4}}?\W+(?:{_PERSON})\b"
)
_NEEDING = re.compile(
    r"\b(?:need|want|rather have)(?: (?:a|an|some|any|real|live))+ "
    r"(?:agent|operator|human(?: being)?|person|representative|advis[eo]r)\b"
)
_NOT_BOT = re.compile(r"\b(?:not (?:to )?a (?:bot|robot|machine|computer)|no (?:bots?|robots?))\b")
_LV_BARE = re.compile(r"\b(?:operator\w*|darbiniek\w*|cilvek\w*|konsultant\w*|agent\w*)\b")
_LV_ASKING = re.compile(
    r"\b(?:runat|savieno\w*|parsledz\w*|aprunaties|sazinaties)\b.*"
    r"\b(?:operator\w*|darbiniek\w*|cilvek\w*|konsultant\w*|kadu)\b"
)
_ZH_AGENT = re.compile(r"人工|真人|转接|接线员|客服(?:人员|代表)?$|找客服|转客服|活人")
_POLITE = r"(?:(?:please|sorry|can you|could you|would you|can we|could we|can i|ludzu|vai) )*"
_REPEAT = re.compile(
    rf"^(?:{_POLITE}(?:repeat|say)(?: (?:that|it|this))?(?: again)?(?: please)?|"
    r"pardon(?: me)?|come again|once more|what did you say|what was that|again please|"
    r"(?:sorry )?i (?:did not|didn't) (?:hear|catch|get) (?:that|it|you)|"
    rf"{_POLITE}(?:atkartojiet|atkarto|pasakiet)\w*(?: velreiz| vel reiz)?(?: ludzu)?|"
    r"(?:ludzu )?vel ?reiz(?: ludzu)?|ko jus (?:teicat|sakat)|(?:es )?nedzirdeju)$"
)
_ZH_REPEAT = re.compile(
    r"^(?:请|麻烦)?(?:您|你)?(?:再说一遍|重复一遍|再说一次|重复一下|没听清|我没听清)"
)
_SLOWER = re.compile(
    rf"^(?:{_POLITE}(?:(?:speak|talk|say (?:it|that)|go) )?(?:(?:a (?:bit|little)|more) )*"
    r"(?:slower|slowly|slow down)(?: please)?|"
    r"(?:you (?:are|talk|speak)(?: talking| speaking)? |that (?:is|was) |that's )?"
    r"too (?:fast|quick)|"
    r"not so fast(?: please)?|"
    rf"{_POLITE}(?:(?:runajiet|runa|sakiet|pasakiet|var) )?(?:mazliet )?(?:lenak|lenam)(?: ludzu)?|"
    r"(?:jus runajat )?(?:parak|par) atri|ne tik atri)$"
)
_ZH_SLOWER = re.compile(
    r"^(?:请|麻烦)?(?:您|你)?(?:能|可以)?(?:再)?(?:说|讲|讲话|说话)?得?慢(?:一)?(?:点|些)|"
    r"^(?:您|你)?(?:说|讲)?得?太快了?"
)
_BACK = re.compile(
    rf"^{_POLITE}(?:let'?s |i want to |i would like to |i'd like to |es gribu |gribu )?"
    r"(?:(?:go|move|step|take me) (?:one |a )?(?:step |question )?back"
    r"(?: (?:to )?(?:the )?(?:previous|last) (?:question|step|one)| one step| a step)?|"
    r"(?:the )?previous (?:question|step)|back|one back|"
    r"(?:ej\w*|doties|dodieties|atgriezt\w*|atgriezieties)?(?: )?atpakal|"
    r"(?:uz )?ieprieksej\w+ (?:jautajum|sol)\w*)(?: please| ludzu)?$"
)
_STOP = re.compile(
    rf"^{_POLITE}(?:stop|stop (?:it|this|that|here|now)|cancel|cancel (?:this|that|it)|never ?mind|"
    r"forget (?:it|about it|that)|leave it(?: there)?|i changed my mind|"
    r"(?:beidziet|beidz|partrauciet|partrauc|atceliet|atcelt)(?: to)?|aizmirstiet(?: to)?)"
    r"(?: please| ludzu)?$"
)
_ZH_STOP = re.compile(r"^(?:请)?(?:停|停止|停下|取消|算了|不办了|当我没说)(?:吧|了)?[。.!！]?$")
_ZH_BACK = re.compile(
    r"^(?:请|我想|我要|麻烦)?(?:返回|回到|退回|回)?(?:到)?(?:上一步|上一个问题|上一题|前一个问题|前一步)|"
    r"^(?:请)?(?:返回|后退|退回)$"
)
_GOODBYE = re.compile(
    r"^(?:(?:ok|okay|no|thanks|thank you|that'?s all|thats all) ?)*"
    r"(?:good ?bye|bye|bye bye|see you|that is all|that'?s all|that will be all|"
    r"have a (?:good|nice) day|"
    r"hang up|uz redzesanos|ata|visu labu|atvadas)(?: (?:thanks|thank you|paldies|then|now|bye))*$"
)
_ZH_GOODBYE = re.compile(r"^(?:好的?|谢谢|没有了|不用了|[，, ])*(?:再见|拜拜|就这样)")

_HAN = re.compile(r"[\u4e00-\u9fff]{3}")
_FILLERS = frozenset(
    {"i", "want", "to", "can", "could", "may", "please", "let", "me", "would", "like", "need", "a"}
    | {"an", "the", "is", "there", "you", "just", "now", "hello", "hi", "with", "about", "for"}
    | {"gribu", "velos", "ludzu", "es", "vai", "varu", "ar", "par", "mani", "and", "it", "of"}
    | {"customer", "service", "support", "in", "from", "one", "your", "someone", "will"}
)
MATTER_LETTERS = 4

EXAMPLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "agent": {
        "en": (
            "i want to speak to a person",
            "can i talk to somebody",
            "connect me to an agent",
            "let me speak with a human being",
            "i would like to talk to customer service",
            "put me through to the operator",
            "is there a real person there",
            "i do not want to talk to a machine",
            "get me your supervisor",
            "i need a member of staff",
            "can someone call me back",
            "give me a human please",
        ),
        "zh": ("我要转人工", "请帮我接人工客服", "我想和真人说话", "找一个客服人员", "不要机器人"),
        "lv": (
            "es gribu runāt ar cilvēku",
            "savienojiet mani ar operatoru",
            "vēlos runāt ar darbinieku",
            "vai varu runāt ar kādu no jums",
            "es negribu runāt ar robotu",
        ),
    },
    "goodbye": {
        "en": (
            "goodbye",
            "bye bye",
            "that is all thank you",
            "no more questions",
            "i am done thanks bye",
            "have a nice day",
            "that was everything",
            "nothing else bye",
        ),
        "zh": ("再见", "没有别的事了再见", "谢谢就这些", "拜拜"),
        "lv": ("uz redzēšanos", "tas arī viss paldies", "visu labu", "atā"),
    },
}
"""Examples of the built-in intents, to which a flow may add its own."""


def matter(text: str) -> str:
    """What a wish for a person is about: the sentence without the wish; "" when that is all."""
    plain = _plain(text)
    for pattern in (_ASKING, _NEEDING, _NOT_BOT, _LV_ASKING, _ZH_AGENT, _BARE, _LV_BARE):
        plain = pattern.sub(" ", plain)
    words = [word for word in plain.split() if word not in _FILLERS]
    return " ".join(words) if len("".join(words)) >= MATTER_LETTERS or _HAN.search(plain) else ""


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", " ", fold(text).replace("’", "'")).split())


def shortcut(text: str) -> str | None:
    """``agent``, ``repeat``, ``slower``, ``back``, ``stop``, ``goodbye``: when surely that."""
    plain = _plain(text)
    if _wants_person(plain):
        return "agent"
    for name, pattern, chinese in _WISHES:
        if pattern.match(plain) or chinese.match(plain):
            return name
    if _GOODBYE.match(plain) or _ZH_GOODBYE.match(text.strip()):
        return "goodbye"
    return None


_WISHES = (
    ("repeat", _REPEAT, _ZH_REPEAT),
    ("slower", _SLOWER, _ZH_SLOWER),
    ("back", _BACK, _ZH_BACK),
    ("stop", _STOP, _ZH_STOP),
)


def _wants_person(plain: str) -> bool:
    short = len(plain.split()) <= SHORT
    if short and (_BARE.search(plain) or _LV_BARE.search(plain)):
        return True
    if _ZH_AGENT.search(plain):
        return True
    return any(pattern.search(plain) for pattern in (_ASKING, _NEEDING, _NOT_BOT, _LV_ASKING))
