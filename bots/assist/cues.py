"""Turns of phrase that say what a line does: asks, promises, thanks. Pure.

English, latviešu and 中文; texts are folded (small letters, no accents) before they are compared.
"""

from __future__ import annotations

import re

from bots.nlu.numbers import fold

SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
QUESTION_MARKS = ("?", "？")

_ASKS = re.compile(
    r"^(?:(?:hi|hello|ok|okay|and|so|but|sorry|well)[, ]+)*"
    r"(?:how|what|when|where|which|who|why|can|could|may|do|does|did|is|are|will|would|should)\b"
    r"|\b(?:i (?:want|need|would like|d like) to|tell me|is there|how do i)\b"
    r"|^(?:un |bet )?(?:vai|ka|kur|kad|kas|cik|kapec|kads|kada|kuram|ko)\b"
    r"|\b(?:gribu|velos|man vajag)\b"
    r"|[吗呢么]$|什么|怎么|为什么|哪里|多少|几点|能不能|可以.*吗|我(?:想|要)"
)
_ACTS = re.compile(
    r"\b(?:i|we)(?: have|'ve| just| will|'ll| am going to|'m going to| are going to)\b"
    r"|\b(?:i am|i'm|we are|we're) \w+ing\b"
    r"|\b(?:i|we) (?:sent|started|checked|asked|opened|booked|changed|cancelled|refunded|ordered|"
    r"credited|corrected|called|wrote|found|moved|reported|forwarded|registered|noted)\b"
    r"|\b\w{3,}(?:sim|su|iju|aju|eju)\b|\b(?:esmu|esam) \w{4,}"
    r"|我们?(?:已经?|会|马上|这就|刚|正在)|已(?:为您|帮您)"
)
_COURTESY = re.compile(
    r"\b(?:sorry|happy to|glad to|afraid|pleased|here to help|understand|my name is|"
    r"palidzesu|priecasos|atvainojos|look into)\b|抱歉|很高兴|明白|理解"
)
_GREETING = re.compile(
    r"^(?:hi|hello|dear|good \w+|labdien|sveiki|sveicin\w*|您好|你好)"
    r"[^,.!，。！:：]{0,30}[,.!，。！:：]\s*",
    re.IGNORECASE,
)
_PROMISES = re.compile(
    r"\b(?:will|'ll|going to)\b|\b\w{3,}(?:sim|su)\b|会|马上",
)
_SETTLED = re.compile(
    r"\b(?:thanks?|thank you|thx|cheers|great|perfect|that(?:'s| is) (?:all|it)|that helps|"
    r"solved|works now|all good|bye)\b"
    r"|\b(?:paldies|liels paldies|tas ir viss|lieliski|viss kartiba|sanaca)\b"
    r"|谢谢|多谢|感谢|没有了|就这些|好的"
)
_STILL_OPEN = re.compile(
    r"\b(?:but|still|not yet|doesn't|does not|didn't|isn't|never)\b"
    r"|\b(?:bet|joprojam|vel nav|nav)\b"
    r"|但是|不过|还没|还是"
)


def _plain(text: str) -> str:
    return fold(text).replace("’", "'")


def sentences(text: str) -> list[str]:
    """The sentences of a line, in order."""
    return [part.strip() for part in SENTENCE.split(text) if part and part.strip()]


def asks(sentence: str) -> bool:
    """Whether somebody wants to know or to have something."""
    return sentence.endswith(QUESTION_MARKS) or bool(_ASKS.search(_plain(sentence)))


def last_question(text: str) -> str:
    """The last sentence that asks; empty when none does."""
    return next((one for one in reversed(sentences(text)) if asks(one)), "")


def first_question(text: str) -> str:
    """The first sentence that asks; empty when none does."""
    return next((one for one in sentences(text) if asks(one)), "")


def without_greeting(sentence: str) -> str:
    """``Hello Maria, I have …`` without the hello."""
    return _GREETING.sub("", sentence) or sentence


def act(sentence: str) -> bool:
    """Whether an agent says here what was done, is being done or will be."""
    plain = _plain(sentence)
    return (
        not sentence.endswith(QUESTION_MARKS)
        and bool(_ACTS.search(plain))
        and not _COURTESY.search(plain)
    )


def promises(sentence: str) -> bool:
    """Whether what is said of an act is still to come."""
    return act(sentence) and bool(_PROMISES.search(_plain(sentence)))


def settles(text: str) -> bool:
    """Whether the customer sounds as if nothing were left: thanks, and no question and no but."""
    plain = _plain(text)
    return (
        bool(_SETTLED.search(plain)) and not _STILL_OPEN.search(plain) and not last_question(text)
    )
