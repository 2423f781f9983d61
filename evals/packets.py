"""How complete the hand-over's packet is: ``python -m evals bench packets``.

Scripted conversations with the demo company's front desk over all four channels end with a
person. Each script says itself what it has given (its number, its matter, the words that led
to a person); a field counts when the packet has exactly that. ``packet_complete`` is the
share of all fields; a table says which are missing. The real understanding, knowledge base
and flow are measured; the company's order service is a table of orders.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from bots.conversation import Conversation, Heard, Tools
from bots.errors import ActionFailed
from bots.flow.schema import read_flow
from bots.nlu.understanding import IntentUnderstanding
from bots.summary import seconds_aloud
from evals.bench import Bench
from knowledge.answer import KnowledgeBase
from knowledge.embed import MiniLmEncoder
from knowledge.index import QdrantIndex
from knowledge.ingest import read_articles
from router.clock import VirtualClock
from router.model import Channel, Direction, Handoff, Interaction, InteractionState

AT_LEAST = {"packet_complete": 0.98}
AT_MOST = {"summary_s_max": 10.0}
DEMO = Path(__file__).parents[1] / "gateway" / "demo"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
API = "http://orders.test/api"
ORDERS = {
    "HL-482913": {"status": "in_transit", "expected_on": "2026-03-04", "place": ""},
    "HL-731045": {"status": "delayed", "expected_on": "2026-03-06", "place": ""},
}
BROKEN_ORDER = "HL-500500"
"""The order service does not answer for this one."""
PERSON = {
    "en": "I want to speak to a person",
    "lv": "gribu runāt ar darbinieku",
    "zh": "转人工",
}
KEY = "#"
"""Before keys of the telephone in a script's lines."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a customer says, one line per turn, and what the packet has to say of it."""

    name: str
    channel: Channel
    lines: tuple[str, ...]
    gives: Mapping[str, object]
    language: str = "en"


@dataclass
class Tally:
    """Fields found and missed, over all conversations."""

    found: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    conversations: int = 0
    summary_s: float = 0.0

    @property
    def complete(self) -> float:
        """The share of what the conversations gave that is in the packets."""
        return sum(self.found.values()) / max(1, sum(self.given.values()))

    def by_field(self) -> dict[str, float]:
        """The same for each field."""
        return {name: self.found[name] / self.given[name] for name in sorted(self.given)}


class OrderTable:
    """The order service as a table; ``bots.ports.Actions``."""

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 0,
    ) -> tuple[int, Any]:
        """The order of the address; 404 for one that there is not."""
        number = url.rpartition("/")[2]
        if number == BROKEN_ORDER:
            raise ActionFailed(f"{url}: no answer")
        return (200, ORDERS[number]) if number in ORDERS else (404, None)


def scripts() -> Iterator[Script]:
    """Every kind of conversation on every channel."""
    for channel, kind in product(Channel, (_orders, _questions, _matters, _tongues)):
        for name, lines, gives, *language in kind(channel is Channel.VOICE):
            spoken = language[0] if language else "en"
            always = {"channel": str(channel), "language": spoken, "flow": "front-desk"}
            yield Script(f"{channel}: {name}", channel, lines, {**always, **gives}, spoken)


Kind = Iterator[tuple[Any, ...]]


def _orders(voice: bool) -> Kind:
    """A number is given; on a call it is read back and confirmed."""
    sure = ("yes",) if voice else ()
    for number in ORDERS:
        person = PERSON["en"]
        known = {"slot order_number": number, "confirmed order_number": voice}
        known |= {"intent": "order_status", "tried": f"looked up order {number}: done"}
        asked = {"reason": "asked-for-person", "cause": "asked", "trigger": person}
        yield f"order {number}", ("where is my order", number, *sure, person), known | asked
    known = {"slot order_number": BROKEN_ORDER, "intent": "order_status"}
    known |= {"reason": "action-failed", "cause": "action-failed"}
    known |= {"tried": f"looked up order {BROKEN_ORDER}: no answer"}
    yield "order service down", ("where is my order", BROKEN_ORDER, *sure), known
    led = f"{KEY}0" if voice else "agent"
    gives: dict[str, object] = {"intent": "order_status", "trigger": led, "open": "order_number"}
    yield "at the question", ("where is my order", led), {**gives, "last": "where is my order"}


def _questions(voice: bool) -> Kind:
    """Something is answered from the knowledge base before a person is asked for."""
    person = PERSON["en"]
    asked = {"reason": "asked-for-person", "cause": "asked", "trigger": person}
    yield (
        "a bill that is too high",
        ("why is my bill so high?", person),
        {**asked, "article": "bill-too-high", "intent": "bill_question"},
    )
    yield (
        "hours, then a person",
        ("are you open on Saturday?", person),
        {**asked, "article": "opening-hours"},
    )


def _matters(voice: bool) -> Kind:
    """The flow's own rules bring a person, or the customer does at once."""
    yield (
        "a complaint",
        ("I want to make a complaint",),
        {"cause": "rule", "reason": "complaint", "intent": "complaint"},
    )
    yield (
        "a person at once",
        (PERSON["en"],),
        {"cause": "asked", "reason": "asked-for-person", "trigger": PERSON["en"]},
    )


def _tongues(voice: bool) -> Kind:
    """In the other languages."""
    for language, line in (("lv", "kur ir mans pasūtījums"), ("zh", "我的包裹在哪里")):
        led = PERSON[language]
        gives: dict[str, object] = {"trigger": led, "cause": "asked", "open": "order_number"}
        yield f"an order in {language}", (line, led), gives | {"intent": "order_status"}, language


async def measure(conversation: Conversation, listed: Sequence[Script]) -> Tally:
    """Play each to its hand-over and compare its packet with what the script gave."""
    tally = Tally()
    for script in listed:
        packet = await _packet(conversation, script)
        tally.conversations += 1
        for name, wanted in script.gives.items():
            kind = name.split()[0]
            tally.given[kind] += 1
            if packet is not None and _has(packet, name, wanted):
                tally.found[kind] += 1
            else:
                tally.missed.append(f"{script.name}: {name} is not {wanted!r}")
        for language, text in (packet.summaries if packet else {}).items():
            tally.summary_s = max(tally.summary_s, seconds_aloud(text, language))
    return tally


async def _packet(conversation: Conversation, script: Script) -> Handoff | None:
    turn = await conversation.begin(_interaction(script))
    for line in script.lines:
        if turn.handoff or turn.ended:
            break
        heard = Heard.pressed(line[1:]) if line.startswith(KEY) else Heard.said(line)
        turn = await conversation.hear(turn.memory, heard)
    return turn.handoff


def _has(packet: Handoff, name: str, wanted: object) -> bool:
    kind, _, which = name.partition(" ")
    match kind:
        case "slot" | "confirmed":
            slot = packet.slot(which)
            return slot is not None and wanted == (slot.value if kind == "slot" else slot.confirmed)
        case "tried":
            return wanted in packet.tried
        case "article":
            return any(article.article_id == wanted for article in packet.articles)
        case "open":
            return bool(packet.open_question) and wanted in packet.open_slots
        case "last":
            return packet.last_utterance == wanted
        case "trigger":
            led = packet.trigger
            return led is not None and wanted == (led.text or f"{KEY}{led.digits}")
    return bool(getattr(packet, kind) == wanted)


def _interaction(script: Script) -> Interaction:
    return Interaction(
        id=script.name,
        channel=script.channel,
        direction=Direction.INBOUND,
        customer_id="c",
        conversation_id="v",
        address="customer",
        service_address="us",
        state=InteractionState.BOT,
        created_at=NOW,
        language=script.language,
    )


async def run() -> Bench:
    """``packet_complete`` with the real understanding and knowledge base."""
    encoder = MiniLmEncoder()
    with tempfile.TemporaryDirectory() as folder:
        index = QdrantIndex(path=Path(folder))
        knowledge = KnowledgeBase(encoder, index)
        await knowledge.shelve(read_articles(DEMO / "articles"), NOW.date())
        try:
            await knowledge.warm()
            tools = Tools(
                IntentUnderstanding(encoder),
                knowledge,
                OrderTable(),
                VirtualClock(NOW),
                {"api": API},
            )
            flow = read_flow(DEMO / "flows" / "front-desk.yaml")
            tally = await measure(Conversation(flow, tools), list(scripts()))
        finally:
            await knowledge.stop()
            await index.stop()
            await encoder.stop()
    return bench_of(tally)


def bench_of(tally: Tally) -> Bench:
    """The figures, with a row per field; notes say what is missing."""
    rows = {f"packet_{name}": share for name, share in tally.by_field().items()}
    figures = {
        "packet_complete": tally.complete,
        "summary_s_max": tally.summary_s,
        **rows,
    }
    counted = f"{sum(tally.given.values())} fields of {tally.conversations} conversations"
    notes = {"packet_complete": counted} | {
        f"packet_{name}": f"{count} given" for name, count in tally.given.items()
    }
    setup = {"missing": "; ".join(tally.missed)} if tally.missed else {}
    return Bench("packets", figures, setup, notes)
