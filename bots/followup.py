"""A question that leans on the one before it, made whole. Pure.

"And on Sundays?" after "When are you open?" is "When are you open on Sundays?". It is recognised
by how it begins, or by being short and speaking of "it". What cannot be merged is put behind the
earlier question: search works on both together.
"""

from __future__ import annotations

import re
from typing import Protocol

SHORT_WORDS = 8
"""A longer question that speaks of "it" has said what it is about."""
SHORT_ZH = 14
_BEGINS = re.compile(
    r"^(?:(?:and|but|or|so|also|then)\b[\s,]*)*(?:what about|how about|what if it'?s|and if)\b\s*|"
    r"^(?:and|but|or|also|then)\b[\s,]*|"
    r"^(?:un|bet|vai arī|tad)\b[\s,]*(?:kā ar\s+)?|^kā ar\s+|"
    r"^(?:那么?|还有|那如果|如果是)[,，]?\s*",
    re.IGNORECASE,
)
_LEANS = re.compile(
    r"\b(?:it|its|that|this|they|them|those|these|there|one|ones|same|tas|tā|tie|tām?|tajā|tur|"
    r"tiem|to pašu)\b|它|这个|那个|那里|这样",
    re.IGNORECASE,
)
_PARTICLE = re.compile(r"[呢]\s*[?？]?$")
_ASKS = re.compile(
    r"^(?:what|when|where|who|why|how|which|can|could|do|does|did|is|are|will|would|should|may|"
    r"kas|kad|kur|kāpēc|kā|cik|vai|kāds|kāda)\b",
    re.IGNORECASE,
)
_CJK = re.compile(r"[\u3400-\u9fff]")
_END = " ?？.!。！,，"


class Rewriter(Protocol):
    """Makes such a question whole in better words than the rules can."""

    async def whole(self, question: str, earlier: str, language: str) -> str:
        """The question as somebody would ask it who had not asked ``earlier``; in time.

        Raises ``bots.errors.ModelFailed``.
        """
        ...


def leans(question: str) -> bool:
    """Whether it may not be understood by itself."""
    text = question.strip()
    if _CJK.search(text):
        short = len(_CJK.findall(text)) <= SHORT_ZH
        return short and bool(_BEGINS.match(text) or _PARTICLE.search(text) or _LEANS.search(text))
    words = len(text.split())
    if _BEGINS.match(text):
        return words <= 2 * SHORT_WORDS
    return words <= SHORT_WORDS and bool(_LEANS.search(text))


def whole(question: str, earlier: str) -> str:
    """Both questions as one."""
    rest = _PARTICLE.sub("", _BEGINS.sub("", question.strip())).strip(_END)
    before = earlier.strip(_END)
    if not rest:
        return earlier
    joint = "" if _CJK.search(earlier) else " "
    mark = "？" if _CJK.search(earlier) else "?"
    if _ASKS.match(rest) or _LEANS.search(rest):
        return f"{before}{mark}{joint}{rest}{mark}"
    return f"{before}{joint}{rest}{mark}"
