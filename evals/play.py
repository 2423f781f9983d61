"""Plays a suite against a fresh installation and reads afterwards what its record says."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from channels.sip.caller import SipCaller
from evals.customers import ChatCustomer, Customer, Moment, PhoneCustomer, first_answer, go_through
from evals.installation import Installation, installation
from evals.judges import Exchange, Played, Verdict, gate_failures, judge
from evals.report import Result, setup_of_this_machine
from evals.suite import Script, Suite
from gateway.demo.recordings import Recordings
from router.events import HandoffRequested
from router.model import Author, Channel, Interaction, InteractionState, Message
from router.store.sql import SqlStore

UTTERANCES = Path(__file__).parent / "utterances"
SETTLE_S = 5.0
SETTLE_STEP_S = 0.05
RECENT = 20
CALLS_AT_ONCE = 3
NUMBERS = "+37129900"
"""Callers' numbers: this and the place in the suite, three digits."""
SCRIPT_LIMIT_S = 240.0
OVER = frozenset({InteractionState.ENDED, InteractionState.WAITING, InteractionState.OFFERED})


async def play_suite(suite: Suite, progress: Callable[[str], None] = lambda text: None) -> Result:
    """Start an installation, play every conversation in turn, judge, stop it."""
    started_at, began = datetime.now(UTC), time.monotonic()
    progress("starting an installation …")
    async with installation() as running, standing_phone() as phone, running.store() as store:
        await first_answer(running.url)
        stage = Stage(running, store, phone, Recordings(UTTERANCES))
        verdicts = await _play_all(stage, suite.scripts, progress)
    progress("")
    return Result(
        suite=suite,
        verdicts=tuple(verdicts),
        gates=tuple(gate_failures(suite.gates, verdicts)),
        started_at=started_at,
        took_s=time.monotonic() - began,
        setup=setup_of_this_machine(),
    )


async def _play_all(
    stage: Stage, scripts: Sequence[Script], progress: Callable[[str], None]
) -> list[Verdict]:
    """Chats one by one, then calls a few at a time (they mostly wait); in the suite's order."""
    lines = asyncio.Semaphore(CALLS_AT_ONCE)
    begun = 0

    async def one(place: int, script: Script) -> Verdict:
        nonlocal begun
        async with lines:
            begun += 1
            progress(f"{begun}/{len(scripts)} {script.name}")
            return judge(script, await stage.play(script, place))

    verdicts: dict[int, Verdict] = {}
    calls = [(i, script) for i, script in enumerate(scripts) if script.channel == Channel.VOICE]
    for i, script in enumerate(scripts):
        if script.channel != Channel.VOICE:
            verdicts[i] = await one(i, script)
    for (i, _), verdict in zip(
        calls, await asyncio.gather(*(one(i, script) for i, script in calls)), strict=True
    ):
        verdicts[i] = verdict
    return [verdicts[i] for i in range(len(scripts))]


@contextlib.asynccontextmanager
async def standing_phone() -> AsyncIterator[SipCaller]:
    """A caller's own telephone for the length of a block."""
    phone = SipCaller()
    await phone.start()
    try:
        yield phone
    finally:
        await phone.stop()


class Stage:
    """Where scripts are played: one installation, one conversation at a time."""

    def __init__(
        self, running: Installation, store: SqlStore, phone: SipCaller, recordings: Recordings
    ) -> None:
        self._running = running
        self._store = store
        self._phone = phone
        self._recordings = recordings

    async def play(self, script: Script, place: int) -> Played:
        """One conversation, the ``place``th; whatever stops it becomes its ``error``."""
        began_at, began = datetime.now(UTC), time.monotonic()
        customer = self._customer(script, place)
        error = ""
        try:
            async with asyncio.timeout(SCRIPT_LIMIT_S):
                await go_through(customer, script.turns)
        except TimeoutError:
            error = f"it took longer than {SCRIPT_LIMIT_S:g} s"
        except Exception as failure:  # a broken conversation is a result, not the end of the run
            error = f"{type(failure).__name__}: {failure}"
        took_s = time.monotonic() - began
        interaction = None
        if customer.moments:
            interaction = await self._find(customer, Channel(script.channel), began_at)
        if interaction is None:
            return Played((), error=error or "the installation has no record of it", took_s=took_s)
        return await self._read(script, interaction, customer.moments, took_s, error)

    def _customer(self, script: Script, place: int) -> Customer:
        if script.channel == Channel.CHAT:
            return ChatCustomer(self._running.url, script)
        number = f"{NUMBERS}{place:03d}"
        return PhoneCustomer(self._running.sip_uri, script, self._recordings, self._phone, number)

    async def _find(
        self, customer: Customer, channel: Channel, since: datetime
    ) -> Interaction | None:
        """The interaction this conversation became, once the record has caught up."""
        found = None
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            async with self._store.transaction() as tx:
                recent = await tx.interactions.recent(RECENT)
            found = next(
                (item for item in recent if customer.is_in(item) and item.created_at >= since),
                None,
            )
            # A call is over for the record too; a chat simply stays open.
            if found is not None and (channel is Channel.CHAT or found.state in OVER):
                return found
            await asyncio.sleep(SETTLE_STEP_S)
        return found

    async def _read(
        self,
        script: Script,
        interaction: Interaction,
        moments: Sequence[Moment],
        took_s: float,
        error: str,
    ) -> Played:
        async with self._store.transaction() as tx:
            messages = await tx.interactions.messages(interaction.id)
            facts = await tx.log.facts(interaction_id=interaction.id, types=[HandoffRequested])
        handoff = next((fact for fact in facts if isinstance(fact, HandoffRequested)), None)
        memory = interaction.bot_state
        slots = {name: str(kept["value"]) for name, kept in memory.get("slots", {}).items()}
        spoken = script.channel == Channel.VOICE
        return Played(
            exchanges=_spoken(moments, messages) if spoken else _written(moments),
            outcome="escalated" if handoff else "contained",
            queue=handoff.queue if handoff else "",
            reason=handoff.reason if handoff else "",
            intent=str(memory.get("intent") or ""),
            slots=slots,
            took_s=took_s,
            interaction_id=interaction.id,
            error=error,
            transcript=tuple((str(line.author), line.text) for line in messages),
        )


def _written(moments: Sequence[Moment]) -> tuple[Exchange, ...]:
    return tuple(Exchange(item.label, item.replies, item.cited, item.answer_ms) for item in moments)


def _spoken(moments: Sequence[Moment], messages: Sequence[Message]) -> tuple[Exchange, ...]:
    """What was said on the phone, from the record: the bot's lines behind each of the caller's.

    A silent turn leaves no line of the caller; its answer stands with the turn before.
    """
    answers: list[list[Message]] = [[]]
    for line in messages:
        if line.author is Author.CUSTOMER:
            answers.append([])
        elif line.author is Author.BOT:
            answers[-1].append(line)
    exchanges = []
    for i, moment in enumerate(moments):
        last = i == len(moments) - 1
        # What was said more than the script has turns belongs to the last one.
        parts = answers[i:] if last else answers[i : i + 1]
        lines = [line for part in parts for line in part]
        cited = tuple(item.article_id for line in lines for item in line.citations)
        replies = tuple(line.text for line in lines)
        exchanges.append(Exchange(moment.label, replies, cited, moment.answer_ms))
    return tuple(exchanges)
