"""The half of a leg that every wire shares: who hears, what plays, who records.

A wire calls ``outgoing`` once per tick of the media clock, and ``incoming`` too. What goes
out is, in this order: what was queued with ``play``, the source (a bridged leg, hold
music), silence.

A process that stood still finds a second of the far end's audio waiting. People cannot
listen faster than it comes, so for them the oldest goes and the call stays prompt. Who
can (a bot, a recording) asks for all of it, with ``live=False``: such a listener gets
what came meanwhile at once, and nothing in a tick for which nothing has come yet, so
that its time is the time of the audio. A recording has both directions on one time: it
gets what came unevenly one frame per tick, and is longer by what more than ``CUSHION`` wait.

``off_record`` is for what nobody may keep, card numbers first of all (PCI DSS 3.3.1): taps get
silence for it, both ways, so that the time of the recording stays that of the call.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from channels.media.playout import BYTES_PER_SAMPLE, Playback, Playout

FRAMES_PER_S: Final = 50
WAIT_TICKS: Final = 50
"""So long a far end that sends nothing is late; after that it is silent."""
CUSHION: Final = 3
"""So many frames a recording may lag behind what was heard: what came unevenly is evened out."""
NORMAL_CLEARING: Final = 16

_log = logging.getLogger(__name__)

Source = Callable[[], bytes | None]


class Listener(Protocol):
    """Who listens to a leg. Called on the event loop; must return at once."""

    def heard(self, pcm: bytes) -> None:
        """20 ms from the far end, silence or concealment included."""

    def pressed(self, digit: str) -> None:
        """One key, once per press."""

    def hung_up(self, cause: int) -> None:
        """The leg is over; a Q.850 cause. Nothing follows."""


class Tap(Protocol):
    """Who gets a copy of both directions: a recording, a measurement."""

    def frame(self, heard: bytes, sent: bytes) -> None:
        """20 ms of each direction."""

    def closed(self) -> None:
        """The leg is over."""


class Leg(ABC):
    """One media stream of a call; a wire adds ``press`` and ``hang_up``."""

    def __init__(self, leg_id: str, address: str, sample_rate: int, name: str = "") -> None:
        self.id: Final = leg_id
        self.address: Final = address
        self.name: Final = name
        self.sample_rate: Final = sample_rate
        # Most wires make a leg only when sound can flow; a browser's leg comes before.
        self.connected = asyncio.Event()
        self.connected.set()
        self.closed = asyncio.Event()
        self.cause = 0
        self.source: Source | None = None
        self.frame_bytes: Final = sample_rate // FRAMES_PER_S * BYTES_PER_SAMPLE
        self.silence: Final = bytes(self.frame_bytes)
        self.live = True
        self.off_record = False
        self._listener: Listener | None = None
        self._absent = 0
        self._playout = Playout(sample_rate, self.frame_bytes)
        self._taps: list[Tap] = []
        self._untaped: deque[bytes] = deque()
        """What was heard and the taps have not got yet."""
        self._at_end: list[Callable[[], None]] = []

    def listen(self, listener: Listener | None, *, live: bool = True) -> None:
        """Make ``listener`` the one that hears; None for nobody.

        ``live=False`` gives it everything that arrives, however late, and no frame where
        none has come: it may get many frames in one tick, or none for ``WAIT_TICKS``.
        """
        self._listener, self.live = listener, live

    def play(self, pcm: bytes) -> Playback:
        """Queue PCM s16le at ``sample_rate`` behind what is already queued."""
        return self._playout.add(pcm)

    def flush(self) -> None:
        """Stop playing with the next frame; queued playbacks end as cleared."""
        self._playout.flush()

    @abstractmethod
    def press(self, digits: str) -> None:
        """Send keys to the far end. Raises ``BadDtmf`` for anything that is no key."""

    @abstractmethod
    async def hang_up(self, cause: int = NORMAL_CLEARING) -> None:
        """End the leg with a Q.850 cause. Safe to call twice."""

    def add_tap(self, tap: Tap) -> None:
        """Give ``tap`` a copy of both directions from now on."""
        self._taps.append(tap)

    def remove_tap(self, tap: Tap) -> None:
        """Safe to call twice."""
        if tap in self._taps:
            self._taps.remove(tap)

    def on_end(self, call: Callable[[], None]) -> None:
        """Call ``call`` once when the leg is over; at once when it is already."""
        if self.closed.is_set():
            call()
        else:
            self._at_end.append(call)

    def outgoing(self, blocked: bool = False) -> bytes | None:
        """The frame that goes out now; None for silence. Counts as played.

        ``blocked`` says that no audio can go out now (key tones, held by the far end):
        what is queued waits.
        """
        frame = None if blocked else self._playout.take()
        if frame is None and self.source is not None and not blocked:
            frame = self.source()
        self._tape(self.silence if frame is None or self.off_record else frame)
        return frame

    def _tape(self, sent: bytes) -> None:
        """Give the taps one frame each way, and more where more has come than is sent."""
        heard = self._untaped.popleft() if self._untaped else self.silence
        taped = [(heard, sent)]
        while len(self._untaped) > CUSHION:
            taped.append((self._untaped.popleft(), self.silence))
        for tap in self._taps:
            for both in taped:
                tap.frame(*both)

    def incoming(self, pcm: bytes) -> None:
        """Hand 20 ms from the far end to who listens."""
        self._untaped.append(self.silence if self.off_record else pcm)
        if self._listener is not None:
            self._listener.heard(pcm)

    def waits(self) -> bool:
        """Nothing has come for this tick: True when it is left out, as not yet heard."""
        self._absent += 1
        return not self.live and self._absent <= WAIT_TICKS

    def arrived(self) -> None:
        """The far end's audio goes on."""
        self._absent = 0

    def key(self, digit: str) -> None:
        """Hand a key press to who listens."""
        if self._listener is not None:
            self._listener.pressed(digit)

    def end(self, cause: int) -> None:
        """Tell everybody that the leg is over, once."""
        if self.closed.is_set():
            return
        self.cause = cause
        self.closed.set()
        self._playout.close()
        listener, self._listener = self._listener, None
        taps, self._taps = self._taps, []
        self.source = None
        for tap in taps:
            tap.closed()
        if listener is not None:
            listener.hung_up(cause)
        for call in self._at_end:
            call()
