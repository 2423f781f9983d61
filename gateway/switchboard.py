"""Whose voice a caller hears: bot, music, agent, survey. One per voice process.

1. A call is one customer leg for its whole life; bots and agents come and go.
2. Who may speak follows the interaction's state, never the other way round: the
   switchboard reacts to facts (queued, back to the bot, ended) and to orders.
3. While the agent's browser connects, and when it drops, the customer hears music and
   keeps the line; who was on hold still is when the agent is back.
4. When the agent hangs up, the customer may give a score, then the line closes.
5. A bot that breaks, however it does, leaves the caller to a person.
6. Who waits is accompanied (``gateway.waiting_line``); who asked to be called back is dialled
   for the agent who accepts.
7. No bot speaks after a person has accepted: what is being said then is cut off.
8. A bot may have a caller put through to somebody outside (``gateway.going_out``); where nobody
   answers there, it goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from bots.flow.outcome import PutThrough
from bots.flow.phrases import BROKEN
from bots.ports import AudioLeg
from bots.survey import has_answered
from bots.voice import VoiceOutcome
from channels.identity import phone
from channels.media.leg import Leg
from channels.media.recording import Recording
from channels.text_errors import BadAddress
from gateway.going_out import GoingOut
from gateway.joining import BrowserLine, Call, Dial, Joining, Talks, outcome_of
from gateway.overhearing import Overhearing
from gateway.party_line import CUSTOMER, PartyLine
from gateway.waiting_line import Speaker, WaitingLine
from router.acts.act import HandoffPlan
from router.acts.callbacks import CALL_BACK
from router.acts.lifecycle import Lifecycle
from router.acts.parties import Arrangement, TransferOutcome
from router.commands import (
    ConnectAgent,
    ConnectVisitor,
    DialParty,
    Done,
    DropParty,
    HangUpCall,
    HoldCall,
    Order,
    PressKeys,
    Refused,
    ResumeCall,
    SdpAnswer,
    TransferInteraction,
)
from router.company import Company
from router.errors import Conflict, IllegalMove, ParleyError
from router.events import (
    BotStarted,
    CallbackRequested,
    CallbackScheduled,
    CallConnected,
    Fact,
    InteractionEnded,
    InteractionOverflowed,
    InteractionQueued,
    OfferAccepted,
    RecordingSaved,
    TalkArranged,
)
from router.model import (
    Arrival,
    Channel,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    new_id,
)
from router.once import Once
from router.ports import Bus, Clock, Store
from router.rules import Way

CALL_BACK_RING_S = 30.0
CALL_BACK_GROUP = "voice-call-back"
RECORDINGS = "recordings"

log = logging.getLogger(__name__)


class Bot(Speaker, Protocol):
    """Who talks first; ``bots.voice.VoiceBot``, whose words hold here."""

    async def run(
        self, leg: AudioLeg, interaction: Interaction, after: str = ""
    ) -> VoiceOutcome | PutThrough:
        """Talk until done with it or the caller has gone; ``after`` a try to put them through."""
        ...

    async def survey(self, leg: AudioLeg, interaction: Interaction) -> int | None:
        """Ask for a score, then hang up."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls whom, as the wire says it."""

    address: str
    service_address: str
    name: str = ""
    language: str | None = None


class Switchboard:
    """Joins legs, bots and agents for the calls of this process."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        bus: Bus,
        clock: Clock,
        voice_bot: Bot,
        talks: Talks,
        line: WaitingLine,
        *,
        node: str,
        company: Company,
        data_dir: Path,
        overhearing: Overhearing | None = None,
        going_out: GoingOut | None = None,
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._bus = bus
        self._clock = clock
        self._bot = voice_bot
        self._node = node
        self._data_dir = data_dir
        self._company = company
        self._calls: dict[str, Call] = {}
        self._heard = Once()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="recording")
        self._people = Joining(store, talks, self._spawn)
        self._line = line
        self._overhearing = overhearing
        self._going_out = going_out

    def connect_wires(self, browser: BrowserLine, dial: Dial | None) -> None:
        """The lines that come with the process: browsers, and telephones where there are any."""
        self._people.browser, self._people.dial = browser, dial

    @property
    def home(self) -> str:
        """This process's address for orders about its calls."""
        return f"voice.{self._node}"

    @property
    def live_calls(self) -> int:
        """How many calls are up."""
        return len(self._calls)

    async def start(self) -> None:
        """Listen for orders and facts."""
        (self._data_dir / RECORDINGS).mkdir(parents=True, exist_ok=True)
        await self._bus.serve(self.home, self.obey)
        heard = (
            InteractionQueued,
            InteractionOverflowed,
            OfferAccepted,
            BotStarted,
            InteractionEnded,
            CallbackRequested,
            CallbackScheduled,
            TalkArranged,
        )
        await self._bus.subscribe(self.home, self._hear, heard, lasting=False)
        await self._bus.subscribe(CALL_BACK_GROUP, self._call_back, (OfferAccepted,))

    async def stop(self) -> None:
        """Hang up everything; each interaction ends with the reason."""
        for call in list(self._calls.values()):
            with contextlib.suppress(ParleyError):
                await self._lifecycle.end(
                    call.interaction_id, EndedBy.SYSTEM, "the voice process was stopped"
                )
            await call.leg.hang_up()
        for task in list(self._tasks):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), 3)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._overhearing is not None:
            await self._overhearing.stop()
        self._writer.shutdown(wait=True)

    # -- calls come in -------------------------------------------------------------

    async def take(self, leg: Leg, caller: Caller) -> None:
        """An answered inbound call, until it is over; the board finishes it when it stops."""
        interaction = await self._received(leg, caller)
        call = self._add(leg, interaction)
        await asyncio.shield(self._spawn(self._serve(call, interaction), f"call-{interaction.id}"))

    async def converse(self, leg: Leg, interaction: Interaction) -> None:
        """An answered outbound call: the bot's part. A hand-over goes on by itself."""
        call = self._add(leg, interaction)
        call.bot = asyncio.create_task(self._run_bot(call, interaction))
        await asyncio.wait({call.bot})
        if call.line.released:  # the caller talks to somebody outside
            await call.leg.closed.wait()
        self._spawn(self._until_over(call), f"call-{interaction.id}")

    async def _received(self, leg: Leg, caller: Caller) -> Interaction:
        arrival = Arrival(
            channel=Channel.VOICE,
            identity=_identity(caller.address),
            service_address=caller.service_address,
            name=caller.name,
            external_id=f"call:{leg.id}",
            home=self.home,
            language=caller.language,
        )
        return (await self._lifecycle.receive(arrival)).interaction

    def _add(self, leg: Leg, interaction: Interaction) -> Call:
        recording = Recording(leg, self._recording_path(interaction.id), self._writer)
        recording.start()
        left, pressed = partial(self._left, interaction.id), partial(self._pressed, interaction.id)
        line = PartyLine(leg, left, pressed)
        call = self._calls[interaction.id] = Call(interaction.id, leg, recording, line)
        if self._overhearing is not None:
            self._overhearing.follow(call, interaction.language)
        return call

    def _recording_path(self, interaction_id: str) -> Path:
        """A new file: who is called back has one call more."""
        folder = self._data_dir / RECORDINGS
        names = (f"{interaction_id}{f'-{n}' if n else ''}.wav" for n in count())
        return next(path for name in names if not (path := folder / name).exists())

    def _left(self, interaction_id: str, name: str) -> None:
        call = self._calls.get(interaction_id)
        if call is not None and name != CUSTOMER:
            self._spawn(self._people.left(call, name), f"left-{interaction_id}")

    def _pressed(self, interaction_id: str, key: str) -> None:
        """A key of the customer's, while people handle the call or it waits for one."""
        call = self._calls.get(interaction_id)
        if call is not None and not call.line.has_people:
            self._line.pressed(call, key, self._spawn)

    async def _serve(self, call: Call, interaction: Interaction) -> None:
        if interaction.state is InteractionState.BOT:
            call.bot = asyncio.create_task(self._run_bot(call, interaction))
        else:
            self._wait_for_people(call)
        await self._until_over(call)

    def _wait_for_people(self, call: Call) -> None:
        """Music until somebody comes, and now and then a word."""
        call.with_people = True
        call.line.open()
        if call.waiting is None or call.waiting.done():
            self._accompany(call)

    def _accompany(self, call: Call) -> None:
        if call.waiting is not None:
            call.waiting.cancel()
        call.waiting = self._spawn(self._line.accompany(call), f"wait-{call.interaction_id}")

    async def _run_bot(self, call: Call, interaction: Interaction) -> None:
        try:
            outcome = await self._talk(call, interaction)
        except Exception:
            log.exception("the bot failed on call %s; a person takes over", interaction.id)
            with contextlib.suppress(Exception):
                words = BROKEN.find(interaction.language, Channel.VOICE, "en")
                await self._bot.say(call.leg, words, interaction.language)
            outcome = await self._give_to_a_person(interaction.id)
        if outcome is VoiceOutcome.HANDED_OFF and not call.with_people:
            self._wait_for_people(call)
        elif outcome is VoiceOutcome.ENDED:
            await call.leg.hang_up()

    async def _talk(self, call: Call, interaction: Interaction) -> VoiceOutcome:
        """The bot, and again behind each try to put the caller through (rule 8)."""
        after = ""
        while isinstance(outcome := await self._bot.run(call.leg, interaction, after), PutThrough):
            if self._going_out is None:
                after = TransferOutcome.UNREACHABLE
                continue
            after = await self._going_out.connect(call, outcome, self._people)
            if after in (TransferOutcome.ANSWERED, TransferOutcome.LEFT):
                return VoiceOutcome.CALLER_LEFT
        return outcome

    async def _give_to_a_person(self, interaction_id: str) -> VoiceOutcome:
        """When our bot breaks, the caller must not be the one who pays for it."""
        packet = Handoff(reason="bot-failed", summary="The bot broke down; please ask again.")
        plan = HandoffPlan(self._company.default_queue, packet)
        while True:
            async with self._store.transaction() as tx:
                interaction = await tx.interactions.get(interaction_id)
            try:
                await self._lifecycle.save_bot_turn(interaction, interaction.bot_state, (), plan)
            except IllegalMove:
                return VoiceOutcome.CALLER_LEFT
            except Conflict:
                continue  # the bot's last line was still on its way to the store
            return VoiceOutcome.HANDED_OFF

    async def _until_over(self, call: Call) -> None:
        await call.leg.closed.wait()
        if call.bot is not None:
            await asyncio.gather(call.bot, return_exceptions=True)
        self._people.drop_all(call)
        with contextlib.suppress(ParleyError):
            await self._lifecycle.end(call.interaction_id, EndedBy.CUSTOMER, "hung up")
        recorded = await call.recording.finished()
        self._line.forget(call.interaction_id)
        if self._calls.get(call.interaction_id) is call:
            del self._calls[call.interaction_id]
        saved = RecordingSaved(
            at=self._clock.now(),
            interaction_id=call.interaction_id,
            path=f"{RECORDINGS}/{recorded.path.name}",
            duration_s=recorded.duration_s,
        )
        await self._lifecycle.record([saved])

    # -- orders --------------------------------------------------------------------

    async def obey(self, order: Order) -> Order | None:
        """Carry out an order about a call of this process."""
        if isinstance(order, ConnectVisitor):
            return await self._connect_visitor(order)
        call = await self._call_of(getattr(order, "interaction_id", ""))
        if call is None:
            return Refused(reason="this call is not up any more")
        match order:
            case ConnectAgent():
                answer = await self._people.connect(call, order)
                if isinstance(answer, SdpAnswer):
                    self._taken(call)
                return answer
            case HoldCall() | ResumeCall():
                return await self._hold(call, isinstance(order, HoldCall))
            case DialParty():
                return await self._people.bring_in(call, order)
            case TransferInteraction():
                return await self._people.transfer_out(call, order)
            case DropParty():
                return await self._people.drop_party(call, order)
            case PressKeys():
                call.leg.press(order.digits)
            case HangUpCall():
                self._close_politely(call)
            case _:
                return Refused(reason=f"a call cannot do that: {type(order).__name__}")
        return Done()

    async def _call_of(self, interaction_id: str) -> Call | None:
        """The call of an interaction, or the one that an internal interaction is about."""
        call = self._calls.get(interaction_id)
        if call is None and interaction_id:
            async with self._store.transaction() as tx:
                interaction = await tx.interactions.get(interaction_id)
            call = self._calls.get(interaction.parent_id or "")
        return call

    async def _hold(self, call: Call, held: bool) -> Order:
        if not (call.line.has_people or call.joining):
            return Refused(reason="nobody is joined to this call")
        call.line.held = held
        await self._people.look(call)
        return Done()

    async def _connect_visitor(self, order: ConnectVisitor) -> Order:
        browser = self._people.browser
        if browser is None:
            return Refused(reason="this process takes no calls from browsers")
        address = order.address or f"web-{new_id()[:12]}"
        leg, sdp = await browser.answer(order.sdp, address=address, name=order.name)
        caller = Caller(address, "web", order.name, order.language)
        interaction = await self._received(leg, caller)
        call = self._add(leg, interaction)
        self._spawn(self._serve(call, interaction), f"call-{interaction.id}")
        return SdpAnswer(sdp=sdp, interaction_id=interaction.id)

    def _close_politely(self, call: Call) -> None:
        if not call.closing:
            call.closing = True
            self._spawn(self._survey_and_close(call), f"close-{call.interaction_id}")

    async def _survey_and_close(self, call: Call) -> None:
        had_agent = call.line.has_people
        self._quiet(call)
        if self._company.survey and had_agent and not call.leg.closed.is_set():
            async with self._store.transaction() as tx:
                interaction = await tx.interactions.get(call.interaction_id)
                asked = await has_answered(tx, call.interaction_id)
            try:
                if not asked:
                    await self._bot.survey(call.leg, interaction)
            except ParleyError:
                log.exception("the survey on call %s failed", call.interaction_id)
        await call.leg.hang_up()

    # -- facts ---------------------------------------------------------------------

    async def _hear(self, fact: Fact) -> None:
        """A fact about a call, once: a late duplicate must not undo what came after it."""
        call = self._calls.get(fact.interaction_id)
        if call is None or call.closing or fact in self._heard:
            return
        await self._follow(call, fact)
        self._heard.add(fact)

    async def _follow(self, call: Call, fact: Fact) -> None:
        match fact:
            case OfferAccepted():
                self._taken(call)
            case InteractionQueued():
                call.taken = False
                if fact.from_agent_id:
                    call.line.held = False
                    await self._people.look(call)
                if call.with_people:
                    self._accompany(call)
            case InteractionOverflowed(way=Way.VOICEMAIL):
                self._take_message(call, fact.say)
            case InteractionOverflowed() | CallbackRequested() | CallbackScheduled():
                await self._line.hear(call, fact, self._people, self._spawn)
            case TalkArranged(arrangement=Arrangement.RELEASED):
                self._people.release(call)
            case TalkArranged():
                call.line.held = fact.arrangement == Arrangement.HELD
                await self._people.look(call)
            case BotStarted() if call.with_people:
                await self._back_to_bot(call)
            case InteractionEnded() if fact.ended_by == EndedBy.SYSTEM:
                if not call.line.released:  # else only our part is over
                    await call.leg.hang_up()

    def _taken(self, call: Call) -> None:
        """A person is the handler now: bot and announcements fall silent (rule 7)."""
        call.hush()
        if call.bot is not None and not call.bot.done():
            call.bot.cancel()
            call.leg.flush()
            self._wait_for_people(call)

    async def _back_to_bot(self, call: Call) -> None:
        call.with_people = call.line.held = call.taken = False
        self._quiet(call)
        async with self._store.transaction() as tx:
            interaction = await tx.interactions.get(call.interaction_id)
        call.bot = asyncio.create_task(self._run_bot(call, interaction))

    def _take_message(self, call: Call, text: str) -> None:
        call.with_people = True
        self._quiet(call)
        folder = self._data_dir / RECORDINGS
        call.bot = asyncio.create_task(self._line.take_message(call, text, folder, self._writer))

    def _quiet(self, call: Call) -> None:
        """Nobody but the customer, no music: the bot has the leg for itself."""
        if call.waiting is not None:
            call.waiting.cancel()
        self._people.drop_all(call)
        call.leg.flush()

    async def _call_back(self, fact: Fact) -> None:
        """Dial a customer who has no line (any more), for the agent who accepted."""
        async with self._store.transaction() as tx:
            interaction = await tx.interactions.get(fact.interaction_id)
        no_line = interaction.channel is Channel.VOICE and not interaction.home
        if not no_line or interaction.state is not InteractionState.AGENT:
            return
        if self._people.dial is None or interaction.parent_id:
            return
        async with self._store.transaction() as tx:
            # Until somebody answers, no row says that a telephone rings already.
            if await tx.log.seen_before(CALL_BACK_GROUP, fact.id, self._clock.now()):
                return
        self._spawn(self._dial_back(interaction), f"call-back-{interaction.id}")

    async def _dial_back(self, interaction: Interaction) -> None:
        assert self._people.dial is not None
        before = self._calls.get(interaction.id)
        if before is not None:  # still hearing our goodbye
            await before.leg.closed.wait()
        try:
            leg = await self._people.dial(interaction.address, CALL_BACK_RING_S)
        except ParleyError as error:
            await self._not_reached(interaction, error)
            return
        interaction = await self._lifecycle.set_home(interaction.id, self.home)
        call = self._add(leg, interaction)
        self._wait_for_people(call)
        connected = CallConnected(
            at=self._clock.now(), interaction_id=interaction.id, home=self.home
        )
        await self._lifecycle.record([connected])
        await self._until_over(call)

    async def _not_reached(self, interaction: Interaction, error: ParleyError) -> None:
        """Who asked to be called is called again later; a line that was lost is given up."""
        if interaction.meta.get(CALL_BACK):
            outcome = outcome_of(error)
            places, agent_id = self._line.acts.places, interaction.agent_id or ""
            with contextlib.suppress(IllegalMove):
                await places.failed(interaction.id, agent_id, outcome, str(error))
            return
        reason = f"the call was lost; calling back failed: {error}"
        await self._lifecycle.end(interaction.id, EndedBy.SYSTEM, reason)

    # -- inside ----------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a call's task failed", exc_info=task.exception())


def _identity(address: str) -> Identity:
    """A number where it is one; a SIP address or a browser's own name otherwise."""
    try:
        return phone(address)
    except BadAddress:
        kind = IdentityKind.PHONE if address.startswith("sip:") else IdentityKind.COOKIE
        return Identity(kind, address)
