"""That a bot got a customer back because no person came; kept with the interaction. Pure.

1. The place is kept: who goes on waiting has the joining time of before.
2. The note belongs to that wait: a person who takes the customer ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from router.model import Customer, IdentityKind, Interaction

NOBODY = "nobody"
"""In ``meta``: why no person has the customer."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """``why``: ``closed``, ``unstaffed``, ``full``, ``waited`` or ``estimate`` (``When``).

    ``joined`` ties it to the wait. ``phone`` and ``email``: whether the record knows where to
    reach the customer.
    """

    why: str
    joined: str
    phone: bool = False
    email: bool = False

    @classmethod
    def found(cls, interaction: Interaction, customer: Customer, why: str) -> Nobody:
        """Of somebody who waits and is given to a bot."""
        kinds = {identity.kind for identity in customer.identities}
        phone, email = IdentityKind.PHONE in kinds, IdentityKind.EMAIL in kinds
        return cls(why, _joined(interaction), phone, email)

    @classmethod
    def of(cls, interaction: Interaction) -> Nobody | None:
        """Of an interaction whose wait ended so; None of any other."""
        kept: Mapping[str, Any] | None = interaction.meta.get(NOBODY)
        found = cls(**kept) if kept else None
        return found if found and found.joined == _joined(interaction) else None

    def on(self, interaction: Interaction) -> dict[str, Any]:
        """The interaction's ``meta`` with this in it."""
        return {**interaction.meta, NOBODY: asdict(self)}

    def words(self) -> dict[str, Any]:
        """What a flow may use of it."""
        return {"why": self.why, "phone": self.phone, "email": self.email}


def _joined(interaction: Interaction) -> str:
    return interaction.joined_at.isoformat() if interaction.joined_at else ""
