"""What a person did before the bot got the customer back; kept with the interaction. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from router.acts.nobody import NOBODY
from router.model import Interaction

PERSON = "person"
"""In ``meta``: who gave it back to a bot, and what they did."""


@dataclass(frozen=True, slots=True)
class PersonDid:
    """Who had the customer last (``agent_id``, ``name``), with what result and note."""

    agent_id: str
    name: str = ""
    note: str = ""
    disposition: str = ""

    @classmethod
    def of(cls, interaction: Interaction) -> PersonDid | None:
        """Of an interaction that was given back to a bot; None of any other."""
        kept: Mapping[str, Any] | None = interaction.meta.get(PERSON)
        return cls(**kept) if kept else None

    def on(self, interaction: Interaction) -> dict[str, Any]:
        """The interaction's ``meta`` with this in it."""
        others = {key: value for key, value in interaction.meta.items() if key != NOBODY}
        return {**others, PERSON: asdict(self)}

    def words(self) -> dict[str, str]:
        """What a flow may use of it."""
        return {"name": self.name, "note": self.note, "disposition": self.disposition}
