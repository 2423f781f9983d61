"""What the voice bot needs from outside: conversations, records, engines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from bots.conversation import Heard, Turn
from bots.ports import EarlyListener, Transcriber, Voice, VoiceActivity
from router.acts.act import HandoffPlan
from router.events import Fact
from router.model import Customer, EndedBy, Interaction, NewMessage
from router.ports import Store


class Dialogue(Protocol):
    """What is talked through; ``bots.conversation.Conversation``."""

    async def begin(self, interaction: Interaction, *, customer_name: str = "") -> Turn:
        """The greeting and the first question."""
        ...

    async def hear(self, memory: Mapping[str, Any], heard: Heard) -> Turn:
        """The answer to what the caller said, pressed, or did not say."""
        ...

    def played(self, turn: Turn, heard: Sequence[str]) -> Turn:
        """The turn as it was heard, a text per reply; memory and packet believe only that."""
        ...

    async def not_reached(self, memory: Mapping[str, Any], outcome: str) -> Turn:
        """The turn behind ``Turn.outside`` where nobody took the call."""
        ...

    async def give_up(self, memory: Mapping[str, Any], reason: str) -> Turn:
        """The turn that brings a person, for a reason outside the conversation."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A ``Dialogue`` that can begin to answer before it has the whole answer."""

    @property
    def tells_early(self) -> bool:
        """Whether it does now."""
        ...

    async def hear_aloud(
        self, memory: Mapping[str, Any], heard: Heard, early: EarlyListener
    ) -> Turn:
        """As ``Dialogue.hear``; what was told is the beginning of the first reply."""
        ...


class Dialogues(Protocol):
    """Finds the conversation an interaction is in; ``bots.conversations.Conversations``."""

    def of(self, interaction: Interaction) -> Dialogue:
        """Raises ``bots.errors.NoSuchFlow``."""
        ...

    def broken(self, interaction: Interaction) -> Turn:
        """The turn when our own part fails: a word to the customer, and a packet."""
        ...


class Records(Protocol):
    """The acts on the interaction; ``router.acts.lifecycle.Lifecycle``, whose words hold here."""

    async def save_bot_turn(
        self,
        interaction: Interaction,
        bot_state: Mapping[str, Any],
        replies: Sequence[NewMessage] = (),
        handoff: HandoffPlan | None = None,
        end_reason: str | None = None,
        facts: Sequence[Fact] = (),
    ) -> Interaction:
        """Raises ``Conflict`` and ``IllegalMove``."""
        ...

    async def add_message(self, interaction_id: str, message: NewMessage) -> object:
        """Append a line."""
        ...

    async def end(self, interaction_id: str, by: EndedBy, reason: str) -> Interaction:
        """The engagement is over."""
        ...

    async def record_survey(
        self, interaction_id: str, score: int, scale: int, channel: str
    ) -> object:
        """Keep the customer's score."""
        ...


Load = Callable[[str], Awaitable[tuple[Interaction, Customer]]]
"""The interaction as it is now, by id, and whose it is."""


def load_from(store: Store) -> Load:
    """The ordinary way to load: from the store."""

    async def load(interaction_id: str) -> tuple[Interaction, Customer]:
        async with store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
            return interaction, await tx.people.customer(interaction.customer_id)

    return load


class Engines(Protocol):
    """The speech engines of a process, shared by its calls; ``bots.engines.choice.Engines``."""

    @property
    def transcriber(self) -> Transcriber:
        """Speech to text."""
        ...

    @property
    def voice(self) -> Voice:
        """Text to speech."""
        ...

    @property
    def activity(self) -> VoiceActivity | None:
        """Tells voices from other sounds; None for the gate alone."""
        ...
