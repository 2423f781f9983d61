"""Telephone calls as scripts: what the caller does, what the caller hears, how it ends.

1. A script reads like its transcript: the bot's lines and what the caller does, in order.
2. The same script is played on virtual time by the tests (``tests/golden``) and over SIP with
   real sound (``python -m evals call``): who plays it is a ``Handset``.
3. A caller waits for the end of the bot's words, unless ``into`` says how many seconds into
   them something is done, or it is done ``now``.
4. ``…`` in a line of the bot stands for any words; ``—`` at its end says that it was cut off.
5. A ``world`` (engines and services that fail or are slow) can only be had on virtual time. The
   first step's holds from the beginning, another one's from when the bot has spoken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import yaml

from evals.fields import BadSuite, mapping, number, refuse_unknown, sequence, text, texts
from evals.judges import Check, Played, judge_ending
from evals.suite import Ending, parse_ending

ANYTHING = "…"
UNCLEAR = "[unclear]"
"""What a transcript has of speech in which no words were recognised."""
COUGH_S = 0.2
KEY_GAP_S = 0.2
PAUSE_S = 0.6
RECOGNISERS = ("works", "broken")
SERVICES = ("works", "down")


@dataclass(frozen=True, slots=True)
class BotLine:
    """A line of the bot in the transcript; see rule 4."""

    pattern: str
    any_case: bool = False
    """For a caller's line: recognisers do not write capitals."""

    def fits(self, line: str) -> bool:
        """Whether the transcript's line is this one."""
        parts = map(re.escape, self.pattern.split(ANYTHING))
        flags = re.DOTALL | re.IGNORECASE if self.any_case else re.DOTALL
        return re.fullmatch(".*".join(parts), line, flags) is not None


@dataclass(frozen=True, slots=True)
class Speech:
    """The caller speaks; several ``parts`` have pauses of ``pause_s`` between them.

    ``heard`` is what a scripted recogniser makes of it (empty: no words), with ``confidence``
    and ``alternatives``; a real one decides itself. What does not ``count`` is no answer and
    leaves no line: a backchannel over the bot's words.
    """

    parts: tuple[str, ...]
    into: float | None = None
    now: bool = False
    pause_s: float = PAUSE_S
    heard: str = ""
    confidence: float = 0.9
    alternatives: tuple[str, ...] = ()
    counts: bool = True

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(self.parts)


@dataclass(frozen=True, slots=True)
class Keys:
    """The caller presses keys, ``gap_s`` apart; they are these ``answers`` to the bot."""

    digits: str
    answers: tuple[str, ...]
    into: float | None = None
    now: bool = False
    gap_s: float = KEY_GAP_S


@dataclass(frozen=True, slots=True)
class Noise:
    """A cough or another loud sound without words."""

    seconds: float = COUGH_S
    into: float | None = None
    now: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """The caller says nothing for so long; None: until the bot speaks again."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller leaves."""

    into: float | None = None
    now: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What works from now on (rule 5). Seconds of delay; texts that the voice cannot say."""

    recogniser: str = "works"
    recogniser_s: float = 0.0
    service: str = "works"
    service_s: float = 0.0
    voice_s: float = 0.0
    unspeakable: tuple[str, ...] = ()


Step = BotLine | Speech | Keys | Noise | Silence | HangUp | World


@dataclass(frozen=True, slots=True)
class CallScript:
    """One call. ``voice`` is whose voice the caller has where there is real sound."""

    name: str
    flow: str
    steps: tuple[Step, ...]
    ending: Ending = field(default_factory=Ending)
    language: str = "en"
    voice: str = ""
    customer: str = ""
    about: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def audible(self) -> bool:
        """Whether it can be played with real sound (rule 5)."""
        return not any(isinstance(step, World) for step in self.steps)

    @property
    def transcript(self) -> tuple[BotLine, ...]:
        """Every line that the transcript must have, as ``author: text``."""
        lines = []
        for step in self.steps:
            match step:
                case BotLine(pattern):
                    lines.append(BotLine(f"bot: {pattern}"))
                case Speech(counts=True):
                    lines.append(BotLine(f"customer: {step.heard or UNCLEAR}", any_case=True))
                case Keys(answers=answers):
                    lines += [BotLine(f"customer: {answer}") for answer in answers]
        return tuple(lines)


def judge_call(script: CallScript, played: Played) -> tuple[Check, ...]:
    """Hold a call against its script: every line of its transcript, and its end."""
    found = [f"{author}: {line}" for author, line in played.transcript]
    difference = _difference(script.transcript, found)
    transcript = Check("transcript", not difference, difference)
    return (transcript, *judge_ending(script.ending, played))


def _difference(wanted: Sequence[BotLine], found: Sequence[str]) -> str:
    """The first one; empty for none."""
    for place in range(max(len(wanted), len(found))):
        expected = wanted[place].pattern if place < len(wanted) else "the end"
        got = found[place] if place < len(found) else "the end"
        if place >= min(len(wanted), len(found)) or not wanted[place].fits(got):
            return f"line {place + 1}: expected {expected!r}, found {got!r}"
    return ""


class Handset(Protocol):
    """What a caller holds: the doings of a script on one kind of line."""

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        ...

    async def until_bot_waits(self) -> None:
        """The bot has spoken since the caller last did something, and is quiet."""
        ...

    async def until_into(self, seconds: float) -> None:
        """So many seconds after the beginning of the bot's present words."""
        ...

    async def until_bot_speaks(self) -> None:
        """The bot says something new."""
        ...

    def begin(self) -> None:
        """What the bot says from now on is new."""
        ...

    async def speak(self, speech: Speech) -> None:
        """Say it to its end."""
        ...

    async def press(self, keys: Keys) -> None:
        """Press them all."""
        ...

    async def noise(self, seconds: float) -> None:
        """Cough."""
        ...

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...

    async def hang_up(self) -> None:
        """Leave. Safe to call twice."""
        ...

    def change(self, world: World) -> None:
        """From now on this works and that does not. Raises ``BadSuite`` where it cannot."""
        ...


async def play(script: CallScript, handset: Handset) -> None:
    """Do what the caller does, as long as there is a call; then hang up when the bot waits."""
    for place, step in enumerate(script.steps):
        if handset.over:
            break
        if isinstance(step, World) and not place:
            handset.change(step)
        else:
            await _do(step, handset)
    if not handset.over:
        await handset.until_bot_waits()
    await handset.hang_up()


async def _do(step: Step, handset: Handset) -> None:
    match step:
        case World():
            await handset.until_bot_waits()
            handset.change(step)
        case Silence(None):
            await handset.until_bot_waits()
            handset.begin()
            await handset.until_bot_speaks()
        case Silence(float(seconds)):
            await handset.wait(seconds)
        case Speech() | Keys() | Noise() | HangUp():
            await _come_to(step, handset)
            if not handset.over:
                await _act(step, handset)


async def _come_to(step: Speech | Keys | Noise | HangUp, handset: Handset) -> None:
    """Rule 3."""
    if step.into is not None:
        await handset.until_into(step.into)
    elif not step.now:
        await handset.until_bot_waits()


async def _act(step: Speech | Keys | Noise | HangUp, handset: Handset) -> None:
    match step:
        case Speech():
            await handset.speak(step)
        case Keys():
            await handset.press(step)
        case Noise():
            await handset.noise(step.seconds)
        case HangUp():
            await handset.hang_up()


# -- reading -------------------------------------------------------------------------


def load_scripts(path: Path) -> tuple[CallScript, ...]:
    """Read a file of scripts. Raises ``BadSuite`` naming file and place."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSuite(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadSuite(f"{path}: not YAML: {error}") from None
    try:
        return parse_scripts(raw)
    except BadSuite as error:
        raise BadSuite(f"{path}: {error}") from None


def parse_scripts(raw: Any) -> tuple[CallScript, ...]:
    """Scripts from plain data. Raises ``BadSuite`` naming the place."""
    top = mapping(raw, "file")
    refuse_unknown(top, ("flow", "about", "calls"), "file")
    flow = text(top, "flow", "file")
    listed = sequence(top.get("calls", []), "calls")
    scripts = tuple(_script(item, flow, f"calls[{i}]") for i, item in enumerate(listed))
    if not scripts:
        raise BadSuite("calls: expected at least one, found none")
    names = [script.name for script in scripts]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise BadSuite(f"calls[{i}].name: {name!r} is there twice")
    return scripts


def _script(raw: Any, flow: str, place: str) -> CallScript:
    item = mapping(raw, place)
    known = ("name", "about", "language", "voice", "customer", "fields", "call", "expect")
    refuse_unknown(item, known, place)
    steps = tuple(
        _step(step, f"{place}.call[{i}]")
        for i, step in enumerate(sequence(item.get("call", []), f"{place}.call"))
    )
    if not steps:
        raise BadSuite(f"{place}.call: expected at least one step, found none")
    given = mapping(item.get("fields", {}), f"{place}.fields")
    return CallScript(
        name=text(item, "name", place),
        flow=flow,
        steps=steps,
        ending=parse_ending(item.get("expect", {}), f"{place}.expect"),
        language=str(item.get("language", "en")),
        voice=str(item.get("voice", "")),
        customer=str(item.get("customer", "")),
        about=str(item.get("about", "")),
        fields={str(name): str(value) for name, value in given.items()},
    )


def _step(raw: Any, place: str) -> Step:
    if isinstance(raw, str):
        raw = {raw: None}
    item = mapping(raw, place)
    kinds = [str(key) for key in item if key in _READERS]
    if len(kinds) != 1:
        raise BadSuite(f"{place}: expected one of {sorted(_READERS)}; found {sorted(item)}")
    reader, options = _READERS[kinds[0]]
    refuse_unknown(item, (kinds[0], *options), place)
    return reader(item, place)


def _bot(item: Mapping[str, Any], place: str) -> Step:
    return BotLine(text(item, "bot", place))


def _says(item: Mapping[str, Any], place: str) -> Step:
    parts = texts(item["caller"], f"{place}.caller")
    sure, pause = number(item, "confidence", place), number(item, "pause", place)
    return Speech(
        parts,
        into=number(item, "into", place),
        now=bool(item.get("now", False)),
        pause_s=PAUSE_S if pause is None else pause,
        heard=str(item.get("heard", " ".join(parts))),
        confidence=0.9 if sure is None else sure,
        alternatives=texts(item.get("alternatives", ()), f"{place}.alternatives"),
        counts=bool(item.get("counts", True)),
    )


def _murmurs(item: Mapping[str, Any], place: str) -> Step:
    said = text(item, "murmur", place)
    into, now = _when(item, place)
    return Speech((said,), into, now, heard=said, counts=False)


def _keys(item: Mapping[str, Any], place: str) -> Step:
    digits = text(item, "keys", place)
    if not re.fullmatch(r"[0-9*#]+", digits):
        raise BadSuite(f"{place}.keys: expected keys of a telephone, found {digits!r}")
    gap = number(item, "gap", place)
    # A transcript has the answer without the key that ends it.
    answers = texts(item.get("answers", digits.rstrip("#") or "#"), f"{place}.answers")
    gap_s = KEY_GAP_S if gap is None else gap
    return Keys(digits, answers, *_when(item, place), gap_s)


def _noise(item: Mapping[str, Any], place: str) -> Step:
    seconds = number(item, "cough", place)
    return Noise(COUGH_S if seconds is None else seconds, *_when(item, place))


def _silent(item: Mapping[str, Any], place: str) -> Step:
    return Silence(number(item, "silent", place))


def _hangs_up(item: Mapping[str, Any], place: str) -> Step:
    return HangUp(*_when(item, place))


def _when(item: Mapping[str, Any], place: str) -> tuple[float | None, bool]:
    """``into`` and ``now``."""
    return number(item, "into", place), bool(item.get("now", False))


def _world(item: Mapping[str, Any], place: str) -> Step:
    place = f"{place}.world"
    given = mapping(item["world"], place)
    refuse_unknown(given, [one.name for one in fields(World)], place)
    world = World(
        recogniser=str(given.get("recogniser", "works")),
        recogniser_s=number(given, "recogniser_s", place) or 0.0,
        service=str(given.get("service", "works")),
        service_s=number(given, "service_s", place) or 0.0,
        voice_s=number(given, "voice_s", place) or 0.0,
        unspeakable=texts(given.get("unspeakable", ()), f"{place}.unspeakable"),
    )
    for name, allowed in (("recogniser", RECOGNISERS), ("service", SERVICES)):
        if (found := getattr(world, name)) not in allowed:
            raise BadSuite(f"{place}.{name}: {found!r} is not one of {list(allowed)}")
    return world


_WHEN = ("into", "now")
_READERS = {
    "bot": (_bot, ()),
    "caller": (_says, (*_WHEN, "pause", "heard", "confidence", "alternatives", "counts")),
    "murmur": (_murmurs, _WHEN),
    "keys": (_keys, (*_WHEN, "gap", "answers")),
    "cough": (_noise, _WHEN),
    "silent": (_silent, ()),
    "hang up": (_hangs_up, _WHEN),
    "world": (_world, ()),
}
