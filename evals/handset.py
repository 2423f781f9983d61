"""A caller's telephone on a real line: plays a script's part, listens, and records both sides.

The time is that of the line: 20 ms for each frame that came and went, so that what is told
about a call fits its recording.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from channels.media.codecs import SAMPLE_RATE
from channels.media.dtmf import TONE_TICKS
from channels.media.recording import interleave
from channels.sip.leg import SipLeg
from evals.call_script import Keys, Speech, World
from evals.caller_voice import CallerVoice, cough, key_tone
from evals.fields import BadSuite
from gateway.demo.caller import LOUD, loudness
from router.errors import ParleyError

FRAME_S = 0.02
QUIET_S = 1.0
"""So much silence and the bot waits for us; its pauses between sentences are shorter. Only
silence that came counts: where no packet comes, a busy machine stands still."""
DEAF_S = 0.25
"""What is heard so soon after we did something was on its way before."""
LIMIT_S = 45.0
"""The longest that a bot may speak, or keep silent."""


class BotSilent(ParleyError):
    """The bot said nothing, or did not stop, within ``LIMIT_S``."""


@dataclass(frozen=True, slots=True)
class Doing:
    """Something the caller did: what, and from when to when, seconds of the line."""

    what: str
    began: float
    ended: float
    counts: bool = True
    """Whether it was meant as an answer."""


class LineHandset:
    """As ``evals.call_script.Handset``, and a tap on the line."""

    def __init__(
        self, leg: SipLeg, voice: CallerVoice, handed_over: Callable[[], bool] = lambda: False
    ) -> None:
        """``handed_over`` says that the bot has given the call to a person."""
        self._leg = leg
        self._voice = voice
        self._handed_over = handed_over
        self.doings: list[Doing] = []
        self.sounding: list[bool] = []
        """Whether the bot was heard, per frame."""
        self._quiet_frames = 0
        self._received = 0
        self._left: list[bytes] = []
        self._right: list[bytes] = []
        self._tones: dict[int, bytes] = {}
        self._since = 0
        self._news = asyncio.Event()
        leg.add_tap(self)

    # channels.media.leg.Tap

    def frame(self, heard: bytes, sent: bytes) -> None:
        """20 ms of the bot and of us."""
        self._left.append(self._tones.pop(len(self._left), sent))
        self._right.append(heard)
        self.sounding.append(loudness(heard) >= LOUD)
        received = self._leg.counts["received"]
        self._quiet_frames += received > self._received
        if self.sounding[-1]:
            self._quiet_frames = 0
        self._received = received
        self._news.set()

    def closed(self) -> None:
        """Somebody hung up."""
        self._news.set()

    @property
    def seconds(self) -> float:
        """How long the call has lasted."""
        return len(self.sounding) * FRAME_S

    @property
    def over(self) -> bool:
        """Whether somebody hung up, or a person is being got."""
        return self._leg.closed.is_set() or self._handed_over()

    def new_at(self, place: int) -> bool:
        """Whether the bot was heard in this frame, and not with what was on its way before
        the caller last did something.
        """
        late = round(DEAF_S / FRAME_S)
        ends = (round(one.ended / FRAME_S) for one in self.doings if one.counts)
        return self.sounding[place] and not any(end <= place < end + late for end in ends)

    def write(self, path: Path) -> None:
        """Both sides as a stereo WAV: left we, right the bot. Raises ``OSError``."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(interleave(b"".join(self._left), b"".join(self._right)))

    # evals.call_script.Handset

    async def until_bot_waits(self) -> None:
        """The bot has spoken since we last did something, and is quiet."""
        quiet = round(QUIET_S / FRAME_S)
        await self._until(lambda: self._first() is not None and self._quiet_frames >= quiet)

    async def until_into(self, seconds: float) -> None:
        """So many seconds into the bot's present words."""
        await self.until_bot_speaks()
        began = self._first()
        until = (len(self.sounding) if began is None else began) + round(seconds / FRAME_S)
        await self._until(lambda: len(self.sounding) >= until)

    async def until_bot_speaks(self) -> None:
        """The bot says something new."""
        await self._until(lambda: self._first() is not None)

    def begin(self) -> None:
        """What the bot says from now on is new."""
        self._since = len(self.sounding) + round(DEAF_S / FRAME_S)

    async def speak(self, speech: Speech) -> None:
        """Say it to its end."""
        parts = [await self._voice.pcm(part) for part in speech.parts]
        began = self.seconds
        for place, pcm in enumerate(parts):
            await self.wait(speech.pause_s if place else 0.0)
            await self._leg.play(pcm).done()
        self._did(speech.text, began, counts=speech.counts)

    async def press(self, keys: Keys) -> None:
        """Press them all."""
        began = self.seconds
        for place, key in enumerate(keys.digits):
            await self.wait(keys.gap_s if place else 0.0)
            self._leg.press(key)
            self._sound(key)
        await self.wait(TONE_TICKS * FRAME_S)
        self._did(f"[{keys.digits}]", began)

    async def noise(self, seconds: float) -> None:
        """Cough."""
        began = self.seconds
        await self._leg.play(cough(seconds)).done()
        self._did("(coughs)", began, counts=False)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        until = len(self.sounding) + round(seconds / FRAME_S)
        await self._until(lambda: len(self.sounding) >= until, seconds + LIMIT_S)

    async def hang_up(self) -> None:
        """Leave. Safe to call twice."""
        await self._leg.hang_up()

    def change(self, world: World) -> None:
        """Raises ``BadSuite``: nothing can be broken here."""
        raise BadSuite("a world of broken engines can only be played on virtual time")

    # -- listening --------------------------------------------------------------------

    def _did(self, what: str, began: float, *, counts: bool = True) -> None:
        self.doings.append(Doing(what, began, self.seconds, counts))
        self.begin()

    def _first(self) -> int | None:
        """The first frame in which the bot was heard since we last did something."""
        try:
            return self.sounding.index(True, self._since)
        except ValueError:
            return None

    async def _until(self, true: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while not (self.over or true()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise BotSilent(f"after {self.seconds:.1f} s of the call") from None

    def _sound(self, key: str) -> None:
        """A key is sent as an event (RFC 4733); the recording has how it sounds."""
        tone = key_tone(key, TONE_TICKS * FRAME_S)
        size = len(tone) // TONE_TICKS
        for tick in range(TONE_TICKS):
            self._tones[len(self._left) + tick] = tone[tick * size : (tick + 1) * size]
