"""How complete the hand-over's packet is: ``python -m evals bench packets``.

The talks of ``evals/talks`` that end with a person say themselves what the packet has to hold (the
number that was given, the matter, the words that led to a person); a field counts when the packet
has exactly that. ``packet_complete`` is the share of all fields; a table says which are missing.
The real understanding, knowledge base and flows are measured, with the demo company's services.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bots.conversation import Conversation, Tools
from bots.flow.schema import read_flow
from bots.nlu.understanding import IntentUnderstanding
from bots.summary import seconds_aloud
from evals.bench import Bench
from evals.company_services import API, CompanyServices
from evals.talk_direct import DirectLine, is_direct
from evals.talk_play import judge_packet, play
from evals.talk_script import Talk, load_talks
from knowledge.answer import KnowledgeBase
from knowledge.embed import MiniLmEncoder
from knowledge.index import QdrantIndex
from knowledge.ingest import read_articles
from router.clock import VirtualClock
from router.model import Handoff

AT_LEAST = {"packet_complete": 0.98}
AT_MOST = {"summary_s_max": 10.0}
DEMO = Path(__file__).parents[1] / "gateway" / "demo"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


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

    def count(self, talk: Talk, packet: Handoff | None) -> None:
        """One conversation's."""
        self.conversations += 1
        for check in judge_packet(talk, packet):
            _, kind, *_ = check.name.split()
            self.given[kind] += 1
            self.found[kind] += check.passed
            if not check.passed:
                self.missed.append(f"{talk.id}: {check.name}")
        for language, text in (packet.summaries if packet else {}).items():
            self.summary_s = max(self.summary_s, seconds_aloud(text, language))


def handed_over() -> tuple[Talk, ...]:
    """The talks that say what their packet has to hold, and need nothing but the bot."""
    return tuple(talk for talk in load_talks() if talk.ending.packet and is_direct(talk))


async def measure(
    converse: Callable[[str], Conversation], services: CompanyServices, talks: Sequence[Talk]
) -> Tally:
    """Play each to its hand-over and compare its packet with what the talk gave.

    ``converse`` gives a flow's conversation by its name.
    """
    tally = Tally()
    for talk in talks:
        services.renew(talk.service)
        line = DirectLine(converse(talk.flow), services, talk, NOW)
        tally.count(talk, (await play(talk, line)).ended.packet)
    return tally


async def run() -> Bench:
    """``packet_complete`` with the real understanding and knowledge base."""
    encoder = MiniLmEncoder()
    with tempfile.TemporaryDirectory() as folder:
        index = QdrantIndex(path=Path(folder))
        knowledge = KnowledgeBase(encoder, index)
        await knowledge.shelve(read_articles(DEMO / "articles"), NOW.date())
        services = CompanyServices(NOW.date)
        try:
            await knowledge.warm()
            clock = VirtualClock(NOW)
            understanding = IntentUnderstanding(encoder)
            tools = Tools(understanding, knowledge, services, clock, {"api": API})
            flows = map(read_flow, sorted((DEMO / "flows").glob("*.yaml")))
            conversations = {flow.name: Conversation(flow, tools) for flow in flows}
            tally = await measure(conversations.__getitem__, services, handed_over())
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
