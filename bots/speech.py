"""What the bot says on a call: cut into sentences, cached as audio, played, remembered.

1. Each sentence is made while the one before it plays; the first one goes out at once.
2. Audio is cached by voice, language, text, rate and pace, so frequent prompts cost nothing;
   what another voice had to say is made again, so that the usual one comes back.
3. What the caller heard is what the leg says was played, to the word: by the voice's word
   times, which are cached with the audio, else by proportion. A sentence that was cut off is
   believed only as far as it was heard.
4. A saying that was stopped can go on where it stopped.
5. What no voice can say is not said: the rest of it neither, but a sentence kept ready, or a
   tone, so that the caller is not left in silence (``bots.spare``). Who waits long for the
   first sound hears a tone as well.
6. The voice gets the words as people say them (``bots.spoken``); what is told to have been
   heard is as it was written.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import soxr

from bots.detect import FRAME_MS
from bots.errors import LanguageNotSpoken, SynthesisFailed
from bots.ports import AudioLeg, Mark, PacedVoice, Playback, Stopgap, Timed, Voice
from bots.spare import APOLOGIES, SPOKEN_BY_SPARE, SPOKEN_BY_TONE, beeps
from bots.spoken.aligned import Pieces, heard, sentences, spoken_of, written_of
from bots.spoken.reading import aligned

CACHE_BYTES = 64 * 1024 * 1024
CACHED_TEXT_CHARS = 300
"""Longer texts are said once: an answer full of somebody's data is no frequent prompt."""
VOICE_S = 15.0
"""A sentence that is not made by then is not said; all voices together, one after the other."""
QUIET_S = 2.5
"""Who hears nothing for so long while a sentence is made gets a tone, again and again."""
WARM_SENTENCES = 150
"""Made ahead at most."""
WARM_REST_S = 0.05
BACK_UP_MS = 200
"""After a false alarm the saying starts again this much before where it stopped."""

NORMAL_PACE = 1.0

log = logging.getLogger(__name__)

_OPEN = frozenset("{}")
"""Marks of what a template leaves open."""
_Key = tuple[str, str, int, float]
"""Language, text, sample rate and pace."""


def resampled(pcm: bytes, rate: int, wanted: int) -> bytes:
    """s16le PCM at another rate."""
    if rate == wanted or not pcm:
        return pcm
    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2")
    out: bytes = soxr.resample(samples, rate, wanted, quality="HQ").astype("<i2").tobytes()
    return out


@dataclass(frozen=True, slots=True)
class Sound:
    """A sentence as it is played: PCM s16le, and when its words are said, where known."""

    pcm: bytes
    marks: tuple[Mark, ...] = ()
    spoken_by: str = ""
    """The voice that spoke when it was not the usual one, and why it was not."""
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why not the usual voice spoke. ``failed`` when none could; then ``apology`` was heard."""

    spoken_by: str
    instead_of: str
    failed: bool = False
    apology: str = ""


class Prompts:
    """Turns sentences into audio once, for all calls of the process (rule 2)."""

    def __init__(
        self, voice: Voice, cache_bytes: int = CACHE_BYTES, patience_s: float = VOICE_S
    ) -> None:
        """A sentence that takes the voice longer than ``patience_s`` is given up."""
        self.voice = voice
        self._patience_s = patience_s
        self._spares: dict[str, tuple[bytes, int]] = {}
        self._limit = cache_bytes
        self._size = 0
        self._cache: OrderedDict[_Key, Sound] = OrderedDict()
        self._making: dict[_Key, asyncio.Task[Sound]] = {}

    async def sound(self, text: str, language: str, rate: int, pace: float = NORMAL_PACE) -> Sound:
        """The text spoken; ``pace`` below 1 is slower. Raises ``SynthesisFailed``."""
        key = (language, text, rate, pace)
        if (kept := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return kept
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key), name="synthesis")
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        # One caller who leaves must not take the audio away from another.
        return await asyncio.shield(task)

    async def warm(self, texts: Iterable[tuple[str, str]], rate: int) -> int:
        """Make frequent prompts, language and text, one after the other; how many were made.

        Meant to go on behind the calls: their prompts come first, it rests as long as it works,
        and it stops at ``WARM_SENTENCES``, at half of the cache, and when the voice fails. What
        has a place to be filled in is left out. Keeps a spare sentence in each language too.
        """
        made = 0
        mute: set[str] = set()
        for language, text in texts:
            for sentence in () if language in mute else sentences(aligned(text, language)):
                key = (language, spoken_of(sentence), rate, NORMAL_PACE)
                if key in self._cache or _OPEN & set(written_of(sentence)):
                    continue
                if made >= WARM_SENTENCES or self._size > self._limit // 2:
                    return made
                try:
                    await self.keep_spare(language, rate)
                    await self._warm_one(key)
                except LanguageNotSpoken:
                    mute.add(language)
                    break
                except SynthesisFailed as error:
                    log.warning("no more prompts are made ahead: %s", error)
                    return made
                made += 1
        return made

    async def _warm_one(self, key: _Key) -> None:
        while self._making:
            await asyncio.wait(self._making.values())
        began = time.monotonic()
        language, text, rate, pace = key
        await self.sound(text, language, rate, pace)
        await asyncio.sleep(max(WARM_REST_S, time.monotonic() - began))

    async def keep_spare(self, language: str, rate: int) -> None:
        """Make what is said when the voice no longer works. Raises ``SynthesisFailed``."""
        text = APOLOGIES.get(language)
        if text is not None and language not in self._spares:
            made = await self.sound(text, language, rate)
            self._spares[language] = made.pcm, rate

    def spare(self, language: str, rate: int) -> bytes:
        """That sentence as PCM s16le; nothing where there is none."""
        pcm, made_at = self._spares.get(language, (b"", rate))
        return resampled(pcm, made_at, rate)

    async def _make(self, key: _Key) -> Sound:
        language, text, rate, pace = key
        speech = self._speak(text, language, pace)
        pcm = resampled(await self._spoken(speech, text), self.voice.sample_rate, rate)
        sound = Sound(pcm, tuple(speech.marks) if isinstance(speech, Timed) else ())
        if isinstance(speech, Stopgap) and speech.substituted:
            return replace(sound, spoken_by=speech.spoken_by, instead_of=speech.instead_of)
        if len(text) <= CACHED_TEXT_CHARS:
            self._cache[key] = sound
            self._size += len(pcm)
            while self._size > self._limit:
                _, old = self._cache.popitem(last=False)
                self._size -= len(old.pcm)
        return sound

    async def _spoken(self, speech: AsyncIterator[bytes], text: str) -> bytes:
        """All of it. Whatever goes wrong with a voice is a ``SynthesisFailed``."""
        name = self.voice.name
        try:
            async with asyncio.timeout(self._patience_s):
                return b"".join([piece async for piece in speech])
        except SynthesisFailed:
            raise
        except TimeoutError:
            raise SynthesisFailed(f"{name}: not done within {self._patience_s:g} s") from None
        except Exception as error:
            log.exception("the voice %s broke on %r", name, text[:40])
            raise SynthesisFailed(f"{name}: {type(error).__name__}: {error}") from error

    def _speak(self, text: str, language: str, pace: float) -> AsyncIterator[bytes]:
        if pace != NORMAL_PACE and isinstance(self.voice, PacedVoice):
            return self.voice.speak_at(text, language, pace)
        return self.voice.speak(text, language)


@dataclass(slots=True)
class _Piece:
    """One sentence on its way. ``before_ms`` was heard before a stop and is not said again,
    ``reached_ms`` is how far it had come then (rule 4 says a little of it twice).
    """

    words: Pieces
    line: int
    pcm: bytes = b""
    times: tuple[tuple[int, float], ...] = ()
    total_ms: int = 0
    before_ms: int = 0
    reached_ms: int = 0
    playback: Playback | None = None

    @property
    def text(self) -> str:
        """As the voice gets it."""
        return spoken_of(self.words)

    @property
    def heard_ms(self) -> int:
        playing = self.playback.played_ms if self.playback is not None else 0
        return min(self.total_ms, self.before_ms + playing)

    @property
    def most_heard_ms(self) -> int:
        """The same, and what was heard before a stop and is not yet said again (rule 4)."""
        return max(self.heard_ms, self.reached_ms)


class Saying:
    """Some lines being said on a leg."""

    def __init__(
        self,
        leg: AudioLeg,
        prompts: Prompts,
        lines: Sequence[str],
        language: str,
        now: Callable[[], float],
        pace: float = NORMAL_PACE,
    ) -> None:
        self._leg = leg
        self._prompts = prompts
        self._language = language
        self._pace = pace
        self._now = now
        self._pieces = [
            _Piece(sentence, number)
            for number, line in enumerate(lines)
            for sentence in sentences(aligned(line, language))
        ]
        self._lines = list(lines)
        self._stopped = False
        self._fault = ""
        """Why no voice could make some of it."""
        self._stand_in: Sound | None = None
        self._spare: Playback | None = None
        """What is heard instead of what no voice could make."""
        self._waiting = False
        self._quiet_frames = 0
        self.first_audio_at: float | None = None
        """When the first audio went out on the wire."""

    async def play(self, *, optional: bool = False) -> bool:
        """Say it, or what is left of it; True when it was heard to its end.

        Nothing stands in for what is ``optional`` and cannot be said.
        """
        if self.failed or self._stopped:
            # Who stopped it may have come before its first turn on the loop.
            return False
        left = [piece for piece in self._pieces if not self._done(piece)]
        making = self._fetch(left[0]) if left else None
        for number, piece in enumerate(left):
            assert making is not None
            self._waiting = True
            await making
            self._waiting = False
            following = left[number + 1] if number + 1 < len(left) else None
            if self._stopped:
                break
            if self.failed:
                if not optional:
                    self._apologise()
                break
            self._queue(piece)
            making = self._fetch(following) if following is not None else None
        return await self._finished()

    def stop(self) -> None:
        """Fall silent within a frame; ``play`` returns False."""
        self._stopped = True
        self._leg.flush()

    def go_on(self) -> None:
        """What was stopped may be played again, from where it stopped (rule 4)."""
        self._stopped = False

    def note_progress(self) -> None:
        """Call once per frame: catches the moment of the first audio, and long silence."""
        self._mind_silence()
        if self.first_audio_at is None:
            played = sum(piece.heard_ms for piece in self._pieces)
            if played:
                self.first_audio_at = self._now() - played / 1000

    def _mind_silence(self) -> None:
        silent = self._waiting and not self._stopped and not self._sounding
        self._quiet_frames = self._quiet_frames + 1 if silent else 0
        if self._quiet_frames * FRAME_MS >= QUIET_S * 1000:
            self._quiet_frames = 0
            self._leg.play(beeps(self._leg.sample_rate, 1))

    @property
    def _sounding(self) -> bool:
        queued = [piece for piece in self._pieces if piece.playback is not None]
        return bool(queued) and not self._done(queued[-1])

    @property
    def failed(self) -> bool:
        """Whether some of it could be said by no voice."""
        return bool(self._fault)

    @property
    def trouble(self) -> Trouble | None:
        """Why not the usual voice said all of it; None when it did."""
        if self.failed:
            spare = self._prompts.spare(self._language, self._leg.sample_rate)
            by = SPOKEN_BY_SPARE if spare else SPOKEN_BY_TONE
            heard_it = bool(spare) and self._spare is not None and self._spare.played_ms > 0
            apology = APOLOGIES[self._language] if heard_it else ""
            return Trouble(by, self._fault, failed=True, apology=apology)
        if self._stand_in is not None:
            return Trouble(self._stand_in.spoken_by, self._stand_in.instead_of)
        return None

    @property
    def begun(self) -> bool:
        """True once some of it is on its way to the wire."""
        return any(piece.playback is not None for piece in self._pieces)

    @property
    def stopped(self) -> bool:
        """True while it is stopped before its end."""
        return self._stopped

    @property
    def line(self) -> int:
        """Which of the lines is being said, from 0; their number when all were."""
        left = (piece.line for piece in self._pieces if not self._done(piece))
        return next(left, len(self._lines))

    @property
    def sounding(self) -> bytes:
        """The 20 ms that went out on the wire last, for telling our echo from the caller."""
        for piece in self._pieces:
            if piece.playback is not None and 0 < piece.heard_ms < piece.total_ms:
                end = piece.heard_ms * self._leg.sample_rate // 1000 * 2
                return piece.pcm[max(0, end - FRAME_MS * self._leg.sample_rate // 500) : end]
        return b""

    def heard(self) -> list[str]:
        """Per line, the words that the caller heard; empty for none (rule 3)."""
        return [self._heard_of(number, line) for number, line in enumerate(self._lines)]

    def _heard_of(self, number: int, line: str) -> str:
        mine = [piece for piece in self._pieces if piece.line == number]
        if all(self._done(piece) for piece in mine):
            return line
        parts = [
            heard(piece.words, piece.most_heard_ms, piece.total_ms, piece.times) for piece in mine
        ]
        return ("" if self._language == "zh" else " ").join(part for part in parts if part)

    def _fetch(self, piece: _Piece) -> asyncio.Task[None]:
        return asyncio.create_task(self._make(piece), name="saying")

    async def _make(self, piece: _Piece) -> None:
        if piece.pcm:
            return
        rate = self._leg.sample_rate
        try:
            made = await self._prompts.sound(piece.text, self._language, rate, self._pace)
            piece.pcm = made.pcm
            piece.times = tuple((mark.upto, mark.ms) for mark in made.marks)
            if made.instead_of:
                self._stand_in = made
        except SynthesisFailed as error:
            log.warning("could not say %r: %s", piece.text, error)
            self._fault = str(error)
        piece.total_ms = len(piece.pcm) * 1000 // (2 * rate)

    def _queue(self, piece: _Piece) -> None:
        piece.reached_ms = max(piece.reached_ms, piece.heard_ms)
        start_ms = max(0, piece.heard_ms - BACK_UP_MS) if piece.heard_ms else 0
        piece.before_ms = start_ms
        start = start_ms * self._leg.sample_rate // 1000 * 2
        piece.playback = self._leg.play(piece.pcm[start:]) if piece.pcm else None

    def _apologise(self) -> None:
        rate = self._leg.sample_rate
        spare = self._prompts.spare(self._language, rate)
        self._spare = self._leg.play(spare or beeps(rate))

    async def _finished(self) -> bool:
        if self._spare is not None:
            await self._spare.done()
        for piece in self._pieces:
            if piece.playback is not None:
                await piece.playback.done()
                if piece.playback.cleared:
                    return False
        return not (self._stopped or self.failed)

    @staticmethod
    def _done(piece: _Piece) -> bool:
        played = piece.playback is not None and not piece.playback.cleared
        return played and piece.heard_ms >= piece.total_ms
