"""From mail bytes to a stored message: who wrote, to which thread, by hand or by robot.

Automatic mail (auto-replies, bounces, lists; RFC 3834) is kept but never
answered by a bot: in a known thread it becomes a system line of that
transcript; otherwise it begins an interaction that goes straight to a person's
queue (``Arrival.meta["auto"]``). Our own mail coming back is refused as a loop.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from channels import identity
from channels.mail.attachments import AttachmentFolder
from channels.mail.parsing import ParsedMail, parse_mail
from channels.mail.threads import interaction_of, our_message, thread_for
from channels.text_errors import BadAddress, MailLoop
from router.acts.lifecycle import Lifecycle
from router.events import Fact, MessageFailed
from router.model import Arrival, Author, Channel, NewMessage
from router.ports import Clock, Store

NO_TEXT = "(no text)"

log = logging.getLogger(__name__)


class MailInbox:
    """Takes mails in, from whichever server fetched them. ``domain`` is ours, as sender."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        clock: Clock,
        attachments: AttachmentFolder,
        domain: str,
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._clock = clock
        self._attachments = attachments
        self._domain = domain

    async def take(self, raw: bytes, envelope_from: str, service_address: str) -> str:
        """Store one mail; returns its interaction's id. Taking it twice stores it once.

        Raises ``MailLoop`` for our own mail, ``BadAddress`` when nobody can be
        answered, and whatever the store raises: nothing is stored then.
        """
        mail = await asyncio.to_thread(parse_mail, raw, envelope_from, self._domain)
        if mail.automatic == "loop":
            raise MailLoop(f"{mail.message_id} was sent by {self._domain} itself")
        files = await self._attachments.keep(mail.attachments)
        async with self._store.transaction() as tx:
            thread = await thread_for(tx, mail, self._domain)
            known = await interaction_of(tx, (*mail.references, *mail.failed), self._domain)
        if mail.automatic and known:
            return await self._note_automatic(mail, known, files)
        if not mail.sender:
            raise BadAddress("neither From nor the envelope names an address to answer")
        received = await self._lifecycle.receive(
            self._arrival(mail, service_address), _message(mail, files), thread=thread
        )
        return received.interaction.id

    def _arrival(self, mail: ParsedMail, service_address: str) -> Arrival:
        return Arrival(
            channel=Channel.EMAIL,
            identity=identity.mail(mail.sender),
            service_address=service_address,
            name=mail.sender_name,
            external_id=mail.message_id,
            language=identity.guess_language(mail.text),
            subject=mail.subject,
            meta={"auto": mail.automatic} if mail.automatic else {},
        )

    async def _note_automatic(
        self, mail: ParsedMail, interaction_id: str, files: list[dict[str, Any]]
    ) -> str:
        noted = _message(mail, files, Author.SYSTEM)
        line = await self._lifecycle.add_message(interaction_id, noted)
        failed: list[Fact] = []
        async with self._store.transaction() as tx:
            for message_id in mail.failed:
                ours = await our_message(tx, message_id, self._domain)
                if ours is not None:
                    failed.append(self._failure(ours.interaction_id, ours.id, mail.text))
        if failed and line is not None:
            await self._lifecycle.record(failed)
        return interaction_id

    def _failure(self, interaction_id: str, message_id: str, text: str) -> MessageFailed:
        reason = " ".join(text.split())[:300]
        return MessageFailed(
            at=self._clock.now(),
            interaction_id=interaction_id,
            message_id=message_id,
            channel=Channel.EMAIL,
            reason=f"bounced: {reason}",
        )


def _message(
    mail: ParsedMail, files: list[dict[str, Any]], author: Author = Author.CUSTOMER
) -> NewMessage:
    meta: dict[str, Any] = {"subject": mail.subject}
    if files:
        meta["attachments"] = files
    if mail.automatic:
        meta |= {"auto": True, "automatic": mail.automatic}
    return NewMessage(
        author=author,
        text=mail.text or mail.subject or NO_TEXT,
        author_id=mail.sender,
        external_id=mail.message_id,
        html=mail.html,
        quoted=mail.quoted,
        meta=meta,
    )
