"""The customer's own words in a mail reply, apart from what it repeats.

Rules, each over whole lines and linear in the text:

1. A separator ("-----Original Message-----", a long underline before a header
   block) or a block of mail headers starts the quote; all below is quoted.
2. An attribution ("On … wrote:", in many languages, up to three lines) starts a
   quote of ``>`` lines; unquoted lines below it are the customer's again, so
   answers between or under the quote are kept.
3. ``-- `` starts a signature, and so does a last "Sent from my …". A closing
   formula ("Thanks, Alex") is the customer's own and stays.
4. mail-parser-reply then looks for attributions in further languages. Its
   patterns take quadratic time, so it only sees short texts of short lines.
5. When nothing would be left, the whole text is the reply.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailparser_reply import EmailReplyParser

LIBRARY_LANGUAGES = ("en", "zh", "de", "fr", "es", "it", "pl", "nl", "sv", "da", "cs", "ja", "ko")
LIBRARY_MAX_LINES = 60
LIBRARY_MAX_LINE = 160
ATTRIBUTION_LINES = 3
ATTRIBUTION_MAX = 300
SENT_FROM_MAX = 80

_SEPARATOR = re.compile(
    r"^[>\s]*-{2,}\s*(?:original message|forwarded message|original appointment|"
    r"ursprüngliche nachricht|message d'origine|исходное сообщение|пересылаемое сообщение|"
    r"sākotnējais ziņojums|sākotnējā ziņa|原始邮件|转发邮件)\s*-{2,}\s*$",
    re.IGNORECASE,
)
_UNDERLINE = re.compile(r"^\s*_{10,}\s*$")
_HEADER = re.compile(
    r"^[>*\s]*(from|sent|to|cc|date|subject|von|gesendet|an|datum|betreff|de|envoyé|à|objet|"
    r"от|отправлено|дата|кому|тема|no|nosūtīts|kam|datums|temats|"
    r"发件人|发送时间|日期|收件人|抄送|主题)\s*\*?\s*[:：]",
    re.IGNORECASE,
)
_SENDER_OR_DATE = frozenset(
    re.split(
        r"\s+",
        "from sent date subject von gesendet datum betreff de envoyé objet от отправлено дата "
        "тема no nosūtīts datums temats 发件人 发送时间 日期 主题",
    )
)
_WROTE = re.compile(
    r"(?:\bwrote|\bschrieb|\ba écrit|\bescribió|\bha scritto|\bnapisał\(?a?\)?|\bskrev|\bnapsal|"
    r"написал\(?а?\)?|пишет|rakstīja|raksta|写道|寫道)\s*[:：]\s*$",
    re.IGNORECASE,
)
_SENT_FROM = re.compile(
    r"^(?:sent (?:from|with|via) |get outlook for |отправлено с |nosūtīts no |发自我的)",
    re.IGNORECASE,
)
_DASHES = re.compile(r"^-- ?$")
_OPENING = re.compile(
    r"^(?:(?:on|am|le|el|il|op|den|dnia|dne|w dniu|в|em)\s.{0,40}\d|\d{1,4}[./-]\d{1,2}[./-]\d|"
    r"\d{1,2}\s\w+\s\d{4}|(?:mon|tue|wed|thu|fri|sat|sun|пн|вт|ср|чт|пт|сб|вс)\w*,?\s.{0,20}\d|在\s*\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """``text`` is what the customer wrote now; ``quoted`` all the rest."""

    text: str
    quoted: str


def split_reply(body: str) -> Reply:
    """Cut quoted mail and signature off; see the rules above."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").split("\n")
    lines = [line.rstrip() for line in lines]
    kept, quoted = _cut_quotes(lines)
    kept, quoted_by_library = _cut_by_library(kept)
    kept, signature = _cut_signature(kept)
    text = _joined(kept)
    if not text:
        kept, _ = _cut_quotes(lines)
        text = _joined(kept) or _joined(lines)
        signature = []
        quoted = quoted if _joined(kept) else []
    rest = [part for part in map(_joined, (signature, quoted_by_library, quoted)) if part]
    return Reply(text, "\n\n".join(rest))


def _joined(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _cut_quotes(lines: list[str]) -> tuple[list[str], list[str]]:
    for index in range(len(lines)):
        if _is_separator(lines, index):
            kept, marked = _without_marked(lines[:index])
            return kept, marked + lines[index:]
        length = _attribution_at(lines, index)
        if length:
            below, marked = _without_marked(lines[index + length :])
            return lines[:index] + below, lines[index : index + length] + marked
    return _without_marked(lines)


def _is_separator(lines: list[str], index: int) -> bool:
    line = lines[index]
    if _SEPARATOR.match(line):
        return True
    if _UNDERLINE.match(line):
        return any(_headers_at(lines, at) for at in range(index + 1, min(index + 4, len(lines))))
    return _headers_at(lines, index)


def _headers_at(lines: list[str], index: int) -> bool:
    """A block of at least three header lines, two of which name sender, date or subject."""
    names = []
    for line in lines[index : index + 8]:
        found = _HEADER.match(line[:ATTRIBUTION_MAX])
        if found:
            names.append(found[1].lower())
        elif not names or not line.strip(" >"):
            break
    return len(names) >= 3 and sum(name in _SENDER_OR_DATE for name in names) >= 2


def _attribution_at(lines: list[str], index: int) -> int:
    """How many lines an attribution starting here takes; 0 when there is none."""
    opens = bool(_OPENING.match(lines[index].strip()[:ATTRIBUTION_MAX]))
    joined = ""
    for count in range(1, (ATTRIBUTION_LINES if opens else 1) + 1):
        line = lines[index + count - 1].strip() if index + count <= len(lines) else ""
        joined = f"{joined} {line}"
        if not line or line.startswith(">") or len(joined) > ATTRIBUTION_MAX:
            return 0
        if line.endswith((":", "：")):
            return count if _is_attribution(joined, lines, index + count) else 0
    return 0


def _is_attribution(joined: str, lines: list[str], below: int) -> bool:
    if not any(char.isdigit() or char == "@" for char in joined):
        return False
    return _next_text(lines, below).startswith(">") or bool(_WROTE.search(joined))


def _next_text(lines: list[str], index: int) -> str:
    for line in lines[index : index + 4]:
        if line.strip():
            return line.lstrip()
    return ""


def _without_marked(lines: list[str]) -> tuple[list[str], list[str]]:
    """Lines not starting with ``>``, and those that do."""
    kept = [line for line in lines if not line.lstrip().startswith(">")]
    marked = [line for line in lines if line.lstrip().startswith(">")]
    return kept, marked


def _cut_by_library(lines: list[str]) -> tuple[list[str], list[str]]:
    if len(lines) > LIBRARY_MAX_LINES or any(len(line) > LIBRARY_MAX_LINE for line in lines):
        return lines, []
    replies = EmailReplyParser(languages=list(LIBRARY_LANGUAGES)).read("\n".join(lines)).replies
    if len(replies) < 2 or not replies[0].content:
        return lines, []
    header = replies[1].headers.split("\n")[0].strip()
    for index, line in enumerate(lines):
        if header and line.strip() == header:
            return lines[:index], lines[index:]
    return lines, []


def _cut_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    for index, line in enumerate(lines):
        if _DASHES.match(line):
            return lines[:index], lines[index:]
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    if end and len(lines[end - 1]) <= SENT_FROM_MAX and _SENT_FROM.match(lines[end - 1].strip()):
        return lines[: end - 1], lines[end - 1 :]
    return lines, []
