"""How an answered attempt went, read from the interaction that it became. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from router.model import Disposition, EndedBy, Interaction

DECLINED = frozenset({"declined", "opt-out"})
"""End reasons by which a flow, or the word STOP, says that the person did not want to."""
NO_INPUT = "no-input"
"""The end reason by which a flow says that nobody spoke."""


@dataclass(frozen=True, slots=True)
class Filed:
    """The one disposition of an attempt, why, and what was answered."""

    disposition: Disposition
    reason: str
    answers: Mapping[str, str]


def attempt_outcome(interaction: Interaction) -> Filed:
    """The disposition of an ended outbound interaction and the answers it collected."""
    answers = {
        str(name): str(value) for name, value in interaction.bot_state.get("answers", {}).items()
    }
    reason = interaction.end_reason
    if reason in DECLINED:
        disposition = Disposition.DECLINED
    elif reason == NO_INPUT or interaction.ended_by is EndedBy.SYSTEM:
        disposition = Disposition.NO_ANSWER
    elif answers or interaction.handoff is not None:
        disposition = Disposition.COMPLETED
    else:
        # They left, or we did not understand each other: calling again would not help.
        disposition = Disposition.HUNG_UP
    if not reason and interaction.handoff is not None:
        reason = f"handed to a person: {interaction.handoff.reason}"
    return Filed(disposition, reason or str(disposition), answers)
