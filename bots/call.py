"""The ears and mouth of one call: frames in, prompts out, one question at a time.

``Call`` listens to the leg, lets the detector and the turn machine decide, and does
what they say: recognition opened with the words that came before its decision,
prompts stopped and resumed, keys collected. Frames are handled inline, at once.

Turns are measured in the caller's audio, 20 ms a frame, not by the clock: a process that
stood still for a second, or a network that did, ends nobody's sentence.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import soxr

from bots.complete import is_complete
from bots.conversation import Heard
from bots.detect import SpeechDetector
from bots.early import Early, Led
from bots.errors import RecognitionFailed
from bots.ports import (
    AudioLeg,
    Expectation,
    Hypothesis,
    Partial,
    Recognition,
    Transcriber,
    VoiceActivity,
)
from bots.speech import NORMAL_PACE, Prompts, Saying, Trouble
from bots.turn import BARGE_IN_S, FRAME_S, ONSET_S, Act, TurnMachine, profile_for

PRE_ROLL_FRAMES = 20
"""Audio kept from before speech was noticed, 0.4 s: its first sound is often quiet."""
UNCLEAR = "[unclear]"
"""What the transcript shows of speech in which no words were recognised."""
BACKCHANNELS = frozenset(
    {"mhm", "mm", "hm", "hmm", "uh", "um", "uh huh", "aha", "ok", "okay", "yeah", "yep"}
    | {"right", "sure", "alright", "all right", "i see", "嗯", "好", "好的", "是的", "jā", "labi"}
)
"""Said over a prompt these mean "go on", unless the question is a yes or no."""
MOST_FAILURES = 3
"""Of the detection of speech in one call; then it does without its network."""
FILLER_AFTER_S = 0.9
"""Who waits longer for an answer is told that it is being looked up (0.8 to 1.0 s)."""
NOTHING = Hypothesis("", 0.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What is said, and what is hoped to be heard then."""

    lines: tuple[str, ...]
    expect: Expectation = field(default_factory=Expectation)
    max_digits: int = 0
    pace: float = NORMAL_PACE
    """Below 1 for a caller who asked for slower speech."""
    listen: str = ""
    """The turn's profile, where it is not that of the expectation's kind."""
    protected: frozenset[int] = frozenset()
    """Which of the lines speech does not stop."""
    filler: str = ""
    """Said when recognition takes long, in the question's language."""
    off_record: bool = False
    """Whether nothing is recorded from its first word until something else is said."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Moments of one turn on the call's clock, seconds; None for not measured.

    ``acted_s`` is how long actions took between ``recognised_at`` and ``understood_at``.
    """

    speech_ended_at: float | None = None
    ended_at: float | None = None
    recognised_at: float | None = None
    understood_at: float | None = None
    first_audio_at: float | None = None
    acted_s: float | None = None
    by_keys: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """How a question went: None in ``heard`` when the caller has gone.

    ``said`` has, per line, the words that the caller heard, ``filled`` those of the filler.
    When the usual recogniser could
    not, ``instead_of`` says why and ``heard_by`` names the one that did, empty for none.
    """

    heard: Heard | None
    said: tuple[str, ...]
    timing: Timing = field(default_factory=Timing)
    heard_by: str = ""
    instead_of: str = ""
    filled: str = ""
    continues: bool = False
    """True for words that were no answer to this question but went on with those before it."""

    @property
    def deaf(self) -> bool:
        """Whether something was said and no recogniser worked."""
        return bool(self.instead_of) and not self.heard_by


def is_backchannel(text: str) -> bool:
    """Whether it says no more than "go on"."""
    return text.lower().strip(" .,!") in BACKCHANNELS


def heard_of(hypothesis: Hypothesis) -> Heard:
    """As the conversation gets it."""
    return Heard.said(hypothesis.text, hypothesis.confidence, hypothesis.alternatives)


def joined(first: Hypothesis, more: Hypothesis) -> Hypothesis:
    """Words and those that went on with them; the alternatives were of a part only."""
    if not first.text:
        return more if more.text or more.instead_of else first
    if not more.text:
        return first
    return Hypothesis(
        f"{first.text} {more.text}",
        min(first.confidence, more.confidence),
        heard_by=first.heard_by or more.heard_by,
        instead_of=first.instead_of or more.instead_of,
    )


class _Happening:
    """What the listening side tells the asking side."""

    PROMPT_ENDED = "prompt-ended"
    LEFT = "left"


class Call:
    """One leg with its detector, turn machine and recognition."""

    def __init__(
        self,
        leg: AudioLeg,
        transcriber: Transcriber,
        prompts: Prompts,
        seconds: Callable[[], float],
        activity: VoiceActivity | None = None,
    ) -> None:
        """Starts to listen at once. Close it when the bot has done with the leg.

        Without ``activity`` every sound of the caller is taken for speech.
        """
        self.leg = leg
        self._transcriber = transcriber
        self._prompts = prompts
        self._seconds = seconds
        self._activity = activity
        self._failures = 0
        """Of the detection of speech."""
        self._detector = self._new_detector()
        self._machine = TurnMachine()
        self._expect = Expectation()
        self._max_digits = 0
        self._protected: frozenset[int] = frozenset()
        """Which lines of what is said speech does not stop."""
        self._filler: Question | None = None
        """Of the question under way, until it was said."""
        self._filled = ""
        self._turn_ended = 0
        """The frame with which the caller's turn was over: fillers count from there."""
        self._saying: Saying | None = None
        self._early = ""
        """Keys pressed before the first prompt: callers who know the menu do not wait."""
        self._playing: asyncio.Task[None] | None = None
        self._recognition: Recognition | None = None
        self._finishing: list[Recognition] = []
        """Those whose final text is awaited."""
        self._more: list[asyncio.Task[Hypothesis]] = []
        """What was said while the bot was thinking."""
        self._earlier = NOTHING
        """Words with which the caller's next turn has begun."""
        self._settled = asyncio.Event()
        """Set when that has ended."""
        self._refused = ""
        """Why no recogniser listens."""
        self._understood = NOTHING
        self._pre_roll: deque[bytes] = deque(maxlen=PRE_ROLL_FRAMES)
        self._spoken_s = 0.0
        self._frames = 0
        self._awaited: tuple[int, asyncio.Event] | None = None
        """The frame for which somebody waits."""
        self._spoke_at: float | None = None
        self._resampler: soxr.ResampleStream | None = None
        self._inbox: asyncio.Queue[Act | str] = asyncio.Queue()
        if leg.closed.is_set():
            self._inbox.put_nowait(_Happening.LEFT)
        leg.listen(self, live=False)

    @property
    def first_audio_at(self) -> float | None:
        """When the present saying's first audio went out on the wire."""
        return self._saying.first_audio_at if self._saying is not None else None

    @property
    def trouble(self) -> Trouble | None:
        """Why not the usual voice said all of the present saying."""
        return self._saying.trouble if self._saying is not None else None

    def close(self) -> None:
        """Stop listening and free what recognition holds. Safe to call twice."""
        self._machine.rest()
        self._drop_recognition()
        for recognition in self._finishing:
            recognition.cancel()
        for task in (self._playing, *self._more):
            if task is not None:
                task.cancel()
        self.leg.listen(None)
        self.leg.off_record = False

    @property
    def _heard_s(self) -> float:
        """The turn machine's time: how much of the caller was heard so far."""
        return self._frames * FRAME_S

    async def ask(self, question: Question) -> Asked:
        """Say the lines, let the caller speak, press keys or keep silent."""
        self.leg.off_record = question.off_record
        self._expect, self._max_digits = question.expect, question.max_digits
        self._filler = replace(question, lines=(question.filler,)) if question.filler else None
        self._filled = ""
        saying = self._begin_saying(question.lines, question.expect.language, question.pace)
        self._protected = question.protected
        profile = profile_for(question.listen or question.expect.kind)
        self._machine.protect(saying.line in self._protected)
        self._do(self._machine.prompt_began(profile, self._heard_s, max_digits=question.max_digits))
        early, self._early = self._early, ""
        for digit in early:
            self.pressed(digit)
        while True:
            heard, timing = await self._next()
            if self.leg.closed.is_set():
                # Nobody is there any more for whom something could be done.
                heard = None
            if heard is not None or self.leg.closed.is_set():
                got = self._understood
                said = tuple(saying.heard())
                continues = self._machine.continues
                return Asked(
                    heard, said, timing, got.heard_by, got.instead_of, self._filled, continues
                )

    async def say(
        self, lines: Sequence[str], language: str, pace: float = NORMAL_PACE
    ) -> tuple[str, ...]:
        """Say something that expects no answer; what the caller heard of each line."""
        self.leg.off_record = False
        saying = self._begin_saying(lines, language, pace)
        self._machine.rest()
        self._drop_recognition()
        while not self.leg.closed.is_set():
            if await self._inbox.get() == _Happening.PROMPT_ENDED:
                break
        return tuple(saying.heard())

    async def lead(self, question: Question, early: Early, answer: asyncio.Future[Any]) -> Led:
        """Say sentences of the answer until it is whole; how far that went.

        Who speaks over it has had enough: the rest is neither written nor said here.
        """
        said: list[str] = []
        words: list[str] = []
        began: float | None = None
        language, pace = question.expect.language, question.pace
        self._machine.filler_began()
        try:
            while sentence := await early.next(answer, self.leg.closed):
                saying = Saying(self.leg, self._prompts, (sentence,), language, self._seconds, pace)
                self._saying = saying
                whole = await saying.play(optional=True)
                saying.note_progress()
                began = saying.first_audio_at if began is None else began
                words += [part for part in saying.heard() if part]
                if not whole:
                    early.enough.set()
                    break
                said.append(sentence)
        finally:
            self._machine.filler_ended()
            if self.leg.closed.is_set():
                early.enough.set()
        return Led(tuple(said), " ".join(words), began)

    async def fill(
        self, filler: Question, answer: asyncio.Future[Any], early: Early | None = None
    ) -> str:
        """Say the filler's line when ``answer`` takes long, and what was heard of it.

        Nothing when the answer, its beginning, or the end of the call comes before its first sound;
        once it sounds it is said to its end, unless the caller stops it. Errors of ``answer``
        are the caller's.
        """
        begun = None if early is None else early.begun
        await self._first_of(self._patience(), answer, begun)
        if answer.done() or self.leg.closed.is_set() or (begun and begun.is_set()):
            return ""
        language, pace = filler.expect.language, filler.pace
        saying = Saying(self.leg, self._prompts, filler.lines, language, self._seconds, pace)
        self._saying = saying
        playing = asyncio.create_task(saying.play(optional=True), name="filler")
        self._machine.filler_began()
        try:
            await asyncio.wait({playing, answer}, return_when=asyncio.FIRST_COMPLETED)
            if saying.begun:
                await playing
        finally:
            self._machine.filler_ended()
            playing.cancel()
        return " ".join(part for part in saying.heard() if part)

    async def _patience(self) -> None:
        """Return when the caller has waited so long since the last words, or the leg is over."""
        while not self.leg.closed.is_set():
            await self._quiet()
            due = self._turn_ended + round(FILLER_AFTER_S / FRAME_S)
            if self._frames >= due:
                return
            self._awaited = due, asyncio.Event()
            await self._awaited[1].wait()

    async def _quiet(self) -> None:
        """Return when what the caller says while the bot thinks has ended, or the leg is over."""
        while self._machine.caller_speaking and not self.leg.closed.is_set():
            self._settled.clear()
            await self._settled.wait()

    @staticmethod
    async def _first_of(
        waited: Coroutine[Any, Any, None],
        answer: asyncio.Future[Any],
        begun: asyncio.Event | None,
    ) -> None:
        waiting: set[asyncio.Future[Any]] = {asyncio.create_task(waited, name="patience")}
        if begun is not None:
            waiting.add(asyncio.create_task(begun.wait(), name="begun"))
        try:
            await asyncio.wait({*waiting, answer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    # -- LegListener ---------------------------------------------------------------

    def heard(self, pcm: bytes) -> None:
        """20 ms of the caller."""
        saying = self._saying
        if saying is not None:
            saying.note_progress()
        speech = self._is_speech(pcm, saying.sounding if saying else b"")
        self._pre_roll.append(pcm)
        if self._recognition is not None:
            self._feed(pcm)
            self._spoken_s += FRAME_S + self._detector.earlier_s if speech else 0.0
            self._judge_complete(speech)
        self._frames += 1
        if self._awaited is not None and self._frames >= self._awaited[0]:
            self._awaited[1].set()
        if self._protected and saying is not None:
            self._machine.protect(saying.line in self._protected)
        acts = self._machine.frame(speech, self._heard_s, self._detector.earlier_s)
        if self._machine.last_speech_at == self._heard_s:
            self._spoke_at = self._seconds()
        self._do(acts)

    def _is_speech(self, pcm: bytes, ours: bytes) -> bool:
        try:
            return self._detector.frame(pcm, ours)
        except Exception:
            # A caller must not be cut off, or never be heard again, for a fault of the detector.
            self._failures += 1
            log.exception("speech detection failed on leg %s; a new one begins", self.leg.id)
            self._detector = self._new_detector()
            return False

    def _new_detector(self) -> SpeechDetector:
        """The gate alone when the network failed again and again."""
        if self._activity is None or self._failures >= MOST_FAILURES:
            return SpeechDetector(None, self.leg.sample_rate)
        return SpeechDetector(self._activity.open(self.leg.sample_rate), self.leg.sample_rate)

    def pressed(self, digit: str) -> None:
        """A key."""
        if self._saying is None:
            self._early += digit
            return
        self._do(self._machine.key(digit, self._heard_s))

    def hung_up(self, cause: int) -> None:
        """The leg is over."""
        self._drop_recognition()
        for recognition in self._finishing:
            recognition.cancel()
        self._settled.set()
        if self._awaited is not None:
            self._awaited[1].set()
        self._inbox.put_nowait(_Happening.LEFT)

    # -- what the machine asks for -------------------------------------------------

    def _do(self, acts: Sequence[Act]) -> None:
        for act in acts:
            match act:
                case Act.START_RECOGNITION:
                    self._start_recognition()
                case Act.DROP_RECOGNITION:
                    self._drop_recognition()
                    self._settled.set()
                case Act.KEEP_WORDS:
                    self._keep_words()
                case Act.STOP_PLAYBACK:
                    if self._saying is not None:
                        self._saying.stop()
                case Act.RESUME_PLAYBACK:
                    if self._saying is not None:
                        self._saying.go_on()
                        self._play()
                case _:
                    self._inbox.put_nowait(act)

    async def _next(self) -> tuple[Heard | None, Timing]:
        happening = await self._inbox.get()
        self._understood = NOTHING
        self._turn_ended = self._frames
        match happening:
            case Act.END_TURN:
                return await self._end_turn()
            case Act.TAKE_DIGITS:
                pressed = Heard.pressed(self._machine.answer)
                return pressed, Timing(ended_at=self._seconds(), by_keys=True)
            case Act.NO_INPUT:
                earlier, self._earlier = self._earlier, NOTHING
                return (heard_of(earlier) if earlier.text else Heard.silence()), Timing()
            case _Happening.PROMPT_ENDED:
                self._do(self._machine.prompt_ended(self._heard_s))
                if self._saying is not None and self._saying.failed:
                    # Nobody answers a question that was not asked.
                    return Heard.silence(), Timing()
        return None, Timing()

    async def _end_turn(self) -> tuple[Heard | None, Timing]:
        ended = self._seconds()
        spoke_until, spoken_s = self._spoke_at, self._spoken_s
        earlier, self._earlier = self._earlier, NOTHING
        interrupted = self._saying is not None and self._saying.stopped
        hypothesis, recognised_at = await self._recognised_covered()
        more = await self.more_words()
        hypothesis = self._understood = joined(joined(earlier, hypothesis), more)
        timing = Timing() if more.text else Timing(spoke_until, ended, recognised_at)
        if self._means_nothing(hypothesis, spoken_s, interrupted):
            self._do(self._machine.meant_nothing(self._heard_s))
            return None, timing
        if not hypothesis.text:
            return Heard.said(UNCLEAR, 0.0), timing
        return heard_of(hypothesis), timing

    def _means_nothing(self, hypothesis: Hypothesis, spoken_s: float, interrupted: bool) -> bool:
        if not hypothesis.text:
            # What nobody could recognise may have been anything, and is not ignored.
            ignored = interrupted and not (hypothesis.instead_of and not hypothesis.heard_by)
            return ignored or spoken_s < BARGE_IN_S
        backchannel = is_backchannel(hypothesis.text)
        return interrupted and backchannel and self._expect.kind != "yes-no"

    # -- speaking --------------------------------------------------------------------

    def _begin_saying(self, lines: Sequence[str], language: str, pace: float) -> Saying:
        self._saying = Saying(self.leg, self._prompts, lines, language, self._seconds, pace)
        self._play()
        return self._saying

    def _play(self) -> None:
        assert self._saying is not None
        self._playing = asyncio.create_task(self._play_through(self._saying), name="prompt")

    async def _play_through(self, saying: Saying) -> None:
        try:
            await saying.play()
        finally:
            # Whatever went wrong with the sound, the caller gets the word.
            saying.note_progress()
            if not saying.stopped:
                self._inbox.put_nowait(_Happening.PROMPT_ENDED)

    # -- recognition -----------------------------------------------------------------

    def _start_recognition(self) -> None:
        self._drop_recognition()
        self._refused = ""
        self._spoken_s = ONSET_S
        wanted = self._transcriber.sample_rate
        self._resampler = None
        if wanted != self.leg.sample_rate:
            self._resampler = soxr.ResampleStream(
                self.leg.sample_rate, wanted, 1, dtype="int16", quality="QQ"
            )
        try:
            self._recognition = self._transcriber.open(self._expect)
        except RecognitionFailed as error:
            log.warning("cannot recognise speech on leg %s: %s", self.leg.id, error)
            self._refused = str(error)
            return
        for frame in self._pre_roll:
            self._feed(frame)

    def _feed(self, pcm: bytes) -> None:
        if self._recognition is None:
            return
        if self._resampler is not None:
            pcm = self._resampler.resample_chunk(np.frombuffer(pcm, dtype="<i2")).tobytes()
        self._recognition.feed(pcm)

    def _drop_recognition(self) -> None:
        if self._recognition is not None:
            self._recognition.cancel()
            self._recognition = None

    async def _recognised_covered(self) -> tuple[Hypothesis, float]:
        """The words and when they were there, with a filler when they take long."""
        recognising = asyncio.create_task(self._recognised(), name="recognition")
        recognised_at: list[float] = []
        recognising.add_done_callback(lambda _: recognised_at.append(self._seconds()))
        prompt, filler = self._saying, self._filler
        try:
            if filler is not None:
                self._filled = await self.fill(filler, recognising)
                self._filler = None if self._filled else filler
            hypothesis = await recognising
        finally:
            recognising.cancel()
            # A prompt that was stopped for nothing goes on.
            self._saying = prompt
        return hypothesis, recognised_at[0]

    async def _recognised(self) -> Hypothesis:
        recognition, self._recognition = self._recognition, None
        if recognition is None:
            return Hypothesis("", 0.0, instead_of=self._refused)
        self._finishing.append(recognition)
        try:
            return await recognition.finish()
        except RecognitionFailed as error:
            log.warning("recognition failed on leg %s: %s", self.leg.id, error)
            return Hypothesis("", 0.0, instead_of=str(error))
        finally:
            self._finishing.remove(recognition)

    def carry(self, words: Hypothesis) -> None:
        """Let these words be the beginning of the caller's next turn."""
        self._earlier = joined(self._earlier, words)

    def _keep_words(self) -> None:
        """What was said while the bot was thinking goes on to be recognised."""
        self._turn_ended = self._frames
        self._more.append(asyncio.create_task(self._recognised(), name="more words"))
        self._settled.set()

    async def more_words(self) -> Hypothesis:
        """What the caller said since the turn's end, waited for while it is still being said.

        Nothing for a cough, a backchannel, or when the leg is over.
        """
        await self._quiet()
        more, self._more = self._more, []
        words = NOTHING
        for hypothesis in await asyncio.gather(*more):
            if not is_backchannel(hypothesis.text):
                words = joined(words, hypothesis)
        return words

    def _judge_complete(self, speech: bool) -> None:
        """Tell the machine whether the answer so far is whole by its type."""
        if self._recognition is None:
            return
        partial = Partial() if speech else self._recognition.partial()
        if is_complete(self._expect, partial, self._max_digits):
            self._machine.complete()
        else:
            self._machine.incomplete()
