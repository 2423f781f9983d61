"""Recognises that the customer is a bot too, before two bots answer each other for ever. Pure.

1. What calls itself automatic is one, when it does so twice, or once on the telephone: a
   person quotes such a sentence at most once.
2. Who says our own last words back to us, twice, is one.
3. Who sends the same long text four times is one, and who writes a long text within two
   seconds of the one before, four times: a person repeats short things, and changes long ones.
4. A person who is annoyed is no bot: short texts, yes and no, digits, and keys count for nothing.

``noted`` takes the evidence of one turn into a memory that is plain JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bots.nlu.numbers import fold
from router.acts.sparing import BOT_LOOP

LONG = 25
"""Characters from which on a text is none that a person sends again and again."""
ECHOES = 2
SAME = 4
TOO_FAST = 4
FAST_S = 2.0
CALLS_ITSELF = 2
KEPT = 6
REASON = BOT_LOOP
PARTING: Mapping[str, str] = {
    "en": "This seems to be an automatic system, as I am, so I stop here. "
    "What comes next goes to a person. Goodbye.",
    "zh": "对方似乎也是自动系统，我就此结束。之后的消息将由人工处理。再见。",
    "lv": "Šķiet, ka runāju ar citu automātisku sistēmu, tāpēc beidzu. "
    "Turpmāko lasīs cilvēks. Uz redzēšanos.",
}
"""Said once, and then the conversation ends for ``REASON``. A letter gets no answer: that is
what the other one waits for (RFC 3834 §2)."""
_AUTOMATIC = re.compile(
    r"automatic(?:ally)? (?:reply|response|generated|answer)|auto[- ]?reply|out of (?:the )?office"
    r"|do not reply to this|this is an automated|i am an? (?:ai|virtual|automat\w+|digital)"
    r"|(?:virtual|automated|digital|automatic) (?:assistant|agent|system|attendant)"
    r"|automatiska (?:atbilde|vestule)|automatiskais asistents|virtual\w+ asistent|esmu prombutne"
    r"|自动回复|自动答复|智能(?:助手|客服)|机器人"
)
_ON_THE_LINE = re.compile(
    r"(?:press|dial|say) (?:one|two|three|zero|\d)\b.*\b(?:press|dial|say) |your call is important"
    r"|call (?:may|will) be recorded|para espanol|leave (?:a|your) message after"
    r"|spiediet (?:viens|divi|\d)|请按\w键|请留言"
)
"""What menus and answering machines say, and people do not."""


def noted(
    memory: Mapping[str, Any],
    text: str,
    *,
    spoken: bool,
    ours: Sequence[str],
    now: datetime,
) -> dict[str, Any]:
    """The memory after a text of the customer; ``ours`` is what we said just before it."""
    plain = _plain(text)
    counts = dict(memory.get("counts", {}))
    recent = list(memory.get("recent", []))
    long = len(plain) >= LONG
    if _AUTOMATIC.search(plain):
        _count(counts, "itself", CALLS_ITSELF if spoken and _ON_THE_LINE.search(plain) else 1)
    elif spoken and _ON_THE_LINE.search(plain):
        _count(counts, "itself", CALLS_ITSELF)
    if long and any(plain in _plain(said) or _plain(said) in plain for said in ours if said):
        _count(counts, "echoes")
    if long:
        counts["same"] = max(counts.get("same", 0), recent.count(plain) + 1)
        recent = [*recent, plain][-KEPT:]
    before = memory.get("at")
    if long and not spoken and before:
        took = (now - datetime.fromisoformat(before)).total_seconds()
        counts["fast"] = counts.get("fast", 0) + 1 if took < FAST_S else 0
    return {"counts": counts, "recent": recent, "at": now.isoformat()}


def is_bot(memory: Mapping[str, Any]) -> str:
    """Why the customer is taken for a bot; empty while it may be a person."""
    counts = memory.get("counts", {})
    limits = {"itself": CALLS_ITSELF, "echoes": ECHOES, "same": SAME, "fast": TOO_FAST}
    return next((why for why, most in limits.items() if counts.get(why, 0) >= most), "")


def _count(counts: dict[str, int], what: str, times: int = 1) -> None:
    counts[what] = counts.get(what, 0) + times


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold(text)))
