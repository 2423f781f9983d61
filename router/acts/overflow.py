"""When something that waits goes elsewhere: pure decisions over a queue's rules.

1. The first rule that applies is taken, and each rule once in one stay in a queue.
2. ``closed``, ``full`` and ``unstaffed`` count when it joins; ``waited``, ``estimate`` and
   ``unstaffed`` while it waits. Who asked to be called back only overflows to a queue.
3. Without a rule of its own a closed queue gives to the company's default queue, and says
   its ``closed_text`` where even that one is closed.
4. ``waited`` has its exact time. Nothing tells when an estimate grows or people leave, so
   who distributes looks every ``LOOK_EVERY_S`` at each queue with such a rule (``watched``).
5. Where a rule cannot be carried out (a number for an e-mail) it counts as taken.
6. A hand-over may bring rules of its own: they hold for this stay and come before the queue's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from router.acts.sent import SentWork
from router.company import Company, Queue
from router.model import Channel, Interaction, InteractionState
from router.rules import Action, Overflow, Way, When, pack_rule, unpack_rule

LOOK_EVERY_S = 15
OVERFLOW = "overflow"
"""In ``meta``: what has been taken in this stay, and what is to be looked at now."""
JOINING = frozenset({When.CLOSED, When.FULL, When.UNSTAFFED})
CALL_ONLY = frozenset({Way.NUMBER, Way.VOICEMAIL, Way.CALLBACK})
WATCHED = frozenset({When.ESTIMATE, When.UNSTAFFED})
STILL = Action(Way.WAIT)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules look at. ``ahead`` are those who wait before it in its queue."""

    waited_s: float
    joining: bool
    closed: bool = False
    ahead: int = 0
    staffed: bool = True
    estimate_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """What the rules of this stay in a queue have done, and those it brought (in ``meta``)."""

    joined: str
    taken: tuple[str, ...] = ()
    joining: bool = False
    own: tuple[Overflow, ...] = ()

    @classmethod
    def of(cls, interaction: Interaction) -> Stay:
        """The stay that goes on now; a new one when it has joined anew."""
        joined = interaction.joined_at.isoformat() if interaction.joined_at else ""
        raw: Mapping[str, Any] = interaction.meta.get(OVERFLOW) or {}
        if raw.get("joined") != joined:
            return cls(joined)
        own = tuple(unpack_rule(rule) for rule in raw.get("own", ()))
        return cls(joined, tuple(raw["taken"]), bool(raw["joining"]), own)

    def on(self, interaction: Interaction) -> Interaction:
        """The interaction with this kept in its ``meta``."""
        kept: dict[str, Any] = {
            "joined": self.joined,
            "taken": list(self.taken),
            "joining": self.joining,
        }
        if self.own:
            kept["own"] = [pack_rule(rule) for rule in self.own]
        return replace(interaction, meta={**interaction.meta, OVERFLOW: kept})


def closed_action(company: Company, queue: Queue, now: datetime) -> Action | None:
    """What a queue does with those who come when it is closed; None while it is open."""
    if queue.hours.open_at(now):
        return None
    for rule in queue.rules.overflow:
        if rule.when is When.CLOSED:
            return rule.action
    if queue.id != company.default_queue:
        return Action(Way.QUEUE, company.default_queue)
    return Action(Way.WAIT, say=queue.closed_text)


def queue_to_join(company: Company, queue: Queue, now: datetime) -> Queue:
    """The queue itself while it is open, else where its closed action leads.

    Queues that send to each other while all are closed end where the circle began.
    """
    seen = {queue.id}
    here = queue
    while (action := closed_action(company, here, now)) and action.way is Way.QUEUE:
        if action.target in seen:
            return queue
        seen.add(action.target)
        here = company.queue(action.target)
    return here


def at_joining(
    interaction: Interaction, company: Company, now: datetime, own: tuple[Overflow, ...] = ()
) -> Interaction:
    """Note that ``due`` is to look at an interaction that just joined, where that matters.

    ``own`` are the rules of the hand-over (rule 6).
    """
    if interaction.parent_id:
        return interaction
    queue = company.queue(interaction.queue or company.default_queue)
    rules = queue.rules
    counts = any(rule.when in JOINING for rule in (*own, *rules.overflow))
    says = bool(queue.closed_text) and not queue.hours.open_at(now)
    joining = counts or rules.most_waiting is not None or says
    stay = Stay.of(interaction)
    if not joining and stay.own == own:
        return interaction
    return replace(stay, joining=joining, own=own).on(interaction)


def next_check(interaction: Interaction, queue: Queue, now: datetime) -> datetime | None:
    """When ``Waiting.due`` is to look at it next; None when time alone changes nothing.

    Rules that are ``watched`` have no time. A time that is not after ``now`` means at once:
    before it is offered.
    """
    if interaction.state is InteractionState.SCHEDULED:
        return interaction.due_at
    if interaction.state is not InteractionState.WAITING or interaction.joined_at is None:
        return None
    stay = Stay.of(interaction)
    if stay.joining:
        return now
    times = [
        interaction.joined_at + timedelta(seconds=rule.over_s)
        for rule in (*stay.own, *queue.rules.overflow)
        if rule.when is When.WAITED
        if interaction.parent_id is None and key_of(rule) not in stay.taken
    ]
    preferred = _preference_ends(interaction)
    if preferred is not None:
        times.append(preferred)
    return min(times, default=None)


def watched(interaction: Interaction, queue: Queue) -> tuple[Overflow, ...]:
    """Its rules that no time sets off (rule 4) and that have not been taken in this stay."""
    if interaction.state is not InteractionState.WAITING or interaction.parent_id:
        return ()
    stay = Stay.of(interaction)
    rules = [rule for rule in (*stay.own, *queue.rules.overflow) if rule.when in WATCHED]
    return tuple(rule for rule in rules if key_of(rule) not in stay.taken)


def first_due(
    interaction: Interaction, queue: Queue, situation: Situation
) -> tuple[Overflow, str] | None:
    """The first rule that applies and was not taken, with why in words."""
    stay = Stay.of(interaction)
    for rule in (*stay.own, *rules_of(queue, situation, interaction.channel)):
        why = _why(rule, queue, situation)
        if why and key_of(rule) not in stay.taken:
            return rule, why
    return None


def rules_of(queue: Queue, situation: Situation, channel: Channel) -> tuple[Overflow, ...]:
    """The queue's rules, and what holds without one.

    A call beyond ``most_waiting`` ends, as a busy line does; written work waits on. A
    closed queue that keeps it says so.
    """
    rules = queue.rules.overflow
    if queue.rules.most_waiting is not None and not _has(rules, When.FULL):
        way = Way.END if channel is Channel.VOICE else Way.WAIT
        rules = (*rules, Overflow(When.FULL, Action(way)))
    if situation.closed and queue.closed_text and not _has(rules, When.CLOSED):
        rules = (*rules, Overflow(When.CLOSED, Action(Way.WAIT, say=queue.closed_text)))
    return rules


def possible(action: Action, interaction: Interaction) -> bool:
    """Whether it can be done with this interaction at all (rules 2 and 5)."""
    called_back = bool(interaction.meta.get("call_back"))
    if called_back:
        return action.way in (Way.QUEUE, Way.WAIT)
    if action.way in CALL_ONLY:
        return interaction.channel is Channel.VOICE and bool(interaction.home)
    if action.way is Way.EMAIL:
        return interaction.channel is not Channel.EMAIL
    if action.way is Way.QUEUE:
        return action.target not in (interaction.queue, *interaction.also_queues)
    return True


def key_of(rule: Overflow) -> str:
    """The same rule in any version of the configuration."""
    return f"{rule.when}:{rule.over_s}:{rule.action.way}:{rule.action.target}"


def _why(rule: Overflow, queue: Queue, now: Situation) -> str:
    """In words why the rule applies; empty when it does not."""
    match rule.when:
        case When.CLOSED if now.joining and now.closed:
            return f"{queue.name} is closed"
        case When.FULL if now.joining and _full(queue, now):
            return f"{now.ahead} wait in {queue.name} already"
        case When.UNSTAFFED if not now.staffed:
            return f"nobody of {queue.name} is signed in"
        case When.WAITED if now.waited_s >= rule.over_s:
            return f"waited {int(now.waited_s)} s of at most {rule.over_s} s"
        case When.ESTIMATE if now.estimate_s is not None and now.estimate_s > rule.over_s:
            return f"the wait will be about {int(now.estimate_s)} s, over {rule.over_s} s"
    return ""


def _full(queue: Queue, now: Situation) -> bool:
    most = queue.rules.most_waiting
    return most is not None and now.ahead >= most


def _preference_ends(interaction: Interaction) -> datetime | None:
    """When a transfer or question to one agent has failed; other preferences end by themselves."""
    sent = SentWork.of(interaction)
    asked = interaction.parent_id is not None and interaction.prefer_agent is not None
    return interaction.prefer_until if asked or (sent and not sent.back) else None


def _has(rules: tuple[Overflow, ...], when: When) -> bool:
    return any(rule.when is when for rule in rules)
