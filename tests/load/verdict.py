"""What the tables and the event log must show after a run: nothing lost, nothing twice. Pure.

1. outcome: every interaction ended exactly once, and its history is one that
   ``router.machines`` allows.
2. holder: an offer is made for one who waits, settled once, and accepted by the agent at
   whom it rang; an interaction never has two agents, and rings at several only where the
   queue rings at all.
3. capacity: no agent is offered more than fits beside what rings, talks or wraps up there.
4. order: in one line (queue, channel, needs, preference) first offers follow the joining
   order, put forward by each one's head start: priority customers and urgent matters stand in
   the same line, since no agent here is there for some of them only. Passed over is whom the
   distributor had heard of when it decided (``History.heard``), however long that took; who
   was rejected or not answered once comes back out of that order.
5. place: what an interaction waited for counts from the moment it joined, through every fault.
6. agreement: interactions, offers and presence in the tables are what the log says.
7. leftovers: the outbox is empty, nothing rings, nothing is a dead letter, the distributor
   has heard of everybody who joined.
8. promises: what a sender was told is stored is there, once.

Facts come in the order in which their transactions wrote them. A transaction that could
know of another one wrote after it, so an overlap found here is a real one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from router import events
from router.errors import IllegalMove
from router.events import Fact
from router.machines import move
from router.model import (
    Agent,
    Channel,
    Interaction,
    Offer,
    OfferState,
)
from router.model import InteractionState as S

EXACT_S = 0.001


class Rule(StrEnum):
    """The rules above."""

    OUTCOME = "outcome"
    HOLDER = "holder"
    CAPACITY = "capacity"
    ORDER = "order"
    PLACE = "place"
    AGREEMENT = "agreement"
    LEFTOVERS = "leftovers"
    PROMISES = "promises"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be, about an interaction or an agent."""

    rule: Rule
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}: {self.what}"


@dataclass(frozen=True)
class History:
    """What a run has left in the database, at the broker and with the senders.

    ``promised`` are senders' ids whose arrival was acknowledged; ``arrivals`` maps a
    sender's id to the interaction it began; ``lines`` counts the transcript's lines by
    sender's id; ``unsent`` is the outbox's length; ``ring_all`` are the queues that ring at
    several agents at once; ``heard`` has, by interaction, the times at which a router knew that
    it waits, ascending, and ``told`` those at which only its fact came (``tests.load.ears``).
    """

    facts: Sequence[Fact]
    interactions: Sequence[Interaction]
    offers: Sequence[Offer]
    agents: Sequence[Agent]
    arrivals: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    unsent: int = 0
    dead_letters: Sequence[str] = ()
    promised: Set[str] = frozenset()
    ring_all: Set[str] = frozenset()
    heard: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    told: Mapping[str, Sequence[datetime]] = field(default_factory=dict)


def judge(history: History) -> list[Violation]:
    """Everything that must not be; empty when all is well."""
    replay = _Replay(history)
    replay.run()
    return [
        *replay.found,
        *_agreement(history, replay),
        *_places(history),
        *_order(history),
        *_leftovers(history),
        *_promises(history),
    ]


@dataclass(slots=True)
class _Track:
    """What the log says about one interaction so far."""

    state: S = S.NEW
    holder: str = ""
    ringing: dict[str, str] = field(default_factory=dict)
    ended: int = 0
    withdrawn: bool = False
    """The fact before this one withdrew its offer: the same act may end it as ``offered``."""


class _Replay:
    """Goes through the log once; rules 1 to 3."""

    def __init__(self, history: History) -> None:
        self.found: list[Violation] = []
        self.tracks: dict[str, _Track] = {}
        self.offers: dict[str, OfferState] = {}
        self.presence: dict[str, str] = {}
        self._history = history
        self._agents = {agent.id: agent for agent in history.agents}
        self._load: dict[str, dict[str, Channel]] = {}
        self._wrapped = {
            fact.interaction_id
            for fact in history.facts
            if isinstance(fact, events.WrapUpCompleted)
        }

    def run(self) -> None:
        """Replay everything, then look who never ended."""
        for fact in self._history.facts:
            if isinstance(fact, events.PresenceChanged):
                self.presence[fact.agent_id] = fact.presence
            elif fact.interaction_id:
                track = self.tracks.setdefault(fact.interaction_id, _Track())
                self._take(track, fact)
                track.withdrawn = isinstance(fact, events.OfferWithdrawn)
        for interaction in self._history.interactions:
            ended = self.tracks.get(interaction.id, _Track()).ended
            if ended != 1:
                self._say(
                    Rule.OUTCOME, interaction.id, f"ended {ended} times ({interaction.state})"
                )
            elif interaction.state is not S.ENDED:
                self._say(Rule.OUTCOME, interaction.id, f"stuck in {interaction.state}")

    def _take(self, track: _Track, fact: Fact) -> None:
        match fact:
            case events.BotStarted():
                self._release(track, fact.interaction_id)
                self._move(track, fact, "start-bot")
            case events.InteractionQueued():
                if fact.from_agent_id and fact.from_agent_id != track.holder:
                    self._say(
                        Rule.HOLDER,
                        fact.interaction_id,
                        f"{fact.from_agent_id!r} transferred what {track.holder!r} held",
                    )
                self._release(track, fact.interaction_id)
                self._move(track, fact, "queue")
            case events.OfferMade():
                self._offered(track, fact)
            case events.OfferAccepted():
                self._accepted(track, fact)
            case events.OfferRejected():
                self._returned(track, fact, fact.offer_id, OfferState.REJECTED)
            case events.OfferExpired():
                self._returned(track, fact, fact.offer_id, OfferState.EXPIRED)
            case events.OfferWithdrawn():
                self._returned(track, fact, fact.offer_id, OfferState.WITHDRAWN)
            case events.InteractionEnded():
                self._ended(track, fact)
            case events.WrapUpCompleted():
                self._filed(track, fact)

    def _offered(self, track: _Track, fact: events.OfferMade) -> None:
        joins = bool(track.ringing) and fact.queue in self._history.ring_all
        if track.ringing and (not joins or fact.agent_id in track.ringing.values()):
            self._say(Rule.HOLDER, fact.interaction_id, f"rings twice: {track.ringing} and {fact}")
        if fact.offer_id in self.offers:
            self._say(Rule.HOLDER, fact.interaction_id, f"offer {fact.offer_id} was made twice")
        if not joins:
            self._move(track, fact, "offer")
        self.offers[fact.offer_id] = OfferState.RINGING
        track.ringing[fact.offer_id] = fact.agent_id
        channel = Channel(fact.channel)
        load = self._load.setdefault(fact.agent_id, {})
        agent = self._agents.get(fact.agent_id)
        if agent is None:
            self._say(Rule.CAPACITY, fact.agent_id, "was offered work but is no agent")
        elif not _fits(agent, [*load.values()], channel):
            beside = ", ".join(f"{kind} {one}" for one, kind in load.items())
            self._say(
                Rule.CAPACITY,
                agent.id,
                f"was offered {channel} {fact.interaction_id} beside {beside}",
            )
        load[fact.interaction_id] = channel

    def _accepted(self, track: _Track, fact: events.OfferAccepted) -> None:
        if track.holder:
            self._say(
                Rule.HOLDER,
                fact.interaction_id,
                f"accepted by {fact.agent_id!r} while {track.holder!r} held it",
            )
        rang_at = self._settle(track, fact, fact.offer_id, OfferState.ACCEPTED)
        if rang_at and rang_at != fact.agent_id:
            self._say(
                Rule.HOLDER, fact.interaction_id, f"rang at {rang_at}, accepted by {fact.agent_id}"
            )
        self._move(track, fact, "accept")
        track.holder = fact.agent_id
        self._load.setdefault(fact.agent_id, {})[fact.interaction_id] = Channel(fact.channel)

    def _returned(self, track: _Track, fact: Fact, offer_id: str, how: OfferState) -> None:
        agent_id = self._settle(track, fact, offer_id, how)
        if agent_id:
            self._load.get(agent_id, {}).pop(fact.interaction_id, None)
        # Others may still ring when one offer of several went away.
        if not track.ringing and track.state is S.OFFERED:
            self._move(track, fact, "return")

    def _settle(self, track: _Track, fact: Fact, offer_id: str, how: OfferState) -> str:
        was = self.offers.get(offer_id)
        if was is not OfferState.RINGING:
            self._say(
                Rule.HOLDER,
                fact.interaction_id,
                f"offer {offer_id} {how}, but it was {was or 'never made'}",
            )
        self.offers[offer_id] = how
        return track.ringing.pop(offer_id, "")

    def _ended(self, track: _Track, fact: events.InteractionEnded) -> None:
        track.ended += 1
        if fact.was != track.state and not (fact.was == S.OFFERED and track.withdrawn):
            self._say(
                Rule.OUTCOME,
                fact.interaction_id,
                f"ended from {fact.was}, but it was {track.state}",
            )
        if fact.agent_id != track.holder:
            self._say(
                Rule.HOLDER,
                fact.interaction_id,
                f"ended with {fact.agent_id!r}, but {track.holder!r} held it",
            )
        wraps_up = bool(track.holder) and fact.interaction_id in self._wrapped
        self._move(track, fact, "leave" if wraps_up else "end")
        if not wraps_up:
            self._release(track, fact.interaction_id, keep_name=True)

    def _filed(self, track: _Track, fact: events.WrapUpCompleted) -> None:
        if fact.agent_id != track.holder:
            self._say(
                Rule.HOLDER,
                fact.interaction_id,
                f"filed by {fact.agent_id!r}, but {track.holder!r} held it",
            )
        self._move(track, fact, "file")
        self._release(track, fact.interaction_id, keep_name=True)

    def _release(self, track: _Track, interaction_id: str, *, keep_name: bool = False) -> None:
        self._load.get(track.holder, {}).pop(interaction_id, None)
        if not keep_name:
            track.holder = ""

    def _move(self, track: _Track, fact: Fact, act: str) -> None:
        try:
            track.state = move(track.state, act)
        except IllegalMove:
            name = type(fact).__name__
            self._say(Rule.OUTCOME, fact.interaction_id, f"{name} while it was {track.state}")
            track.state = _AFTER.get(act, track.state)

    def _say(self, rule: Rule, about: str, what: str) -> None:
        self.found.append(Violation(rule, about, what))


_AFTER = {
    "start-bot": S.BOT,
    "queue": S.WAITING,
    "offer": S.OFFERED,
    "accept": S.AGENT,
    "return": S.WAITING,
    "leave": S.WRAP_UP,
    "end": S.ENDED,
    "file": S.ENDED,
}
"""Where to go on after an illegal move, so that one mistake is told once."""


def _fits(agent: Agent, load: Sequence[Channel], channel: Channel) -> bool:
    """Whether one more interaction may be offered beside ``load`` (docs on capacity)."""
    limits = agent.limits
    if load.count(channel) >= agent.capacity.get(channel, 0):
        return False
    if limits.total is not None and len(load) >= limits.total:
        return False
    if channel is Channel.VOICE:
        return all(other in limits.interruptible for other in load)
    return Channel.VOICE not in load or channel in limits.beside_voice


def _agreement(history: History, replay: _Replay) -> Iterator[Violation]:
    for interaction in history.interactions:
        track = replay.tracks.get(interaction.id, _Track())
        if interaction.state is not track.state:
            yield Violation(
                Rule.AGREEMENT,
                interaction.id,
                f"the table says {interaction.state}, the log {track.state}",
            )
        elif (interaction.agent_id or "") != track.holder and not track.ringing:
            yield Violation(
                Rule.AGREEMENT,
                interaction.id,
                f"the table says {interaction.agent_id!r}, the log {track.holder!r}",
            )
    known = {interaction.id for interaction in history.interactions}
    for interaction_id in replay.tracks.keys() - known:
        yield Violation(Rule.AGREEMENT, interaction_id, "is in the log but not in the table")
    stored = {offer.id: offer.state for offer in history.offers}
    for offer_id in stored.keys() | replay.offers.keys():
        table, log = stored.get(offer_id), replay.offers.get(offer_id)
        if table != log:
            yield Violation(
                Rule.AGREEMENT, offer_id, f"the offer is {table} in the table, {log} in the log"
            )
    for agent in history.agents:
        said = replay.presence.get(agent.id, agent.presence)
        if said != agent.presence:
            yield Violation(
                Rule.AGREEMENT, agent.id, f"is {agent.presence} in the table, {said} in the log"
            )


def _places(history: History) -> Iterator[Violation]:
    joined: dict[str, datetime] = {}
    for fact in history.facts:
        if isinstance(fact, events.InteractionQueued):
            joined[fact.interaction_id] = fact.at
        if isinstance(fact, events.OfferAccepted | events.InteractionEnded):
            since = joined.get(fact.interaction_id)
            if since is None or fact.waited_s is None:
                continue
            waited = (fact.at - since).total_seconds()
            if abs(waited - fact.waited_s) > EXACT_S:
                yield Violation(
                    Rule.PLACE,
                    fact.interaction_id,
                    f"waited {waited:.3f} s by the log, {fact.waited_s:.3f} s by its place",
                )
    for interaction in history.interactions:
        if interaction.joined_at != joined.get(interaction.id):
            yield Violation(
                Rule.PLACE,
                interaction.id,
                f"joined {joined.get(interaction.id)}, but its place says {interaction.joined_at}",
            )


@dataclass(frozen=True, slots=True)
class _Stay:
    """An interaction's last time in a queue, until it was first offered or left."""

    key: float
    id: str
    line: tuple[object, ...]
    heard_at: datetime | None
    told: bool
    queued: int
    offered: int | None
    offered_at: datetime | None
    left: int


def _order(history: History) -> Iterator[Violation]:
    lines: dict[tuple[object, ...], list[_Stay]] = {}
    for stay in _stays(history):
        lines.setdefault(stay.line, []).append(stay)
    for stays in lines.values():
        yield from _order_in_line(stays)


def _stays(history: History) -> Iterator[_Stay]:
    queued: dict[str, tuple[int, datetime, str]] = {}
    offered: dict[str, tuple[int, datetime]] = {}
    left: dict[str, int] = {}
    for number, fact in enumerate(history.facts):
        one = fact.interaction_id
        if isinstance(fact, events.InteractionQueued):
            queued[one] = number, fact.at, fact.queue
            offered.pop(one, None)
            left.pop(one, None)
        elif isinstance(fact, events.OfferMade):
            offered.setdefault(one, (number, fact.at))
        elif isinstance(fact, events.InteractionEnded | events.OfferAccepted | events.BotStarted):
            left.setdefault(one, number)
    for row in history.interactions:
        if row.id not in queued or row.joined_at is None:
            continue
        number, at, queue = queued[row.id]
        needs = tuple(sorted(row.skills.items()))
        first = offered.get(row.id)
        yield _Stay(
            key=row.joined_at.timestamp() - row.head_start_s,
            id=row.id,
            line=(queue, row.channel, needs, row.prefer_agent, row.also_queues),
            heard_at=next((when for when in history.heard.get(row.id, ()) if when >= at), None),
            told=any(when >= at for when in history.told.get(row.id, ())),
            queued=number,
            offered=first[0] if first else None,
            offered_at=first[1] if first else None,
            left=left.get(row.id, len(history.facts)),
        )


def _order_in_line(stays: Sequence[_Stay]) -> Iterator[Violation]:
    """Sweep over joining, first offers and leaving; an offer must be for the first known one."""
    moments: list[tuple[int, str, _Stay]] = []
    for stay in stays:
        moments.append((stay.queued, "join", stay))
        first = stay.left if stay.offered is None else min(stay.left, stay.offered)
        moments.append((first, "offer" if first == stay.offered else "leave", stay))
    waiting: list[tuple[float, str]] = []
    by_id = {stay.id: stay for stay in stays}
    for _, what, stay in sorted(moments, key=lambda moment: moment[0]):
        place = stay.key, stay.id
        if what == "join":
            insort(waiting, place)
            continue
        index = bisect_left(waiting, place)
        if what == "offer":
            yield from _overtaken(stay, (by_id[one] for _, one in waiting[:index]))
        del waiting[index]


def _overtaken(stay: _Stay, before: Iterator[_Stay]) -> Iterator[Violation]:
    assert stay.offered_at is not None
    for other in before:
        known = other.heard_at is not None and other.heard_at < stay.offered_at
        if known and other.key < stay.key:
            yield Violation(
                Rule.ORDER,
                other.id,
                f"{stay.id} joined {stay.key - other.key:.3f} s later and was offered first",
            )


def _leftovers(history: History) -> Iterator[Violation]:
    if history.unsent:
        yield Violation(Rule.LEFTOVERS, "outbox", f"{history.unsent} facts were never published")
    for letter in history.dead_letters:
        yield Violation(Rule.LEFTOVERS, "dead letter", letter)
    for offer in history.offers:
        if offer.state is OfferState.RINGING:
            yield Violation(Rule.LEFTOVERS, offer.id, f"still rings at {offer.agent_id}")
    for stay in _stays(history):
        # Who hung up before a router that rested loads its view is told of, and never known.
        if stay.heard_at is None and not stay.told:
            yield Violation(Rule.LEFTOVERS, stay.id, "joined, and the distributor never heard it")


def _promises(history: History) -> Iterator[Violation]:
    for external_id in sorted(history.promised):
        lines = history.lines.get(external_id, 0)
        if external_id not in history.arrivals:
            yield Violation(Rule.PROMISES, external_id, "was acknowledged and is not there")
        elif lines != 1:
            yield Violation(Rule.PROMISES, external_id, f"its line is there {lines} times")
    twice = [one for one, count in Counter(history.arrivals.values()).items() if count > 1]
    for interaction_id in twice:
        yield Violation(Rule.PROMISES, interaction_id, "two arrivals became one interaction")
