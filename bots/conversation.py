"""One conversation, whatever the channel: run the flow, do its I/O, hand back what to say.

Both the text bot and the voice bot use :class:`Conversation`. It keeps nothing:
the flow's whole memory is JSON that goes in and comes out, so that any process
can go on with any interaction::

    turn = await conversation.begin(interaction, customer_name="Anna")
    ...speak turn.replies, listen for turn.expectation...
    turn = await conversation.hear(turn.memory, Heard.said("where is my parcel", 0.8))
    ...until turn.handoff or turn.ended is set
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bots import loops
from bots.better_told import better_told
from bots.enquiries import Enquiries
from bots.errors import ActionFailed
from bots.flow import sensitive
from bots.flow.frequent import frequent
from bots.flow.interpreter import come_back, give_up, phrase, resume, start
from bots.flow.model import AnswerStep, Flow, SayStep, Text
from bots.flow.outcome import (
    REFUSED,
    TOLD,
    USED_UP,
    Action,
    Answered,
    Ask,
    Context,
    End,
    Fetched,
    Given,
    HandOff,
    Memory,
    Need,
    NeedAnswer,
    NeedCallback,
    NeedCode,
    NeedHttp,
    NeedScore,
    Outcome,
    Promised,
    Proven,
    PutThrough,
    Recorded,
    Say,
    Transferred,
    Understood,
    named_queues,
)
from bots.flow.playout import Played, believed
from bots.followup import Rewriter
from bots.handoff import Summariser, build_packet
from bots.ports import (
    Actions,
    EarlyListener,
    Expectation,
    House,
    Knowledge,
)
from bots.privacy import private
from router.acts import returned
from router.acts.act import HandoffPlan
from router.acts.nobody import Nobody
from router.acts.parties import TransferOutcome
from router.errors import LocalError
from router.events import Fact
from router.model import Channel, Citation, Handoff, Interaction
from router.ports import Clock
from router.redaction.policy import DEFAULT_POLICY, Policy
from router.rules import Overflow

MAX_CALLS = 20
"""Calls to knowledge and actions in one turn; more is a loop in the flow."""
SPELLING = "spelling"
UNREACHABLE = str(TransferOutcome.UNREACHABLE)

CALLBACK = "callback"
"""The reason in the packet of a promised call."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came from the customer: words, key presses, or nothing (silence).

    ``confidence`` is the recogniser's 0..1 (1 for typed text); ``alternatives``
    are its other guesses, best first.
    """

    text: str = ""
    digits: str = ""
    confidence: float = 1.0
    alternatives: tuple[str, ...] = ()

    @classmethod
    def said(cls, text: str, confidence: float = 1.0, alternatives: tuple[str, ...] = ()) -> Heard:
        """Words, spoken or typed."""
        return cls(text=text, confidence=confidence, alternatives=alternatives)

    @classmethod
    def pressed(cls, digits: str) -> Heard:
        """Keys of the telephone, collected into one answer (a trailing ``#`` is dropped)."""
        return cls(digits=digits.rstrip("#") or "#")

    def then(self, more: Heard) -> Heard:
        """These words and those that went on with them; of what was unclear nothing stays.

        The alternatives were of a part only.
        """
        if not self.confidence or not more.confidence:
            return more if more.confidence else self
        sure = min(self.confidence, more.confidence)
        return Heard.said(f"{self.text} {more.text}", sure)

    def as_data(self) -> dict[str, Any]:
        """For the memory: the turn that may turn out to have caused a hand-over."""
        return {"text": self.text, "digits": self.digits, "confidence": round(self.confidence, 3)}

    @classmethod
    def silence(cls) -> Heard:
        """Nobody said or pressed anything in time."""
        return cls()


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing to say. ``spoken`` is the form for the ear, ``text`` the transcript's.

    ``question`` is True for the prompt of the step that now waits for the customer;
    ``step`` is the step of the flow that says it.
    """

    text: str
    spoken: str
    citations: tuple[Citation, ...] = ()
    question: bool = False
    step: str = ""
    protected: bool = False
    """On a call, whether speech does not stop it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the bot does now, in this order: say ``replies``, then one of four.

    ``handoff`` set: give the interaction to ``queue`` with ``skills`` (``plan``) and be silent;
    ``ended`` set (a reason): close it; ``outside`` set, on a call only: try to put the caller
    through and come back with :meth:`Conversation.not_reached`; none: listen for ``expectation``.
    ``max_digits`` is how many keys complete an answer by telephone (1 for a menu,
    6 for an order number, 0 when keys mean nothing here; ``0`` alone always reaches
    a person). ``memory`` is JSON: store it, give it back to :meth:`Conversation.hear`.
    It believes that all of ``replies`` was heard: after a call's playout
    :meth:`Conversation.played` puts that right, from ``unplayed``, the memory before them.
    While ``off_record`` nothing the customer says is kept, nor ever the slots ``secret``.
    ``facts`` are to be recorded with the turn. ``fillers`` may be said on a call while
    the answer to this turn takes its time. ``acted_s`` is how long the knowledge base and
    actions took, in seconds; None where none was asked.
    """

    replies: tuple[Reply, ...]
    memory: dict[str, Any]
    expectation: Expectation = field(default_factory=Expectation)
    max_digits: int = 0
    handoff: Handoff | None = None
    queue: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)
    agent: str = ""
    """Login of the agent who is asked first for it."""
    rules: tuple[Overflow, ...] = ()
    """What becomes of the hand-over when nobody takes it."""
    ended: str | None = None
    outside: PutThrough | None = None
    facts: tuple[Fact, ...] = ()
    fillers: tuple[str, ...] = ()
    unplayed: Mapping[str, Any] = field(default_factory=dict)
    listen: str = ""
    """The profile by which the caller is listened to, where it is not the expectation's own."""
    off_record: bool = False
    secret: frozenset[str] = frozenset()
    changed: bool = False
    """Whether an action on the way to this turn changed something: it cannot be taken back."""
    acted_s: float | None = None

    @property
    def kept_memory(self) -> dict[str, Any]:
        """The memory as it may be stored."""
        slots = {k: v for k, v in self.memory.get("slots", {}).items() if k not in self.secret}
        return {**self.memory, "slots": slots} if self.secret else self.memory

    @property
    def is_last(self) -> bool:
        """Whether nobody is listened to behind it."""
        return self.handoff is not None or self.ended is not None or self.outside is not None

    @property
    def plan(self) -> HandoffPlan | None:
        """Where the packet goes, when there is one."""
        if self.handoff is None:
            return None
        first, *also = named_queues(self.queue) or ("",)
        plan = HandoffPlan(first, self.handoff, self.skills, also=tuple(also), agent=self.agent)
        return replace(plan, rules=self.rules)


class Understanding(Protocol):
    """From words to intents; ``bots.nlu.understanding.IntentUnderstanding``."""

    async def prepare(self, flow: Flow) -> None:
        """Get ready for this flow (training). Safe to repeat."""
        ...

    async def understand(self, flow: Flow, text: str, language: str) -> Understood:
        """What the customer wants; ``language`` is the conversation's."""
        ...


class Adviser(Protocol):
    """Somebody who is asked what was not understood; ``bots.advice.second_opinion``."""

    async def on(self, flow: Flow, memory: Mapping[str, Any], given: Understood) -> Understood:
        """``given``, or what it may mean; comes back in time and never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What every conversation needs from outside. ``settings`` override flow variables.

    ``seconds`` is a clock that only goes forward: for how long things take. Without an
    ``adviser`` what was not understood stays so; without a ``rewriter`` rules make questions
    whole.
    """

    understanding: Understanding
    knowledge: Knowledge
    actions: Actions
    clock: Clock
    settings: Mapping[str, str] = field(default_factory=dict)
    seconds: Callable[[], float] = time.monotonic
    adviser: Adviser | None = None
    rewriter: Rewriter | None = None
    summariser: Summariser | None = None
    house: House | None = None
    """What promises calls and records scores; without it every promise is refused."""
    outside: Mapping[str, str] = field(default_factory=dict)
    """To whom outside callers may be put through: number or SIP address by name."""
    timezone: str = "UTC"
    """Of the company (IANA): which day it is, and what "in two hours" means."""
    policy: Callable[[], Policy] = lambda: DEFAULT_POLICY
    """What customers' private data becomes before anything is made of it."""


class Conversation:
    """Runs one flow for any number of interactions at the same time."""

    def __init__(self, flow: Flow, tools: Tools) -> None:
        self.flow = flow
        self._tools = tools
        self._enquiries = Enquiries(tools.knowledge, tools.clock, tools.rewriter)

    def phrase(self, memory: Mapping[str, Any], text: Text) -> str:
        """A text of the flow filled in from this memory."""
        return phrase(self.flow, memory, text, self._tools.settings)

    def frequent(self) -> Iterator[tuple[str, str]]:
        """Language and text of what it is likely to say on a call, the first words first."""
        return frequent(self.flow, self._tools.settings)

    async def prepare(self) -> None:
        """Train the understanding for this flow; the first turn does it otherwise."""
        await self._tools.understanding.prepare(self.flow)

    async def begin(
        self,
        interaction: Interaction,
        *,
        customer_name: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> Turn:
        """The first turn: greeting and first question, or where it goes on after a person.

        ``fields`` are starting values (default: ``interaction.meta["fields"]``).
        """
        given = interaction.meta.get("fields", {}) if fields is None else fields
        nobody = Nobody.of(interaction)
        why = nobody.words() if nobody else {}
        if why and interaction.bot_state.get("flow") == self.flow.name:
            back = come_back(self.flow, interaction.bot_state, why, self._tools.settings)
            if back is not None:
                return await self._finish(back)
        person = returned.PersonDid.of(interaction)
        context = Context(
            channel=str(interaction.channel),
            language=interaction.language,
            name=customer_name,
            fields={str(name): str(value) for name, value in given.items()},
            packet=interaction.handoff,
            person=person.words() if person else {},
            nobody=why,
        )
        outcome = start(self.flow, context, self._tools.settings)
        outcome.memory["interaction_id"] = interaction.id
        return await self._finish(outcome)

    @property
    def tells_early(self) -> bool:
        """Whether answers can be said before they are whole."""
        return self._enquiries.tells_early

    async def hear_aloud(
        self, memory: Mapping[str, Any], heard: Heard, early: EarlyListener
    ) -> Turn:
        """As :meth:`hear`; ``early`` gets the answer's sentences as they are written.

        They are the beginning of the turn's first reply.
        """
        return await self._hear(memory, heard, early)

    async def hear(self, memory: Mapping[str, Any], heard: Heard) -> Turn:
        """The answer to what the customer said, pressed, or did not say.

        ``memory["answers"]`` maps the answers a campaign collects. A memory whose
        conversation is over gives a turn without replies.
        """
        return await self._hear(memory, heard)

    async def _hear(
        self, memory: Mapping[str, Any], heard: Heard, early: EarlyListener | None = None
    ) -> Turn:
        if memory["over"]:
            return Turn((), dict(memory))
        if sensitive.is_asked(self.flow, memory):
            return await self._hear_off_record(memory, heard)
        memory, heard = private(memory, heard, self._tools.policy())
        memory = self._looked_at(memory, heard)
        if loops.is_bot(memory["loop"]):
            return _parting(memory)
        understood = await self._understood(memory, heard)
        memory = {**memory, "turn": heard.as_data()}
        outcome = resume(self.flow, memory, understood, self._tools.settings)
        return await self._finish(outcome, early)

    async def _hear_off_record(self, memory: Mapping[str, Any], heard: Heard) -> Turn:
        """The value is what was asked for; the words are nobody's, no model's either."""
        understood = await self._understood(memory, heard, advised=False)
        memory = {**memory, "turn": heard.as_data()}
        outcome = resume(self.flow, memory, understood, self._tools.settings)
        if outcome.actions and isinstance(outcome.actions[-1], NeedAnswer):
            # It may be the number itself, misheard: it is looked up nowhere.
            quiet = sensitive.hushed(outcome.memory)
            outcome = resume(self.flow, quiet, Answered(known=False), self._tools.settings)
        return await self._finish(replace(outcome, memory=sensitive.hushed(outcome.memory)))

    async def give_up(self, memory: Mapping[str, Any], reason: str) -> Turn:
        """The turn that brings a person, for a ``reason`` outside the conversation.

        The flow's own way to a person, as if the customer had asked for one; also behind its end.
        """
        return await self._finish(give_up(self.flow, memory, reason, self._tools.settings))

    async def not_reached(self, memory: Mapping[str, Any], outcome: str) -> Turn:
        """The turn behind ``Turn.outside`` where nobody took it: a ``TransferOutcome``."""
        given = Transferred(outcome)
        return await self._finish(resume(self.flow, memory, given, self._tools.settings))

    def played(self, turn: Turn, heard: Sequence[str]) -> Turn:
        """The turn as it was heard: per reply the words, as written, that reached the caller.

        Its memory and its packet believe nothing else to have been said.
        """
        sayings = [_played(reply, words) for reply, words in zip(turn.replies, heard, strict=True)]
        memory = believed(turn.unplayed or turn.memory, sayings)
        packet = turn.handoff and self.packet(memory, turn.handoff.reason)
        if packet and turn.handoff and not memory.get("unheard"):
            told = turn.handoff
            packet = replace(packet, summary=told.summary, summaries=told.summaries)
        return replace(turn, memory=memory, unplayed=memory, handoff=packet)

    def _looked_at(self, memory: Mapping[str, Any], heard: Heard) -> Memory:
        """The memory with this turn's evidence of whether the customer is a bot."""
        ours = [str(said["text"]) for said in memory["said"]] + [str(memory["asked"])]
        found = loops.noted(
            memory.get("loop", {}),
            heard.text,
            spoken=memory["channel"] == Channel.VOICE,
            ours=ours,
            now=self._tools.clock.now(),
        )
        return {**memory, "loop": found}

    async def _understood(
        self, memory: Mapping[str, Any], heard: Heard, *, advised: bool = True
    ) -> Understood:
        today = self._tools.clock.now().astimezone(ZoneInfo(self._tools.timezone))
        if heard.digits or not heard.text.strip():
            return Understood(digits=heard.digits, today=today)
        # Only words need the model: a greeting and keys do not wait for it to load.
        await self.prepare()
        understood = await self._tools.understanding.understand(
            self.flow, heard.text, memory["language"]
        )
        understood = replace(
            understood,
            heard_confidence=heard.confidence,
            alternatives=heard.alternatives,
            today=today,
        )
        adviser = self._tools.adviser if advised else None
        return understood if adviser is None else await adviser.on(self.flow, memory, understood)

    async def _finish(self, outcome: Outcome, early: EarlyListener | None = None) -> Turn:
        """Do the I/O the flow asks for until it waits for the customer or is over."""
        replies: list[Reply] = []
        facts: list[Fact] = []
        changed = False
        acted_s: float | None = None
        for _ in range(MAX_CALLS):
            said = [a for a in outcome.actions if isinstance(a, Say | Ask)]
            replies += [self._reply(action) for action in said if action.text]
            last = outcome.actions[-1] if outcome.actions else None
            began = self._tools.seconds()
            if not isinstance(last, Need) or _is_call_outside(last, outcome.memory):
                turn = await self._summarised(self._turn(outcome.memory, last, replies, facts))
                return replace(turn, acted_s=acted_s, changed=changed)
            changed = changed or _changes(last)
            first = early if not replies and self._said_as_it_is(outcome.memory) else None
            given = await self._supply(last, outcome.memory, facts, first)
            acted_s = (acted_s or 0.0) + self._tools.seconds() - began
            outcome = resume(self.flow, outcome.memory, given, self._tools.settings)
            proof = outcome.memory.get("authentication")
            if proof and not proof["at"]:
                proof["at"] = self._tools.clock.now().isoformat(timespec="seconds")
        raise LocalError(f"flow {self.flow.name!r} made {MAX_CALLS} calls in one turn")

    def _said_as_it_is(self, memory: Memory) -> bool:
        """Whether the flow has no words of its own round the answer that it waits for."""
        step = self.flow.steps.get(memory["step"])
        return not (isinstance(step, AnswerStep) and step.text)

    async def _supply(
        self, need: Need, memory: Memory, facts: list[Fact], early: EarlyListener | None
    ) -> Given:
        """What the flow waits for."""
        match need:
            case NeedAnswer():
                return await self._enquiries.ask(need, memory, facts, early)
            case NeedHttp():
                return await self._call(need)
            case NeedCallback():
                return await self._promise(need, memory)
            case NeedCode():
                return await self._prove(need, memory)
            case PutThrough():
                number = self._tools.outside.get(need.party, "")
                return Transferred(TOLD if number else UNREACHABLE, number)
            case NeedScore():
                if self._tools.house is not None:
                    await self._tools.house.rate(memory["interaction_id"], need.score)
                return Recorded()

    async def _prove(self, need: NeedCode, memory: Memory) -> Proven:
        house = self._tools.house
        if house is None:
            return Proven(USED_UP)
        if need.code:
            return await house.check_code(memory["interaction_id"], need.code)
        return await house.send_code(memory["interaction_id"], need.way)

    async def _promise(self, need: NeedCallback, memory: Memory) -> Promised:
        house = self._tools.house
        if house is None:
            return Promised(REFUSED)
        packet = build_packet(self.flow, sensitive.forgotten(self.flow, memory), CALLBACK)
        return await house.promise_call(
            memory["interaction_id"], need.number, need.at, need.queue, packet
        )

    def _turn(
        self, memory: Memory, last: Action | None, replies: list[Reply], facts: list[Fact]
    ) -> Turn:
        unplayed = memory
        memory = believed(memory, [_played(reply, reply.spoken) for reply in replies])
        secret = sensitive.names(self.flow)
        turn = Turn(tuple(replies), memory, facts=tuple(facts), unplayed=unplayed, secret=secret)
        if isinstance(last, HandOff | End):
            memory, unplayed = (sensitive.forgotten(self.flow, each) for each in (memory, unplayed))
            turn = replace(turn, memory=memory, unplayed=unplayed)
        match last:
            case Ask():
                # A name that is to be spelled is heard as letters.
                kind = SPELLING if last.turn == SPELLING else last.kind
                expected = Expectation(kind, last.phrases, memory["language"], last.length)
                fillers = tuple(self.phrase(memory, text) for text in self.flow.filler)
                return replace(
                    turn,
                    expectation=expected,
                    max_digits=last.max_digits,
                    fillers=fillers,
                    listen=last.turn,
                    off_record=last.off_record,
                )
            case HandOff():
                packet = self.packet(memory, last.reason)
                turn = replace(turn, handoff=packet, queue=last.queue, skills=last.skills)
                return replace(turn, agent=last.agent, rules=last.rules)
            case End():
                return replace(turn, ended=last.reason)
            case PutThrough():
                return replace(turn, outside=last)
        return turn

    async def _summarised(self, turn: Turn) -> Turn:
        """The packet's summary in better words, where they come in time."""
        summariser, packet = self._tools.summariser, turn.handoff
        if summariser is None or packet is None:
            return turn
        return replace(turn, handoff=await better_told(summariser, packet))

    def packet(self, memory: Mapping[str, Any], reason: str) -> Handoff:
        """What a person would get now."""
        known = sensitive.forgotten(self.flow, memory)
        return build_packet(self.flow, known, reason, self._tools.settings)

    def _reply(self, action: Say | Ask) -> Reply:
        if isinstance(action, Ask):
            return Reply(action.text, action.text, question=True, step=action.step)
        step = self.flow.steps.get(action.step)
        protected = isinstance(step, SayStep) and step.protected
        return Reply(
            action.text, action.spoken, action.citations, step=action.step, protected=protected
        )

    async def _call(self, need: NeedHttp) -> Fetched:
        try:
            status, body = await self._tools.actions.call(
                need.method, need.url, need.body, need.timeout_s, need.headers, need.retries
            )
        except ActionFailed as error:
            log.warning("action of flow %s failed: %s", self.flow.name, error)
            return Fetched(0)
        return Fetched(status, body)


def _changes(need: Need) -> bool:
    """Whether it cannot be taken back."""
    if isinstance(need, NeedHttp):
        return not need.reads
    return not isinstance(need, NeedAnswer | PutThrough)


def _is_call_outside(last: Action | None, memory: Mapping[str, Any]) -> bool:
    """Whether somebody is called now; in writing the number is told instead."""
    return isinstance(last, PutThrough) and memory["channel"] == Channel.VOICE


def _played(reply: Reply, words: str) -> Played:
    return Played(reply.spoken, words, reply.step, reply.citations, reply.question)


def _parting(memory: Memory) -> Turn:
    """The last turn with another bot: it is told once, and in a letter not at all."""
    words = loops.PARTING.get(memory["language"], loops.PARTING["en"])
    replies = () if memory["channel"] == Channel.EMAIL else (Reply(words, words),)
    over = {**memory, "over": "end"}
    return Turn(replies, over, ended=loops.REASON, unplayed=over)
