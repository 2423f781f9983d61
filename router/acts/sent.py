"""A transfer to one agent that is under way, as the waiting interaction carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from router.model import Interaction

TRANSFER = "transfer"
"""In ``meta``: the transfer to an agent that is under way."""


@dataclass(frozen=True, slots=True)
class SentWork:
    """``by`` sent it to agent ``to``; ``queue`` and ``skills`` are those it had before.

    ``joined`` ties it to one stay in a queue, so that an old note means nothing later;
    ``back`` is true once it returned to the one who sent it.
    """

    by: str
    to: str
    queue: str
    skills: Mapping[str, int] = field(default_factory=dict)
    joined: str = ""
    back: bool = False

    @classmethod
    def of(cls, interaction: Interaction) -> SentWork | None:
        """The transfer that this stay in a queue belongs to."""
        raw = interaction.meta.get(TRANSFER)
        if not raw or interaction.joined_at is None:
            return None
        sent = cls(**raw)
        return sent if sent.joined == interaction.joined_at.isoformat() else None

    def on(self, interaction: Interaction) -> dict[str, Any]:
        """The interaction's ``meta`` with this in it."""
        return {**interaction.meta, TRANSFER: asdict(self)}
