"""Sends the bot's and the agents' answers by e-mail."""

from __future__ import annotations

from datetime import timedelta

from channels.delivery import Delivery
from channels.mail.compose import Composer, Letterhead
from channels.mail.post import Post
from channels.text_errors import SendRefused
from router.acts.lifecycle import Lifecycle
from router.errors import NoSuchAgent
from router.events import Fact, MessageAdded
from router.model import Author, Channel, Interaction, Message
from router.ports import Bus, Clock, Store, Transaction

GROUP = "mail-out"
LOOP_LIMIT = 12
LOOP_WITHIN_S = 3600
"""More bot mails than this in one transcript within the time are a war of robots."""


class MailSender:
    """Answers on the e-mail channel; see ``channels.delivery`` for what is promised."""

    def __init__(
        self, store: Store, lifecycle: Lifecycle, clock: Clock, post: Post, head: Letterhead
    ) -> None:
        self._store = store
        self._post = post
        self._head = head
        self._composer = Composer(head)
        self._delivery = Delivery(store, lifecycle, clock, Channel.EMAIL, self._send)

    async def start(self, bus: Bus) -> None:
        """Take part in the group ``mail-out`` and look for what is due."""
        await bus.subscribe(GROUP, self.handle, [MessageAdded])
        await self._delivery.start()

    async def stop(self) -> None:
        """Stop looking for what is due. Safe to call twice."""
        await self._delivery.stop()

    async def handle(self, fact: Fact) -> None:
        """Send the line that ``fact`` announces, if it is a mail of ours."""
        await self._delivery.handle(fact)

    async def sweep(self) -> None:
        """Send what is due now; ``start`` does so by itself from time to time."""
        await self._delivery.sweep()

    async def _send(self, interaction: Interaction, message: Message) -> str:
        async with self._store.transaction() as tx:
            lines = await tx.interactions.messages(interaction.id)
            signature = await self._signature(tx, message)
        earlier = [line for line in lines if line.seq < message.seq]
        if message.author is Author.BOT:
            _refuse_loop(interaction, message, earlier)
        mail = self._composer.compose(interaction, message, earlier, signature)
        await self._post.send(mail)
        return str(mail["Message-ID"])

    async def _signature(self, tx: Transaction, message: Message) -> str:
        if message.author is not Author.AGENT:
            return self._head.company
        try:
            agent = await tx.people.agent(message.author_id)
        except NoSuchAgent:
            return self._head.company
        return f"{agent.name}, {self._head.company}"


def _refuse_loop(interaction: Interaction, message: Message, earlier: list[Message]) -> None:
    if interaction.meta.get("auto"):
        raise SendRefused("a robot wrote this mail; bots do not answer it")
    since = message.at - timedelta(seconds=LOOP_WITHIN_S)
    recent = [m for m in earlier if m.author is Author.BOT and m.at >= since]
    if len(recent) >= LOOP_LIMIT:
        raise SendRefused(f"{len(recent)} bot mails within {LOOP_WITHIN_S} s look like a loop")
