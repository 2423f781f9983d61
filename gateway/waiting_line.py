"""What a caller hears who waits for a person, besides music.

1. The place and the estimate, every so many seconds as the queue's rules say, in the caller's
   language; not while it rings at somebody.
2. After a while the offer to be called back: key 1, and the place is kept.
3. What a rule of the queue says when it applies; then what it does: another number is dialled
   while the caller waits on, a message is taken, the line ends politely.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bots.ports import AudioLeg
from channels.errors import RecordingFailed
from gateway.joining import Call, Joining, Spawn
from gateway.voicemail import take_message
from gateway.waiting_room import WaitingRoom
from gateway.waiting_texts import (
    LEAVE_MESSAGE,
    MESSAGE_KEPT,
    NO_NUMBER,
    OFFER,
    PROMISED,
    PROMISED_LATER,
    place_text,
    said,
)
from router.acts.callbacks import CALL_BACK
from router.acts.parties import TransferOutcome
from router.acts.transfers import RING_S
from router.company import Company
from router.errors import CallbackExists, CallbackRefused, IllegalMove, ParleyError
from router.events import CallbackRequested, CallbackScheduled, InteractionOverflowed
from router.model import EndedBy, Interaction, InteractionState
from router.ports import Clock, Store
from router.rules import Rules, Way

FIRST_S = 5.0
"""The first announcement comes after so long, unless somebody has answered by then."""
CALL_ME_KEY = "1"
RINGS_S = 2.0
"""While it rings at somebody it is looked at again so soon."""

Heard = InteractionOverflowed | CallbackRequested | CallbackScheduled
"""What happens to a caller who waits, and is to be said."""

log = logging.getLogger(__name__)


class Speaker(Protocol):
    """Says a text on a leg; ``bots.voice.VoiceBot``, whose words hold here."""

    async def say(self, leg: AudioLeg, text: str, language: str) -> bool:
        """True when it was heard to its end."""
        ...


class Places(Protocol):
    """``router.acts.callbacks.Callbacks``, whose words hold here."""

    async def keep_place(self, interaction_id: str, number: str = "") -> Interaction:
        """The caller may hang up and will be called."""
        ...

    async def failed(
        self, interaction_id: str, agent_id: str, outcome: TransferOutcome, detail: str = ""
    ) -> Interaction:
        """The customer did not answer our call."""
        ...


class Outcomes(Protocol):
    """``router.acts.waiting.Waiting``, whose words hold here."""

    async def number_answered(self, interaction_id: str, address: str) -> None:
        """Somebody outside took the waiting call."""
        ...

    async def voicemail_left(
        self, interaction_id: str, path: str, duration_s: float, text: str = ""
    ) -> Interaction:
        """A spoken message was recorded."""
        ...


class Ends(Protocol):
    """``router.acts.lifecycle.Lifecycle``, whose words hold here."""

    async def end(self, interaction_id: str, by: EndedBy, reason: str) -> Interaction:
        """The engagement is over."""
        ...


@dataclass(frozen=True, slots=True)
class Acts:
    """What waiting callers set in motion."""

    places: Places
    outcomes: Outcomes
    ends: Ends


class WaitingLine:
    """Accompanies the callers of this process while they wait."""

    def __init__(
        self,
        store: Store,
        company: Company,
        clock: Clock,
        speaker: Speaker,
        room: WaitingRoom,
        acts: Acts,
        *,
        first_s: float = FIRST_S,
    ) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._speaker = speaker
        self._room = room
        self.acts = acts
        self._first_s = first_s
        self._offered: set[str] = set()
        self._refused: set[str] = set()

    async def accompany(self, call: Call) -> None:
        """Announce place and estimate, and offer the callback, until somebody answers."""
        told_at: datetime | None = None
        while not (call.leg.closed.is_set() or call.closing):
            item = await self._load(call.interaction_id)
            waits = item.state in (InteractionState.WAITING, InteractionState.OFFERED)
            if not waits or item.meta.get(CALL_BACK) or item.joined_at is None:
                return
            rules = self._rules(item)
            due_s = self._due_s(item, rules, told_at)
            if due_s is None:
                return
            wait_s = due_s - self._since(item.joined_at)
            if wait_s > 0:
                await _sleep_or_closed(call, wait_s)
            elif item.state is InteractionState.OFFERED or call.line.has_people:
                await _sleep_or_closed(call, RINGS_S)
            else:
                await self._announce(call, item, rules)
                told_at = self._clock.now()

    def pressed(self, call: Call, key: str, spawn: Spawn) -> None:
        """A key of somebody who waits: 1 accepts the callback, when it was offered."""
        if key == CALL_ME_KEY and call.interaction_id in self._offered:
            self._offered.discard(call.interaction_id)
            spawn(self._promise(call), f"call-back-asked-{call.interaction_id}")

    def forget(self, interaction_id: str) -> None:
        """The call is over."""
        self._offered.discard(interaction_id)
        self._refused.discard(interaction_id)

    async def _announce(self, call: Call, item: Interaction, rules: Rules) -> None:
        parts = []
        if rules.announce_every_s:
            look = await self._room.look()
            position, estimate_s = look.position(item.id), look.estimate_s(item.id)
            parts.append(place_text(position, estimate_s, item.language))
        offer = rules.callback if item.id not in self._refused else None
        if offer is not None and self._waited(item) >= offer.offer_after_s:
            self._offered.add(call.interaction_id)
            parts.append(said(OFFER, item.language))
        text = " ".join(part for part in parts if part)
        if text:
            await self._speak(call, text, item.language)

    async def _promise(self, call: Call) -> None:
        item = await self._load(call.interaction_id)
        call.leg.flush()
        try:
            await self.acts.places.keep_place(call.interaction_id)
        except IllegalMove:
            return  # an agent has just taken it: better than any callback
        except (CallbackRefused, CallbackExists) as error:
            log.info("no callback for %s: %s", call.interaction_id, error)
            self._refused.add(call.interaction_id)
            await self._speak(call, said(NO_NUMBER, item.language), item.language)

    async def _promised(self, call: Call, fact: CallbackRequested | CallbackScheduled) -> None:
        """They will be called back, whoever asked for it: say so, and let the line go."""
        if call.leg.closed.is_set():
            return
        item = await self._load(call.interaction_id)
        text = PROMISED if isinstance(fact, CallbackRequested) else PROMISED_LATER
        call.leg.flush()
        await self._speak(call, said(text, item.language), item.language)
        await call.leg.hang_up()

    def _due_s(self, item: Interaction, rules: Rules, told_at: datetime | None) -> float | None:
        """After how many seconds of waiting there is something to say; None for never."""
        joined_at = item.joined_at or item.created_at
        moments = []
        if rules.announce_every_s and told_at is None:
            moments.append(self._first_s)
        elif rules.announce_every_s and told_at is not None:
            moments.append((told_at - joined_at).total_seconds() + rules.announce_every_s)
        if rules.callback and item.id not in self._offered | self._refused:
            moments.append(float(rules.callback.offer_after_s))
        return min(moments, default=None)

    # -- rules that apply ----------------------------------------------------------

    async def hear(self, call: Call, fact: Heard, people: Joining, spawn: Spawn) -> None:
        """Say what it means for the caller. Returns when they may be taken elsewhere."""
        if isinstance(fact, InteractionOverflowed):
            await self._overflowed(call, fact, people, spawn)
        else:
            await self._promised(call, fact)

    async def _overflowed(
        self, call: Call, fact: InteractionOverflowed, people: Joining, spawn: Spawn
    ) -> None:
        item = await self._load(call.interaction_id)
        if fact.way == Way.NUMBER:
            spawn(self._to_number(call, fact, people), f"overflow-{call.interaction_id}")
        if fact.way in (Way.QUEUE, Way.WAIT, Way.NUMBER):
            spawn(self._say(call, fact.say, item.language), f"say-{call.interaction_id}")
            return
        await self._say(call, fact.say, item.language)
        if fact.way == Way.CALLBACK:
            if not fact.say:
                await self._say(call, said(PROMISED, item.language), item.language)
            await call.leg.hang_up()

    async def _say(self, call: Call, text: str, language: str) -> None:
        if text and not call.leg.closed.is_set() and not call.line.has_people:
            await self._speak(call, text, language)

    async def _to_number(self, call: Call, fact: InteractionOverflowed, people: Joining) -> None:
        if people.dial is None:
            return
        try:
            leg = await people.dial(fact.target, RING_S)
        except ParleyError as error:
            log.info("overflow of %s to %s: %s", call.interaction_id, fact.target, error)
            return  # the caller waits on
        item = await self._load(call.interaction_id)
        waits = item.state in (InteractionState.WAITING, InteractionState.OFFERED)
        if not waits or call.line.has_people or call.leg.closed.is_set():
            await leg.hang_up()
            return
        call.leg.flush()
        call.line.open()
        call.line.seat(f"outside:{fact.id}", leg, outside=True)
        people.release(call)
        await self.acts.outcomes.number_answered(call.interaction_id, fact.target)

    async def take_message(
        self, call: Call, text: str, folder: Path, writer: ThreadPoolExecutor
    ) -> None:
        """A voice message for the queue, then goodbye. ``folder`` is the data folder's own."""
        item = await self._load(call.interaction_id)
        name = f"{folder.name}/voicemail-{item.id}.wav"
        prompt = text or said(LEAVE_MESSAGE, item.language)

        async def ask() -> None:
            await self._speak(call, prompt, item.language)

        try:
            message = await take_message(call.leg, ask, folder.parent / name, writer)
        except RecordingFailed:
            log.exception("the message of %s is lost", item.id)
            message = None
        if message is None or message.is_empty:
            await self.acts.ends.end(item.id, EndedBy.CUSTOMER, "left no message")
        else:
            await self.acts.outcomes.voicemail_left(item.id, name, message.duration_s)
            if not call.leg.closed.is_set():
                kept = said(MESSAGE_KEPT, item.language)
                await self._speak(call, kept, item.language)
        await call.leg.hang_up()

    # -- inside --------------------------------------------------------------------

    async def _speak(self, call: Call, text: str, language: str) -> None:
        """Say it to its end, unless a person takes the call: then no word more (``hush``)."""
        if call.taken:
            return
        saying = asyncio.create_task(self._speaker.say(call.leg, text, language))
        call.announcing.add(saying)
        try:
            await asyncio.wait({saying})
        finally:
            saying.cancel()
            call.announcing.discard(saying)
        error = None if saying.cancelled() else saying.exception()
        if error is not None:
            log.error("an announcement on %s failed", call.interaction_id, exc_info=error)

    async def _load(self, interaction_id: str) -> Interaction:
        async with self._store.transaction() as tx:
            return await tx.interactions.get(interaction_id)

    def _rules(self, item: Interaction) -> Rules:
        return self._company.queue(item.queue or self._company.default_queue).rules

    def _since(self, at: datetime) -> float:
        return (self._clock.now() - at).total_seconds()

    def _waited(self, item: Interaction) -> float:
        return self._since(item.joined_at or item.created_at)


async def _sleep_or_closed(call: Call, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await call.leg.closed.wait()
    except TimeoutError:
        return
