"""Agents as the decision sees them: the record, the work in hand, and what still fits.

1. An interaction fits when the channel has capacity left, all channels together stay
   within ``Limits.total``, and the agent is available.
2. During a call only ``Limits.beside_voice`` channels fit, and never a second call.
3. A call fits only beside work on ``Limits.interruptible`` channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from router.model import Agent, Channel, Presence
from router.rules import NO_WORK_YET, WorkDay

if TYPE_CHECKING:
    from router.acd.lines import Line
    from router.acd.pools import Post

CHANNELS = tuple(Channel)
INDEX = {channel: i for i, channel in enumerate(CHANNELS)}
BIT = {channel: 1 << i for i, channel in enumerate(CHANNELS)}
BITS = tuple(1 << i for i in range(len(CHANNELS)))
VOICE_BIT = BIT[Channel.VOICE]
CHANNELS_OF = tuple(
    tuple(i for i in range(len(CHANNELS)) if mask & 1 << i) for mask in range(1 << len(CHANNELS))
)
"""The channels that some bits mean."""
ANY_NUMBER = 1 << 30


class Room(NamedTuple):
    """What fits beside what: numbers by ``INDEX``, sets of channels as bits (rules 1 to 3)."""

    capacity: tuple[int, ...]
    most: int
    beside_voice: int
    interruptible: int

    @classmethod
    def of(cls, agent: Agent) -> Room:
        """An agent's, whoever is not available has none."""
        if agent.presence is not Presence.AVAILABLE:
            return NO_ROOM
        limits = agent.limits
        return cls(
            tuple(agent.capacity.get(channel, 0) for channel in CHANNELS),
            ANY_NUMBER if limits.total is None else limits.total,
            sum(BIT[channel] for channel in limits.beside_voice) & ~VOICE_BIT,
            sum(BIT[channel] for channel in limits.interruptible) & ~VOICE_BIT,
        )

    def free(self, load: Sequence[int]) -> int:
        """The channels of which one more fits, as bits. ``load`` counts the work in hand."""
        if sum(load) >= self.most:
            return 0
        free = busy = 0
        for bit, number, capacity in zip(BITS, load, self.capacity, strict=True):
            if number < capacity:
                free |= bit
            if number:
                busy |= bit
        if busy & VOICE_BIT:
            return free & self.beside_voice
        return free & ~VOICE_BIT if busy & ~self.interruptible else free


NO_ROOM = Room((0,) * len(CHANNELS), 0, 0, 0)


def counted(in_hand: Mapping[Channel, int]) -> list[int]:
    """Work by channel as ``Room.free`` takes it."""
    return [in_hand.get(channel, 0) for channel in CHANNELS]


class Seat:
    """One agent. ``agent`` is None while only the work in hand is known.

    ``free`` are the channels of which one more fits, as bits. ``barred`` says
    until when the agent is not asked for an interaction again; ``own_lines`` are those who
    wait for this very agent, by channel. The rest is the decision's bookkeeping: ``pooled``
    among the free since ``pooled_at``, ``touched`` since the last decision, ``turn`` of being
    compared with those who wait.
    """

    __slots__ = (
        "agent",
        "agent_id",
        "asked_at",
        "barred",
        "free",
        "idle_since",
        "load",
        "own_lines",
        "pooled",
        "pooled_at",
        "posts",
        "room",
        "total",
        "touched",
        "turn",
    )

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.agent: Agent | None = None
        self.load = [0] * len(CHANNELS)
        self.total = self.free = self.turn = 0
        self.room = NO_ROOM
        self.idle_since = self.asked_at = self.pooled_at = 0.0
        self.pooled = self.touched = False
        self.barred: dict[str, float] = {}
        self.own_lines: dict[int, Line] = {}
        self.posts: tuple[Post, ...] = ()

    @property
    def available(self) -> bool:
        """Signed in and not away; busy or not."""
        return self.agent is not None and self.agent.presence is Presence.AVAILABLE

    @property
    def skills(self) -> Mapping[str, int]:
        """The proficiencies."""
        return self.agent.skills if self.agent is not None else {}

    @property
    def signed_in(self) -> bool:
        """There at all, if only on a break."""
        return self.agent is not None and self.agent.presence is not Presence.OFFLINE

    def adopt(self, agent: Agent) -> None:
        """Take over a new record; the work in hand stays."""
        known, self.agent = self.agent, agent
        if known is None or not _as_roomy(known, agent):
            self.room = Room.of(agent)
        since = agent.idle_since or agent.presence_since
        self.idle_since = since.timestamp() if since else 0.0
        # Our own asking may be newer than the record that is on its way to us.
        self.asked_at = max(self.asked_at, agent.work_day.offered_at)
        self.weigh()

    def forget(self) -> None:
        """Not an agent any more, whatever is still in hand."""
        self.agent = None
        self.room = NO_ROOM
        self.weigh()

    def take_over(self, old: Seat) -> None:
        """What is known of the agent beside the record."""
        self.load, self.total = old.load, old.total
        self.asked_at, self.barred = old.asked_at, old.barred

    def add(self, channel: Channel, step: int) -> None:
        """Take up or put down one piece of work."""
        self.load[INDEX[channel]] += step
        self.total += step
        self.weigh()

    def weigh(self) -> None:
        """See again what fits."""
        self.free = self.room.free(self.load)

    def in_hand(self) -> dict[Channel, int]:
        """The work by channel."""
        return {channel: self.load[i] for i, channel in enumerate(CHANNELS) if self.load[i]}

    def figures(self, day: str) -> WorkDay:
        """The agent's figures of that day, none when the record is of another."""
        if self.agent is None or self.agent.work_day.day != day:
            return NO_WORK_YET
        return self.agent.work_day


def _as_roomy(known: Agent, agent: Agent) -> bool:
    """Records mostly differ in their figures only; then the very same objects are in both."""
    return (
        known.presence is agent.presence
        and known.capacity is agent.capacity
        and known.limits is agent.limits
    )


def moved_between(before: Agent, after: Agent) -> bool:
    """Whether it can take other interactions than before, presence and figures apart."""
    return not (
        (before.queues is after.queues or before.queues == after.queues)
        and (before.skills is after.skills or before.skills == after.skills)
        and (before.standing is after.standing or before.standing == after.standing)
    )
