"""One side of a call between people, written down as it is spoken.

1. Nothing is recognised while nobody speaks. An utterance begins with speech, a little of the
   sound before it included, and ends after a pause or when it has become too long.
2. Utterances are written in the order in which they were spoken.
3. Callers of bots go first: while so many utterances of this side wait for the recogniser that
   the transcript lags, new ones are left out, and counted.
4. What was hardly understood is left out: a wrong line helps nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

import numpy as np
import soxr

from bots.detect import SpeechDetector
from bots.errors import RecognitionFailed
from bots.ports import FRAME_MS, Expectation, Recognition, Transcriber, VoiceActivity

PAUSE_FRAMES = 700 // FRAME_MS
LONGEST_FRAMES = 15_000 // FRAME_MS
BEFORE_FRAMES = 300 // FRAME_MS
SHORTEST_FRAMES = 200 // FRAME_MS
"""Of speech: less is a cough."""
WAITING = 2
LEAST_CONFIDENCE = 0.3

Said = Callable[[str, float], Awaitable[None]]
"""Takes what was said, and how sure the recogniser was of it (0..1)."""

log = logging.getLogger(__name__)


class Overheard:
    """Give it 20 ms at a time; ``said`` is called with each utterance."""

    def __init__(
        self,
        transcriber: Transcriber,
        activity: VoiceActivity | None,
        sample_rate: int,
        said: Said,
        language: str = "en",
    ) -> None:
        self.language = language
        self.left_out = 0
        """Utterances that the recogniser had no time for, or that it failed at."""
        self._transcriber = transcriber
        self._rate = sample_rate
        self._said = said
        self._detector = SpeechDetector(
            activity.open(sample_rate) if activity else None, sample_rate
        )
        self._before: deque[bytes] = deque(maxlen=BEFORE_FRAMES)
        self._recognition: Recognition | None = None
        self._resampler: soxr.ResampleStream | None = None
        self._speaking = False
        self._spoken = self._silent = self._length = 0
        self._waiting: asyncio.Queue[Recognition | None] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write(), name="overheard")

    def hear(self, pcm: bytes, ours: bytes = b"") -> None:
        """20 ms of this side; ``ours`` is what it hears meanwhile, which may come back as echo."""
        speech = self._detector.frame(pcm, ours)
        if not self._speaking:
            self._before.append(pcm)
            if speech:
                self._begin()
            return
        self._feed(pcm)
        self._length += 1
        self._spoken += speech
        self._silent = 0 if speech else self._silent + 1
        if self._silent >= PAUSE_FRAMES or self._length >= LONGEST_FRAMES:
            self._end()

    def pause(self) -> None:
        """Nobody of this side is to be heard now: an utterance that goes on is over."""
        if self._speaking:
            self._end()
        self._before.clear()

    async def stop(self) -> None:
        """The call is over; what was said is still written."""
        self.pause()
        self._waiting.put_nowait(None)
        await self._writer

    def _begin(self) -> None:
        self._speaking, self._spoken, self._silent, self._length = True, 1, 0, 0
        if self._waiting.qsize() >= WAITING:
            self.left_out += 1
            return
        wanted = self._transcriber.sample_rate
        self._resampler = None
        if wanted != self._rate:
            self._resampler = soxr.ResampleStream(
                self._rate, wanted, 1, dtype="int16", quality="QQ"
            )
        try:
            self._recognition = self._transcriber.open(Expectation(language=self.language))
        except RecognitionFailed as error:
            self.left_out += 1
            log.warning("cannot write down what is said: %s", error)
            return
        while self._before:
            self._feed(self._before.popleft())

    def _feed(self, pcm: bytes) -> None:
        if self._recognition is None:
            return  # left out (rule 3)
        if self._resampler is not None:
            pcm = self._resampler.resample_chunk(np.frombuffer(pcm, dtype="<i2")).tobytes()
        self._recognition.feed(pcm)

    def _end(self) -> None:
        self._speaking = False
        recognition, self._recognition = self._recognition, None
        if recognition is not None and self._spoken < SHORTEST_FRAMES:
            recognition.cancel()
        elif recognition is not None:
            self._waiting.put_nowait(recognition)

    async def _write(self) -> None:
        while (recognition := await self._waiting.get()) is not None:
            try:
                heard = await recognition.finish()
            except RecognitionFailed as error:
                self.left_out += 1
                log.warning("an utterance between people was not understood: %s", error)
                continue
            if heard.text.strip() and heard.confidence >= LEAST_CONFIDENCE:
                await self._said(heard.text.strip(), heard.confidence)
