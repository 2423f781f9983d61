"""Who takes part in a call or chat, and who hears whom: one table, nothing else decides.

1. A customer and the one who handles it (the handler) talk, or the customer is on hold.
2. The handler may ask a third one, an agent or somebody outside. The customer is on hold
   from the question on, hears nobody, and is never left there: when the question fails, is
   taken back or ends, customer and handler talk again.
3. With a third one the handler swaps between the two, joins all three, or leaves; the
   rest goes on. A third one who is an agent then becomes the handler; with somebody
   outside the two go on without us (``released``).
4. Supervisors stand beside that: they hear what the handler hears. Nobody hears one who
   listens, only the handler one who whispers, everybody one who has stepped in. Who takes
   over becomes the handler, and a third one is let go.
5. When the customer leaves, it is over for all.
6. A step that is not in the table raises and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import permutations

from router.errors import IllegalStep


class TransferOutcome(StrEnum):
    """What became of a try to bring somebody in; never a free text."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    CANCELLED = "cancelled"
    LEFT = "left"


class PartyRole(StrEnum):
    """What somebody is in the talk."""

    CUSTOMER = "customer"
    HANDLER = "handler"
    CONSULTED = "consulted"
    SUPERVISOR = "supervisor"


class PartyState(StrEnum):
    """What somebody is doing in the talk. ``waiting`` is there, with nobody to talk to."""

    ASKED = "asked"
    WAITING = "waiting"
    TALKING = "talking"
    ON_HOLD = "on-hold"
    CONSULTING = "consulting"
    CONFERENCE = "conference"
    LEFT = "left"


class JoinMode(StrEnum):
    """How a supervisor is in it (rule 4)."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


class Arrangement(StrEnum):
    """The talk as a whole."""

    TALKING = "talking"
    HELD = "held"
    ASKING = "asking"
    CONSULTING = "consulting"
    SWAPPED = "swapped"
    CONFERENCE = "conference"
    RELEASED = "released"
    OVER = "over"


class Step(StrEnum):
    """What happens to a talk."""

    HOLD = "hold"
    RESUME = "resume"
    CONSULT = "consult"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCEL = "cancel"
    SWAP = "swap"
    CONFERENCE = "conference"
    COMPLETE = "complete"
    RELEASE = "release"
    CONSULTED_LEFT = "consulted-left"
    TAKE_OVER = "take-over"
    CUSTOMER_LEFT = "customer-left"


class Do(StrEnum):
    """What a step asks of those who carry it out (store, log and media), in this order."""

    HOLD_CUSTOMER = "hold-customer"
    RING = "ring"
    STOP_RINGING = "stop-ringing"
    ADMIT = "admit"
    HOLD_CONSULTED = "hold-consulted"
    RESUME_CONSULTED = "resume-consulted"
    HAND_OVER = "hand-over"
    DROP_HANDLER = "drop-handler"
    DROP_CONSULTED = "drop-consulted"
    RESUME_CUSTOMER = "resume-customer"
    CLOSE = "close"


_A, _S = Arrangement, Step
_BACK = (Do.DROP_CONSULTED, Do.RESUME_CUSTOMER)
_NEW_HANDLER = (Do.HAND_OVER, Do.DROP_HANDLER, Do.RESUME_CUSTOMER)
_TAKEN = (Do.HAND_OVER, Do.DROP_HANDLER, Do.DROP_CONSULTED, Do.RESUME_CUSTOMER)

TABLE: Mapping[tuple[Arrangement, Step], tuple[Arrangement, tuple[Do, ...]]] = {
    (_A.TALKING, _S.HOLD): (_A.HELD, (Do.HOLD_CUSTOMER,)),
    (_A.TALKING, _S.CONSULT): (_A.ASKING, (Do.HOLD_CUSTOMER, Do.RING)),
    (_A.TALKING, _S.TAKE_OVER): (_A.TALKING, (Do.HAND_OVER, Do.DROP_HANDLER)),
    (_A.TALKING, _S.CUSTOMER_LEFT): (_A.OVER, (Do.CLOSE,)),
    (_A.HELD, _S.RESUME): (_A.TALKING, (Do.RESUME_CUSTOMER,)),
    (_A.HELD, _S.CONSULT): (_A.ASKING, (Do.RING,)),
    (_A.HELD, _S.TAKE_OVER): (_A.TALKING, _NEW_HANDLER),
    (_A.HELD, _S.CUSTOMER_LEFT): (_A.OVER, (Do.CLOSE,)),
    (_A.ASKING, _S.ANSWERED): (_A.CONSULTING, (Do.ADMIT,)),
    (_A.ASKING, _S.FAILED): (_A.TALKING, _BACK),
    (_A.ASKING, _S.CANCEL): (_A.TALKING, (Do.STOP_RINGING, *_BACK)),
    (_A.ASKING, _S.TAKE_OVER): (_A.TALKING, (Do.STOP_RINGING, *_TAKEN)),
    (_A.ASKING, _S.CUSTOMER_LEFT): (_A.OVER, (Do.STOP_RINGING, Do.CLOSE)),
    (_A.CONSULTING, _S.SWAP): (_A.SWAPPED, (Do.HOLD_CONSULTED, Do.RESUME_CUSTOMER)),
    (_A.CONSULTING, _S.CONFERENCE): (_A.CONFERENCE, (Do.RESUME_CUSTOMER,)),
    (_A.CONSULTING, _S.COMPLETE): (_A.TALKING, _NEW_HANDLER),
    (_A.CONSULTING, _S.RELEASE): (_A.RELEASED, (Do.DROP_HANDLER, Do.RESUME_CUSTOMER, Do.CLOSE)),
    (_A.CONSULTING, _S.CANCEL): (_A.TALKING, _BACK),
    (_A.CONSULTING, _S.CONSULTED_LEFT): (_A.TALKING, _BACK),
    (_A.CONSULTING, _S.TAKE_OVER): (_A.TALKING, _TAKEN),
    (_A.CONSULTING, _S.CUSTOMER_LEFT): (_A.OVER, (Do.CLOSE,)),
    (_A.SWAPPED, _S.SWAP): (_A.CONSULTING, (Do.HOLD_CUSTOMER, Do.RESUME_CONSULTED)),
    (_A.SWAPPED, _S.CONFERENCE): (_A.CONFERENCE, (Do.RESUME_CONSULTED,)),
    (_A.SWAPPED, _S.COMPLETE): (
        _A.TALKING,
        (Do.RESUME_CONSULTED, Do.HAND_OVER, Do.DROP_HANDLER),
    ),
    (_A.SWAPPED, _S.RELEASE): (
        _A.RELEASED,
        (Do.RESUME_CONSULTED, Do.DROP_HANDLER, Do.CLOSE),
    ),
    (_A.SWAPPED, _S.CANCEL): (_A.TALKING, (Do.DROP_CONSULTED,)),
    (_A.SWAPPED, _S.CONSULTED_LEFT): (_A.TALKING, (Do.DROP_CONSULTED,)),
    (_A.SWAPPED, _S.TAKE_OVER): (
        _A.TALKING,
        (Do.HAND_OVER, Do.DROP_HANDLER, Do.DROP_CONSULTED),
    ),
    (_A.SWAPPED, _S.CUSTOMER_LEFT): (_A.OVER, (Do.CLOSE,)),
    (_A.CONFERENCE, _S.COMPLETE): (_A.TALKING, (Do.HAND_OVER, Do.DROP_HANDLER)),
    (_A.CONFERENCE, _S.RELEASE): (_A.RELEASED, (Do.DROP_HANDLER, Do.CLOSE)),
    (_A.CONFERENCE, _S.CANCEL): (_A.TALKING, (Do.DROP_CONSULTED,)),
    (_A.CONFERENCE, _S.CONSULTED_LEFT): (_A.TALKING, (Do.DROP_CONSULTED,)),
    (_A.CONFERENCE, _S.TAKE_OVER): (
        _A.TALKING,
        (Do.HAND_OVER, Do.DROP_HANDLER, Do.DROP_CONSULTED),
    ),
    (_A.CONFERENCE, _S.CUSTOMER_LEFT): (_A.OVER, (Do.CLOSE,)),
}

_P, _R = PartyState, PartyRole
STATES: Mapping[Arrangement, Mapping[PartyRole, PartyState]] = {
    _A.TALKING: {_R.CUSTOMER: _P.TALKING, _R.HANDLER: _P.TALKING},
    _A.HELD: {_R.CUSTOMER: _P.ON_HOLD, _R.HANDLER: _P.WAITING},
    _A.ASKING: {_R.CUSTOMER: _P.ON_HOLD, _R.HANDLER: _P.WAITING, _R.CONSULTED: _P.ASKED},
    _A.CONSULTING: {
        _R.CUSTOMER: _P.ON_HOLD,
        _R.HANDLER: _P.CONSULTING,
        _R.CONSULTED: _P.CONSULTING,
    },
    _A.SWAPPED: {_R.CUSTOMER: _P.TALKING, _R.HANDLER: _P.TALKING, _R.CONSULTED: _P.ON_HOLD},
    _A.CONFERENCE: {
        _R.CUSTOMER: _P.CONFERENCE,
        _R.HANDLER: _P.CONFERENCE,
        _R.CONSULTED: _P.CONFERENCE,
    },
    _A.RELEASED: {_R.CUSTOMER: _P.TALKING, _R.CONSULTED: _P.TALKING},
    _A.OVER: {},
}
"""What each is doing in an arrangement; who is not named has left."""

TOGETHER: Mapping[Arrangement, frozenset[PartyRole]] = {
    _A.TALKING: frozenset({_R.CUSTOMER, _R.HANDLER}),
    _A.HELD: frozenset(),
    _A.ASKING: frozenset(),
    _A.CONSULTING: frozenset({_R.HANDLER, _R.CONSULTED}),
    _A.SWAPPED: frozenset({_R.CUSTOMER, _R.HANDLER}),
    _A.CONFERENCE: frozenset({_R.CUSTOMER, _R.HANDLER, _R.CONSULTED}),
    _A.RELEASED: frozenset({_R.CUSTOMER, _R.CONSULTED}),
    _A.OVER: frozenset(),
}
"""Who hears each other."""


@dataclass(frozen=True, slots=True)
class Party:
    """One who takes part.

    An agent has ``agent_id``; somebody outside and the customer have ``address``.
    ``consult_id`` is the internal interaction by which an agent was asked. ``mode`` is a
    supervisor's.
    """

    id: str
    interaction_id: str
    role: PartyRole
    state: PartyState
    joined_at: datetime
    agent_id: str = ""
    address: str = ""
    consult_id: str = ""
    mode: JoinMode | None = None
    left_at: datetime | None = None

    @property
    def here(self) -> bool:
        """Whether it has not left."""
        return self.state is not PartyState.LEFT


@dataclass(frozen=True, slots=True)
class Talk:
    """All who take part now; those who have left are not in it."""

    interaction_id: str
    parties: tuple[Party, ...]

    @property
    def arrangement(self) -> Arrangement:
        """What the states of customer and third one say together."""
        customer, third = self.find(PartyRole.CUSTOMER), self.find(PartyRole.CONSULTED)
        if customer is None:
            return Arrangement.OVER
        states = customer.state, third.state if third else None
        for arrangement, by_role in STATES.items():
            expected = by_role.get(PartyRole.CUSTOMER), by_role.get(PartyRole.CONSULTED)
            if states == expected:
                return arrangement
        raise IllegalStep(f"no arrangement has customer and third one as {states}")

    def find(self, role: PartyRole) -> Party | None:
        """The one of that role; the first of several supervisors."""
        return next((party for party in self.parties if party.role is role), None)

    def supervisor(self, agent_id: str) -> Party | None:
        """The supervisor of that id."""
        found = (p for p in self.parties if p.role is PartyRole.SUPERVISOR)
        return next((party for party in found if party.agent_id == agent_id), None)


@dataclass(frozen=True, slots=True)
class Change:
    """What a step made of a talk: who is in it now, who has left, and what is to be done."""

    talk: Talk
    left: tuple[Party, ...]
    actions: tuple[Do, ...]


def after(talk: Talk, step: Step, now: datetime, *, successor: str = "") -> Change:
    """The talk after a step. Raises ``IllegalStep`` when the table has no such step.

    ``successor`` is the id of the party who becomes the handler where the step says
    ``hand-over``: the third one, or the supervisor who takes over.
    """
    was = talk.arrangement
    try:
        arrangement, actions = TABLE[was, step]
    except KeyError:
        raise IllegalStep(f"a talk that is {was} cannot {step}") from None
    parties = talk.parties
    if Do.HAND_OVER in actions:
        parties = _handed_over(talk, successor, now)
    stay: list[Party] = []
    left: list[Party] = []
    for party in parties:
        moved = _in(arrangement, party, now)
        (stay if moved.here else left).append(moved)
    return Change(replace(talk, parties=tuple(stay)), tuple(left), actions)


def supervised(
    talk: Talk, agent_id: str, mode: JoinMode | None, now: datetime, party_id: str = ""
) -> Change:
    """The supervisor joins, changes the mode, or leaves (``mode`` None).

    Raises ``IllegalStep`` when the talk is over, and when who leaves was not in it.
    """
    if talk.arrangement in (Arrangement.OVER, Arrangement.RELEASED):
        raise IllegalStep(f"a talk that is {talk.arrangement} cannot be supervised")
    known = talk.supervisor(agent_id)
    others = tuple(party for party in talk.parties if party is not known)
    if mode is None:
        if known is None:
            raise IllegalStep(f"supervisor {agent_id!r} is not in this talk")
        gone = replace(known, state=PartyState.LEFT, left_at=now)
        return Change(replace(talk, parties=others), (gone,), ())
    joined = known or Party(
        id=party_id,
        interaction_id=talk.interaction_id,
        role=PartyRole.SUPERVISOR,
        state=PartyState.TALKING,
        joined_at=now,
        agent_id=agent_id,
    )
    return Change(replace(talk, parties=(*others, replace(joined, mode=mode))), (), ())


def hearing(talk: Talk) -> frozenset[tuple[str, str]]:
    """Who hears whom: pairs (speaker's party id, listener's party id)."""
    together = TOGETHER[talk.arrangement]
    room = [party.id for party in talk.parties if party.role in together]
    pairs = set(permutations(room, 2))
    handler = talk.find(PartyRole.HANDLER)
    near = room if handler is None or handler.id in room else [handler.id]
    for party in talk.parties:
        if party.role is not PartyRole.SUPERVISOR:
            continue
        pairs |= {(speaker, party.id) for speaker in near}
        if party.mode is JoinMode.BARGE:
            pairs |= {(party.id, listener) for listener in near}
        elif party.mode is JoinMode.WHISPER and handler is not None:
            pairs.add((party.id, handler.id))
    return frozenset(pairs)


def _in(arrangement: Arrangement, party: Party, now: datetime) -> Party:
    """The party as the arrangement has it (a supervisor stays until it is over)."""
    if party.role is PartyRole.SUPERVISOR:
        goes_on = arrangement not in (Arrangement.OVER, Arrangement.RELEASED)
        state = party.state if goes_on else PartyState.LEFT
    elif party.state is PartyState.LEFT:
        return party
    else:
        state = STATES[arrangement].get(party.role, PartyState.LEFT)
    left_at = now if state is PartyState.LEFT else None
    return replace(party, state=state, left_at=left_at)


def _handed_over(talk: Talk, successor: str, now: datetime) -> tuple[Party, ...]:
    """The successor is the handler, the handler has left."""
    if not any(party.id == successor and party.agent_id for party in talk.parties):
        raise IllegalStep("nobody in this talk can become the handler")
    moved = []
    for party in talk.parties:
        if party.role is PartyRole.HANDLER:
            party = replace(party, state=PartyState.LEFT, left_at=now)
        elif party.id == successor:
            party = replace(party, role=PartyRole.HANDLER, mode=None)
        moved.append(party)
    return tuple(moved)
