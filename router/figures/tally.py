"""The figures of a day as running sums: each fact is added once, in the log's order.

1. A wait is counted once per stay in a queue; a transferred customer waits again in the
   next one. Who comes back to the place they had does not arrive again.
2. What agents ask each other (internal interactions) is in no customer's figures, but the
   time is the agents' work.
3. Whoever asked to be called back has not given up, and several attempts to call are one
   answer. Nor has who was led away by a rule of the queue, or to a number outside.
4. Waits and answers in writing are counted in the queue's opening hours; whether somebody
   gave up at once, by the clock on the wall. Nothing runs once an interaction is over.
5. Work counts while its agent is signed in: a mail kept overnight is not handled all night.
6. Only what is still open is remembered, so that a day's facts cost no memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from router import events
from router.events import Fact
from router.figures.agents import Shifts, Standing
from router.figures.counts import AgentFigures, HandoffFigures, QueueFigures
from router.figures.day import Day
from router.figures.handoffs import Handoffs
from router.figures.matters import Matter, Matters
from router.figures.terms import Terms
from router.model import Agent, Author, Channel, Direction, InteractionState
from router.suggestions import USED

WAITING = (InteractionState.WAITING, InteractionState.OFFERED)
INTERNAL = "internal"
LEAD_AWAY = frozenset({"end", "email", "voicemail"})
"""Ways of a queue's rules after which a customer's end in the queue is no giving up."""
ANSWERED_IN = frozenset({*WAITING, InteractionState.AGENT})
"""States in which a customer's words wait for a person's."""

COUNTED: tuple[type[Fact], ...] = (
    events.InteractionArrived,
    events.BotStarted,
    events.MessageAdded,
    events.HandoffRequested,
    events.InteractionQueued,
    events.OfferMade,
    events.OfferRejected,
    events.OfferExpired,
    events.OfferAccepted,
    events.InteractionTransferred,
    events.InteractionOverflowed,
    events.CallbackRequested,
    events.CallbackScheduled,
    events.CallbackFailed,
    events.VoicemailLeft,
    events.InteractionEnded,
    events.WrapUpCompleted,
    events.SurveyAnswered,
    events.PresenceChanged,
    events.SuggestionNoted,
    events.SlotCorrected,
)
"""The facts that add anything."""

BEGINNING = (
    events.InteractionArrived,
    events.BotStarted,
    events.InteractionQueued,
    events.InteractionOverflowed,
    events.OfferMade,
    events.OfferAccepted,
    events.CallbackRequested,
    events.CallbackScheduled,
)


@dataclass(slots=True)
class Handling:
    """An agent at work since ``since``; ``out_s`` is the agent's counter of then.

    ``taken_on`` from another agent of the queue: the queue has counted it already.
    """

    agent_id: str
    queue: str
    since: datetime
    out_s: float
    waited_s: float = 0.0
    counted: bool = False
    taken_on: bool = False


@dataclass(slots=True)
class Open:
    """What must be known of an interaction until it is over.

    ``asked_at`` is since when the customer waits for a person's words. ``assisted``: the agent
    who handles it has sent a suggestion. ``asked_back``: nobody came, and a bot asks what the
    customer would rather; the place is kept, and the bot does not begin anew.
    """

    channel: str = ""
    customer_id: str = ""
    conversation_id: str = ""
    inbound: bool = True
    internal: bool = False
    reopened: bool = False
    waiting: str = ""
    queue: str = ""
    joined: bool = False
    answered: bool = False
    promised: bool = False
    led_away: bool = False
    asked_back: bool = False
    called_in_vain: bool = False
    with_bot: bool = False
    over: bool = False
    wraps_up: bool = False
    asked_at: datetime | None = None
    responded: bool = False
    assisted: bool = False
    handling: Handling | None = None


@dataclass(slots=True)
class Standings:
    """What goes on from one day to the next."""

    open: dict[str, Open] = field(default_factory=dict)
    agents: dict[str, Standing] = field(default_factory=dict)
    matters: Matters = field(default_factory=Matters)
    handoffs: Handoffs = field(default_factory=Handoffs)


class Tally:
    """Adds facts to the figures of the day that began at ``begin``; ``day`` has some already."""

    def __init__(
        self,
        terms: Terms,
        begin: datetime,
        standings: Standings | None = None,
        day: Day | None = None,
    ) -> None:
        self.day = day or Day()
        self.begin = begin
        self.standings = standings or Standings()
        self._terms = terms
        for standing in self.standings.agents.values():
            standing.since = max(standing.since, begin)
        self._shifts = Shifts(begin, terms.unpaid, self._agent, self.standings.agents)

    def add(self, fact: Fact) -> None:
        """Count one fact."""
        if isinstance(fact, events.PresenceChanged):
            self._shifts.moves(fact)
        elif isinstance(fact, events.SurveyAnswered):
            self._survey(fact)
        elif isinstance(fact, COUNTED):
            self._about(fact, self._known(fact))
        self._settle(fact.at)

    def at(self, now: datetime, records: Iterable[Agent] = ()) -> Day:
        """The figures with the agents' time until ``now``; a view, not to be changed."""
        agents = self._shifts.running(self.day.agents, records, now)
        return replace(self.day, agents=agents)

    def close(self, end: datetime) -> Standings:
        """Count everybody's time until ``end``; what the next day begins with, and nobody else."""
        self._shifts.count_all(end)
        self._settle(end)
        known = self.standings.open.items()
        still = {key: one for key, one in known if one.wraps_up or not one.over}
        before = self.standings
        return Standings(still, before.agents, before.matters, before.handoffs)

    # -- records -----------------------------------------------------------------------

    def _agent(self, agent_id: str) -> AgentFigures:
        return self.day.agents.setdefault(agent_id, AgentFigures())

    def _cell(self, queue: str, channel: str) -> QueueFigures:
        return self.day.queues.setdefault(queue, {}).setdefault(channel, QueueFigures())

    def _known(self, fact: Fact) -> Open:
        """What is known of it; only a fact that begins something is remembered (rule 6)."""
        one = self.standings.open.get(fact.interaction_id)
        if one is None:
            one = Open()
            if isinstance(fact, BEGINNING):
                self.standings.open[fact.interaction_id] = one
        one.channel = getattr(fact, "channel", "") or one.channel
        one.internal = one.internal or bool(getattr(fact, "parent_id", ""))
        return one

    # -- one interaction ---------------------------------------------------------------

    def _about(self, fact: Fact, one: Open) -> None:
        self._work(fact, one)
        if one.internal or _is_internal(fact):
            one.internal = True
        else:
            self._note(fact, one)
            self._bot(fact, one)
            self._count(fact, one)
            self._words(fact, one)
            self._handoff(fact)
        self._agents_offers(fact, one)
        self._forget(fact, one)

    def _forget(self, fact: Fact, one: Open) -> None:
        """Drop what is over; keep it for a wrap-up, also where an old fact tells of none."""
        if isinstance(fact, events.InteractionEnded):
            one.over, one.wraps_up, one.asked_at = True, bool(fact.wraps_up), None
        if one.over and one.handling is None:
            self.standings.open.pop(fact.interaction_id, None)

    def _note(self, fact: Fact, one: Open) -> None:
        """Who will be called, and who was led away (rule 3)."""
        match fact:
            case events.CallbackRequested() | events.CallbackScheduled():
                one.promised = True
            case events.CallbackFailed():
                one.called_in_vain = True
            case events.BotStarted():
                one.waiting = one.waiting if one.asked_back else ""
            case events.InteractionOverflowed() if fact.way in LEAD_AWAY:
                one.led_away = True
            case events.InteractionOverflowed() if fact.way == "bot" and not fact.target:
                one.asked_back = True
            case events.InteractionTransferred() if fact.way == "outside":
                one.led_away = True

    def _count(self, fact: Fact, one: Open) -> None:
        match fact:
            case events.InteractionArrived():
                self._arrives(fact, one)
            case events.InteractionQueued():
                self._joins(fact, one)
            case events.OfferAccepted():
                self._answered(fact, one)
            case events.InteractionEnded():
                self._ended(fact, one)
            case events.InteractionOverflowed():
                if fact.way != "wait":
                    self._cell(fact.queue, one.channel).overflowed += 1
                self._made_by_us(fact.item_id)
            case events.CallbackRequested():
                self._cell(fact.queue, one.channel).callbacks += 1
            case events.VoicemailLeft():
                self._made_by_us(fact.item_id)

    def _arrives(self, fact: events.InteractionArrived, one: Open) -> None:
        one.customer_id, one.conversation_id = fact.customer_id, fact.conversation_id
        one.inbound = fact.direction == Direction.INBOUND
        one.reopened = bool(fact.reopens)
        if one.reopened:
            self.standings.matters.goes_on(fact.conversation_id, fact.interaction_id)
        self.day.arrivals[fact.channel] = self.day.arrivals.get(fact.channel, 0) + 1

    def _made_by_us(self, item_id: str) -> None:
        """A voicemail's item, the mail that a chat became: no arrival."""
        item = self.standings.open.get(item_id)
        if item is not None and self.day.arrivals.get(item.channel):
            self.day.arrivals[item.channel] -= 1

    def _joins(self, fact: events.InteractionQueued, one: Open) -> None:
        if one.waiting != fact.queue and not one.called_in_vain:
            self._cell(fact.queue, one.channel).arrived += 1
        if not one.joined and one.inbound:
            self.standings.matters.joins(one.customer_id, fact.queue, fact.interaction_id)
        one.waiting = one.queue = fact.queue
        one.joined, one.led_away, one.asked_back = True, False, False
        one.asked_at = one.asked_at or fact.at

    def _answered(self, fact: events.OfferAccepted, one: Open) -> None:
        again, one.waiting, one.queue = one.called_in_vain, "", fact.queue
        one.promised = False
        if again:
            return
        waited_s = self._open_s(fact.queue, fact.waited_s, fact.at)
        target = self._terms.target(fact.queue)
        in_time = target.in_time(waited_s)
        cell = self._cell(fact.queue, one.channel)
        cell.answered += 1
        cell.wait_s += waited_s
        cell.within_target += in_time
        cell.sl_met += in_time
        cell.sl_counted += 1
        if one.handling is not None:
            one.handling.waited_s = waited_s
        if not one.answered and one.inbound:
            matter = Matter(
                fact.interaction_id, one.conversation_id, fact.queue, one.channel, fact.at
            )
            self.standings.matters.begins(one.customer_id, matter)
        one.answered = True

    def _ended(self, fact: events.InteractionEnded, one: Open) -> None:
        one.waiting = ""
        if fact.was not in WAITING or one.promised or one.led_away:
            return
        target, waited_s = self._terms.target(fact.queue), fact.waited_s or 0.0
        in_time = target.in_time(self._open_s(fact.queue, waited_s, fact.at))
        short = target.is_short(waited_s)
        met, counted = target.of_abandoned(in_time=in_time, short=short)
        cell = self._cell(fact.queue, one.channel)
        cell.abandoned += 1
        cell.short_abandoned += short
        cell.in_time_abandoned += in_time
        cell.sl_met += met
        cell.sl_counted += counted

    def _open_s(self, queue: str, waited_s: float, until: datetime) -> float:
        """Of a wait that ends at ``until`` the seconds in opening hours (rule 4)."""
        return self._terms.open_s(queue, until - timedelta(seconds=waited_s), until)

    # -- words -------------------------------------------------------------------------

    def _words(self, fact: Fact, one: Open) -> None:
        """First response and replies of people; on the telephone the answer is the response."""
        spoken = one.channel == Channel.VOICE
        if isinstance(fact, events.SuggestionNoted) and fact.how in USED and one.handling:
            self._cell(one.handling.queue, one.channel).suggested += not spoken
            one.assisted = True
        if isinstance(fact, events.BotStarted):
            one.asked_at = None
        elif isinstance(fact, events.OfferAccepted) and spoken:
            self._responds(fact.at, one)
        elif isinstance(fact, events.MessageAdded) and not spoken:
            if fact.author == Author.AGENT:
                self._writes(one)
                self._responds(fact.at, one)
            elif fact.author == Author.CUSTOMER and fact.state in ANSWERED_IN:
                one.asked_at = one.asked_at or fact.at

    def _writes(self, one: Open) -> None:
        if one.handling is not None and not one.over:
            self._cell(one.handling.queue, one.channel).written += 1

    def _responds(self, at: datetime, one: Open) -> None:
        if one.asked_at is None or one.over:
            return
        seconds = self._terms.open_s(one.queue, one.asked_at, at)
        cell = self._cell(one.queue, one.channel)
        if one.responded or one.reopened:
            cell.replies += 1
            cell.reply_total_s += seconds
        else:
            cell.first_responses += 1
            cell.first_response_total_s += seconds
        one.responded, one.asked_at = True, None

    # -- bots, surveys, matters --------------------------------------------------------

    def _bot(self, fact: Fact, one: Open) -> None:
        bot = self.day.bot
        bot.corrected += isinstance(fact, events.SlotCorrected) and bool(fact.was)
        if isinstance(fact, events.BotStarted) and not one.asked_back:
            bot.started += 1
            one.with_bot = True
        elif one.with_bot and isinstance(fact, events.HandoffRequested):
            bot.handed_off += 1
            one.with_bot = False
        elif one.with_bot and isinstance(fact, events.InteractionTransferred):
            # To somebody outside: a person has it, though none of ours.
            bot.handed_off += 1
            one.with_bot = False
        elif one.with_bot and isinstance(fact, events.InteractionEnded):
            one.with_bot = False
            bot.contained += fact.ended_by == "bot"
            bot.abandoned += fact.ended_by != "bot"

    def _handoff(self, fact: Fact) -> None:
        handoffs = self.standings.handoffs
        handoffs.take(fact)
        for one in handoffs.settled():
            if one.outcome is not None:
                figures = self.day.handoffs.setdefault(one.cause, HandoffFigures())
                figures.count(one.outcome, one.waited_s or 0.0, one.unanswered)

    def _survey(self, fact: events.SurveyAnswered) -> None:
        if not fact.agent_id:
            self.day.bot.scores.count(fact.score, fact.scale)
            return
        self._agent(fact.agent_id).scores.count(fact.score, fact.scale)
        channel = fact.contact_channel or fact.channel
        self._cell(fact.queue, channel).scores.count(fact.score, fact.scale)

    def _settle(self, now: datetime) -> None:
        for matter in self.standings.matters.over(now, self._terms.fcr_days):
            cell = self._cell(matter.queue, matter.channel)
            cell.matters += 1
            cell.resolved += not matter.repeated

    # -- agents' work ------------------------------------------------------------------

    def _agents_offers(self, fact: Fact, one: Open) -> None:
        match fact:
            case events.OfferAccepted() if one.internal:
                self._agent(fact.agent_id).consulted += 1
            case events.OfferAccepted():
                self._agent(fact.agent_id).answered += 1
            case events.OfferMade() if not one.internal:
                self._agent(fact.agent_id).offered += 1
            case events.OfferExpired() if not one.internal:
                self._agent(fact.agent_id).missed += 1
            case events.OfferRejected() if not one.internal:
                self._agent(fact.agent_id).rejected += 1

    def _work(self, fact: Fact, one: Open) -> None:
        """Follow who works on what.

        Talk ends with the interaction, with a transfer, with the return to the bot or with
        a call that nobody answered; a wrap-up adds its seconds to the same piece of work.
        """
        if isinstance(fact, events.OfferAccepted):
            one.handling = self._begins(fact, one)
            return
        work = one.handling
        if work is None:
            return
        if _gives_away(fact) and not one.internal:
            self._agent(work.agent_id).transferred += 1
            self._cell(work.queue, one.channel).transferred += 1
        ended = isinstance(fact, events.InteractionEnded)
        if not ended and not _lays_down(fact):
            return
        self._worked(fact, work, one)
        wraps = isinstance(fact, events.InteractionEnded) and bool(fact.wraps_up)
        self._shifts.lays_down(work.agent_id, fact.interaction_id, fact.at, wraps=wraps)
        if isinstance(fact, events.InteractionTransferred):
            one.handling = self._passes_on(fact, work)
        elif isinstance(fact, events.InteractionEnded) and fact.wraps_up is not False:
            work.since, work.counted = fact.at, True
            work.out_s = self._shifts.out_s(work.agent_id, fact.at)
        else:
            one.handling = None

    def _begins(self, fact: events.OfferAccepted, one: Open) -> Handling:
        if one.handling is not None:
            self._shifts.lays_down(one.handling.agent_id, fact.interaction_id, fact.at)
        self._shifts.takes(fact.agent_id, fact.interaction_id, fact.at)
        out_s = self._shifts.out_s(fact.agent_id, fact.at)
        one.assisted = False
        return Handling(fact.agent_id, fact.queue, fact.at, out_s)

    def _passes_on(self, fact: events.InteractionTransferred, work: Handling) -> Handling:
        self._shifts.takes(fact.to_agent_id, fact.interaction_id, fact.at)
        out_s = self._shifts.out_s(fact.to_agent_id, fact.at)
        return Handling(fact.to_agent_id, work.queue, fact.at, out_s, taken_on=True)

    def _worked(self, fact: Fact, work: Handling, one: Open) -> None:
        """Add a piece of work that just became known (rule 5)."""
        if one.internal:
            return
        out_s = self._shifts.out_s(work.agent_id, fact.at) - work.out_s
        seconds = max(0.0, (fact.at - work.since).total_seconds() - out_s)
        count = 0 if work.counted else 1
        agent, cell = self._agent(work.agent_id), self._cell(work.queue, one.channel)
        agent.handled += count
        agent.handle_s += seconds
        cell.handle_s += seconds
        cell.assisted_s += seconds if one.assisted else 0.0
        if count and not work.taken_on:
            cell.handled += 1
            cell.handled_wait_s += work.waited_s
            cell.assisted += one.assisted


def _is_internal(fact: Fact) -> bool:
    return isinstance(fact, events.InteractionArrived) and fact.direction == INTERNAL


def _gives_away(fact: Fact) -> bool:
    """Whether somebody else is to go on with it; an agent who is asked first is not yet."""
    if isinstance(fact, events.InteractionTransferred):
        return fact.way == "outside" or (fact.way == "agent" and bool(fact.to_agent_id))
    return isinstance(fact, events.InteractionQueued) and bool(fact.from_agent_id)


def _lays_down(fact: Fact) -> bool:
    """Whether the agent is done with it for good, wrap-up and all."""
    match fact:
        case events.InteractionTransferred():
            return bool(fact.to_agent_id)
        case events.InteractionQueued():
            return bool(fact.from_agent_id)
        case events.BotStarted() | events.WrapUpCompleted() | events.CallbackFailed():
            return True
    return False
