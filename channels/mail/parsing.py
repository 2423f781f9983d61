"""A mail as bytes, read into what a contact centre needs of it.

Pure. Any bytes are accepted: what cannot be read is left out, never raised,
because a customer's mail program is not the customer's fault.
Formats: RFC 5322, MIME (RFC 2045–2047), automatic mail by RFC 3834 §2 and §5,
delivery reports by RFC 3464.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

from channels.identity import normalise_mail
from channels.mail.markup import sanitise, to_text
from channels.mail.quoting import split_reply
from channels.text_errors import BadAddress

LOOP_HEADER = "X-Parley-Sent-By"
"""Every mail of ours carries it with our domain; seeing our own again is a loop."""

TEXT_MAX = 100_000
REFERENCES_MAX = 50
PARTS_MAX = 200
SUBJECT_MAX = 300

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}>")
_PREFIX = re.compile(
    r"^\s*(?:re|fw|fwd|aw|wg|sv|vs|rv|res|enc|antw|atb|pārs|ответ|回复|答复|转发)"
    r"\s*(?:\[\d+\])?\s*[:：]\s*",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ROBOT = re.compile(r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?[+@-])", re.I)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail. ``content_id`` is set when the HTML shows it inline."""

    name: str
    media_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """``message_id`` is never empty. ``references`` are newest last, without it.

    ``automatic`` says in a word why no person wrote this ("auto-replied",
    "bulk", "bounce", "loop"); empty for a person's mail. ``failed`` are the
    Message-IDs of our mails that a delivery report says did not arrive.
    """

    message_id: str
    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    subject: str
    references: tuple[str, ...]
    text: str
    quoted: str
    html: str | None
    attachments: tuple[Attachment, ...]
    automatic: str
    failed: tuple[str, ...] = ()


def parse_mail(raw: bytes, envelope_from: str = "", our_domain: str = "") -> ParsedMail:
    """Read a mail. ``sender`` is empty when neither header nor envelope names one."""
    message = message_from_bytes(raw, policy=policy.default)
    sender_name, sender = _first_address(message, ("From", "Reply-To", "Sender"))
    bodies = _Bodies(message)
    plain, html = bodies.plain, bodies.html
    reply = split_reply((plain if plain.strip() else to_text(html))[:TEXT_MAX])
    return ParsedMail(
        message_id=_message_id(message, raw),
        sender=sender or _normal(envelope_from),
        sender_name=sender_name,
        recipients=tuple(address for _, address in _addresses(message, ("To", "Cc"))),
        subject=_header(message, "Subject")[:SUBJECT_MAX],
        references=_references(message),
        text=reply.text,
        quoted=reply.quoted,
        html=sanitise(html) if html.strip() else None,
        attachments=tuple(bodies.attachments),
        automatic=_automatic(message, sender, envelope_from, our_domain),
        failed=_failed_ids(message),
    )


def base_subject(subject: str) -> str:
    """The subject without "Re:" and "Fwd:" in any number and language, for comparing."""
    text = " ".join(subject.split())
    while True:
        shorter = _PREFIX.sub("", text)
        if shorter == text:
            return text.casefold()
        text = shorter


def _header(message: EmailMessage, name: str) -> str:
    """One header as text on one line; a header too broken to decode is read raw."""
    try:
        value = message.get(name)
        text = "" if value is None else str(value)
    except Exception:  # the library raises many kinds on headers that spammers break
        text = next((str(v) for k, v in message.raw_items() if k.lower() == name.lower()), "")
        text = _decoded(text)
    return " ".join(_encodable(text).split())


def _decoded(text: str) -> str:
    try:
        return str(make_header(decode_header(text)))
    except (LookupError, ValueError):
        return text


def _encodable(text: str) -> str:
    """Without lone surrogates and control characters, which no database or page takes."""
    return _CONTROL.sub("", text.encode("utf-8", "replace").decode("utf-8"))


def _addresses(message: EmailMessage, names: Iterable[str]) -> list[tuple[str, str]]:
    pairs = getaddresses([_header(message, name) for name in names])
    return [(name.strip(), _normal(address)) for name, address in pairs if _normal(address)]


def _first_address(message: EmailMessage, names: Sequence[str]) -> tuple[str, str]:
    for name in names:
        for found in _addresses(message, [name]):
            return found[0][:100], found[1]
    return "", ""


def _normal(address: str) -> str:
    try:
        return normalise_mail(address)
    except BadAddress:
        return ""


def _message_id(message: EmailMessage, raw: bytes) -> str:
    """The mail's own id, or one made of its bytes, so that a repeat is still a repeat."""
    found = _MESSAGE_ID.search(_header(message, "Message-ID"))
    return found[0] if found else f"<{hashlib.sha256(raw).hexdigest()[:40]}@made.parley>"


def _references(message: EmailMessage) -> tuple[str, ...]:
    text = f"{_header(message, 'References')} {_header(message, 'In-Reply-To')}"
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(text)))[-REFERENCES_MAX:]


def _automatic(message: EmailMessage, sender: str, envelope_from: str, our_domain: str) -> str:
    if our_domain and _header(message, LOOP_HEADER).lower() == our_domain.lower():
        return "loop"
    kind = message.get_content_type()
    if kind in ("multipart/report", "message/delivery-status"):
        return "bounce"
    submitted = _header(message, "Auto-Submitted").lower()
    if submitted and not submitted.startswith("no"):
        return submitted.split(";")[0].strip() or "auto-generated"
    if _header(message, "X-Autoreply") or _header(message, "X-Auto-Response-Suppress").lower() in (
        "all",
        "oof, autoreply",
    ):
        return "auto-replied"
    precedence = _header(message, "Precedence").lower()
    if precedence in ("bulk", "junk", "list", "auto_reply"):
        return precedence
    if _header(message, "List-Id"):
        return "list"
    if envelope_from == "<>" or _ROBOT.match(sender):
        return "robot"
    return ""


def _failed_ids(message: EmailMessage) -> tuple[str, ...]:
    """Message-IDs of the mails that a delivery report returns (RFC 3464 §2)."""
    if message.get_content_type() != "multipart/report":
        return ()
    found: list[str] = []
    for part in _walk(message):
        if part.get_content_type() == "text/rfc822-headers":
            text = _part_text(part)
        elif part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            text = _inner_ids(inner)
        else:
            continue
        line = re.search(r"^message-id:\s*(<[^<>\s]+>)", text, re.IGNORECASE | re.MULTILINE)
        if line:
            found.append(line[1])
    return tuple(found)


def _inner_ids(payload: object) -> str:
    if isinstance(payload, list) and payload and isinstance(payload[0], EmailMessage):
        return f"Message-ID: {_header(payload[0], 'Message-ID')}"
    return ""


def _walk(message: EmailMessage) -> Iterable[EmailMessage]:
    for count, part in enumerate(message.walk()):
        if count >= PARTS_MAX:
            return
        if isinstance(part, EmailMessage):
            yield part


def _part_bytes(part: EmailMessage) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # broken transfer encodings raise many kinds
        return b""
    return payload if isinstance(payload, bytes) else b""


def _part_text(part: EmailMessage) -> str:
    payload = _part_bytes(part)
    for charset in (part.get_content_charset() or "utf-8", "utf-8", "cp1252"):
        try:
            return _encodable(payload.decode(charset))
        except (LookupError, ValueError):
            continue
    return _encodable(payload.decode("utf-8", "replace"))


class _Bodies:
    """The first plain and the first HTML body, and all that is a file."""

    def __init__(self, message: EmailMessage) -> None:
        self.plain = ""
        self.html = ""
        self.attachments: list[Attachment] = []
        inside: set[int] = set()
        for part in _walk(message):
            if id(part) in inside:
                continue
            if part.get_content_type() == "message/rfc822":
                inside.update(id(inner) for inner in part.walk())
                self._add_file(part, _forwarded_bytes(part))
            elif not part.is_multipart():
                self._take(part)

    def _take(self, part: EmailMessage) -> None:
        kind = part.get_content_type()
        is_file = _disposition(part) == "attachment" or bool(_file_name(part))
        if kind == "text/plain" and not is_file:
            text = _part_text(part)
            self.plain = f"{self.plain}\n\n{text}" if self.plain else text
        elif kind == "text/html" and not is_file:
            self.html = self.html or _part_text(part)
        elif not kind.startswith("multipart/"):
            self._add_file(part, _part_bytes(part))

    def _add_file(self, part: EmailMessage, content: bytes) -> None:
        kind = part.get_content_type()
        name = _file_name(part) or f"part-{len(self.attachments) + 1}"
        content_id = _header(part, "Content-ID").strip("<>")
        self.attachments.append(Attachment(name, kind, content, content_id))


def _forwarded_bytes(part: EmailMessage) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], EmailMessage):
        try:
            return payload[0].as_bytes()
        except Exception:  # a mail too broken to be written again
            return b""
    return b""


def _disposition(part: EmailMessage) -> str:
    try:
        return part.get_content_disposition() or ""
    except Exception:  # see _header
        return ""


def _file_name(part: EmailMessage) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:  # see _header
        return ""
    return _encodable(_decoded(name)).strip()[:200]
