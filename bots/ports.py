"""What the bots need from outside; ``gateway.compose`` joins the implementations.

Audio is PCM s16le mono at the sample rate a port declares. A frame is 20 ms.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from bots.flow.outcome import Promised, Proven
from router.model import Citation, Handoff

FRAME_MS = 20
T = TypeVar("T")


class LegListener(Protocol):
    """Who listens to a leg. Called on the event loop; must return at once."""

    def heard(self, pcm: bytes) -> None:
        """20 ms from the far end (silence or concealment included), at ``sample_rate``."""
        ...

    def pressed(self, digit: str) -> None:
        """One of ``0123456789*#ABCD``, once per key press."""
        ...

    def hung_up(self, cause: int) -> None:
        """The leg is over; ``cause`` is a Q.850 cause. Nothing follows."""
        ...


class Playback(Protocol):
    """A piece of audio on its way to the far end."""

    @property
    def total_ms(self) -> int: ...
    @property
    def played_ms(self) -> int:
        """How much has really gone out on the wire so far."""
        ...

    @property
    def cleared(self) -> bool:
        """True when it was flushed before its end."""
        ...

    async def done(self) -> None:
        """Return when it was played to its end, cleared, or the leg is over."""
        ...


class AudioLeg(Protocol):
    """One media stream of a call, whatever the wire: SIP, WebRTC, Twilio, Asterisk.

    Playout is acknowledged (we know what was heard) and never simulated.
    """

    @property
    def id(self) -> str: ...
    @property
    def sample_rate(self) -> int:
        """Hertz, both ways; 8000 for telephone legs."""
        ...

    @property
    def address(self) -> str:
        """The far end: a number, a SIP URI, a visitor id."""
        ...

    @property
    def closed(self) -> asyncio.Event:
        """Set when the leg is over."""
        ...

    off_record: bool
    """While True, recordings and others who get a copy get silence, both ways."""

    def listen(self, listener: LegListener | None, *, live: bool = True) -> None:
        """Make ``listener`` the one that hears; None for nobody.

        With ``live=False`` it gets all audio, however late, and no frame where none came:
        many in one tick after a stall, none for up to a second of a stalled network.
        """
        ...

    def play(self, pcm: bytes) -> Playback:
        """Queue audio behind what is already queued."""
        ...

    def flush(self) -> None:
        """Stop playing within one frame; queued playbacks end as cleared."""
        ...

    def press(self, digits: str) -> None:
        """Send DTMF (RFC 4733 on SIP legs)."""
        ...

    async def hang_up(self, cause: int = 16) -> None:
        """End the leg with a Q.850 cause. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the bot hopes to hear, so that recognition can help.

    ``kind`` is ``open``, ``yes-no``, ``choice``, ``digits`` or ``order-number``;
    ``phrases`` are examples (choices of a menu, sample utterances).
    """

    kind: str = "open"
    phrases: tuple[str, ...] = ()
    language: str = "en"
    length: int = 0
    """How many digits the answer has; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What was understood of a piece of speech; ``confidence`` is 0..1.

    When not the usual engine heard it, ``heard_by`` names the one that did and
    ``instead_of`` those that could not, with their reasons.
    """

    text: str
    confidence: float
    alternatives: tuple[str, ...] = ()
    heard_by: str = ""
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Partial:
    """What is understood while the caller still speaks; ``text`` may be empty.

    ``ending`` is how likely, 0..1, a sentence ends with these words: a pause behind "where is
    my order" is the end of the turn, one behind "where is my" is not. 0 where not known.
    """

    text: str = ""
    ending: float = 0.0


class Recognition(Protocol):
    """One utterance being recognised."""

    def feed(self, pcm: bytes) -> None:
        """Give audio; returns at once (work happens on a thread)."""
        ...

    def partial(self) -> Partial:
        """The best text so far."""
        ...

    async def finish(self) -> Hypothesis:
        """No more audio: the final text. Raises ``bots.errors.RecognitionFailed``."""
        ...

    def cancel(self) -> None:
        """Drop it and free what it holds. Safe to call twice."""
        ...


class Transcriber(Protocol):
    """Speech to text, one per process, shared by all calls."""

    @property
    def name(self) -> str: ...
    @property
    def sample_rate(self) -> int: ...
    def prepare(self, expect: Expectation) -> None:
        """Get ready for this expectation in the background; ``open`` works without it too."""
        ...

    def open(self, expect: Expectation) -> Recognition:
        """Begin an utterance. Raises ``bots.errors.RecognitionFailed``."""
        ...


class Voice(Protocol):
    """Text to speech, one per process, shared by all calls."""

    @property
    def name(self) -> str: ...
    @property
    def sample_rate(self) -> int: ...
    def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        """Audio in pieces, the first as soon as it is made; cancellable.

        Raises ``bots.errors.SynthesisFailed``.
        """
        ...


class VoiceStream(Protocol):
    """One call's sounds, of which some are voices. Returns at once, no thread."""

    def skip(self, pcm: bytes) -> None:
        """20 ms in which nothing sounds."""
        ...

    def hear(self, pcm: bytes) -> float:
        """20 ms in which something does: how likely it is a voice, 0..1."""
        ...


class VoiceActivity(Protocol):
    """Tells a voice from another sound, one per process, shared by all calls."""

    def open(self, sample_rate: int) -> VoiceStream:
        """Begin a call whose audio has this rate in hertz."""
        ...


@runtime_checkable
class Stopgap(Protocol):
    """Audio of ``Voice.speak`` that another voice than the usual one may have made."""

    @property
    def substituted(self) -> bool:
        """True once another voice had to step in: not worth keeping for later calls."""
        ...

    @property
    def spoken_by(self) -> str:
        """The voice that spoke last."""
        ...

    @property
    def instead_of(self) -> str:
        """Those that could not, each with its reason."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """``ms`` after its sound began, the first ``upto`` characters of a text had been said."""

    upto: int
    ms: float


@runtime_checkable
class Timed(Protocol):
    """Audio of ``Voice.speak`` whose voice can tell when its words are said."""

    @property
    def marks(self) -> Sequence[Mark]:
        """One per word, for the audio given so far; empty where that is not known."""
        ...


@runtime_checkable
class PacedVoice(Protocol):
    """A ``Voice`` that can also speak more slowly; others keep their pace."""

    def speak_at(self, text: str, language: str, pace: float) -> AsyncIterator[bytes]:
        """As ``Voice.speak`` at ``pace`` times the usual speed (0.8 is slower)."""
        ...


class Answer(Protocol):
    """What the knowledge base says. ``known`` is False below the threshold."""

    @property
    def known(self) -> bool: ...
    @property
    def text(self) -> str:
        """The answer in a few sentences taken from the cited articles."""
        ...

    @property
    def spoken(self) -> str:
        """The same for the ear: one or two short sentences, no links or lists."""
        ...

    @property
    def citations(self) -> Sequence[Citation]: ...
    @property
    def score(self) -> float: ...


class Knowledge(Protocol):
    """The knowledge base as the bots see it."""

    async def answer(self, question: str, language: str = "en") -> Answer:
        """Answer from articles in ``language`` (English where there is none)."""
        ...


class EarlyListener(Protocol):
    """Who gets an answer's sentences while the rest is still being written."""

    @property
    def enough(self) -> asyncio.Event:
        """Set when nobody wants more: the writing stops, what was told is the answer."""
        ...

    def tell(self, sentence: str) -> None:
        """The next sentence; it will not be taken back."""
        ...


@runtime_checkable
class TellingKnowledge(Protocol):
    """A ``Knowledge`` that can begin to answer before it has the whole answer."""

    @property
    def tells_early(self) -> bool:
        """Whether its answers are written, so that the first sentence comes before the last."""
        ...

    async def answer_aloud(self, question: str, language: str, early: EarlyListener) -> Answer:
        """As ``Knowledge.answer``; ``spoken`` begins with what was told."""
        ...


class Encoder(Protocol):
    """Sentence embeddings, shared by intents and retrieval."""

    @property
    def dimensions(self) -> int: ...
    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit-length vectors, one per text; runs off the event loop."""
        ...


class LabelReader(Protocol):
    """Tells from a label alone whether a text is about it (a zero-shot model)."""

    async def read(self, text: str, labels: Sequence[str]) -> Mapping[str, float]:
        """For each label how probable it is that the customer wants it, 0..1 each for itself."""
        ...


class Actions(Protocol):
    """HTTP actions of a flow's ``do`` steps."""

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 1,
    ) -> tuple[int, Any]:
        """Status and parsed JSON. Raises ``bots.errors.ActionFailed``.

        ``headers`` may hold marks of secrets (``bots.flow.render.revealed``). ``retries`` are
        further tries where that is safe; ``timeout_s`` covers them all.
        """
        ...


class House(Protocol):
    """What a flow may ask of the contact centre itself."""

    async def promise_call(
        self, interaction_id: str, number: str, at: str, queue: str, packet: Handoff
    ) -> Promised:
        """Call the customer of this interaction later; asking for the same again is the same.

        ``at`` is ISO 8601, local to the queue; empty: as soon as the queue is open. An empty
        ``queue`` is the company's default. ``packet`` is for whoever makes the call.
        """
        ...

    async def rate(self, interaction_id: str, score: int) -> None:
        """Record the customer's score, 1 to 5; once per interaction."""
        ...

    async def send_code(self, interaction_id: str, way: str) -> Proven:
        """Send a one-time code to an address that we knew before; ``used-up`` where we may not."""
        ...

    async def check_code(self, interaction_id: str, code: str) -> Proven:
        """Whether it is the code that was sent for this interaction; a right one counts once."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a language model.

    ``instructions`` are ours alone. ``data`` is what customers, articles and other systems wrote:
    it travels as JSON in a message of its own, and nothing in it is ever an instruction.
    ``purpose`` names the use in the figures.
    """

    purpose: str
    instructions: str
    data: Mapping[str, Any]
    most_tokens: int = 400


class LanguageModel(Protocol):
    """A language model that helps and decides nothing: its answers are checked by who asks.

    ``answer`` and ``item`` are msgspec structs; nothing that is not exactly of that shape is
    ever returned. Leaving an answer early stops the model.
    """

    @property
    def name(self) -> str: ...

    async def fill(self, prompt: Prompt, answer: type[T]) -> T:
        """The whole answer. Raises ``bots.errors.ModelFailed``."""
        ...

    def each(self, prompt: Prompt, item: type[T]) -> AsyncGenerator[T, None]:
        """The items of a list, each as soon as it is written. Raises ``ModelFailed``."""
        ...
