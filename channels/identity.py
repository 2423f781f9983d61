"""Addresses in one form each, so that one customer is found on every channel.

Pure. Phone numbers become E.164 (ITU-T E.164: ``+`` and 7 to 15 digits), mail
addresses a lower-case addr-spec (RFC 5322 §3.4.1), a visitor's secret a digest.
"""

from __future__ import annotations

import hashlib
import re

from channels.text_errors import BadAddress
from router.model import Identity, IdentityKind

COUNTRY = "371"
"""Calling code put before a national number when the caller names no country."""

_MIN_DIGITS, _MAX_DIGITS = 7, 15
_MAIL_MAX = 254
_URI = re.compile(r"^(?:sips?|tel|sms):", re.IGNORECASE)
_FILLER = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_MAIL = re.compile(r"^[^\s@<>\"(),:;\\\[\]]+@[^\s@<>\"(),:;\\\[\]]+$")
_VISITOR_HEX = 32


def normalise_phone(raw: str, country: str = COUNTRY) -> str:
    """``+<digits>`` from any usual spelling, a ``tel:`` or a ``sip:`` URI.

    ``00`` is read as ``+``; a number without either is national: one leading
    zero goes and ``country`` is put before it. Raises ``BadAddress``.
    """
    text = _URI.sub("", raw.strip()).split("@")[0].split(";")[0].replace("(0)", "")
    text = _FILLER.sub("", text)
    if text.startswith("00"):
        text = "+" + text[2:]
    if not text.startswith("+"):
        text = f"+{country}{text.removeprefix('0')}"
    digits = text[1:]
    if not (digits.isascii() and digits.isdigit()):
        raise BadAddress(f"{raw!r} is not a phone number: expected digits, found {digits!r}")
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS or digits.startswith("0"):
        raise BadAddress(f"{raw!r} is not a phone number: expected 7 to 15 digits after a country")
    return text


def normalise_mail(raw: str) -> str:
    """The bare address in lower case. Raises ``BadAddress``."""
    text = raw.strip().strip("<>").strip().lower()
    # A coded word (RFC 2047) would be decoded in the header of our answer.
    if len(text) > _MAIL_MAX or not _MAIL.match(text) or "=?" in text:
        raise BadAddress(f"{raw[:80]!r} is not a mail address like name@example.org")
    return text


def visitor_key(secret: str) -> str:
    """What we keep of a visitor's secret: 32 hex digits of its SHA-256.

    The secret itself opens the transcript, so it is neither stored nor shown.
    """
    return hashlib.sha256(b"parley visitor " + secret.encode()).hexdigest()[:_VISITOR_HEX]


def phone(raw: str, country: str = COUNTRY) -> Identity:
    """A phone identity. Raises ``BadAddress``."""
    return Identity(IdentityKind.PHONE, normalise_phone(raw, country))


def mail(raw: str) -> Identity:
    """A mail identity. Raises ``BadAddress``."""
    return Identity(IdentityKind.EMAIL, normalise_mail(raw))


_CJK = re.compile(r"[\u3400-\u9fff]")
_LATVIAN = re.compile(r"[āēīūģķļņ]", re.IGNORECASE)


def guess_language(text: str) -> str | None:
    """``zh`` or ``lv`` by their letters, None when the letters do not tell."""
    if _CJK.search(text):
        return "zh"
    return "lv" if _LATVIAN.search(text) else None
