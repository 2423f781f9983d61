"""The bench ``bots``: fifty people chat with the bot at once, with its own understanding only.

One embedded installation on loopback, no language model; the visitors are of this process and
take their share of the same machine. Each writes ``TURNS`` lines, half of them questions for the
knowledge base, no two alike, and thinks ``THINK_S`` before the next.

- ``answer_ms_p50``, ``_p95``: from a line sent on the WebSocket to the first line back, while
  ``CHATS`` chats are open;
- ``question_ms_p95``, ``flow_ms_p95``: the same for lines the articles answer, and for those of
  the flow alone (order status with its lookup, thanks);
- ``alone_ms_p50``: the same lines with one chat open: what an answer costs at least;
- ``rush_ms_p95``: all write at the same moment, ``RUSHES`` times;
- ``answers_per_s``: everybody writes as soon as the answer is there: the most this machine gives;
- ``encode_ms_p50``: the sentence encoder alone on the same lines, in this process: nobody who
  understands by it can be faster than that;
- ``answered_share``: of the lines sent in the main part.

``--at-once`` has fewer people chat. Nobody writes so much, or so fast, that the chat would slow
them down or the bot take them for another bot.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from evals.bench import Bench
from evals.customers import first_answer
from evals.installation import installation
from evals.judges import P95
from evals.statistics import percentile
from gateway.demo.visitor import ChatRefused, Visitor
from knowledge.embed import MiniLmEncoder

AT_MOST = {"answer_ms_p95": 300.0}
AT_LEAST = {"answered_share": 1.0}
CHATS = 50
TURNS = 6
RUSHES = 3
FULL = 3
"""Lines of each chat when nobody thinks."""
ALONE = 8
"""Chats one after the other, with so many lines each."""
THINK_S = (2.0, 5.0)
"""A person reads and types for longer: fifty of these write as much as two hundred people."""
ANSWER_S = 20.0
QUIET_S = 0.25
MS = 1000
SEED = 4
QUESTIONS = (
    "how can I pay my bill",
    "what are your opening hours",
    "how long does a parcel wait in the locker",
    "do you deliver on Sundays",
    "how much is express delivery",
    "can my neighbour take the parcel",
    "how do I return something to a web shop",
    "what does it cost to send a big box",
    "what is the heaviest parcel you take",
    "can I change the delivery address",
    "I forgot my password, what now",
    "how do I read my meter",
    "what happens when I move house",
    "can I pay in instalments",
    "how do I set up a direct debit",
    "which things may I not send",
)
OPENINGS = ("", "hello, ", "hi there, ", "excuse me, ", "one question: ", "good morning, ")
CLOSINGS = ("", " please", " these days", " with you", " by the way", " then", " in summer")
FLOW = ("where is my parcel", "HL-482913", "thank you very much")


@dataclass(frozen=True, slots=True)
class Line:
    """Something to write; ``asks`` the knowledge base or goes through the flow."""

    text: str
    asks: bool


@dataclass(slots=True)
class Waits:
    """Milliseconds until the first line back; None where none came.

    ``refused`` says why chats ended before their time.
    """

    of: list[tuple[Line, float | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def ms(self, *, asks: bool | None = None) -> list[float]:
        """Of the answered lines, all or of one kind."""
        chosen = (pair for pair in self.of if asks is None or pair[0].asks is asks)
        return [ms for _, ms in chosen if ms is not None]


def lines(chance: Random) -> Iterator[Line]:
    """What a visitor writes: a question, then one of the flow, in turn."""
    flow = itertools.cycle(FLOW)
    while True:
        text = chance.choice(OPENINGS) + chance.choice(QUESTIONS) + chance.choice(CLOSINGS)
        yield Line(f"{text}{' ' * chance.randrange(2)}?", asks=True)
        yield Line(next(flow), asks=False)


async def run(chats: int = CHATS) -> Bench:
    """Measure everything with so many chats at once; about three minutes."""
    chance = Random(SEED)
    async with installation() as running:
        await first_answer(running.url)
        await running.settled()
        alone = Waits()
        for _ in range(ALONE):
            await _talk(running.url, chance, 1, FULL, alone, think=False)
        busy, rush, full = Waits(), Waits(), Waits()
        await _talk(running.url, chance, chats, TURNS, busy, think=True)
        await _rush(running.url, chance, chats, rush)
        began = time.perf_counter()
        await _talk(running.url, chance, chats, FULL, full, think=False)
        per_s = len(full.ms()) / (time.perf_counter() - began)
    encode = await _encode([line.text for line, _ in busy.of if line.asks])
    refused = [why for waits in (alone, busy, rush, full) for why in waits.refused]
    return Bench(
        "bots",
        {
            "answer_ms_p50": percentile(busy.ms(), 0.5),
            "answer_ms_p95": percentile(busy.ms(), P95),
            "question_ms_p95": percentile(busy.ms(asks=True), P95),
            "flow_ms_p95": percentile(busy.ms(asks=False), P95),
            "alone_ms_p50": percentile(alone.ms(), 0.5),
            "rush_ms_p95": percentile(rush.ms(), P95),
            "answers_per_s": per_s,
            "encode_ms_p50": percentile(encode, 0.5),
            "answered_share": len(busy.ms()) / len(busy.of),
        },
        {"mode": "embedded, visitors on the same machine, no language model"},
        {
            "answer_ms_p95": f"{len(busy.of)} lines of {chats} chats",
            "rush_ms_p95": f"{chats} lines at the same moment, {RUSHES} times",
            "alone_ms_p50": f"{len(alone.of)} lines, one chat at a time",
            "answered_share": "; ".join(dict.fromkeys(refused)) or "no chat was refused",
        },
    )


async def _talk(
    url: str, chance: Random, chats: int, turns: int, waits: Waits, *, think: bool
) -> None:
    """So many chats at once, each with so many lines."""
    seeds = [chance.random() for _ in range(chats)]
    await asyncio.gather(*(_chat(url, Random(seed), turns, waits, think=think) for seed in seeds))


async def _chat(url: str, chance: Random, turns: int, waits: Waits, *, think: bool) -> None:
    visitor = await Visitor.open(url)
    try:
        for line in itertools.islice(lines(chance), turns):
            if think:
                await asyncio.sleep(chance.uniform(*THINK_S))
            waits.of.append((line, await _wait(visitor, line, waits)))
            quiet_s = QUIET_S if think else 0.0
            await visitor.answer(quiet_s, quiet_s)
        await visitor.end()
    except ChatRefused as error:
        waits.refused.append(str(error))
    finally:
        await visitor.close()


async def _wait(visitor: Visitor, line: Line, waits: Waits) -> float | None:
    """Milliseconds until the answer; None when none came, or the chat was refused."""
    began = time.perf_counter()
    try:
        await visitor.say(line.text)
        first = await visitor.next_line(ANSWER_S)
    except ChatRefused as error:
        waits.refused.append(str(error))
        return None
    return None if first is None else (time.perf_counter() - began) * MS


async def _rush(url: str, chance: Random, chats: int, waits: Waits) -> None:
    """All write their question at the same moment."""
    visitors = await asyncio.gather(*(Visitor.open(url) for _ in range(chats)))
    own = [lines(Random(chance.random())) for _ in visitors]
    try:
        for _ in range(RUSHES):
            asked = [next(written) for written in own]
            found = await asyncio.gather(
                *(
                    _wait(visitor, line, waits)
                    for visitor, line in zip(visitors, asked, strict=True)
                )
            )
            waits.of += zip(asked, found, strict=True)
            await asyncio.gather(*(visitor.answer(QUIET_S, QUIET_S) for visitor in visitors))
            for written in own:
                next(written)
    except ChatRefused as error:
        waits.refused.append(str(error))
    finally:
        await asyncio.gather(*(visitor.close() for visitor in visitors))


async def _encode(texts: Sequence[str]) -> list[float]:
    """Milliseconds of one sentence after the other, none of them seen before."""
    encoder = MiniLmEncoder()
    await encoder.start()
    await encoder.embed(["warm"])
    taken = []
    for text in dict.fromkeys(texts):
        began = time.perf_counter()
        await encoder.embed([text])
        taken.append((time.perf_counter() - began) * MS)
    await encoder.stop()
    return taken
