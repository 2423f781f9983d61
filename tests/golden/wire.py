"""Sound that says what it is: every 20 ms frame carries who speaks which part of what.

So a test knows what really went over the line, whatever the bot believes of it, and the
scripted recogniser hears only the words whose sound it was given.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bots.errors import RecognitionFailed, SynthesisFailed
from bots.ports import Expectation, Hypothesis, Partial
from evals.call_script import Speech, World
from tests.scripted import FRAME, RATE, SILENCE, tone

FRAMES_PER_CHAR = 3
"""A caller takes 60 ms for a letter: "where is my order" takes a second."""
VOICE_SPEED = 3
"""The bot's voice takes a frame for a letter, so a third of the time that people take: seconds
into its words, which scripts count as people speak, are a third as long."""
SHORTEST_FRAMES = 14
ENDS, GOES_ON = 0.3, 0.02
"""How likely a sentence ends with all the words that are said, and with the first of them."""
WORDLESS, UNKNOWN = 0, -1
BOT, CALLER = tone(hz=440.0), tone(hz=310.0)
"""Two tones, so that nobody takes the one for an echo of the other."""
_MARK = struct.Struct("<hh")

Delay = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Mark:
    """Frame number ``place`` of sound number ``source``."""

    source: int
    place: int


def frame(source: int, place: int, sound: bytes) -> bytes:
    """20 ms of a sound that can be read back."""
    return _MARK.pack(source, place) + sound[_MARK.size :]


def read(pcm: bytes | None) -> Mark | None:
    """What a frame is part of; None for silence."""
    if pcm is None or pcm == SILENCE:
        return None
    if pcm[_MARK.size :] not in (BOT[_MARK.size :], CALLER[_MARK.size :]):
        return Mark(UNKNOWN, 0)  # a tone of the bot's own
    return Mark(*_MARK.unpack_from(pcm))


@dataclass
class WireVoice:
    """A letter is a frame; texts are numbered as they are first said."""

    world: Callable[[], World]
    delay: Delay
    name: str = "wire"
    sample_rate: int = RATE
    texts: list[str] = field(default_factory=list)
    paces: list[float] = field(default_factory=list)

    async def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        """As ``bots.ports.Voice``."""
        async for pcm in self.speak_at(text, language, 1.0):
            yield pcm

    async def speak_at(self, text: str, language: str, pace: float) -> AsyncIterator[bytes]:
        """As ``bots.ports.PacedVoice``."""
        world = self.world()
        await self.delay(world.voice_s)
        if any(part in text for part in world.unspeakable):
            raise SynthesisFailed(f"the scripted voice cannot say {text!r}")
        if text not in self.texts:
            self.texts.append(text)
        self.paces.append(pace)
        number = self.texts.index(text) + 1
        count = round(len(text) / pace)
        places = [*(int(place * pace) for place in range(count - 1)), len(text) - 1]
        yield b"".join(frame(number, place, BOT) for place in places)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One stretch of a caller's speech and how a recogniser takes it."""

    words: str
    frames: int
    confidence: float
    alternatives: tuple[str, ...]
    last: bool
    """Whether a sentence can end with it."""


class CallerVoice:
    """What callers said on the line, by number; 0 has no words."""

    def __init__(self) -> None:
        self.said = [Utterance("", 0, 0.0, (), True)]

    def frames(self, speech: Speech) -> list[list[bytes]]:
        """The sound of each part."""
        heard = _split(speech.heard, len(speech.parts))
        spoken = []
        for place, (part, words) in enumerate(zip(speech.parts, heard, strict=True)):
            count = max(SHORTEST_FRAMES, len(part) * FRAMES_PER_CHAR)
            last = place == len(speech.parts) - 1
            alternatives = speech.alternatives if last else ()
            self.said.append(Utterance(words, count, speech.confidence, alternatives, last))
            number = len(self.said) - 1
            spoken.append([frame(number, index, CALLER) for index in range(count)])
        return spoken


def _split(heard: str, parts: int) -> list[str]:
    """The words that each part is heard as: the first ones one by one, the rest last."""
    words = heard.split()
    each = -(-len(words) // parts)
    return [" ".join(words[at * each : (at + 1) * each]) for at in range(parts)]


class WireTranscriber:
    """Hears the words whose sound it was given."""

    name = "wire"
    sample_rate = RATE

    def __init__(self, caller: CallerVoice, world: Callable[[], World], delay: Delay) -> None:
        self.caller, self.world, self.delay = caller, world, delay
        self.opened: list[WireRecognition] = []

    def prepare(self, expect: Expectation) -> None:
        """As ``bots.ports.Transcriber``."""

    def open(self, expect: Expectation) -> WireRecognition:
        """As ``bots.ports.Transcriber``."""
        self.opened.append(WireRecognition(self, expect))
        return self.opened[-1]


class WireRecognition:
    """One utterance, or what was fed of it."""

    def __init__(self, owner: WireTranscriber, expect: Expectation) -> None:
        self._owner = owner
        self.expect = expect
        self.fed: dict[int, int] = {}
        self.cancelled = self.finished = False

    def feed(self, pcm: bytes) -> None:
        """As ``bots.ports.Recognition``."""
        for start in range(0, len(pcm), 2 * FRAME):
            mark = read(pcm[start : start + 2 * FRAME])
            if mark is not None:
                self.fed[mark.source] = self.fed.get(mark.source, 0) + 1

    def partial(self) -> Partial:
        """As ``bots.ports.Recognition``."""
        numbers = self._numbers()
        last = self._owner.caller.said[numbers[-1]] if numbers else None
        whole = last is not None and last.last and self._words(numbers[-1:]) == last.words
        return Partial(self._words(numbers), ENDS if whole else GOES_ON)

    async def finish(self) -> Hypothesis:
        """As ``bots.ports.Recognition``."""
        world = self._owner.world()
        await self._owner.delay(world.recogniser_s)
        self.finished = True
        if world.recogniser == "broken":
            raise RecognitionFailed("the scripted recogniser is broken")
        numbers = self._numbers()
        words = self._words(numbers)
        if self.cancelled or not words:
            return Hypothesis("", 0.0)
        last = self._owner.caller.said[numbers[-1]]
        return Hypothesis(words, last.confidence, last.alternatives)

    def cancel(self) -> None:
        """As ``bots.ports.Recognition``."""
        self.cancelled = True

    def _numbers(self) -> list[int]:
        return sorted(number for number in self.fed if number != WORDLESS)

    def _words(self, numbers: Sequence[int]) -> str:
        """The words of which enough was fed, from the first on."""
        found = []
        for number in numbers:
            utterance = self._owner.caller.said[number]
            words = utterance.words.split()
            share = min(1.0, self.fed[number] / utterance.frames)
            found += words[: round(len(words) * share)]
        return " ".join(found)
