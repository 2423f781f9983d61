"""Judges: pure checks of what happened in a conversation against its script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.statistics import percentile
from evals.suite import TEXT_WITHIN_S, VOICE_WITHIN_S, Ending, Gates, Script, TurnCheck

SHOWN_CHARS = 160
P95 = 0.95


@dataclass(frozen=True, slots=True)
class Exchange:
    """One thing the customer did and what came back.

    ``replies`` are the bot's lines as the customer got them, ``cited`` article ids.
    ``answer_ms`` counts from the customer's last byte or sound to the bot's first;
    None when nothing came.
    """

    said: str
    replies: tuple[str, ...]
    cited: tuple[str, ...] = ()
    answer_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """A conversation that took place. ``exchanges[0]`` is the greeting.

    The rest is what the installation's own record says afterwards. ``error`` is
    set when the conversation could not be played to its end.
    """

    exchanges: tuple[Exchange, ...]
    outcome: str = ""
    queue: str = ""
    reason: str = ""
    intent: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    took_s: float = 0.0
    interaction_id: str = ""
    error: str = ""
    transcript: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``detail`` says what was expected and what came."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A played script with its checks."""

    script: Script
    played: Played
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)


def judge(script: Script, played: Played) -> Verdict:
    """Hold a played conversation against its script."""
    if played.error:
        return Verdict(script, played, (Check("played", False, played.error),))
    limit_s = VOICE_WITHIN_S if script.channel == "voice" else TEXT_WITHIN_S
    checks: list[Check] = []
    wanted = [script.greeting, *[turn.expect for turn in script.turns]]
    for i, want in enumerate(wanted):
        place = "greeting" if i == 0 else f"turn {i}"
        if i >= len(played.exchanges):
            if want != TurnCheck():
                checks.append(Check(place, False, "the conversation was over before this turn"))
            continue
        checks.extend(judge_turn(place, want, played.exchanges[i], limit_s))
    checks.extend(judge_ending(script.ending, played))
    return Verdict(script, played, tuple(checks))


def gate_failures(gates: Gates, verdicts: Sequence[Verdict]) -> list[str]:
    """Why the suite as a whole fails, one sentence per gate; none when it passes."""
    failures = []
    passed = sum(verdict.passed for verdict in verdicts)
    rate = passed / len(verdicts) if verdicts else 0.0
    if rate < gates.pass_rate:
        failures.append(
            f"{passed} of {len(verdicts)} conversations passed ({rate:.0%}); "
            f"at least {gates.pass_rate:.0%} must"
        )
    for channel, limit in (
        ("chat", gates.chat_answer_p95_ms),
        ("voice", gates.voice_turn_p95_ms),
    ):
        times = answer_times(verdicts, channel)
        if limit is not None and times and percentile(times, P95) > limit:
            failures.append(
                f"the 95th percentile of {channel} answers is {percentile(times, P95):.0f} ms; "
                f"at most {limit:.0f} ms is allowed"
            )
    return failures


def answer_times(verdicts: Sequence[Verdict], channel: str) -> list[float]:
    """Milliseconds of every answered turn on a channel, the greeting left out."""
    return [
        exchange.answer_ms
        for verdict in verdicts
        if verdict.script.channel == channel
        for exchange in verdict.played.exchanges[1:]
        if exchange.answer_ms is not None
    ]


def judge_turn(place: str, want: TurnCheck, got: Exchange, limit_s: float) -> list[Check]:
    """Hold what came back, on any channel, against what was wanted."""
    text = "\n".join(got.replies)
    folded = text.casefold()
    checks = [
        _check(f"{place} says {phrase!r}", phrase.casefold() in folded, f"it said: {_cut(text)}")
        for phrase in want.contains
    ]
    checks += [
        _check(f"{place} does not say {phrase!r}", phrase.casefold() not in folded, _cut(text))
        for phrase in want.absent
    ]
    if want.matches:
        found = re.search(want.matches, text, re.IGNORECASE | re.DOTALL) is not None
        checks.append(_check(f"{place} matches {want.matches}", found, f"it said: {_cut(text)}"))
    if want.cites_any:
        hit = bool(set(want.cites_any) & set(got.cited))
        name = f"{place} cites {' or '.join(want.cites_any)}"
        checks.append(_check(name, hit, f"it cited {', '.join(got.cited) or 'nothing'}"))
    if want.no_citation:
        checks.append(_check(f"{place} cites nothing", not got.cited, f"cited {got.cited}"))
    limit_ms = (want.within_s or limit_s) * 1000
    if got.answer_ms is not None and got.answer_ms > limit_ms:
        detail = f"{got.answer_ms:.0f} ms, at most {limit_ms:.0f} ms"
        checks.append(Check(f"{place} in time", False, detail))
    elif want.within_s is not None:
        answered = got.answer_ms is not None
        checks.append(_check(f"{place} within {want.within_s:g} s", answered, "no answer came"))
    return checks


def judge_ending(want: Ending, played: Played) -> list[Check]:
    """Hold the end of a conversation, on any channel, against what was wanted."""
    checks = []
    pairs: tuple[tuple[str, str, Any], ...] = (
        ("outcome", want.outcome, played.outcome),
        ("queue", want.queue, played.queue),
        ("reason", want.reason, played.reason),
        ("intent", want.intent, played.intent),
        *((f"slot {name}", value, played.slots.get(name)) for name, value in want.slots.items()),
    )
    for name, expected, found in pairs:
        if expected:
            detail = f"expected {expected!r}, found {found!r}"
            checks.append(_check(f"{name} is {expected}", expected == found, detail))
    cited = {article for exchange in played.exchanges for article in exchange.cited}
    for article in want.cites:
        detail = f"cited: {', '.join(sorted(cited)) or 'nothing'}"
        checks.append(_check(f"cites {article}", article in cited, detail))
    turns = len(played.exchanges) - 1
    if want.max_turns is not None:
        name = f"at most {want.max_turns} turns"
        checks.append(_check(name, turns <= want.max_turns, f"it took {turns}"))
    if want.within_s is not None:
        name = f"over within {want.within_s:g} s"
        checks.append(_check(name, played.took_s <= want.within_s, f"{played.took_s:.1f} s"))
    return checks


def _check(name: str, passed: bool, detail: str) -> Check:
    return Check(name, passed, "" if passed else detail)


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN_CHARS else flat[: SHOWN_CHARS - 1] + "…"
