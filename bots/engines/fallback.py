"""Speech engines one behind the other: when one fails, is late or rests, the next is asked.

1. The first engine whose circuit lets it is asked (``bots.engines.breaker``); one that fails
   again and again is left alone for a while and then tried with one utterance.
2. The audio of the running utterance is kept, so the next engine hears it from its beginning.
   The switch happens as soon as the failure is known, at the latest at ``patience_s``.
3. An engine that does not know the language is passed over; that is no failure.
4. A text whose sound broke off is said again from its beginning by the next voice.
5. When all have failed the error names each with its reason; the call then asks for keys.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar, runtime_checkable

from bots.engines.breaker import Breaker
from bots.engines.remote_sound import Evened
from bots.errors import LanguageNotHeard, LanguageNotSpoken, RecognitionFailed, SynthesisFailed
from bots.ports import (
    Expectation,
    Hypothesis,
    Mark,
    PacedVoice,
    Partial,
    Recognition,
    Timed,
    Transcriber,
    Voice,
)

Engine = TypeVar("Engine", Transcriber, Voice)

log = logging.getLogger(__name__)


@runtime_checkable
class FailsEarly(Protocol):
    """A recognition that may know before its end that it cannot succeed."""

    @property
    def failure(self) -> RecognitionFailed | None:
        """Why; None while it can."""
        ...


@dataclass(slots=True)
class Tier(Generic[Engine]):
    """An engine, how long it may take (seconds) and whether it is asked at all.

    ``patience_s`` is from the end of the caller's speech to its text, or for each piece of
    sound.
    """

    engine: Engine
    patience_s: float
    breaker: Breaker = field(default_factory=Breaker)

    def failed(self, reason: str, now: float) -> None:
        """Note it; a circuit that opens with it is worth a line in the log."""
        if self.breaker.failed(now):
            log.warning(
                "%s rests for %g s: it fails again and again, last: %s",
                self.engine.name,
                self.breaker.rest_s,
                reason,
            )

    def succeeded(self) -> None:
        """Note it, and say so when it had been away."""
        if self.breaker.succeeded():
            log.info("%s is back", self.engine.name)

    def why(self, error: BaseException) -> str:
        """The reason of a failure, with the engine's name once."""
        reason = f"not done within {self.patience_s:g} s"
        if not isinstance(error, TimeoutError):
            reason = str(error)
        return reason if reason.startswith(self.engine.name) else f"{self.engine.name}: {reason}"


def _names(tiers: Sequence[Tier[Engine]]) -> str:
    return ", else ".join(tier.engine.name for tier in tiers)


class FallbackTranscriber:
    """Implements ``bots.ports.Transcriber`` by others, the best first."""

    def __init__(
        self, tiers: Sequence[Tier[Transcriber]], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """``seconds`` is a clock that only goes forward. At least one tier."""
        self.tiers = tuple(tiers)
        self.seconds = seconds
        self.name = _names(self.tiers)
        self.sample_rate = max(tier.engine.sample_rate for tier in self.tiers)

    def prepare(self, expect: Expectation) -> None:
        """All of them: nobody knows which will be asked."""
        for tier in self.tiers:
            tier.engine.prepare(expect)

    def open(self, expect: Expectation) -> FallbackRecognition:
        """Begin an utterance. Raises ``RecognitionFailed`` when no engine takes it."""
        return FallbackRecognition(self, expect)


class FallbackRecognition:
    """One utterance. Implements ``bots.ports.Recognition``."""

    def __init__(self, owner: FallbackTranscriber, expect: Expectation) -> None:
        """Raises ``RecognitionFailed``."""
        self._owner = owner
        self._expect = expect
        self._left = deque(owner.tiers)
        self._heard: list[bytes] = []
        self._failures: list[str] = []
        self._refusals: list[str] = []
        self._cancelled = False
        self._lost: RecognitionFailed | None = None
        """Why nobody hears the rest of it."""
        self._early: FailsEarly | None = None
        self._tier, self._current, self._rate = self._open_next()

    def feed(self, pcm: bytes) -> None:
        """s16le at the transcriber's rate."""
        if self._lost is not None or self._cancelled:
            return
        self._heard.append(pcm)
        self._current.feed(self._rate.feed(pcm))
        error = self._early.failure if self._early is not None else None
        if error is not None:
            self._pass_over(error)
            self._switch()

    def partial(self) -> Partial:
        """The best text so far of the engine that listens now."""
        return self._current.partial()

    async def finish(self) -> Hypothesis:
        """The final text; empty after ``cancel``. Raises ``RecognitionFailed``."""
        while True:
            if self._lost is not None:
                raise self._lost
            try:
                found = await self._finish_one()
            except (RecognitionFailed, TimeoutError) as error:
                self._pass_over(error)
                self._switch()
                continue
            if self._cancelled or not self._failures:
                return found
            reasons = "; ".join(self._failures)
            return replace(found, heard_by=self._tier.engine.name, instead_of=reasons)

    def cancel(self) -> None:
        """Drop it. Safe to call twice."""
        if not self._cancelled:
            self._cancelled = True
            self._tier.breaker.abandoned()
        self._heard.clear()
        self._current.cancel()

    async def _finish_one(self) -> Hypothesis:
        self._current.feed(self._rate.end())
        try:
            async with asyncio.timeout(self._tier.patience_s):
                found = await self._current.finish()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._cancelled and not (task is not None and task.cancelling()):
                return Hypothesis("", 0.0)
            self.cancel()
            raise
        if self._cancelled:
            return Hypothesis("", 0.0)
        self._tier.succeeded()
        return found

    def _pass_over(self, error: RecognitionFailed | TimeoutError) -> None:
        reason = self._tier.why(error)
        self._failures.append(reason)
        self._tier.failed(reason, self._owner.seconds())

    def _switch(self) -> None:
        """The next engine hears it all; when there is none, ``finish`` says so."""
        self._current.cancel()
        try:
            self._tier, self._current, self._rate = self._open_next()
        except RecognitionFailed as error:
            self._lost = error
            return
        log.warning("%s listens instead: %s", self._tier.engine.name, self._failures[-1])
        for pcm in self._heard:
            self._current.feed(self._rate.feed(pcm))

    def _open_next(self) -> tuple[Tier[Transcriber], Recognition, Evened]:
        while self._left:
            tier = self._left.popleft()
            if not tier.breaker.allows(self._owner.seconds()):
                self._failures.append(f"{tier.engine.name}: rests after failures")
                continue
            try:
                opened = tier.engine.open(self._expect)
            except LanguageNotHeard as error:
                tier.breaker.abandoned()
                self._refusals.append(str(error))
            except RecognitionFailed as error:
                self._failures.append(tier.why(error))
                tier.failed(str(error), self._owner.seconds())
            else:
                self._early = opened if isinstance(opened, FailsEarly) else None
                rate = Evened(self._owner.sample_rate, wanted=tier.engine.sample_rate)
                return tier, opened, rate
        raise RecognitionFailed("; ".join([*self._failures, *self._refusals]))


class FallbackVoice:
    """Implements ``bots.ports.Voice`` by others, the best first."""

    def __init__(
        self, tiers: Sequence[Tier[Voice]], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """``seconds`` is a clock that only goes forward. At least one tier."""
        self.tiers = tuple(tiers)
        self.seconds = seconds
        self.name = _names(self.tiers)
        self.sample_rate = max(tier.engine.sample_rate for tier in self.tiers)

    def speak(self, text: str, language: str) -> FallbackSpeech:
        """Audio in pieces; iterating raises ``SynthesisFailed``."""
        return FallbackSpeech(self, text, language)

    def speak_at(self, text: str, language: str, pace: float) -> FallbackSpeech:
        """The same at another pace, by the voices that have one."""
        return FallbackSpeech(self, text, language, pace)


class FallbackSpeech:
    """The audio of one text; close it when left early.

    Implements ``bots.ports.Stopgap`` and ``Timed``.
    """

    def __init__(
        self, owner: FallbackVoice, text: str, language: str, pace: float | None = None
    ) -> None:
        self._owner = owner
        self._text = text
        self._language = language
        self._pace = pace
        self._failures: list[str] = []
        self._refusals: list[str] = []
        self._spoke = ""
        self._given_ms = 0.0
        self._marks: list[Mark] = []
        self._timed = True
        """Whether all voices that made a sound of it gave word times."""
        self._pieces = self._speak()

    @property
    def marks(self) -> Sequence[Mark]:
        """Of all voices: a text said again from its beginning was heard as far as before."""
        return self._marks if self._timed else ()

    @property
    def substituted(self) -> bool:
        """True once a voice that should have spoken did not."""
        return bool(self._failures)

    @property
    def spoken_by(self) -> str:
        """The voice that spoke last; empty before any did."""
        return self._spoke

    @property
    def instead_of(self) -> str:
        """Those that could not, each with its reason."""
        return "; ".join(self._failures)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await self._pieces.__anext__()

    async def aclose(self) -> None:
        """Stop the voice that speaks. Safe to call twice."""
        await self._pieces.aclose()

    async def _speak(self) -> AsyncGenerator[bytes, None]:
        for tier in self._owner.tiers:
            if not tier.breaker.allows(self._owner.seconds()):
                self._failures.append(f"{tier.engine.name}: rests after failures")
                continue
            try:
                async with aclosing(self._speak_by(tier)) as pieces:
                    async for pcm in pieces:
                        yield pcm
            except LanguageNotSpoken as error:
                tier.breaker.abandoned()
                self._refusals.append(str(error))
            except (SynthesisFailed, TimeoutError) as error:
                reason = tier.why(error)
                self._failures.append(reason)
                tier.failed(reason, self._owner.seconds())
                log.warning("another voice has to say %r: %s", self._text[:40], reason)
            except (GeneratorExit, asyncio.CancelledError):
                tier.breaker.abandoned()
                raise
            else:
                tier.succeeded()
                return
        raise SynthesisFailed("; ".join([*self._failures, *self._refusals]))

    async def _speak_by(self, tier: Tier[Voice]) -> AsyncGenerator[bytes, None]:
        rate = Evened(tier.engine.sample_rate, wanted=self._owner.sample_rate)
        pieces = self._asked(tier.engine)
        self._spoke = tier.engine.name
        began_ms = self._given_ms
        try:
            while True:
                async with asyncio.timeout(tier.patience_s):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                if pcm := rate.feed(piece):
                    yield self._counted(pcm)
        finally:
            if self._given_ms > began_ms:
                self._take_marks(pieces, began_ms)
            if isinstance(pieces, Closable):
                await pieces.aclose()
        if rest := rate.end():
            yield self._counted(rest)

    def _counted(self, pcm: bytes) -> bytes:
        self._given_ms += len(pcm) * 500 / self._owner.sample_rate
        return pcm

    def _take_marks(self, pieces: AsyncIterator[bytes], began_ms: float) -> None:
        marks = pieces.marks if isinstance(pieces, Timed) else ()
        self._timed = self._timed and bool(marks)
        self._marks += [Mark(mark.upto, began_ms + mark.ms) for mark in marks]

    def _asked(self, voice: Voice) -> AsyncIterator[bytes]:
        if self._pace is not None and isinstance(voice, PacedVoice):
            return voice.speak_at(self._text, self._language, self._pace)
        return voice.speak(self._text, self._language)


@runtime_checkable
class Closable(Protocol):
    """Audio that is being made, and need not be any more."""

    async def aclose(self) -> None:
        """Safe to call twice."""
        ...
