"""SMTP in (RFC 5321): a mail is answered 250 only when it is stored.

552 too large, 550 no such mailbox, 554 a loop or nobody to answer, 451 when
the store fails, so that the sending server keeps the mail and tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from aiosmtpd.smtp import SMTP

from channels.identity import normalise_mail
from channels.mail.inbox import MailInbox
from channels.text_errors import BadAddress, MailLoop

SIZE_LIMIT = 20 * 1024 * 1024
"""Bytes of one mail, as the SIZE extension (RFC 1870) announces it."""
RECIPIENTS_MAX = 20
LINE_MAX = 100_000
"""Bytes of one line. RFC 5321 allows 1,000, but HTML mails often come on one line."""
IDLE_S = 120.0

log = logging.getLogger(__name__)


class _Session(SMTP):  # type: ignore[misc]  # aiosmtpd has no types
    """One SMTP connection."""

    line_length_limit = LINE_MAX


class MailServer:
    """Listens for mail to ``mailboxes`` (``name+anything@…`` included)."""

    def __init__(
        self,
        inbox: MailInbox,
        mailboxes: Iterable[str],
        host: str = "127.0.0.1",
        port: int = 2525,
        size_limit: int = SIZE_LIMIT,
    ) -> None:
        self._inbox = inbox
        self._mailboxes = {normalise_mail(address) for address in mailboxes}
        self._host = host
        self._port = port
        self._size_limit = size_limit
        self._server: asyncio.Server | None = None
        self._sessions: set[Any] = set()

    @property
    def port(self) -> int:
        """The port it listens on; the real one when 0 was asked for."""
        if self._server is not None and self._server.sockets:
            return int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def start(self) -> None:
        """Listen. Raises ``OSError`` when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, self._host, self._port)

    async def stop(self) -> None:
        """Stop listening and drop open sessions; an unanswered mail comes again."""
        if self._server is None:
            return
        self._server.close()
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.close()
        await self._server.wait_closed()
        self._sessions.clear()
        self._server = None

    def _session(self) -> Any:
        session = _Session(
            self,
            data_size_limit=self._size_limit,
            enable_SMTPUTF8=True,
            ident="Parley",
            hostname=self._host,
            timeout=IDLE_S,
            loop=asyncio.get_running_loop(),
        )
        self._sessions = {open_ for open_ in self._sessions if open_.transport is not None}
        self._sessions.add(session)
        return session

    # -- what aiosmtpd calls; each returns the SMTP reply -----------------------

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Take only mail for us."""
        if self._mailbox(address) is None:
            return "550 5.1.1 no such mailbox here"
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Store the mail, then say so."""
        mailbox = self._mailbox(envelope.rcpt_tos[0]) or envelope.rcpt_tos[0]
        try:
            interaction_id = await self._inbox.take(
                envelope.content, envelope.mail_from or "<>", mailbox
            )
        except MailLoop as error:
            return f"554 5.4.6 loop: {_one_line(error)}"
        except BadAddress as error:
            return f"554 5.1.7 {_one_line(error)}"
        except Exception:
            # Whatever it was, the mail is not stored: the sender must keep it.
            log.exception("a mail from %r could not be stored", envelope.mail_from)
            return "451 4.3.0 could not store it now, try again later"
        return f"250 2.0.0 stored as {interaction_id}"

    def _mailbox(self, address: str) -> str | None:
        try:
            name, _, domain = normalise_mail(address).partition("@")
        except BadAddress:
            return None
        plain = f"{name.split('+')[0]}@{domain}"
        return plain if plain in self._mailboxes else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
