"""DTMF as RTP telephone events (RFC 4733), both ways, without I/O or clock.

1. A key press is one event: every packet of it carries the timestamp of its start.
2. The first packet is marked; the duration grows; the last is sent three times.
3. A receiver reports a press when it first hears of it, whichever packet that is.
4. A press longer than 65,535 samples goes on as a new segment right behind the old one.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from channels.errors import BadDtmf
from channels.media.rtp import MAX_TIMESTAMP

DIGITS: Final = "0123456789*#ABCD"
TONE_TICKS: Final = 5  # 100 ms
GAP_TICKS: Final = 3  # 60 ms
END_COPIES: Final = 3
VOLUME: Final = 10  # dBm0 below zero
_EVENT = struct.Struct("!BBH")
_END_BIT = 0x80
_MAX_DURATION = 0xFFFF


@dataclass(frozen=True, slots=True)
class Tone:
    """One packet's content; ``start`` tells how many samples ago the press began."""

    payload: bytes
    start: int
    marker: bool


def pack_event(digit: str, end: bool, duration: int) -> bytes:
    """Four bytes: event, end bit and volume, duration in samples."""
    return _EVENT.pack(DIGITS.index(digit), (_END_BIT if end else 0) | VOLUME, duration)


def unpack_event(payload: bytes) -> tuple[str, bool, int]:
    """Digit, end bit, duration in samples. Raises ``BadDtmf``."""
    if len(payload) < _EVENT.size:
        raise BadDtmf(f"a telephone event has 4 bytes, got {len(payload)}")
    event, flags, duration = _EVENT.unpack_from(payload)
    if event >= len(DIGITS):
        raise BadDtmf(f"events 0–15 are keys, got {event}")
    return DIGITS[event], bool(flags & _END_BIT), duration


class DtmfSender:
    """Turns queued digits into packets, one call of ``tick`` per 20 ms."""

    def __init__(self, frame_samples: int = 160) -> None:
        self._frame_samples = frame_samples
        self._waiting: deque[str] = deque()
        self._digit = ""
        self._tick = 0

    @property
    def busy(self) -> bool:
        """True while a press, or the pause behind it, is being sent."""
        return bool(self._digit or self._waiting)

    def press(self, digits: str) -> None:
        """Queue keys. Raises ``BadDtmf`` for anything that is no key."""
        digits = digits.upper()
        for digit in digits:
            if digit not in DIGITS:
                raise BadDtmf(f"one of {DIGITS} expected, got {digit!r}")
        self._waiting.extend(digits)

    def tick(self) -> list[Tone]:
        """The packets of this 20 ms; none in the gap between presses."""
        if not self._digit:
            if not self._waiting:
                return []
            self._digit, self._tick = self._waiting.popleft(), 0
        self._tick += 1
        if self._tick > TONE_TICKS:
            if self._tick >= TONE_TICKS + GAP_TICKS:
                self._digit = ""
            return []
        end = self._tick == TONE_TICKS
        start = (self._tick - 1) * self._frame_samples
        payload = pack_event(self._digit, end, self._tick * self._frame_samples)
        tone = Tone(payload, start, self._tick == 1)
        return [tone] * (END_COPIES if end else 1)


class DtmfReceiver:
    """Turns packets into presses: each once, though its packets are many."""

    def __init__(self) -> None:
        self._timestamp: int | None = None
        self._digit = ""
        self._ended = False

    def add(self, timestamp: int, payload: bytes) -> str | None:
        """The digit when this packet is the first of its press. Raises ``BadDtmf``."""
        digit, end, _duration = unpack_event(payload)
        if self._timestamp is not None:
            ahead = (timestamp - self._timestamp) % MAX_TIMESTAMP
            if ahead == 0:
                self._ended = self._ended or end
                return None
            if ahead >= MAX_TIMESTAMP // 2:
                return None
            if ahead == _MAX_DURATION and digit == self._digit and not self._ended:
                self._timestamp, self._ended = timestamp, end
                return None
        self._timestamp, self._digit, self._ended = timestamp, digit, end
        return digit
