"""``python -m evals call SCENARIO --wav OUT.wav``: one whole call over SIP, to listen to.

A scenario is the name of a call in ``evals/calls`` or of a telephone conversation in
``evals/suites``, or ``FILE`` or ``FILE:NAME`` of one's own. The caller has a voice that the bot
has not. The transcript and the times of each turn come from the record of the installation, the
moments from the line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from textwrap import wrap
from typing import Any

from channels.sip.caller import SipCaller
from channels.sip.causes import CallOutcome
from evals.call_script import (
    BotLine,
    CallScript,
    Keys,
    Silence,
    Speech,
    Step,
    judge_call,
    load_scripts,
    play,
)
from evals.caller_voice import CallerVoice
from evals.customers import NotTaken, first_answer
from evals.fields import BadSuite
from evals.handset import FRAME_S, LineHandset
from evals.installation import installation
from evals.judges import Check, Played
from evals.play import UTTERANCES, standing_phone
from evals.suite import Script, load_suite
from evals.table import GREEN, RED, layout, paint
from gateway.demo.recordings import Recordings
from router.errors import ParleyError
from router.events import Fact, HandoffRequested, InteractionEnded, TurnTimed
from router.model import Author, EndedBy, Interaction, Message
from router.store.sql import SqlStore

CALLS = Path(__file__).parent / "calls"
SUITES = Path(__file__).parent / "suites"
NUMBER = "+37129990000"
RING_S = 15.0
RECENT = 20
SAID_COLUMNS = 70
LOOK_EVERY_S = 0.1
SETTLE_S = 5.0
STAGES = ("endpoint_ms", "recognition_ms", "understanding_ms", "speech_ms", "total_ms")


class NoFile(ParleyError):
    """The recording cannot be written there. Name a folder that exists and may be written to."""


@dataclass(frozen=True, slots=True)
class Row:
    """Some of a call: who said what, from when to when, seconds of the line.

    ``turn_ms`` is from the end of the caller's sound to this, None where nobody waited.
    """

    began: float
    ended: float
    who: str
    said: str
    turn_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """A call that took place."""

    script: CallScript
    rows: tuple[Row, ...]
    timed: tuple[TurnTimed, ...]
    played: Played
    seconds: float
    voice: str

    @property
    def checks(self) -> tuple[Check, ...]:
        """Held against its script; one without lines of the bot says nothing about them."""
        checks = judge_call(self.script, self.played)
        silent = not any(isinstance(step, BotLine) for step in self.script.steps)
        return checks[1:] if silent else checks


@dataclass(frozen=True, slots=True)
class Desk:
    """Where calls go, and the record of what became of them."""

    sip_uri: str
    store: SqlStore


# -- the command ------------------------------------------------------------------------


def add_parser(acts: Any) -> None:
    """Describe the sub-command; ``acts`` is what ``add_subparsers`` gave."""
    parser = acts.add_parser("call", help="place one call and record both sides")
    parser.add_argument("scenario", help=f"one of: {', '.join(sorted(_names()))}; or a FILE:NAME")
    parser.add_argument("--wav", type=Path, help="write both sides: left the caller, right the bot")
    parser.add_argument("--voice", default="", help="the caller's: a flite voice, or espeak-ng+f3")
    parser.add_argument(
        "--to", default="", help="a SIP URI that is running, instead of a fresh one"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".data"),
        help="the data folder of the one that is running",
    )


async def run(options: argparse.Namespace, progress: Callable[[str], None]) -> int:
    """The exit code: 0 as scripted, 1 otherwise. Raises ``ParleyError``."""
    script = find_script(options.scenario)
    if options.voice:
        script = replace(script, voice=options.voice)
    if not script.audible:
        raise BadSuite(f"{script.name}: its broken engines can only be played on virtual time")
    if options.wav is not None:
        _writable(options.wav)
    if not options.to:
        progress("starting an installation …")
    async with _desk(options.to, options.data) as desk, standing_phone() as phone:
        progress(f"calling {desk.sip_uri} …")
        handset, called = await place(desk, phone, script)
        progress("")
    print(report(called))
    if options.wav is not None:
        handset.write(options.wav)
        print(f"{options.wav}: {called.seconds:.1f} s, left the caller, right the bot")
    return 0 if all(check.passed for check in called.checks) else 1


def find_script(wanted: str) -> CallScript:
    """By name, or from a file. Raises ``BadSuite`` that lists the names there are."""
    if (named := _names().get(wanted)) is not None:
        return named()
    path, _, name = wanted.rpartition(":") if ":" in wanted else (wanted, "", "")
    if not path.endswith((".yaml", ".yml")):
        raise BadSuite(f"no call {wanted!r}; there are: {', '.join(sorted(_names()))}")
    scripts = load_scripts(Path(path))
    if not name and len(scripts) == 1:
        return scripts[0]
    for script in scripts:
        if script.name == name:
            return script
    listed = ", ".join(script.name for script in scripts)
    raise BadSuite(f"{path}: name one of its calls, {path}:NAME; they are: {listed}")


def _names() -> dict[str, Callable[[], CallScript]]:
    found: dict[str, Callable[[], CallScript]] = {}
    for path in sorted(SUITES.glob("*.yaml")):
        suite = load_suite(path)
        for one in suite.scripts:
            if one.channel == "voice":
                found[one.name] = partial(_from_suite, suite.flow, one)
    for path in sorted(CALLS.glob("*.yaml")):
        for script in load_scripts(path):
            found[script.name] = partial(replace, script)
    return found


def _from_suite(flow: str, script: Script) -> CallScript:
    """A suite's conversation as a call; what the bot must say in it is the suite's to judge."""
    recordings = Recordings(UTTERANCES)
    steps: list[Step] = []
    for turn in script.turns:
        if turn.press:
            steps.append(Keys(turn.press, (turn.press,)))
        elif turn.play:
            text = recordings.find(turn.play, script.voice).text
            steps.append(Speech((text,), heard=text))
        else:
            steps.append(Silence())
    voice = script.voice
    return CallScript(script.name, flow, tuple(steps), script.ending, script.language, voice)


def _writable(path: Path) -> None:
    """Before the call, not after it: raises ``NoFile``."""
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise NoFile(f"{path}: cannot be written: {error.strerror}") from None


@contextlib.asynccontextmanager
async def _desk(to: str, data: Path) -> AsyncIterator[Desk]:
    if not to:
        async with installation() as running, running.store() as store:
            await first_answer(running.url)
            yield Desk(running.sip_uri, store)
        return
    database = data / "parley.db"
    if not database.is_file():
        raise NoFile(f"{database}: no database; --data names the data folder of {to}")
    store = SqlStore(f"sqlite+aiosqlite:///{database}")
    try:
        yield Desk(to, store)
    finally:
        await store.stop()


# -- the call --------------------------------------------------------------------------------


async def place(
    desk: Desk, phone: SipCaller, script: CallScript, number: str = NUMBER
) -> tuple[LineHandset, Called]:
    """Place the call and play the script. Raises ``NotTaken``, ``NoVoice``, ``BotSilent``."""
    voice = CallerVoice(Recordings(UTTERANCES), script.voice, script.language)
    for step in script.steps:
        if isinstance(step, Speech):
            for part in step.parts:
                await voice.pcm(part)  # now, so that it is there when it is to be said
    since = datetime.now(UTC)
    call = await phone.call(desk.sip_uri, RING_S, number)
    if isinstance(call, CallOutcome):
        raise NotTaken(f"the call was not taken: {call.status} {call.reason}")
    facts: list[Fact] = []
    handset = LineHandset(call.leg, voice, lambda: _handoff(facts) is not None)
    watching = asyncio.create_task(_watch(desk.store, number, since, facts), name="record")
    try:
        await play(script, handset)
    finally:
        await call.leg.hang_up()
        watching.cancel()
        await asyncio.wait({watching})
    interaction, messages = await _read(desk.store, number, since, facts)
    return handset, Called(
        script=script,
        rows=tuple(_rows(handset, messages)),
        timed=tuple(fact for fact in facts if isinstance(fact, TurnTimed)),
        played=_played(interaction, messages, facts),
        seconds=handset.seconds,
        voice=voice.name,
    )


async def _watch(store: SqlStore, number: str, since: datetime, facts: list[Fact]) -> None:
    """Keep ``facts`` as they are in the record."""
    while True:
        await _note(store, number, since, facts)
        await asyncio.sleep(LOOK_EVERY_S)


async def _note(
    store: SqlStore, number: str, since: datetime, facts: list[Fact]
) -> Interaction | None:
    async with store.transaction() as tx:
        recent = await tx.interactions.recent(RECENT)
        mine = (one for one in recent if one.address == number and one.created_at >= since)
        found = next(mine, None)
        if found is not None:
            facts[:] = await tx.log.facts(interaction_id=found.id)
    return found


async def _read(
    store: SqlStore, number: str, since: datetime, facts: list[Fact]
) -> tuple[Interaction, Sequence[Message]]:
    """The record once it has caught up."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            while not any(isinstance(fact, InteractionEnded) for fact in facts):
                await _note(store, number, since, facts)
                await asyncio.sleep(LOOK_EVERY_S)
    interaction = await _note(store, number, since, facts)
    if interaction is None:
        raise NotTaken("the installation has no record of the call")
    async with store.transaction() as tx:
        return interaction, await tx.interactions.messages(interaction.id)


def _handoff(facts: Sequence[Fact]) -> HandoffRequested | None:
    return next((fact for fact in facts if isinstance(fact, HandoffRequested)), None)


def _played(interaction: Interaction, messages: Sequence[Message], facts: Sequence[Fact]) -> Played:
    """What the record says, as the judges want it."""
    handoff = _handoff(facts)
    ended = next((fact for fact in facts if isinstance(fact, InteractionEnded)), None)
    by_bot = ended is not None and ended.ended_by == EndedBy.BOT
    reason = handoff.reason if handoff else ended.reason if ended else ""
    slots = interaction.bot_state.get("slots", {})
    return Played(
        exchanges=(),
        outcome="escalated" if handoff else "contained" if by_bot else "abandoned",
        queue=handoff.queue if handoff else "",
        reason=reason,
        intent=str(interaction.bot_state.get("intent") or ""),
        slots={name: str(kept["value"]) for name, kept in slots.items()},
        interaction_id=interaction.id,
        # A filler comes when the machine is slow, and no script can tell when that is.
        transcript=tuple(
            (str(line.author), line.text) for line in messages if not line.meta.get("filler")
        ),
    )


# -- what is shown ---------------------------------------------------------------------------


def _rows(handset: LineHandset, messages: Sequence[Message]) -> list[Row]:
    """The line's sounds with the record's words: the bot's lines between the caller's."""
    lines: list[list[str]] = [[]]
    answers: list[str] = []
    for message in messages:
        if message.author is Author.CUSTOMER:
            answers.append(message.text)
            lines.append([])
        elif message.author is Author.BOT:
            lines[-1].append(message.text)
    counting = [doing for doing in handset.doings if doing.counts]
    edges = [0.0, *(doing.ended for doing in counting), handset.seconds]
    rows = [
        Row(doing.began, doing.ended, "caller", _told(doing.what, answers, place))
        for place, doing in enumerate(counting)
    ]
    rows += [
        Row(one.began, one.ended, "caller", one.what) for one in handset.doings if not one.counts
    ]
    for place, (begin, end) in enumerate(pairwise(edges)):
        said = " ".join(lines[place]) if place < len(lines) else ""
        if (row := _bot_row(handset, begin, end, said, waited=place > 0)) is not None:
            rows.append(row)
    return sorted(rows, key=lambda row: row.began)


def _told(what: str, answers: Sequence[str], place: int) -> str:
    heard = answers[place] if place < len(answers) else "nothing"
    return what if heard in what else f"{what} (understood: {heard})"


def _bot_row(
    handset: LineHandset, begin: float, end: float, said: str, *, waited: bool
) -> Row | None:
    first, last = round(begin / FRAME_S), round(end / FRAME_S)
    # What was still on its way when the caller had spoken is no answer.
    sounding = [place for place in range(first, last) if handset.new_at(place)]
    if not sounding:
        return None
    began, ended = sounding[0] * FRAME_S, (sounding[-1] + 1) * FRAME_S
    return Row(began, ended, "bot", said, (began - begin) * 1000 if waited else None)


def report(called: Called) -> str:
    """Two tables and the verdict."""
    script, played = called.script, called.played
    rows: list[tuple[str, ...]] = []
    for row in called.rows:
        first, *rest = wrap(row.said, SAID_COLUMNS) or [""]
        rows.append((f"{row.began:.1f}", f"{row.ended:.1f}", _ms(row.turn_ms), row.who, first))
        rows += [("", "", "", "", more) for more in rest]
    header = ("from", "to", "after ms", "who", "said")
    parts = [f"{script.name} (the caller is {called.voice}) {script.about}".rstrip(), ""]
    parts += layout(header, rows, right=(0, 1, 2))
    if called.timed:
        times = [
            (str(place + 1), *(_ms(getattr(fact, stage)) for stage in STAGES))
            for place, fact in enumerate(called.timed)
        ]
        stages = ("turn", "silence", "recognition", "understanding", "speech", "whole, ms")
        parts += ["", *layout(stages, times, right=range(6))]
    values = [f"{name} {value}" for name, value in played.slots.items()]
    end = ", ".join([played.queue, *values] if played.queue else values)
    parts += ["", f"{played.outcome}: {played.reason}{'; ' + end if end else ''}"]
    failed = [check for check in called.checks if not check.passed]
    parts += [paint(f"✗ {one.name}: {one.detail}", RED) for one in failed]
    return "\n".join(parts if failed else [*parts, paint("✓ as scripted", GREEN)])


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
