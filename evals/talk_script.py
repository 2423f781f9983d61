"""Conversations on any channel as data: what the customer does, what the bot must do.

1. One entry is one customer's matter, played on every channel that it names (default: all four).
2. Wherever a value differs by channel, a mapping stands in its place: ``{voice: …, text: …}``;
   ``text`` is chat, SMS and mail together, and the channel's own name goes before it.
3. A turn with ``channels`` is left out on the others.
4. What is read back is confirmed with a yes, unless the next turn says ``read_back``.
5. The tests play them through the channels' own code (``tests/talks``), and the packets of those
   that end with a person are measured (``python -m evals bench packets``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from evals.fields import BadSuite, mapping, number, refuse_unknown, sequence, text, texts
from evals.suite import Ending, TurnCheck, parse_check, parse_ending
from router.model import Channel

TALKS = Path(__file__).parent / "talks"
WRITTEN = "text"
"""Stands for chat, SMS and mail together."""
SERVICES = ("works", "down", "slow")
ACTS = ("say", "press", "silent", "wait_s", "person")
PERSON_DOES = re.compile(r"accepts|gives back|writes .+", re.DOTALL)
PACKET_TEXTS = ("cause", "trigger", "tried", "article", "open", "last", "flow", "mood")
PACKET_KEYS = (*PACKET_TEXTS, "summary", "slots", "confirmed", "level")


@dataclass(frozen=True, slots=True)
class TalkTurn:
    """One thing that happens.

    The customer ``say``s something, presses keys, is ``silent`` for too long, or lets ``wait_s``
    seconds pass; or a ``person`` ``accepts``, ``writes …`` or ``gives back``. ``read_back`` marks
    the customer's own answer to what was read back.
    """

    say: str = ""
    press: str = ""
    silent: bool = False
    wait_s: float = 0.0
    person: str = ""
    read_back: bool = False
    expect: TurnCheck = field(default_factory=TurnCheck)
    mute: bool = False
    """Whether the bot must say nothing."""

    @property
    def label(self) -> str:
        """How a transcript shows it."""
        if self.press:
            return f"[keys {self.press}]"
        if self.person:
            return f"[a person {self.person}]"
        return self.say or ("[silent]" if self.silent else f"[{self.wait_s:g} s later]")


@dataclass(frozen=True, slots=True)
class TalkEnding:
    """What must be true at the end: ``ending`` as in suites, and what the bot's memory says.

    ``step`` is where the flow waits, ``over`` whether the bot has ended it, ``unset`` slots that
    hold nothing, ``told`` texts that the whole conversation has once at most. ``packet`` is what
    the person gets.
    """

    ending: Ending = field(default_factory=Ending)
    language: str = ""
    step: str = ""
    over: bool | None = None
    unset: tuple[str, ...] = ()
    told_once: tuple[str, ...] = ()
    calls: tuple[str, ...] | None = None
    """The actions that changed something, as ``METHOD path``, in order; None: whatever they are."""
    packet: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation on one channel. ``service`` is how the company's systems answer."""

    name: str
    kind: str
    channel: Channel
    turns: tuple[TalkTurn, ...]
    ending: TalkEnding
    flow: str = "front-desk"
    language: str = "en"
    customer: str = ""
    subject: str = ""
    service: str = "works"
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Short and unique."""
        return f"{self.kind}: {self.name} ({self.channel})"


# -- reading -------------------------------------------------------------------------


def load_talks(folder: Path = TALKS) -> tuple[Talk, ...]:
    """All of a folder, on all their channels. Raises ``BadSuite`` naming file and place."""
    return tuple(talk for path in sorted(folder.glob("*.yaml")) for talk in read_talks(path))


def read_talks(path: Path) -> tuple[Talk, ...]:
    """Those of one file; its name is their kind. Raises ``BadSuite`` naming file and place."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return tuple(parse_talks(raw, path.stem))
    except (OSError, yaml.YAMLError) as error:
        raise BadSuite(f"{path}: cannot be read: {error}") from None
    except BadSuite as error:
        raise BadSuite(f"{path}: {error}") from None


def parse_talks(raw: Any, kind: str) -> Iterator[Talk]:
    """Talks from plain data. Raises ``BadSuite`` naming the place."""
    top = mapping(raw, "file")
    refuse_unknown(top, ("about", "flow", "conversations"), "file")
    names: set[str] = set()
    for i, item in enumerate(sequence(top.get("conversations", []), "conversations")):
        place = f"conversations[{i}]"
        name = text(mapping(item, place), "name", place)
        if name in names:
            raise BadSuite(f"{place}.name: {name!r} is there twice")
        names.add(name)
        for channel in _channels(item.get("channels"), f"{place}.channels"):
            chosen = {key: value for key, value in item.items() if key != "channels"}
            chosen.setdefault("flow", top.get("flow", "front-desk"))
            yield _talk(_for(chosen, channel), kind, channel, place)


def _channels(raw: Any, place: str) -> tuple[Channel, ...]:
    """The channels named; all for None."""
    if raw is None:
        return tuple(Channel)
    named = [raw] if isinstance(raw, str) else sequence(raw, place)
    found: list[Channel] = []
    for name in named:
        if name == WRITTEN:
            found += [channel for channel in Channel if channel is not Channel.VOICE]
        elif name in list(Channel):
            found.append(Channel(name))
        else:
            raise BadSuite(f"{place}: {name!r} is not one of {[*map(str, Channel), WRITTEN]}")
    return tuple(found)


_BY_CHANNEL = frozenset({*map(str, Channel), WRITTEN})


def _for(raw: Any, channel: Channel) -> Any:
    """The data as they are on one channel (rules 2 and 3); what is not for it is left out."""
    if isinstance(raw, Mapping):
        if raw and _BY_CHANNEL.issuperset(raw):
            written = None if channel is Channel.VOICE else raw.get(WRITTEN)
            return _for(raw.get(str(channel), written), channel)
        chosen = {key: _for(value, channel) for key, value in raw.items() if key != "channels"}
        return {key: value for key, value in chosen.items() if value is not None}
    if isinstance(raw, list):
        wanted = [item for item in raw if _is_on(item, channel)]
        return [_for(item, channel) for item in wanted]
    return raw


def _is_on(item: Any, channel: Channel) -> bool:
    return not isinstance(item, Mapping) or channel in _channels(item.get("channels"), "channels")


def _talk(item: Mapping[str, Any], kind: str, channel: Channel, place: str) -> Talk:
    known = ("name", "about", "flow", "language", "customer", "subject", "service", "fields")
    refuse_unknown(item, (*known, "turns", "expect"), place)
    turns = tuple(
        _turn(turn, f"{place}.turns[{i}]")
        for i, turn in enumerate(sequence(item.get("turns", []), f"{place}.turns"))
    )
    if not turns:
        raise BadSuite(f"{place}.turns: expected at least one, found none")
    service = str(item.get("service", "works"))
    if service not in SERVICES:
        raise BadSuite(f"{place}.service: {service!r} is not one of {list(SERVICES)}")
    given = mapping(item.get("fields", {}), f"{place}.fields")
    talk = Talk(
        name=str(item["name"]),
        kind=kind,
        channel=channel,
        turns=turns,
        ending=_ending(item.get("expect", {}), f"{place}.expect"),
        flow=str(item["flow"]),
        language=str(item.get("language", "en")),
        customer=str(item.get("customer", "")),
        subject=str(item.get("subject", "")),
        service=service,
        fields={str(name): str(value) for name, value in given.items()},
    )
    if talk.ending == TalkEnding() and all(_is_vague(turn) for turn in turns):
        raise BadSuite(f"{place}: nothing is expected on {channel}, so it cannot fail")
    return talk


def _is_vague(turn: TalkTurn) -> bool:
    return turn.expect == TurnCheck() and not turn.mute


def _turn(raw: Any, place: str) -> TalkTurn:
    item = mapping({"say": raw} if isinstance(raw, str) else raw, place)
    refuse_unknown(item, (*ACTS, "read_back", "expect", "mute"), place)
    acts = [key for key in ACTS if key in item]
    if len(acts) != 1:
        raise BadSuite(f"{place}: expected one of {list(ACTS)}, found {acts}")
    for act in ("say", "press", "person"):
        if act in item:
            text(item, act, place)  # "no" without quotes is no text in YAML
    person = str(item.get("person", ""))
    if person and not PERSON_DOES.fullmatch(person):
        raise BadSuite(f"{place}.person: a person accepts, writes … or gives back; not {person!r}")
    return TalkTurn(
        say=str(item.get("say", "")),
        press=str(item.get("press", "")),
        silent=bool(item.get("silent", False)),
        wait_s=number(item, "wait_s", place) or 0.0,
        person=person,
        read_back=bool(item.get("read_back", False)),
        expect=parse_check(item.get("expect", {}), f"{place}.expect"),
        mute=bool(item.get("mute", False)),
    )


def _ending(raw: Any, place: str) -> TalkEnding:
    item = dict(mapping(raw, place))
    packet = mapping(item.pop("packet", {}), f"{place}.packet")
    refuse_unknown(packet, PACKET_KEYS, f"{place}.packet")
    over = item.pop("over", None)
    calls = item.pop("calls", None)
    return TalkEnding(
        language=str(item.pop("language", "")),
        step=str(item.pop("step", "")),
        over=None if over is None else bool(over),
        unset=texts(item.pop("unset", ()), f"{place}.unset"),
        told_once=texts(item.pop("told_once", ()), f"{place}.told_once"),
        calls=None if calls is None else texts(calls, f"{place}.calls"),
        packet=dict(packet),
        ending=parse_ending(item, place),
    )


def names_of(talks: Sequence[Talk]) -> list[str]:
    """Conversations by name, each once, whatever channels they are on."""
    return list(dict.fromkeys(f"{talk.kind}: {talk.name}" for talk in talks))
