"""The bench ``voice``: turns of calls that go on at once, over SIP and RTP, with offline engines.

One embedded installation on loopback; the callers are telephones of this process, so they take
their share of the same machine. Each asks open questions and listens to the answers.

- ``turn_ms_p50``, ``_p95``: from the end of the caller's speech to the first sound of the bot on
  the wire, as the caller's own RTP endpoint hears it, ``AT_ONCE`` calls at once;
- ``endpoint_ms``, ``recognition_ms``, ``understanding_ms``, ``speech_ms``: the stages of the same
  turns as the installation timed them (``TurnTimed``), each the median, ``action_ms`` (knowledge
  and HTTP actions) of those that had one; ``timed_share`` is the share of turns for which all the
  others were measured;
- ``barge_stop_ms_p95``: from the moment at which the caller has sent so much speech over a prompt
  that it is meant (``bots.turn.BARGE_IN_S`` of frames with sound) to the last sound of the prompt
  that arrives, both at the caller's own RTP endpoint and before its jitter buffer: the way there,
  the decision, what was on its way out, and the way back;
- ``false_barge_resume``: share of coughs and backchannels over a prompt after which it went on;
- ``calls_until_doubled``: the most calls at once, in steps, whose p95 is below twice that of one
  call.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from bots.turn import BARGE_IN_S
from channels.media.codecs import SAMPLE_RATE
from channels.sip.caller import SipCaller
from channels.sip.causes import CallOutcome
from channels.sip.leg import SipLeg
from evals.bench import Bench
from evals.customers import NotTaken, first_answer
from evals.installation import Installation, installation
from evals.judges import P95
from evals.play import UTTERANCES, standing_phone
from evals.statistics import percentile
from gateway.demo.caller import LOUD, Caller, loudness
from gateway.demo.recordings import Recordings
from router.events import TurnTimed

AT_MOST = {"turn_ms_p50": 500.0, "turn_ms_p95": 700.0, "barge_stop_ms_p95": 100.0}
AT_LEAST = {"false_barge_resume": 0.9}
AT_ONCE = 10
STEPS = (1, 10, 15, 20, 30)
TURNS = 5
QUESTIONS = (
    ("opening-hours", "rms"),
    ("pay-bill", "awb"),
    ("forgot-password", "rms"),
    ("direct-debit", "slt"),
    ("meter-reading", "rms"),
    ("moving-house", "slt"),
    ("change-tariff", "rms"),
    ("parcel-size", "kal16"),
)
STAGES = ("endpoint_ms", "recognition_ms", "understanding_ms", "speech_ms")
STAGGER_S = 0.7
RING_S = 15.0
GREETING_S = 30.0
ANSWER_S = 40.0
THINK_S = 0.3
INTERRUPTIONS = 20
INTO_PROMPT_S = 1.0
STOPPED_MS = 200
"""So much silence means that a prompt was stopped; pauses between words are shorter."""
WATCH_S = 4.0
MS = 1000


@dataclass(frozen=True, slots=True)
class Round:
    """What calls at once showed: milliseconds of every turn, and the facts about them."""

    turns: list[float]
    timed: list[TurnTimed]
    asked: int


async def run() -> Bench:
    """Measure everything; about six minutes."""
    recordings = Recordings(UTTERANCES)
    async with installation() as running, standing_phone() as phone:
        await first_answer(running.url)
        bench = _Bench(running, phone, recordings)
        await bench.round(2)  # what is slow the first time is not what is measured
        rounds = {calls: await bench.round(calls) for calls in STEPS}
        stops = [await bench.stop_ms(number) for number in range(INTERRUPTIONS)]
        resumed = [await bench.resumes(number) for number in range(INTERRUPTIONS)]
    chosen = rounds[AT_ONCE]
    p95 = {calls: percentile(found.turns, P95) for calls, found in rounds.items()}
    fine = [calls for calls in STEPS if p95[calls] < 2 * p95[1]]
    heard = [stop for stop in stops if stop is not None]
    return Bench(
        "voice",
        {
            "turn_ms_p50": percentile(chosen.turns, 0.5),
            "turn_ms_p95": p95[AT_ONCE],
            **_stages(chosen),
            "answered_share": len(chosen.turns) / chosen.asked,
            "barge_stop_ms_p95": percentile(heard, P95) if heard else float("inf"),
            "barge_share": len(heard) / len(stops),
            "false_barge_resume": sum(resumed) / len(resumed),
            **{f"turn_ms_p95_{calls}_calls": value for calls, value in p95.items()},
            "calls_until_doubled": max(fine),
        },
        {"mode": "embedded, offline engines, callers on the same machine"},
        {
            "turn_ms_p95": f"{len(chosen.turns)} turns of {AT_ONCE} calls",
            "barge_stop_ms_p95": f"{len(heard)} of {len(stops)} interruptions",
            "false_barge_resume": f"{len(resumed)} coughs and backchannels",
        },
    )


def _stages(chosen: Round) -> dict[str, float]:
    found: dict[str, float] = {}
    for stage in (*STAGES, "action_ms"):
        measured = [value for fact in chosen.timed if (value := getattr(fact, stage)) is not None]
        if measured:
            found[stage] = percentile(measured, 0.5)
    whole = sum(all(getattr(fact, stage) is not None for stage in STAGES) for fact in chosen.timed)
    found["timed_share"] = whole / max(1, chosen.asked)
    return found


class _Bench:
    """Callers against one installation."""

    def __init__(self, running: Installation, phone: SipCaller, recordings: Recordings) -> None:
        self._running = running
        self._phone = phone
        self._recordings = recordings
        self._numbers = itertools.count(1)

    async def round(self, calls: int) -> Round:
        """So many at once, each with ``TURNS`` questions."""
        since = datetime.now(UTC)
        found = await asyncio.gather(*(self._asks(number) for number in range(calls)))
        async with self._running.store() as store, store.transaction() as tx:
            facts = await tx.log.facts(since=since, types=[TurnTimed])
        timed = [fact for fact in facts if isinstance(fact, TurnTimed) and fact.input == "speech"]
        return Round([ms for turns in found for ms in turns], timed, calls * TURNS)

    async def _asks(self, number: int) -> list[float]:
        turns: list[float] = []
        await asyncio.sleep(number * STAGGER_S)
        async with self._call() as caller:
            await caller.listen(GREETING_S)
            for turn in range(TURNS):
                await caller.wait(THINK_S)
                await caller.say(self._recordings.pcm(*QUESTIONS[(number + turn) % len(QUESTIONS)]))
                heard = await caller.listen(ANSWER_S)
                if heard.first_at is not None:
                    turns.append((heard.first_at - caller.spoke_until) * MS)
        return turns

    async def stop_ms(self, number: int) -> float | None:
        """Speak over the greeting: how long it goes on; None when it was not stopped."""
        question = QUESTIONS[number % len(QUESTIONS)]
        async with self._prompt() as listening:
            listening.speak(self._recordings.pcm(*question))
            silent_at = await listening.silent_since(WATCH_S)
            if silent_at is None or listening.meant_at is None:
                return None
            return max(0.0, (silent_at - listening.meant_at) * MS)

    async def resumes(self, number: int) -> bool:
        """Cough or say "mhm" over the greeting: does it go on?"""
        cough, voices = number % 2 == 0, ("rms", "slt")
        sound = _cough(number) if cough else self._recordings.pcm("mhm", voices[number // 2 % 2])
        async with self._prompt() as listening:
            listening.speak(sound)
            await asyncio.sleep(len(sound) / (2 * SAMPLE_RATE) + 1.5)
            return listening.sound_lately(MS)

    @contextlib.asynccontextmanager
    async def _call(self) -> AsyncIterator[Caller]:
        number = f"+3712997{next(self._numbers):04d}"
        caller = Caller(await self._dial(number))
        try:
            yield caller
        finally:
            await caller.hang_up()

    @contextlib.asynccontextmanager
    async def _prompt(self) -> AsyncIterator[_Listening]:
        """A call in which the greeting has been going on for a while."""
        number = f"+3712998{next(self._numbers):04d}"
        leg = await self._dial(number)
        listening = _Listening(leg)
        try:
            await listening.begun(GREETING_S)
            await asyncio.sleep(INTO_PROMPT_S)
            yield listening
        finally:
            await leg.hang_up()

    async def _dial(self, number: str) -> SipLeg:
        call = await self._phone.call(self._running.sip_uri, RING_S, number)
        if isinstance(call, CallOutcome):
            raise NotTaken(f"the call was not taken: {call.status} {call.reason}")
        return call.leg


class _Listening:
    """When there is sound on the line, frame by frame, and when speech of ours was meant."""

    def __init__(self, leg: SipLeg) -> None:
        self._leg = leg
        self._loop = asyncio.get_running_loop()
        self._sound: list[tuple[float, bool]] = []
        self._news = asyncio.Event()
        self._spoken_s = 0.0
        self.meant_at: float | None = None
        """When so much speech had gone out that it is meant, loop time."""
        # What comes is seen at once, not when a telephone's jitter buffer lets it out.
        leg.listen(self, live=False)
        leg.add_tap(self)

    def frame(self, heard: bytes, sent: bytes) -> None:
        """20 ms go out."""
        if loudness(sent) >= LOUD:
            self._spoken_s += len(sent) / (2 * SAMPLE_RATE)
            if self.meant_at is None and self._spoken_s >= BARGE_IN_S:
                self.meant_at = self._loop.time()

    def closed(self) -> None:
        """The call is over."""

    def heard(self, pcm: bytes) -> None:
        """20 ms of the bot."""
        self._sound.append((self._loop.time(), loudness(pcm) >= LOUD))
        self._news.set()

    def pressed(self, digit: str) -> None:
        """Keys mean nothing here."""

    def hung_up(self, cause: int) -> None:
        """The bot has left."""
        self._news.set()

    def speak(self, pcm: bytes) -> None:
        """Over whatever is being said."""
        self._leg.play(pcm)

    async def begun(self, limit_s: float) -> None:
        """Return when the bot speaks."""
        async with asyncio.timeout(limit_s):
            while not any(sound for _, sound in self._sound):
                await self._next()

    async def silent_since(self, limit_s: float) -> float | None:
        """The end of the last sound before ``STOPPED_MS`` of silence, loop time; None for none."""
        first = len(self._sound)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while True:
                    await self._next()
                    quiet = list(itertools.takewhile(lambda one: not one[1], self._sound[::-1]))
                    if len(quiet) * 20 >= STOPPED_MS and len(self._sound) - len(quiet) > first:
                        return quiet[-1][0]
        return None

    def sound_lately(self, ms: int) -> bool:
        """Whether the bot was heard in the last ``ms``."""
        return any(sound for _, sound in self._sound[-ms // 20 :])

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()


def _cough(number: int) -> bytes:
    """A burst of noise as long and as loud as a cough: 0.2 s, quick to come and slow to go."""
    chance = np.random.default_rng(number)
    length = round(0.2 * SAMPLE_RATE)
    rising = np.minimum(np.arange(length) / 80, 1)
    falling = np.exp(-np.arange(length) / (0.06 * SAMPLE_RATE))
    samples = chance.normal(size=length) * rising * falling * 8000
    burst: bytes = samples.clip(-32000, 32000).astype("<i2").tobytes()
    return burst
