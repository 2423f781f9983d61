"""The customers' mail server: a real SMTP server in a thread that keeps what it gets."""

from __future__ import annotations

import time
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.services import free_port


class Mailbox:
    """Listens on a loopback port of its own until ``stop``."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def start(self) -> None:
        """Accept mail."""
        self._controller.start()

    def stop(self) -> None:
        """Close the port."""
        self._controller.stop()

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep one mail."""
        self.mails.append(
            message_from_bytes(envelope.original_content or b"", policy=policy.default)
        )
        return "250 kept"

    def to(self, address: str, count: int = 1, within_s: float = 90.0) -> list[EmailMessage]:
        """The first ``count`` mails to ``address``, waiting for them."""
        deadline = time.monotonic() + within_s
        while True:
            found = [mail for mail in self.mails if address in str(mail["To"])]
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{len(found)} of {count} mails to {address} in {within_s:g} s"
                )
            time.sleep(0.05)
