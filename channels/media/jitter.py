"""A jitter buffer without a clock: packets go in as they come, frames come out on demand.

1. It fills until ``depth`` packets wait, then plays.
2. ``pull`` gives the next packet in order; a missing one with others behind it is LOST.
3. With nothing behind, the pull is EMPTY; after ``patience`` of them it fills again.
4. A packet behind what was played is late: counted and dropped. A copy is dropped too.
5. A jump of ``JUMP`` packets or a new source starts over.
6. More than ``capacity`` waiting means a burst after a stall: the oldest go, so that
   the delay does not stay for the rest of the call.
7. When more than ``depth`` packets waited throughout ``WINDOW`` pulls, one goes: the
   delay of a passed disturbance wears off, and a faster sender's clock does no harm.
8. A buffer set to keep is emptied by somebody who can hear faster than time (a bot): what
   is in order is ``due`` at once, and nothing is dropped, up to ``KEPT`` packets. A missing
   packet is waited for until ``BEHIND`` others are there, or as many pulls were in vain;
   of a longer gap only ``MOST_LOST`` packets are LOST, the rest is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from channels.media.rtp import MAX_SEQUENCE, RtpPacket

DEPTH: Final = 2  # packets
CAPACITY: Final = 15  # packets
KEPT: Final = 500  # packets
PATIENCE: Final = 5  # pulls
JUMP: Final = 500  # packets
WINDOW: Final = 100  # pulls
BEHIND: Final = 4  # packets
MOST_LOST: Final = 5  # packets


class Verdict(Enum):
    """What became of a packet."""

    STORED = "stored"
    LATE = "late"
    DUPLICATE = "duplicate"
    RESTARTED = "restarted"


class Gap(Enum):
    """Why a pull gave no packet."""

    FILLING = "filling"
    LOST = "lost"
    EMPTY = "empty"


@dataclass(slots=True)
class JitterCounts:
    """What happened so far, in packets."""

    stored: int = 0
    late: int = 0
    duplicate: int = 0
    lost: int = 0
    trimmed: int = 0


class JitterBuffer:
    """Reorders one RTP source."""

    def __init__(
        self, depth: int = DEPTH, capacity: int = CAPACITY, patience: int = PATIENCE
    ) -> None:
        self._depth, self._capacity, self._patience = depth, capacity, patience
        self._waiting: dict[int, RtpPacket] = {}
        self._next: int | None = None
        self._ssrc: int | None = None
        self._filling = True
        self._played = False
        self._empty_pulls = 0
        self._window = 0
        self._fewest = self._capacity
        self._keep = False
        self.counts = JitterCounts()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def keep(self) -> bool:
        """Whether rule 8 holds instead of rules 1, 3, 6 and 7."""
        return self._keep

    @keep.setter
    def keep(self, keep: bool) -> None:
        if self._keep and not keep:
            self._filling, self._empty_pulls = True, 0
        self._keep = keep

    @property
    def due(self) -> bool:
        """Whether a pull gives something now (rule 8); for a buffer set to keep."""
        if self._next in self._waiting:
            return True
        return bool(self._waiting) and max(len(self._waiting), self._empty_pulls) >= BEHIND

    def add(self, packet: RtpPacket) -> Verdict:
        """Take one packet; the verdict says what became of it."""
        verdict = self._place(packet)
        if verdict is Verdict.LATE:
            self.counts.late += 1
        elif verdict is Verdict.DUPLICATE:
            self.counts.duplicate += 1
        else:
            self.counts.stored += 1
            self._waiting[packet.sequence] = packet
            self._trim()
        return verdict

    def _place(self, packet: RtpPacket) -> Verdict:
        if self._next is None or packet.ssrc != self._ssrc:
            return self._restart(packet)
        ahead = (packet.sequence - self._next) % MAX_SEQUENCE
        if ahead < JUMP:
            return Verdict.DUPLICATE if packet.sequence in self._waiting else Verdict.STORED
        if MAX_SEQUENCE - ahead >= JUMP:
            return self._restart(packet)
        if not self._played and MAX_SEQUENCE - ahead <= self._depth:
            # The first packet seen was not the first sent.
            self._next = packet.sequence
            return Verdict.STORED
        return Verdict.LATE

    def _restart(self, packet: RtpPacket) -> Verdict:
        first = self._next is None
        self._waiting.clear()
        self._next, self._ssrc = packet.sequence, packet.ssrc
        self._filling, self._played, self._empty_pulls = True, False, 0
        return Verdict.STORED if first else Verdict.RESTARTED

    def _earliest(self, sequence: int) -> int:
        """How far behind the one due next a waiting packet lies, for sorting."""
        return (sequence - (self._next or 0)) % MAX_SEQUENCE

    def _trim(self) -> None:
        """Drop the oldest until only ``depth`` wait, when there are too many."""
        if len(self._waiting) <= (KEPT if self.keep else self._capacity):
            return
        order = sorted(self._waiting, key=self._earliest)
        for sequence in order[: -self._depth]:
            del self._waiting[sequence]
            self.counts.trimmed += 1
        self._next = order[-self._depth]

    def pull(self) -> RtpPacket | Gap:
        """The next packet in order, or why there is none."""
        if self.keep:
            if not self.due:
                self._empty_pulls += 1
                return Gap.EMPTY
            self._pass_over_long()
            return self._take()
        if self._next is None or (self._filling and len(self._waiting) < self._depth):
            return Gap.FILLING
        if not self._waiting:
            return self._starved()
        if self._next not in self._waiting:
            self._pass_over()
        self._shorten()
        return self._take()

    def _take(self) -> RtpPacket | Gap:
        """The packet that is due, or LOST in its place."""
        self._filling, self._played, self._empty_pulls = False, True, 0
        assert self._next is not None
        packet = self._waiting.pop(self._next, None)
        self._next = (self._next + 1) % MAX_SEQUENCE
        if packet is None:
            self.counts.lost += 1
            return Gap.LOST
        return packet

    def _pass_over(self) -> None:
        """Do not wait again for lost packets whose time has passed in empty pulls."""
        missing = self._missing()
        self._pass(missing if self._filling else min(missing, self._empty_pulls))

    def _pass_over_long(self) -> None:
        """Of a gap of seconds only its beginning is worth a sound."""
        self._pass(max(0, self._missing() - MOST_LOST))

    def _missing(self) -> int:
        """How many packets are not there before the first that is."""
        return self._earliest(min(self._waiting, key=self._earliest))

    def _pass(self, packets: int) -> None:
        self.counts.lost += packets
        self._next = ((self._next or 0) + packets) % MAX_SEQUENCE

    def _shorten(self) -> None:
        """Give up one packet when the buffer never ran low during a window."""
        self._fewest = min(self._fewest, len(self._waiting))
        self._window += 1
        if self._window < WINDOW:
            return
        if self._fewest > self._depth and self._next in self._waiting:
            del self._waiting[self._next]
            self._next = (self._next + 1) % MAX_SEQUENCE
            self.counts.trimmed += 1
        self._window, self._fewest = 0, self._capacity

    def _starved(self) -> Gap:
        """Nothing came: keep the place for a while, then fill again."""
        self._empty_pulls += 1
        if self._empty_pulls >= self._patience:
            self._filling, self._empty_pulls = True, 0
        return Gap.EMPTY
