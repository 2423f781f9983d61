"""Plays a talk on whatever stands behind its channel, and judges it.

Everything here is the same for all channels: what the customer does next, the yes to what was
read back, and what must be true of the answers, of the end and of the packet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from evals.judges import Check, Exchange, Played, judge_ending, judge_turn
from evals.suite import TEXT_WITHIN_S
from evals.talk_script import Talk, TalkEnding, TalkTurn
from router.model import Handoff

YES = {"en": "yes", "zh": "是的", "lv": "jā"}
CONFIRM = "confirm"
"""The bot's mode while it waits for the answer to what it has read back."""
READ_BACKS = 4
"""More in one turn go round in a circle."""
KEY = "#"
"""Before keys of the telephone where a packet tells what led to it."""


@dataclass(frozen=True, slots=True)
class Got:
    """What came back: the bot's lines as the customer got them, and the articles cited."""

    replies: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()

    def __add__(self, more: Got) -> Got:
        return Got(self.replies + more.replies, self.cited + more.cited)


class Line(Protocol):
    """A customer's way to the bot on one channel."""

    async def act(self, turn: TalkTurn) -> Got:
        """Do it, and return when the bot has answered it and waits, or has nothing to say."""
        ...

    @property
    def memory(self) -> Mapping[str, Any]:
        """The bot's memory as it is stored."""
        ...

    async def end(self) -> Ended:
        """What the record says now; a caller hangs up."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How a talk ended. ``reason`` is the bot's, empty while it goes on."""

    memory: Mapping[str, Any]
    reason: str = ""
    queue: str = ""
    packet: Handoff | None = None
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TalkPlayed:
    """A talk that took place; ``exchanges`` are one per turn."""

    exchanges: tuple[Exchange, ...]
    ended: Ended
    checks: tuple[Check, ...] = field(default=())

    @property
    def failures(self) -> list[str]:
        """What was not as it must be, one line each."""
        return [f"{check.name}: {check.detail}" for check in self.checks if not check.passed]

    def __str__(self) -> str:
        lines = [f"  {one.said}\n    → {' | '.join(one.replies)}" for one in self.exchanges]
        return "\n".join(lines)


async def play(talk: Talk, line: Line) -> TalkPlayed:
    """Do what its customer does, turn by turn, and judge all of it."""
    exchanges = []
    for place, turn in enumerate(talk.turns):
        got = await line.act(turn)
        after = talk.turns[place + 1] if place + 1 < len(talk.turns) else None
        if after is None or not after.read_back:
            got = await _confirmed(line, got)
        exchanges.append(Exchange(turn.label, got.replies, got.cited))
    ended = await line.end()
    checks = [*_judge_turns(talk, exchanges), *_judge_end(talk, exchanges, ended)]
    return TalkPlayed(tuple(exchanges), ended, tuple(checks))


async def _confirmed(line: Line, got: Got) -> Got:
    for _ in range(READ_BACKS):
        if line.memory.get("mode") != CONFIRM or line.memory.get("over"):
            break
        got += await line.act(TalkTurn(say=YES[line.memory["language"]]))
    return got


def _judge_turns(talk: Talk, exchanges: Sequence[Exchange]) -> list[Check]:
    checks: list[Check] = []
    for number, (turn, got) in enumerate(zip(talk.turns, exchanges, strict=True), 1):
        place = f"turn {number}"
        checks += judge_turn(place, turn.expect, got, TEXT_WITHIN_S)
        if turn.mute:
            checks.append(_check(f"{place} is not answered", not got.replies, got.replies))
    return checks


def _judge_end(talk: Talk, exchanges: Sequence[Exchange], ended: Ended) -> list[Check]:
    want, memory = talk.ending, ended.memory
    slots = {name: str(kept["value"]) for name, kept in memory.get("slots", {}).items()}
    played = Played(
        exchanges=(Exchange("", ()), *exchanges),
        outcome="escalated" if ended.packet else "contained",
        queue=ended.queue,
        reason=ended.reason,
        intent=str(memory.get("intent") or ""),
        slots=slots,
    )
    said = "\n".join(reply for one in exchanges for reply in one.replies)
    checks = judge_ending(want.ending, played)
    checks += [_check(f"slot {name} is not set", name not in slots, slots) for name in want.unset]
    checks += [
        _check(f"{text!r} is said once at most", said.count(text) <= 1, said.count(text))
        for text in want.told_once
    ]
    pairs: tuple[tuple[str, object, object], ...] = (
        ("language", want.language or None, memory.get("language")),
        ("step", want.step or None, memory.get("step")),
        ("over", want.over, bool(memory.get("over"))),
        ("calls", want.calls, ended.calls),
    )
    checks += [_is(name, wanted, found) for name, wanted, found in pairs if wanted is not None]
    return checks + judge_packet(talk, ended.packet)


# -- the packet ------------------------------------------------------------------------


def judge_packet(talk: Talk, packet: Handoff | None) -> list[Check]:
    """Every field that the talk says of the packet; the name begins with the kind of field."""
    if not talk.ending.packet:
        return []
    wanted = _fields(talk)
    if packet is None:
        return [Check(f"packet {name}", False, "nobody was brought") for name in wanted]
    return [
        _check(f"packet {name} is {value!r}", _has(packet, name, value), packet)
        for name, value in wanted.items()
    ]


def _fields(talk: Talk) -> dict[str, object]:
    """By name what must be in it: what the ending says anyway, and what ``packet`` adds."""
    want: TalkEnding = talk.ending
    wanted: dict[str, object] = {
        "channel": str(talk.channel),
        "language": want.language or talk.language,
        "flow": talk.flow,
    }
    for name in ("reason", "intent"):
        if said := getattr(want.ending, name):
            wanted[name] = said
    for name, value in want.packet.items():
        match name, value:
            case "slots", dict():
                wanted |= {f"slot {slot}": str(held) for slot, held in value.items()}
            case "confirmed", dict():
                wanted |= {f"confirmed {slot}": bool(sure) for slot, sure in value.items()}
            case _:
                wanted[name] = value
    return wanted


def _has(packet: Handoff, name: str, wanted: object) -> bool:
    kind, _, which = name.partition(" ")
    slot = packet.slot(which)
    found: bool
    match kind:
        case "slot":
            found = slot is not None and slot.value == wanted
        case "confirmed":
            found = slot is not None and slot.confirmed == wanted
        case "tried":
            found = any(str(wanted) in tried for tried in packet.tried)
        case "article":
            found = any(article.article_id == wanted for article in packet.articles)
        case "open":
            found = bool(packet.open_question) and wanted in packet.open_slots
        case "last":
            found = packet.last_utterance == wanted
        case "summary":
            found = str(wanted) in packet.summary_in(packet.language)
        case "level":
            found = packet.authentication.level == wanted
        case "mood":
            found = packet.mood is not None and (packet.mood.anger > 0) == (wanted == "angry")
        case "trigger":
            led = packet.trigger
            said = "" if led is None else led.text or f"{KEY}{led.digits}"
            # A mail's subject is part of what was written; it stands above the text.
            found = wanted in {said, said.rpartition("\n")[2]}
        case _:
            found = getattr(packet, kind) == wanted
    return found


def _is(name: str, wanted: object, found: object) -> Check:
    return _check(f"{name} is {wanted!r}", wanted == found, found)


def _check(name: str, passed: bool, found: object) -> Check:
    return Check(name, passed, "" if passed else f"found {found!r}")
