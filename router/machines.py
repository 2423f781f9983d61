"""State machines of interaction and offer: one table each, nothing else decides.

1. An interaction has one handler at a time: a bot, or one agent.
2. It waits, rings at one agent, and either comes back to its place or is accepted.
3. A customer may leave from any state; after an agent, wrap-up follows.
4. A callback is scheduled from the start, instead of waiting on, or when the customer did
   not answer our call; at its time it joins its queue.
5. Nothing leaves ``ended``. A move that is not in the table raises and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.errors import IllegalMove
from router.model import InteractionState as S
from router.model import OfferState

INTERACTION: Mapping[tuple[S, str], S] = {
    (S.NEW, "start-bot"): S.BOT,
    (S.NEW, "queue"): S.WAITING,
    (S.NEW, "schedule"): S.SCHEDULED,
    (S.NEW, "end"): S.ENDED,
    (S.SCHEDULED, "queue"): S.WAITING,
    (S.SCHEDULED, "end"): S.ENDED,
    (S.BOT, "queue"): S.WAITING,
    (S.BOT, "end"): S.ENDED,
    (S.WAITING, "offer"): S.OFFERED,
    (S.WAITING, "start-bot"): S.BOT,
    (S.WAITING, "schedule"): S.SCHEDULED,
    (S.WAITING, "end"): S.ENDED,
    (S.OFFERED, "return"): S.WAITING,
    (S.OFFERED, "accept"): S.AGENT,
    (S.OFFERED, "end"): S.ENDED,
    (S.AGENT, "queue"): S.WAITING,
    (S.AGENT, "start-bot"): S.BOT,
    (S.AGENT, "schedule"): S.SCHEDULED,
    (S.AGENT, "leave"): S.WRAP_UP,
    (S.AGENT, "end"): S.ENDED,
    (S.WRAP_UP, "file"): S.ENDED,
}

OFFER: Mapping[tuple[OfferState, str], OfferState] = {
    (OfferState.RINGING, "accept"): OfferState.ACCEPTED,
    (OfferState.RINGING, "reject"): OfferState.REJECTED,
    (OfferState.RINGING, "expire"): OfferState.EXPIRED,
    (OfferState.RINGING, "withdraw"): OfferState.WITHDRAWN,
}


def move(state: S, act: str) -> S:
    """The state after ``act``. Raises ``IllegalMove``."""
    try:
        return INTERACTION[state, act]
    except KeyError:
        raise IllegalMove(f"an interaction that is {state} cannot {act}") from None


def settle(state: OfferState, act: str) -> OfferState:
    """The offer's state after ``act``. Raises ``IllegalMove``."""
    try:
        return OFFER[state, act]
    except KeyError:
        raise IllegalMove(f"an offer that is {state} cannot {act}") from None
