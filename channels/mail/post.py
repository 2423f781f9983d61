"""Ways out for a finished mail: an SMTP server, or a folder where none is set."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import aiosmtplib

from channels.text_errors import SendDelayed, SendRefused

TIMEOUT_S = 30.0
_PERMANENT = range(500, 600)
_AUTHENTICATION = (530, 534, 535, 538)
"""Refusals of us, not of the mail: mended in the settings, so the mail waits."""


class Post(Protocol):
    """Takes a mail away. Raises ``SendDelayed`` or ``SendRefused``."""

    async def send(self, mail: EmailMessage) -> str:
        """Returns what the peer answered."""
        ...


@dataclass(frozen=True, slots=True)
class SmtpPost:
    """A mail server; ``start_tls`` None means: when it offers it."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    start_tls: bool | None = None

    async def send(self, mail: EmailMessage) -> str:
        """By SMTP: 4xx and lost connections are ``SendDelayed``, 5xx ``SendRefused``."""
        try:
            refused, answer = await aiosmtplib.send(
                mail,
                hostname=self.host,
                port=self.port,
                username=self.username or None,
                password=self.password or None,
                start_tls=self.start_tls,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            first = error.recipients[0]
            raise _refusal(first.code, first.message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise SendDelayed(f"{self.host}:{self.port}: {error}") from error
        if refused:
            code, text = next(iter(refused.values()))
            raise _refusal(code, text)
        return answer


def _refusal(code: int, text: str) -> SendDelayed | SendRefused:
    words = f"{code} {' '.join(text.split())}"
    for_good = code in _PERMANENT and code not in _AUTHENTICATION
    return SendRefused(words) if for_good else SendDelayed(words)


@dataclass(frozen=True, slots=True)
class FolderPost:
    """Keeps mails as ``.eml`` files, for a demo without a mail server."""

    folder: Path

    async def send(self, mail: EmailMessage) -> str:
        """Write the mail; sending it again overwrites it."""
        return await asyncio.to_thread(self._write, mail)

    def _write(self, mail: EmailMessage) -> str:
        name = str(mail["Message-ID"]).strip("<>").replace("/", "_")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.eml"
        path.write_bytes(mail.as_bytes())
        return str(path)
