"""A suite of scripted conversations as typed data, read from YAML.

Validation names the place (``conversations[3].turns[1].expect.cites``), what was
found and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from evals.fields import BadSuite, mapping, number, refuse_unknown, sequence, text, texts

CHANNELS = ("chat", "voice")
OUTCOMES = ("contained", "escalated", "abandoned")
TEXT_WITHIN_S = 5.0
VOICE_WITHIN_S = 8.0


@dataclass(frozen=True, slots=True)
class TurnCheck:
    """What the bot's answer to one turn must be like.

    ``contains`` and ``absent`` ignore case, ``matches`` is a regular expression,
    ``cites`` an article id, ``cites_any`` a choice of them.
    """

    contains: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    matches: str = ""
    cites_any: tuple[str, ...] = ()
    no_citation: bool = False
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class ScriptTurn:
    """One thing the customer does: ``say`` text, ``play`` an utterance, ``press`` keys, wait."""

    say: str = ""
    play: str = ""
    press: str = ""
    silence_s: float = 0.0
    expect: TurnCheck = TurnCheck()

    @property
    def label(self) -> str:
        """How a transcript shows it."""
        if self.press:
            return f"[keys {self.press}]"
        if self.play:
            return f"[plays {self.play}]"
        return self.say or f"[silent for {self.silence_s:g} s]"


@dataclass(frozen=True, slots=True)
class Ending:
    """What must be true when the customer is done.

    ``slots`` are the flow's values by name; ``cites`` articles shown at any time.
    """

    outcome: str = ""
    queue: str = ""
    reason: str = ""
    intent: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    cites: tuple[str, ...] = ()
    max_turns: int | None = None
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """One scripted conversation. ``login`` is the signed-in customer's mail, if any."""

    name: str
    channel: str
    language: str
    turns: tuple[ScriptTurn, ...]
    ending: Ending
    voice: str = ""
    caller: str = ""
    about: str = ""
    greeting: TurnCheck = TurnCheck()


@dataclass(frozen=True, slots=True)
class Gates:
    """When the whole suite fails. ``pass_rate`` is 0..1 of all conversations."""

    pass_rate: float = 1.0
    chat_answer_p95_ms: float | None = None
    voice_turn_p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file."""

    name: str
    flow: str
    scripts: tuple[Script, ...]
    gates: Gates = Gates()
    about: str = ""

    def only(self, pattern: str) -> Suite:
        """The conversations whose name contains ``pattern``. Raises ``BadSuite`` for none."""
        chosen = tuple(script for script in self.scripts if pattern in script.name)
        if not chosen:
            raise BadSuite(f"--only {pattern!r}: no conversation has that in its name")
        return Suite(self.name, self.flow, chosen, self.gates, self.about)


def load_suite(path: Path) -> Suite:
    """Read a suite file. Raises ``BadSuite`` naming file and place."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSuite(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise BadSuite(f"{path}: not YAML: {error}") from None
    try:
        return parse_suite(raw)
    except BadSuite as error:
        raise BadSuite(f"{path}: {error}") from None


def parse_suite(raw: Any) -> Suite:
    """A suite from plain data. Raises ``BadSuite`` naming the place."""
    top = mapping(raw, "suite")
    refuse_unknown(top, ("name", "flow", "about", "gates", "conversations"), "suite")
    scripts = tuple(
        _script(item, f"conversations[{i}]")
        for i, item in enumerate(sequence(top.get("conversations", []), "conversations"))
    )
    if not scripts:
        raise BadSuite("conversations: expected at least one, found none")
    seen: set[str] = set()
    for i, script in enumerate(scripts):
        if script.name in seen:
            raise BadSuite(f"conversations[{i}].name: {script.name!r} is there twice")
        seen.add(script.name)
    return Suite(
        name=text(top, "name", "suite"),
        flow=text(top, "flow", "suite"),
        scripts=scripts,
        gates=_gates(top.get("gates", {})),
        about=str(top.get("about", "")),
    )


def _gates(raw: Any) -> Gates:
    item = mapping(raw, "gates")
    refuse_unknown(item, ("pass_rate", "chat_answer_p95_ms", "voice_turn_p95_ms"), "gates")
    rate = number(item, "pass_rate", "gates")
    if rate is not None and not 0 <= rate <= 1:
        raise BadSuite(f"gates.pass_rate: expected 0 to 1, found {rate:g}")
    return Gates(
        pass_rate=1.0 if rate is None else rate,
        chat_answer_p95_ms=number(item, "chat_answer_p95_ms", "gates"),
        voice_turn_p95_ms=number(item, "voice_turn_p95_ms", "gates"),
    )


def _script(raw: Any, place: str) -> Script:
    item = mapping(raw, place)
    known = ("name", "channel", "language", "about", "caller", "voice", "greeting")
    refuse_unknown(item, (*known, "turns", "expect"), place)
    channel = str(item.get("channel", "chat"))
    if channel not in CHANNELS:
        raise BadSuite(f"{place}.channel: {channel!r} is not one of {list(CHANNELS)}")
    turns = tuple(
        _turn(turn, f"{place}.turns[{i}]", channel)
        for i, turn in enumerate(sequence(item.get("turns", []), f"{place}.turns"))
    )
    if not turns:
        raise BadSuite(f"{place}.turns: expected at least one, found none")
    return Script(
        name=text(item, "name", place),
        channel=channel,
        language=str(item.get("language", "en")),
        turns=turns,
        ending=parse_ending(item.get("expect", {}), f"{place}.expect"),
        voice=str(item.get("voice", "")),
        caller=str(item.get("caller", "")),
        about=str(item.get("about", "")),
        greeting=parse_check(item.get("greeting", {}), f"{place}.greeting"),
    )


def _turn(raw: Any, place: str, channel: str) -> ScriptTurn:
    if isinstance(raw, str):
        raw = {"say": raw}
    item = mapping(raw, place)
    refuse_unknown(item, ("say", "play", "press", "silence_s", "expect"), place)
    acts = [key for key in ("say", "play", "press", "silence_s") if key in item]
    if len(acts) != 1:
        raise BadSuite(f"{place}: expected one of say, play, press, silence_s; found {acts}")
    allowed = ("say",) if channel == "chat" else ("play", "press", "silence_s")
    if acts[0] not in allowed:
        raise BadSuite(f"{place}.{acts[0]}: a {channel} customer can {' or '.join(allowed)}")
    return ScriptTurn(
        say=str(item.get("say", "")),
        play=str(item.get("play", "")),
        press=str(item.get("press", "")),
        silence_s=number(item, "silence_s", place) or 0.0,
        expect=parse_check(item.get("expect", {}), f"{place}.expect"),
    )


def parse_check(raw: Any, place: str) -> TurnCheck:
    """What an answer must be like. Raises ``BadSuite`` naming the place."""
    item = mapping(raw, place)
    known = ("contains", "absent", "matches", "cites", "no_citation", "within_s")
    refuse_unknown(item, known, place)
    pattern = str(item.get("matches", ""))
    try:
        re.compile(pattern)
    except re.error as error:
        raise BadSuite(f"{place}.matches: {pattern!r} is not a pattern: {error}") from None
    return TurnCheck(
        contains=texts(item.get("contains", ()), f"{place}.contains"),
        absent=texts(item.get("absent", ()), f"{place}.absent"),
        matches=pattern,
        cites_any=texts(item.get("cites", ()), f"{place}.cites"),
        no_citation=bool(item.get("no_citation", False)),
        within_s=number(item, "within_s", place),
    )


def parse_ending(raw: Any, place: str) -> Ending:
    """What must be true at the end. Raises ``BadSuite`` naming the place."""
    item = mapping(raw, place)
    known = ("outcome", "queue", "reason", "intent", "slots", "cites", "max_turns", "within_s")
    refuse_unknown(item, known, place)
    outcome = str(item.get("outcome", ""))
    if outcome and outcome not in OUTCOMES:
        raise BadSuite(f"{place}.outcome: {outcome!r} is not one of {list(OUTCOMES)}")
    if item.get("queue") and outcome != "escalated":
        raise BadSuite(f"{place}.queue: only an escalated conversation has a queue")
    turns = number(item, "max_turns", place)
    slots = mapping(item.get("slots", {}), f"{place}.slots")
    return Ending(
        outcome=outcome,
        queue=str(item.get("queue", "")),
        reason=str(item.get("reason", "")),
        intent=str(item.get("intent", "")),
        slots={str(name): str(value) for name, value in slots.items()},
        cites=texts(item.get("cites", ()), f"{place}.cites"),
        max_turns=None if turns is None else int(turns),
        within_s=number(item, "within_s", place),
    )
