"""The bench ``first``: how fast it starts, answers by chat and by telephone, and rings.

All from outside, on one embedded installation on loopback:

- ``start_s``: from the command to a well ``/healthz``, at the second start of a folder;
- ``answering_s``: the same until the bot has answered a first line (model loaded);
- ``chat_answer_ms_p95``: from a line sent on the WebSocket to the first line back;
- ``voice_turn_ms_p95``: from the end of the caller's speech to the first sound of the
  bot on the wire, as the caller's own RTP endpoint hears it;
- ``offer_ms_p95``: from the record's ``HandoffRequested`` to the offer on a desk socket.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from channels.sip.caller import SipCaller
from evals.bench import Bench
from evals.customers import ChatCustomer, PhoneCustomer, first_answer, go_through
from evals.installation import Installation
from evals.judges import P95
from evals.play import UTTERANCES, standing_phone
from evals.statistics import percentile
from evals.suite import Ending, Script, ScriptTurn
from gateway.demo.desk_client import DeskClient
from gateway.demo.recordings import Recordings
from gateway.demo.visitor import Visitor
from router.events import HandoffRequested
from router.store.sql import SqlStore

TARGETS = {
    "start_s": 10.0,
    "chat_answer_ms_p95": 300.0,
    "voice_turn_ms_p95": 1200.0,
    "offer_ms_p95": 100.0,
}
CHATS, CALLS, OFFERS = 25, 5, 20
CHAT_LINES = (
    "Where is my parcel?",
    "HL-482913",
    "how can I pay my bill",
    "what are your opening hours",
)
CALL_LINES = ("where-is-my-order", "number-482913", "yes", "opening-hours", "no")
AGENT = ("ana", "harbour-ana")
OFFER_WITHIN_S = 10.0
MS = 1000


async def run() -> Bench:
    """Measure everything; about three minutes."""
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        data = Path(folder)
        cold = await Installation.start(data)
        try:
            await first_answer(cold.url)  # or the articles would not be embedded yet
        finally:
            await cold.stop()
        warm = await Installation.start(data)
        try:
            began = time.perf_counter()
            await first_answer(warm.url)
            answering_s = warm.start_s + time.perf_counter() - began
            chats = await chat_answers(warm)
            turns = await voice_turns(warm)
            offers = await offer_times(warm)
        finally:
            await warm.stop()
    return Bench(
        "first",
        {
            "start_s": round(warm.start_s, 2),
            "first_start_s": round(cold.start_s, 2),
            "answering_s": round(answering_s, 2),
            **_spread("chat_answer_ms", chats),
            **_spread("voice_turn_ms", turns),
            **_spread("offer_ms", offers),
        },
        {"mode": "embedded, SQLite, loopback"},
        {
            "chat_answer_ms_p95": f"{len(chats)} messages",
            "voice_turn_ms_p95": f"{len(turns)} turns",
            "offer_ms_p95": f"{len(offers)} offers",
        },
    )


async def chat_answers(running: Installation) -> list[float]:
    """Milliseconds to the first line back, for every line of every chat."""
    turns = tuple(ScriptTurn(say=line) for line in CHAT_LINES)
    times: list[float] = []
    for i in range(CHATS):
        customer = ChatCustomer(running.url, _script(f"chat-{i}", "chat", turns))
        await go_through(customer, turns)
        times += [item.answer_ms for item in customer.moments if item.answer_ms is not None]
    return times


async def voice_turns(running: Installation) -> list[float]:
    """Milliseconds from the caller's last sound to the bot's first, for every turn."""
    turns = tuple(ScriptTurn(play=line) for line in CALL_LINES)
    recordings = Recordings(UTTERANCES)
    times: list[float] = []
    async with standing_phone() as phone:
        for i in range(CALLS):
            customer = _caller(running, phone, recordings, turns, i)
            await go_through(customer, turns)
            times += [item.answer_ms for item in customer.moments if item.answer_ms is not None]
    return times


def _caller(
    running: Installation,
    phone: SipCaller,
    recordings: Recordings,
    turns: tuple[ScriptTurn, ...],
    i: int,
) -> PhoneCustomer:
    script = _script(f"call-{i}", "voice", turns)
    number = f"+3712991{i:04d}"
    return PhoneCustomer(running.sip_uri, script, recordings, phone, number)


async def offer_times(running: Installation) -> list[float]:
    """Milliseconds from asking for a person to the offer at an agent's desk."""
    times: list[float] = []
    async with await DeskClient.sign_in(running.url, *AGENT) as desk, running.store() as store:
        await desk.ask("presence", presence="available")
        while len(times) < OFFERS:
            began = datetime.now(UTC)
            visitor = await Visitor.open(running.url)
            await visitor.say("agent")
            while True:
                offer = (await desk.next("offer", OFFER_WITHIN_S))["offer"]
                seen_at = datetime.now(UTC)
                asked_at = await _asked_at(store, offer["interaction_id"])
                await _handle(desk, offer["id"], offer["interaction_id"])
                # Whoever waited from before rings first and says nothing about the way here.
                if asked_at >= began:
                    times.append((seen_at - asked_at).total_seconds() * MS)
                    break
            await visitor.close()
    return times


async def _asked_at(store: SqlStore, interaction_id: str) -> datetime:
    async with store.transaction() as tx:
        (asked, *_) = await tx.log.facts(interaction_id=interaction_id, types=[HandoffRequested])
    return asked.at


async def _handle(desk: DeskClient, offer_id: str, interaction_id: str) -> None:
    """Take it, end it and file it, so that the agent is free for the next one."""
    await desk.ask("accept", offer_id=offer_id)
    await desk.ask("end", interaction_id=interaction_id)
    await desk.ask("wrap-up", interaction_id=interaction_id, disposition="resolved")


def _script(name: str, channel: str, turns: tuple[ScriptTurn, ...]) -> Script:
    return Script(name, channel, "en", turns, Ending(), voice="rms")


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        f"{name}_p50": round(percentile(values, 0.5), 1),
        f"{name}_p95": round(percentile(values, P95), 1),
    }
