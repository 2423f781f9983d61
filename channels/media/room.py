"""Legs that hear each other as they are told to: two, three, a supervisor beside them.

1. Who hears whom is a set of pairs (speaker, listener); a new set takes effect with the next
   frame, and what two go on hearing of each other is not interrupted by it.
2. A listener hears the sum of all its speakers, cut at full scale; sample rates may differ.
3. Who hears nobody hears music where that was asked for, else silence.
4. Keys go to everybody who hears the one that pressed them.
5. At most ``MOST_WAITING`` frames wait on each way: all sides tick on the same clock, so more
   would only be delay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Final

import numpy as np

from channels.media.bridge import MOST_WAITING, Resampler
from channels.media.leg import Leg
from channels.media.music import MusicLoop

Gone = Callable[[str], None]
"""Told the name of a seat whose leg is over; the seat is empty by then."""
Pressed = Callable[[str, str], None]
"""Told the name of a seat and the key that was pressed there."""


class _Way:
    """What one seat says on its way to another."""

    def __init__(self, speaker: Leg, listener: Leg) -> None:
        self._frames: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._rest = b""
        self._size = listener.frame_bytes
        self._resampler: Resampler | None = None
        if speaker.sample_rate != listener.sample_rate:
            self._resampler = Resampler(speaker.sample_rate, listener.sample_rate)

    def put(self, pcm: bytes) -> None:
        """20 ms from the speaker."""
        if self._resampler is None:
            self._frames.append(pcm)
            return
        self._rest += self._resampler.feed(pcm)
        while len(self._rest) >= self._size:
            self._frames.append(self._rest[: self._size])
            self._rest = self._rest[self._size :]

    def take(self) -> bytes | None:
        """20 ms for the listener, at its rate."""
        return self._frames.popleft() if self._frames else None


class _Seat:
    """One leg in the room; listens to it, and is what it says."""

    def __init__(
        self, name: str, leg: Leg, gone: Callable[[_Seat], None], pressed: Pressed | None
    ) -> None:
        self.name: Final = name
        self.leg: Final = leg
        self._gone = gone
        self._pressed = pressed
        self.listeners: list[tuple[Leg, _Way]] = []
        self.speakers: list[_Way] = []
        self.music: MusicLoop | None = None

    def heard(self, pcm: bytes) -> None:
        for _, way in self.listeners:
            way.put(pcm)

    def pressed(self, digit: str) -> None:
        for leg, _ in self.listeners:
            leg.press(digit)
        if self._pressed is not None:
            self._pressed(self.name, digit)

    def hung_up(self, _cause: int) -> None:
        self._gone(self)

    def frame(self) -> bytes | None:
        """What the leg plays now."""
        said = [pcm for way in self.speakers if (pcm := way.take()) is not None]
        if not self.speakers and self.music is not None:
            return self.music.frame()
        return said[0] if len(said) == 1 else mixed(said)


class Room:
    """Seats by name, and who of them hears whom."""

    def __init__(self, gone: Gone, pressed: Pressed | None = None) -> None:
        self._seats: dict[str, _Seat] = {}
        self._ways: dict[tuple[str, str], _Way] = {}
        self._gone = gone
        self._pressed = pressed

    @property
    def seats(self) -> dict[str, Leg]:
        """The legs in the room, by name."""
        return {name: seat.leg for name, seat in self._seats.items()}

    def speakers_to(self, name: str) -> list[str]:
        """Whom a seat hears now."""
        return [speaker for speaker, listener in self._ways if listener == name]

    def admit(self, name: str, leg: Leg) -> None:
        """Seat a leg; it hears and says nothing until it is arranged."""
        self.dismiss(name)
        seat = _Seat(name, leg, self._ended, self._pressed)
        self._seats[name] = seat
        leg.listen(seat)
        leg.source = seat.frame
        if leg.closed.is_set():
            self._ended(seat)

    def dismiss(self, name: str) -> Leg | None:
        """Take a leg out; it lives on in silence, and who listened to it hears it no more."""
        seat = self._seats.pop(name, None)
        if seat is None:
            return None
        self._arrange([pair for pair in self._ways if name not in pair])
        if not seat.leg.closed.is_set():
            seat.leg.listen(None)
            seat.leg.source = None
        return seat.leg

    def arrange(self, pairs: Iterable[tuple[str, str]], music: Collection[str] = ()) -> None:
        """Who hears whom from now on, as (speaker, listener); names without a seat are left out.

        ``music`` names those who hear music while they hear nobody.
        """
        self._arrange([(s, b) for s, b in pairs if s in self._seats and b in self._seats])
        for name, seat in self._seats.items():
            if name not in music:
                seat.music = None
            elif seat.music is None:
                seat.music = MusicLoop(seat.leg.sample_rate)

    def clear(self) -> None:
        """Everybody out; the legs live on."""
        for name in list(self._seats):
            self.dismiss(name)

    def _arrange(self, pairs: Collection[tuple[str, str]]) -> None:
        seats = self._seats
        self._ways = {
            (speaker, listener): self._ways.get((speaker, listener))
            or _Way(seats[speaker].leg, seats[listener].leg)
            for speaker, listener in pairs
        }
        for name, seat in seats.items():
            seat.listeners = [
                (seats[listener].leg, way)
                for (speaker, listener), way in self._ways.items()
                if speaker == name
            ]
            seat.speakers = [way for (_, listener), way in self._ways.items() if listener == name]

    def _ended(self, seat: _Seat) -> None:
        if self._seats.get(seat.name) is seat:
            self.dismiss(seat.name)
            self._gone(seat.name)


def mixed(frames: Collection[bytes]) -> bytes | None:
    """The sum of frames of PCM s16le of one length, cut at full scale; None for no frames."""
    if not frames:
        return None
    total = np.sum([np.frombuffer(pcm, np.int16) for pcm in frames], axis=0, dtype=np.int32)
    return np.clip(total, -32768, 32767).astype(np.int16).tobytes()
