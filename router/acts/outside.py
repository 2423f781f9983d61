"""A bot puts a caller through to somebody outside: what the record says of it.

1. The process that owns the call dials; nothing changes unless somebody answers.
2. Who is joined to them is no bot's any more: our part is over, as when an agent gives a call
   to a number (``transfers``). A caller whom a person took over meanwhile is not given away.
3. A try that fails is a fact with a ``TransferOutcome``, and the bot goes on.
"""

from __future__ import annotations

from router.acts.act import Acts
from router.acts.parties import TransferOutcome
from router.commands import DialResult
from router.company import Company
from router.errors import IllegalMove
from router.events import InteractionTransferred, TransferFailed
from router.model import EndedBy, Interaction, InteractionState
from router.ports import Clock, Store
from router.relay import Relay

OUTSIDE = "outside"


class PuttingThrough:
    """The acts of a bot that gives a caller to a number."""

    def __init__(self, store: Store, company: Company, clock: Clock, relay: Relay) -> None:
        self._clock = clock
        self._acts = Acts(store, company, clock, relay)

    async def answered(self, interaction_id: str, party: str) -> None:
        """``party`` has the caller now. Raises ``IllegalMove`` when it is no bot's any more."""
        async with self._acts.act() as act:
            current = await act.tx.interactions.get(interaction_id)
            if current.state is not InteractionState.BOT:
                raise IllegalMove(f"no bot has interaction {interaction_id}: it is {current.state}")
            act.facts.append(self._transferred(current, party))
            await self._acts.close(act, current, EndedBy.BOT, f"went to {party}")

    async def failed(self, interaction_id: str, party: str, dialled: DialResult) -> None:
        """Nobody took it there; the facts say why."""
        failed = TransferFailed(
            at=self._clock.now(),
            interaction_id=interaction_id,
            from_agent_id="",
            way=OUTSIDE,
            target=party,
            outcome=dialled.outcome,
            cause=dialled.cause,
            detail=dialled.detail,
        )
        async with self._acts.act() as act:
            act.facts.append(failed)

    def _transferred(self, interaction: Interaction, party: str) -> InteractionTransferred:
        return InteractionTransferred(
            at=self._clock.now(),
            interaction_id=interaction.id,
            from_agent_id="",
            way=OUTSIDE,
            target=party,
            queue=interaction.queue or "",
            outcome=TransferOutcome.ANSWERED,
        )
