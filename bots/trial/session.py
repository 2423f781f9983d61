"""One conversation with a flow, typed line by line, as the channel would carry it.

1. On a call the bot speaks first; on the written channels the customer does.
2. ``#12`` are keys, an empty line is silence on a call, ``?words`` were heard badly on a call.
3. A lone digit in writing is a key, as the text bot reads it.
4. It is over when the bot hands over or ends, or when no more lines come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from bots import letters
from bots.conversation import Conversation, Heard, Reply, Turn
from bots.trial.watched import Tell
from router.model import Channel, Direction, Interaction, InteractionState

HEARD_BADLY = 0.6
"""The recogniser's confidence in a line that begins with a question mark."""
SITE = "https://example.org"
"""Where links to sources would lead."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Who talks, how, and in which language."""

    channel: Channel = Channel.CHAT
    language: str = "en"
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_voice(self) -> bool:
        """Whether it is a call."""
        return self.channel is Channel.VOICE


@dataclass(frozen=True, slots=True)
class Kept:
    """A slot's value as it is remembered. ``confidence`` 0..1."""

    name: str
    value: Any
    confidence: float
    confirmed: bool


class Trial:
    """A conversation being tried. ``told`` gets the reasons, one at a time."""

    def __init__(self, conversation: Conversation, setting: Setting, told: Tell) -> None:
        self._conversation = conversation
        self._setting = setting
        self._told = told
        self._opening: tuple[Reply, ...] = ()
        self.turn: Turn | None = None

    @property
    def over(self) -> bool:
        """Whether the bot has said its last word."""
        return self.turn is not None and bool(self.turn.handoff or self.turn.ended)

    @property
    def silent(self) -> bool:
        """Whether nothing more will be said: it is over, and all of it was said."""
        return self.over and not self._opening

    @property
    def step(self) -> str:
        """Where it is; ``FLOW/STEP`` within a flow that was called."""
        return str(self.turn.memory["step"]) if self.turn else ""

    @property
    def slots(self) -> list[Kept]:
        """What the bot has by now."""
        listed = self.turn.memory["slots"].items() if self.turn else ()
        return [
            Kept(name, kept["value"], kept["confidence"], bool(kept["confirmed"]))
            for name, kept in listed
        ]

    async def begin(self) -> list[str]:
        """What is said before the customer says anything; nothing in writing."""
        turn = await self._conversation.begin(
            _interaction(self._setting),
            customer_name=self._setting.name,
            fields=self._setting.fields,
        )
        self.turn = turn
        if self._setting.by_voice:
            self._tell_place()
            return self._said(turn, turn.replies)
        # As the text bot: the greeting goes with the first answer, its question does not.
        self._opening = tuple(each for each in turn.replies if self.over or not each.question)
        return []

    async def hear(self, line: str) -> list[str]:
        """What the bot answers to this line."""
        assert self.turn is not None
        heard = self._heard(line)
        if heard is None:
            return []
        replies: tuple[Reply, ...] = ()
        if not self.over:
            self.turn = await self._conversation.hear(self.turn.memory, heard)
            replies = self.turn.replies
        self._tell_place()
        opening, self._opening = self._opening, ()
        return self._said(self.turn, [*opening, *replies])

    def _heard(self, line: str) -> Heard | None:
        text = line.strip()
        voice = self._setting.by_voice
        if not text:
            return Heard.silence() if voice else None
        if text.startswith("#") or (not voice and len(text) == 1 and text.isdecimal()):
            return Heard.pressed(text.removeprefix("#") or "#")
        if voice and text.startswith("?"):
            return Heard.said(text[1:].strip(), HEARD_BADLY)
        return Heard.said(text)

    def _said(self, turn: Turn, replies: Sequence[Reply]) -> list[str]:
        spoken = [reply for reply in replies if reply.text]
        if not spoken:
            return []
        match self._setting.channel:
            case Channel.EMAIL:
                return [letters.mail(self._conversation, turn.memory, spoken, SITE, last=self.over)]
            case Channel.SMS:
                return [letters.sms(spoken, SITE)]
            case Channel.VOICE:
                return [reply.spoken for reply in spoken]
        return [reply.text for reply in spoken]

    def _tell_place(self) -> None:
        slots = ", ".join(
            f"{kept.name}={kept.value} ({kept.confidence:.2f}"
            f"{', confirmed' if kept.confirmed else ''})"
            for kept in self.slots
        )
        self._told(f"step {self.step}{f', slots {slots}' if slots else ''}")

    def outcome(self) -> Iterator[str]:
        """How it ended: the whole packet of a hand-over, the reason of an end."""
        turn = self.turn
        if turn is None:
            return
        if turn.handoff:
            yield f"handed over to {turn.queue or 'the default queue'}"
            packet: Mapping[str, Any] = msgspec.to_builtins(turn.handoff)
            for name, value in packet.items():
                if value not in (None, "", (), [], {}):
                    yield from _shown(name.replace("_", " "), value)
        elif turn.ended:
            yield f"ended: {turn.ended}"
            if turn.memory["answers"]:
                yield from _shown("answers", turn.memory["answers"])
        else:
            yield f"the customer left at step {turn.memory['step']}"


def _shown(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        yield f"  {name}:"
        yield from (f"    - {_one(item)}" for item in value)
    else:
        yield f"  {name}: {_one(value)}"


def _one(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items() if item not in ("", None))
    return str(value)


def _interaction(setting: Setting) -> Interaction:
    return Interaction(
        id="trial",
        channel=setting.channel,
        direction=Direction.INBOUND,
        customer_id="trial",
        conversation_id="trial",
        address="trial",
        service_address="trial",
        state=InteractionState.BOT,
        created_at=datetime.now(UTC),
        language=setting.language,
    )
