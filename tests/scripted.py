"""A call on virtual time: a leg, a caller, a transcriber and a voice that follow a script.

Nothing here sleeps: ``ScriptedLeg.tick`` is 20 ms. Playout, flushing and hang-up are
the product's own (``channels.media.leg``); only the wire and the engines are scripted.
"""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bots.conversation import Heard, Reply, Turn
from bots.errors import RecognitionFailed, SynthesisFailed
from bots.ports import Expectation, Hypothesis, Mark, Partial
from channels.media.leg import Leg
from router.acts.act import HandoffPlan
from router.errors import Conflict
from router.events import Fact
from router.model import (
    Channel,
    Customer,
    Direction,
    EndedBy,
    Handoff,
    Interaction,
    NewMessage,
    new_id,
)
from router.model import InteractionState as S

RATE = 8000
FRAME = 160
FRAME_S = 0.02
SETTLE_TURNS = 30
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VOICE_MS_PER_CHAR = 50


def tone(level: float = 0.1, samples: int = FRAME, hz: float = 440.0) -> bytes:
    """A sine as s16le; 0.1 of full scale is a normal speaking level."""
    peak = 32767 * level
    wave = (int(peak * math.sin(2 * math.pi * hz * i / RATE)) for i in range(samples))
    return struct.pack(f"<{samples}h", *wave)


SPEECH = tone(hz=300.0)
"""Another tone than the scripted voice's, or it would be our own echo."""
SILENCE = bytes(2 * FRAME)


class ScriptedLeg(Leg):
    """A leg whose clock is moved by the test. ``sent`` is what the far end got."""

    def __init__(self) -> None:
        super().__init__("leg-1", "+37120000001", RATE)
        self.now = 0.0
        self.sent: list[tuple[float, bool]] = []
        self.keys = ""
        self.echo: Callable[[bytes | None], bytes] | None = None

    def seconds(self) -> float:
        """The call's clock."""
        return self.now

    async def tick(self, frame: bytes = SILENCE) -> None:
        """20 ms in both directions; then everybody who can goes on."""
        out = self.outgoing()
        self.sent.append((self.now, out is not None))
        self.now += FRAME_S
        if self.echo is not None:
            frame = self.echo(out) if frame == SILENCE else frame
        if not self.closed.is_set():
            self.incoming(frame)
        await settle()

    async def run_for(self, seconds: float, frame: bytes = SILENCE) -> None:
        """Let time pass, with ``frame`` from the far end."""
        for _ in range(round(seconds / FRAME_S)):
            await self.tick(frame)

    def playing_at(self, when: float) -> bool:
        """Whether our sound was on the wire then."""
        return any(sound for at, sound in self.sent if abs(at - when) < FRAME_S / 2)

    def press(self, digits: str) -> None:
        self.keys += digits

    async def hang_up(self, cause: int = 16) -> None:
        self.end(cause)
        await settle()


async def settle() -> None:
    """Give every task that is ready its turn."""
    for _ in range(SETTLE_TURNS):
        await asyncio.sleep(0)


class ScriptedRecognition:
    """One utterance; its text comes from the transcriber's script when it is finished."""

    def __init__(self, owner: ScriptedTranscriber, expect: Expectation) -> None:
        self._owner = owner
        self.expect = expect
        self.fed_ms = 0
        self.silent_ms = 0
        self.cancelled = False

    def feed(self, pcm: bytes) -> None:
        ms = len(pcm) * 1000 // (2 * RATE)
        self.fed_ms += ms
        self.silent_ms += 0 if any(pcm) else ms

    def partial(self) -> Partial:
        return self._owner.partial

    async def finish(self) -> Hypothesis:
        if self._owner.broken:
            raise RecognitionFailed("the scripted recogniser is broken")
        self._owner.finished.append(self)
        if self._owner.slow is not None:
            await self._owner.slow.wait()
        if self.cancelled:
            return Hypothesis("", 0.0)
        script = self._owner.script
        text = script.pop(0) if script else ""
        return Hypothesis(text, 0.9 if text else 0.0)

    def cancel(self) -> None:
        self.cancelled = True
        if self._owner.slow is not None:
            self._owner.slow.set()


class ScriptedTranscriber:
    """Gives the texts of ``script`` one by one, whatever it hears."""

    name = "scripted"
    sample_rate = RATE

    def __init__(self) -> None:
        self.script: list[str] = []
        self.partial = Partial()
        self.broken = False
        self.slow: asyncio.Event | None = None
        """When there is one, the text comes when it is set."""
        self.opened: list[ScriptedRecognition] = []
        self.finished: list[ScriptedRecognition] = []
        self.prepared: list[Expectation] = []

    def prepare(self, expect: Expectation) -> None:
        self.prepared.append(expect)

    def open(self, expect: Expectation) -> ScriptedRecognition:
        recognition = ScriptedRecognition(self, expect)
        self.opened.append(recognition)
        return recognition


class ScriptedVoice:
    """A tone of ``VOICE_MS_PER_CHAR`` per character; ``broken`` texts cannot be said."""

    name = "scripted"
    sample_rate = RATE

    def __init__(self) -> None:
        self.made: list[str] = []
        self.broken: set[str] = set()

    async def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        if text in self.broken:
            raise SynthesisFailed(f"cannot say {text!r}")
        self.made.append(text)
        yield tone(samples=len(text) * VOICE_MS_PER_CHAR * RATE // 1000)


class TimedSpeech:
    """Words of given lengths, in seconds, and when each of them was said."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self.marks: list[Mark] = []
        self._left = list(seconds.items())

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        word, seconds = self._left.pop(0)
        said, ms = (self.marks[-1].upto + 1, self.marks[-1].ms) if self.marks else (0, 0.0)
        self.marks.append(Mark(said + len(word), ms + seconds * 1000))
        return tone(samples=round(seconds * RATE))


class TimedScriptedVoice(ScriptedVoice):
    """Says only its own words, and when."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        super().__init__()
        self._seconds = seconds

    def speak(self, text: str, language: str) -> TimedSpeech:
        assert text == " ".join(self._seconds)
        self.made.append(text)
        return TimedSpeech(self._seconds)


class PacedScriptedVoice(ScriptedVoice):
    """The same, and slower when it is asked to be."""

    async def speak_at(self, text: str, language: str, pace: float) -> AsyncIterator[bytes]:
        self.made.append(f"{text} @{pace}")
        yield tone(samples=round(len(text) * VOICE_MS_PER_CHAR / pace) * RATE // 1000)


@dataclass
class ScriptedDialogue:
    """Turns one after the other; remembers what it heard."""

    turns: list[Turn]
    heard: list[Heard] = field(default_factory=list)
    played_as: list[tuple[str, ...]] = field(default_factory=list)
    ready: asyncio.Event | None = None
    """When given, the first turn waits for it."""

    def of(self, interaction: Interaction) -> ScriptedDialogue:
        return self

    def broken(self, interaction: Interaction) -> Turn:
        text = "Something went wrong."
        packet = Handoff(reason="bot-failed", summary="broken")
        return Turn((Reply(text, text),), {}, handoff=packet, queue="orders")

    async def begin(self, interaction: Interaction, *, customer_name: str = "") -> Turn:
        if self.ready is not None:
            await self.ready.wait()
        return self.turns.pop(0)

    async def hear(self, memory: Mapping[str, Any], heard: Heard) -> Turn:
        self.heard.append(heard)
        return self.turns.pop(0)

    async def not_reached(self, memory: Mapping[str, Any], outcome: str) -> Turn:
        self.heard.append(Heard.said(f"outside: {outcome}"))
        return self.turns.pop(0)

    def played(self, turn: Turn, heard: Sequence[str]) -> Turn:
        self.played_as.append(tuple(heard))
        return turn

    async def give_up(self, memory: Mapping[str, Any], reason: str) -> Turn:
        text = "I am getting you a person."
        packet = Handoff(reason=reason, summary=reason)
        return Turn((Reply(text, text),), dict(memory), handoff=packet, queue="orders")


@dataclass
class ScriptedRecords:
    """Keeps what the voice bot does to its interaction, in order.

    Stands for the lifecycle, the store and one transaction of it, which on a real
    database run on threads and so on real time.
    """

    interaction: Interaction
    customer: Customer
    lines: list[NewMessage] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    handoff: HandoffPlan | None = None
    ended: tuple[EndedBy, str] | None = None
    scores: list[int] = field(default_factory=list)
    conflicts: int = 0

    async def save_bot_turn(
        self,
        interaction: Interaction,
        bot_state: Mapping[str, Any],
        replies: Sequence[NewMessage] = (),
        handoff: HandoffPlan | None = None,
        end_reason: str | None = None,
        facts: Sequence[Fact] = (),
    ) -> Interaction:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("changed meanwhile")
        self.lines += replies
        self.facts += facts
        self.handoff = handoff
        if end_reason is not None:
            self.ended = (EndedBy.BOT, end_reason)
        self.interaction = replace(interaction, bot_state=bot_state)
        return self.interaction

    async def add_message(self, interaction_id: str, message: NewMessage) -> None:
        self.lines.append(message)

    async def end(self, interaction_id: str, by: EndedBy, reason: str) -> Interaction:
        self.ended = (by, reason)
        return self.interaction

    async def record_survey(
        self, interaction_id: str, score: int, scale: int, channel: str
    ) -> None:
        self.scores.append(score)

    async def load(self, interaction_id: str) -> tuple[Interaction, Customer]:
        return self.interaction, self.customer

    @property
    def transcript(self) -> list[str]:
        """``author: text`` per line."""
        return [f"{line.author}: {line.text}" for line in self.lines]


@dataclass
class ScriptedClock:
    """The wall clock that goes with a leg."""

    leg: ScriptedLeg

    def now(self) -> datetime:
        return START + timedelta(seconds=self.leg.now)


def voice_interaction(language: str = "en") -> Interaction:
    """An inbound call that a bot is about to handle."""
    return Interaction(
        id=new_id(),
        channel=Channel.VOICE,
        direction=Direction.INBOUND,
        customer_id="c1",
        conversation_id="v1",
        address="+37120000001",
        service_address="+37160000100",
        state=S.BOT,
        created_at=START,
        language=language,
    )
