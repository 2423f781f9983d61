"""The front door of SIP: is this datagram a message we can act on (RFC 3261, RFC 4475)?

Everything is checked here, strictly and without I/O, before the SIP stack sees it:

1. Empty lines are keep-alives: ignored.
2. A bad response is dropped: answering an answer makes loops.
3. A bad request is refused with a status and a reason phrase that name what is wrong,
   as far as there is a Via to answer to. ACK is never answered.
4. A request that came from elsewhere than its Via says is answered where it came from,
   as if it had asked for that (RFC 3581).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

SIP_VERSION: Final = "SIP/2.0"
DEFAULT_PORT: Final = 5060
MAX_BYTES: Final = 16_000
METHODS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO")
KNOWN_METHODS: Final = frozenset(
    (*METHODS, "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "REFER", "UPDATE")
)
_COMPACT: Final = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "s": "subject", "k": "supported", "e": "content-encoding",
}  # fmt: skip
_SINGLE: Final = ("from", "to", "call-id", "cseq", "max-forwards", "content-length")
_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?")
_URI: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([^\s<>\"]+)")
_VIA: Final = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*([A-Za-z]+)\s+(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"
    r"(?:\s*:\s*(\d{1,5}))?\s*((?:;\s*[^;,\s=]+(?:\s*=\s*[^;,]+)?\s*)*)"
)
_CSEQ: Final = re.compile(r"(\d{1,10})\s+(\S+)")
_MAX_CSEQ: Final = 2**31
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message for the stack: ``text`` is its decoded form, ``method`` empty for a response."""

    text: str
    method: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that goes no further; ``answer`` goes to ``to`` when it is not empty."""

    status: int
    reason: str
    answer: bytes = b""
    to: Address = ("", 0)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A keep-alive."""


Verdict = Accepted | Refused | Ignored


class _Wrong(Exception):
    """Something in the message; carries status and phrase."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(slots=True)
class _Draft:
    """What was understood so far, so that even half a message can be answered."""

    start: str = ""
    body: str = ""
    headers: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str:
        return self.headers.get(name, [""])[0]


def inspect(data: bytes, source: Address) -> Verdict:
    """Judge one datagram that came from ``source``."""
    if not data.strip(b"\r\n\t \0"):
        return Ignored()
    draft = _Draft()
    try:
        text = _decode(data)
        _split(text, draft)
        _check_encoding(text)
        if draft.start.startswith("SIP/"):
            _judge_response(draft)
            return Accepted(_canonical(draft, None), "")
        method = _judge_request(draft)
        return Accepted(_canonical(draft, source), method)
    except _Wrong as wrong:
        return refuse(draft.start, draft.headers, source, wrong.status, wrong.reason)


def refuse_text(text: str, source: Address, status: int, reason: str) -> Refused:
    """An answer to a message that the stack behind the door could not take."""
    draft = _Draft()
    try:
        _split(text, draft)
    except _Wrong:
        return Refused(status, reason)
    return refuse(draft.start, draft.headers, source, status, reason)


def refuse(
    start: str, headers: dict[str, list[str]], source: Address, status: int, reason: str
) -> Refused:
    """Build the answer from the lines that came; nothing for an ACK or without a Via."""
    vias = headers.get("via", [])
    if start.startswith(("ACK ", "SIP/")) or not vias:
        return Refused(status, reason)
    lines = [f"{SIP_VERSION} {status} {reason}"]
    top, port = _stamp(vias[0], source)
    lines += [f"Via: {via}" for via in (top, *vias[1:])]
    lines += [f"{name}: {headers[key][0]}" for name, key in _ECHOED if headers.get(key)]
    if to := headers.get("to"):
        lines.append(f"To: {to[0]}" + ("" if ";tag=" in to[0].replace(" ", "") else ";tag=refused"))
    if status == 405:
        lines.append("Allow: " + ", ".join(METHODS))
    lines += ["Content-Length: 0", "", ""]
    return Refused(
        status, reason, "\r\n".join(lines).encode(errors="surrogateescape"), (source[0], port)
    )


_ECHOED: Final = (("From", "from"), ("Call-ID", "call-id"), ("CSeq", "cseq"))


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _Wrong(513, "Message Too Large")
    return data.decode(errors="surrogateescape")


def _split(text: str, draft: _Draft) -> None:
    """Start line, headers (unfolded, compact names spelled out), body."""
    text = text.lstrip("\r\n")
    head, draft.body = (*re.split(r"\r\n\r\n|\n\n", text, maxsplit=1), "")[:2]
    lines = re.sub(r"\r?\n[ \t]+", " ", head).split("\n")
    draft.start = lines[0].rstrip("\r")
    for line in lines[1:]:
        name, colon, value = line.rstrip("\r").partition(":")
        key = name.strip().lower()
        if not colon or not _TOKEN.fullmatch(key):
            raise _Wrong(400, "Bad Request - header line without a name")
        draft.headers.setdefault(_COMPACT.get(key, key), []).append(value.strip())


def _check_encoding(text: str) -> None:
    if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
        raise _Wrong(400, "Bad Request - not UTF-8")


def _judge_response(draft: _Draft) -> None:
    if not _STATUS_LINE.fullmatch(draft.start):
        raise _Wrong(400, "Bad status line")
    for name in ("via", "from", "to", "call-id", "cseq"):
        if name not in draft.headers:
            raise _Wrong(400, f"Response without {name}")
    _check_cseq(draft.first("cseq"))


def _judge_request(draft: _Draft) -> str:
    """The method, when everything we rely on is there and well formed."""
    method, uri = _request_line(draft.start)
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not draft.first(name):
            raise _Wrong(400, f"Bad Request - {name} missing")
    for name in _SINGLE:
        if len(draft.headers.get(name, ())) > 1:
            raise _Wrong(400, f"Bad Request - more than one {name}")
    number, cseq_method = _check_cseq(draft.first("cseq"))
    if number >= _MAX_CSEQ or cseq_method != method:
        raise _Wrong(400, "Bad Request - CSeq does not fit the request")
    for via in draft.headers["via"]:
        _check_via(via)
    for name in ("from", "to"):
        _check_address(name, draft.first(name))
    _check_numbers(draft)
    if method == "INVITE":
        _check_address("contact", draft.first("contact"))
    if uri.lower() not in ("sip", "sips", "tel"):
        raise _Wrong(416, "Unsupported URI Scheme")
    if method not in METHODS:
        known = method in KNOWN_METHODS
        raise _Wrong(405, "Method Not Allowed") if known else _Wrong(501, "Not Implemented")
    return method


def _request_line(start: str) -> tuple[str, str]:
    """Method and the scheme of the request URI."""
    parts = start.split(" ")
    if parts[-1].startswith("SIP/") and parts[-1] != SIP_VERSION:
        raise _Wrong(505, "Version Not Supported")
    if len(parts) != 3 or parts[2] != SIP_VERSION or not _TOKEN.fullmatch(parts[0]):
        raise _Wrong(400, "Bad Request - request line")
    uri = _URI.fullmatch(parts[1])
    if uri is None or "\0" in parts[1]:
        raise _Wrong(400, "Bad Request - request URI")
    return parts[0], uri[1]


def _check_cseq(value: str) -> tuple[int, str]:
    found = _CSEQ.fullmatch(value)
    if found is None:
        raise _Wrong(400, "Bad Request - CSeq")
    return int(found[1]), found[2]


def _check_via(value: str) -> None:
    for part in value.split(","):
        found = _VIA.fullmatch(part.strip())
        if found is None or int(found[3] or DEFAULT_PORT) > 65535:
            raise _Wrong(400, "Bad Request - Via")


def _check_address(name: str, value: str) -> None:
    """``"Name" <uri>;params`` or ``uri;params``; quotes and brackets in balance."""
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', "", value)
    if '"' in rest or rest.count("<") != rest.count(">") or rest.count("<") > 1:
        raise _Wrong(400, f"Bad Request - {name}")
    inner = re.search(r"<([^<>]*)>", rest)
    uri = inner[1] if inner else rest.split(";")[0].strip()
    after = rest[inner.end() :] if inner else rest.partition(";")[2]
    if not _URI.fullmatch(uri) or re.search(r";\s*(;|,|$)", after) or after.startswith(","):
        raise _Wrong(400, f"Bad Request - {name}")
    # Without brackets a question mark or comma would be ambiguous (RFC 3261 §20).
    if inner is None and re.search(r"[?,]", uri):
        raise _Wrong(400, f"Bad Request - {name}")


def _check_numbers(draft: _Draft) -> None:
    length = draft.first("content-length")
    if length and (
        not length.isdecimal() or int(length) > len(draft.body.encode(errors="surrogateescape"))
    ):
        raise _Wrong(400, "Bad Request - Content-Length")
    hops = draft.first("max-forwards")
    if hops and (not hops.isdecimal() or int(hops) > 255):
        raise _Wrong(400, "Bad Request - Max-Forwards")


def _canonical(draft: _Draft, source: Address | None) -> str:
    """The same message as plainly as it can be written, for the stack behind the door.

    Unfolded, long header names, one Via per line, no blanks around ``;`` and ``=``, and
    no octets behind its Content-Length (RFC 3261 §18.3).
    """
    lines = [draft.start]
    vias = [_tidy(via) for value in draft.headers["via"] for via in value.split(",")]
    if source is not None:
        vias[0] = _ask_rport(vias[0], source)
    lines += [f"Via: {via}" for via in vias]
    for name, values in draft.headers.items():
        if name not in ("via", "content-length"):
            lines += [f"{name}: {_tidy(value) if name in _TIDIED else value}" for value in values]
    body = draft.body.encode()
    if length := draft.first("content-length"):
        body = body[: int(length)]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines) + body.decode(errors="ignore")


_TIDIED: Final = ("from", "to", "contact", "route", "record-route", "cseq", "max-forwards")


def _tidy(value: str) -> str:
    """Single blanks, none around ``;`` and ``=``; quoted strings stay as they are."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', value.strip())
    for index in range(0, len(parts), 2):
        plain = re.sub(r"\s+", " ", parts[index])
        plain = re.sub(r"\s*([;=])\s*", r"\1", plain)
        parts[index] = re.sub(r"^SIP ?/ ?2\.0 ?/ ?", "SIP/2.0/", plain)
    return "".join(parts)


def _sent_by(via: str) -> tuple[str, int, str]:
    """Host, port and parameters of a Via's first value; empty when unreadable."""
    found = _VIA.match(via)
    if found is None:
        return "", 0, ""
    return found[2], int(found[3] or DEFAULT_PORT), found[4]


def _ask_rport(via: str, source: Address) -> str:
    host, _port, params = _sent_by(via)
    if host == source[0] or "rport" in params.lower():
        return via
    return f"{via};rport"


def _stamp(via: str, source: Address) -> tuple[str, int]:
    """The top Via as it goes back, and the port the answer goes to."""
    host, port, params = _sent_by(via)
    asked = "rport" in params.lower()
    if host == source[0] and not asked:
        return via, port
    via = re.sub(r";\s*rport(?=\s*(;|,|$))", f";rport={source[1]}", via, count=1)
    return f"{via};received={source[0]}", source[1]
