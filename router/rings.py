"""What the dispatcher asks of the store when something is to ring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.events import Fact
from router.model import Offer
from router.workday import DayStep


@dataclass(frozen=True, slots=True)
class Ring:
    """A waiting interaction, as of ``version``, that is to ring now.

    ``agent_id`` and ``offer_id`` are None when it rings at several agents.
    """

    interaction_id: str
    version: int
    agent_id: str | None = None
    offer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ringing:
    """What begins to ring in one go. What is not as its ring says is left out of all of it.

    ``steps`` are one for each agent at most. Nothing happens when ``lease`` (name, epoch) is not
    the latest any more.
    """

    rings: Sequence[Ring]
    offers: Sequence[Offer]
    steps: Sequence[DayStep]
    facts: Sequence[Fact]
    lease: tuple[str, int] | None = None
