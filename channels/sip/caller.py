"""A caller: a phone that only dials. For simulated customers, evaluation and tests."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from channels.media.codecs import SAMPLE_RATE
from channels.media.leg import NORMAL_CLEARING
from channels.media.pacing import MediaClock
from channels.phone import Phone, PhoneSettings
from channels.sip.causes import CallOutcome
from channels.sip.leg import SipLeg

FRAME_BYTES: Final = 320
MOST_KEPT_S: Final = 600.0  # of what was heard; older audio is forgotten


class CallerCall:
    """A standing call as the caller lives it: speaks, listens, presses keys, hangs up."""

    def __init__(self, leg: SipLeg) -> None:
        self.leg: Final = leg
        self.digits = ""
        self._frames: deque[bytes] = deque(maxlen=round(MOST_KEPT_S * 50))
        self._count = 0
        self._news = asyncio.Event()
        leg.listen(self)

    def heard(self, pcm: bytes) -> None:
        """Keep 20 ms of what the other side says."""
        self._frames.append(pcm)
        self._count += 1
        self._news.set()

    def pressed(self, digit: str) -> None:
        """Keep a key that the other side pressed."""
        self.digits += digit
        self._news.set()

    def hung_up(self, cause: int) -> None:
        """Wake up who waits for more."""
        self._news.set()

    @property
    def over(self) -> bool:
        """True when somebody hung up."""
        return self.leg.closed.is_set()

    @property
    def heard_ms(self) -> int:
        """For how long this call has been listening."""
        return self._count * 20

    def audio(self, since_ms: int = 0) -> bytes:
        """What was heard from ``since_ms`` on, PCM s16le 8 kHz."""
        forgotten = self._count - len(self._frames)
        skip = max(since_ms // 20 - forgotten, 0)
        return b"".join(list(self._frames)[skip:])

    async def say(self, pcm: bytes) -> None:
        """Speak PCM s16le 8 kHz; returns when it has gone out or the call is over."""
        await self.leg.play(pcm).done()

    async def hear(self, duration_ms: int) -> bytes:
        """Listen for a while: that much audio, less when the call ends."""
        start = self.heard_ms
        while not self.over and self.heard_ms < start + duration_ms:
            await self.next_news()
        return self.audio(start)

    async def next_news(self) -> None:
        """Return when a frame or a key came, or the call is over."""
        if self.over:
            return
        self._news.clear()
        await self._news.wait()

    def press(self, digits: str) -> None:
        """Press keys. Raises ``BadDtmf``."""
        self.leg.press(digits)

    async def hang_up(self) -> None:
        """End the call. Safe to call twice."""
        await self.leg.hang_up(NORMAL_CLEARING)

    async def ended(self) -> int:
        """Wait for the end: its Q.850 cause."""
        await self.leg.closed.wait()
        return self.leg.cause


class SipCaller:
    """Places calls; incoming ones get 486. ``start`` before, ``stop`` after."""

    sample_rate: Final = SAMPLE_RATE

    def __init__(
        self, settings: PhoneSettings | None = None, clock: MediaClock | None = None
    ) -> None:
        self._phone = Phone(settings or PhoneSettings(sip_port=0, rtp_ports=(0, 0)), clock=clock)

    @property
    def address(self) -> tuple[str, int]:
        """Its own SIP address."""
        return self._phone.address

    async def start(self) -> None:
        """Open the socket."""
        await self._phone.start()

    async def stop(self) -> None:
        """Hang up everything."""
        await self._phone.stop()

    async def call(
        self, address: str, ring_s: float | None = None, caller: str = ""
    ) -> CallerCall | CallOutcome:
        """Dial: the call when it was answered, else why not. ``caller`` is our number."""
        leg = await self._phone.place(address, ring_s, caller)
        return leg if isinstance(leg, CallOutcome) else CallerCall(leg)
