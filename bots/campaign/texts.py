"""A campaign's conversation by text: the bot writes first, the answers come when they come."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from bots import letters
from bots.campaign.outcome import Filed, attempt_outcome
from bots.conversation import Conversation
from router.acts.lifecycle import Lifecycle
from router.errors import BadConfiguration, Conflict, IllegalMove
from router.model import (
    Arrival,
    Attempt,
    Author,
    Campaign,
    Contact,
    Direction,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
)
from router.ports import Store

FIRST_SEGMENTS = 4
"""What may be paid for the first text: one without its question at the end is for nothing,
and in Latvian two segments hold less than a date and a question."""
OVER = frozenset({InteractionState.ENDED, InteractionState.WRAP_UP})


class FlowTexter:
    """``bots.campaign.runner.Texter`` over the lifecycle and the flows."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        conversations: Mapping[str, Conversation],
        service_address: str,
        base_url: str,
    ) -> None:
        """``conversations`` by flow name, ``service_address`` our own number.

        Links in a text begin with ``base_url``.
        """
        self._store = store
        self._lifecycle = lifecycle
        self._conversations = conversations
        self._service_address = service_address
        self._base_url = base_url

    async def begin(self, campaign: Campaign, contact: Contact, attempt: Attempt) -> str:
        """Open the interaction and say the flow's first words, once per attempt."""
        conversation = self._conversations.get(campaign.flow)
        if conversation is None:
            known = ", ".join(sorted(self._conversations))
            raise BadConfiguration(f"no flow {campaign.flow!r}; the company has: {known}")
        received = await self._lifecycle.receive(self._arrival(campaign, contact, attempt))
        interaction = received.interaction
        if interaction.bot_state or interaction.state is not InteractionState.BOT:
            return interaction.id
        fields = {"name": contact.name, **contact.fields}
        turn = await conversation.begin(interaction, customer_name=contact.name, fields=fields)
        said = [reply for reply in turn.replies if reply.text]
        text = letters.sms(said, self._base_url, FIRST_SEGMENTS)
        first = NewMessage(
            Author.BOT,
            text,
            author_id=campaign.flow,
            external_id=f"bot:{interaction.id}:0:0",
            # After a crash it is better unsent than sent twice: the attempt fails instead.
            meta={"once": True},
        )
        # When another process was faster the words are said, which is what we wanted.
        with contextlib.suppress(Conflict, IllegalMove):
            await self._lifecycle.save_bot_turn(
                interaction, turn.memory, [first], end_reason=turn.ended, facts=turn.facts
            )
        return interaction.id

    async def begun(self, campaign: Campaign, attempt: Attempt) -> str | None:
        """The interaction in which this attempt's first words were said, if they were."""
        async with self._store.transaction() as tx:
            found = await tx.interactions.by_external_id(campaign.channel, _external_id(attempt))
        return found.id if found is not None and found.bot_state else None

    async def attempt_of(self, interaction_id: str) -> str | None:
        """The attempt this interaction belongs to."""
        attempt_id = (await self._load(interaction_id)).meta.get("attempt_id")
        return str(attempt_id) if attempt_id else None

    async def outcome(self, interaction_id: str) -> Filed | None:
        """How it went, once it has ended."""
        interaction = await self._load(interaction_id)
        return attempt_outcome(interaction) if interaction.state in OVER else None

    async def give_up(self, interaction_id: str, reason: str) -> None:
        """End the interaction: nobody answered."""
        await self._lifecycle.end(interaction_id, EndedBy.SYSTEM, reason)

    async def _load(self, interaction_id: str) -> Interaction:
        async with self._store.transaction() as tx:
            return await tx.interactions.get(interaction_id)

    def _arrival(self, campaign: Campaign, contact: Contact, attempt: Attempt) -> Arrival:
        return Arrival(
            channel=campaign.channel,
            identity=Identity(IdentityKind.PHONE, contact.address),
            service_address=self._service_address,
            direction=Direction.OUTBOUND,
            name=contact.name,
            external_id=_external_id(attempt),
            language=contact.fields.get("language"),
            subject=campaign.name,
            meta={
                "flow": campaign.flow,
                "campaign_id": campaign.id,
                "attempt_id": attempt.id,
                "fields": {"name": contact.name, **contact.fields},
            },
        )


def _external_id(attempt: Attempt) -> str:
    return f"attempt:{attempt.id}"
