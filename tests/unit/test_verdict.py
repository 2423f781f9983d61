"""The verdict on a run can fail: each doctored history breaks the rule that it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from router import events
from router.events import Fact
from router.model import (
    Agent,
    Channel,
    Direction,
    EndedBy,
    Interaction,
    InteractionState,
    Offer,
    OfferState,
    Presence,
)
from tests.load.verdict import History, Rule, judge

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass
class Diary:
    """Writes a history as the lifecycle would: facts and tables that agree."""

    facts: list[Fact] = field(default_factory=list)
    rows: dict[str, Interaction] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    heard: dict[str, list[datetime]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def now(self) -> datetime:
        return NINE + timedelta(seconds=self.seconds)

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def queue(self, one: str, channel: Channel = Channel.CHAT, from_agent: str = "") -> None:
        if one not in self.rows:
            self.rows[one] = Interaction(
                one, channel, Direction.INBOUND, "c", one, one, "", InteractionState.NEW, self.now
            )
        self.heard.setdefault(one, []).append(self.now)
        self._set(one, InteractionState.WAITING, queue="care", joined_at=self.now, agent_id=None)
        self.facts.append(
            events.InteractionQueued(
                at=self.now,
                interaction_id=one,
                queue="care",
                channel=channel,
                from_agent_id=from_agent,
            )
        )

    def offer(self, one: str, agent: str) -> str:
        offer_id = f"{one}-{agent}-{len(self.facts)}"
        until = self.now + timedelta(seconds=20)
        channel = self.rows[one].channel
        self.offers[offer_id] = Offer(offer_id, one, agent, OfferState.RINGING, self.now, until)
        self._set(one, InteractionState.OFFERED, agent_id=agent)
        self.facts.append(
            events.OfferMade(
                at=self.now,
                interaction_id=one,
                offer_id=offer_id,
                agent_id=agent,
                queue="care",
                channel=channel,
                expires_at=until,
            )
        )
        return offer_id

    def accept(self, one: str, agent: str, offer_id: str) -> None:
        joined = self.rows[one].joined_at
        assert joined is not None
        self._settle(offer_id, OfferState.ACCEPTED)
        self._set(one, InteractionState.AGENT, agent_id=agent)
        self.facts.append(
            events.OfferAccepted(
                at=self.now,
                interaction_id=one,
                offer_id=offer_id,
                agent_id=agent,
                queue="care",
                channel=self.rows[one].channel,
                waited_s=(self.now - joined).total_seconds(),
            )
        )

    def reject(self, one: str, agent: str, offer_id: str) -> None:
        self._settle(offer_id, OfferState.REJECTED)
        self._set(one, InteractionState.WAITING, agent_id=None)
        self.facts.append(
            events.OfferRejected(
                at=self.now, interaction_id=one, offer_id=offer_id, agent_id=agent, queue="care"
            )
        )

    def withdraw(self, one: str, agent: str, offer_id: str) -> None:
        self._settle(offer_id, OfferState.WITHDRAWN)
        self.facts.append(
            events.OfferWithdrawn(
                at=self.now,
                interaction_id=one,
                offer_id=offer_id,
                agent_id=agent,
                queue="care",
                reason="another agent was quicker",
            )
        )

    def end(self, one: str, agent: str = "") -> None:
        was = self.rows[one].state
        self._set(one, InteractionState.ENDED, agent_id=agent or None)
        self.facts.append(
            events.InteractionEnded(
                at=self.now,
                interaction_id=one,
                channel=self.rows[one].channel,
                ended_by=EndedBy.AGENT,
                reason="done",
                was=was,
                agent_id=agent,
            )
        )

    def file(self, one: str, agent: str) -> None:
        self.facts.append(
            events.WrapUpCompleted(
                at=self.now, interaction_id=one, agent_id=agent, queue="care", disposition="ok"
            )
        )

    def serve(self, one: str, agent: str, seconds: float = 10.0) -> None:
        """Offer, accept, talk, end, file."""
        offer_id = self.offer(one, agent)
        self.wait(1)
        self.accept(one, agent, offer_id)
        self.wait(seconds)
        self.end(one, agent)
        self.wait(1)
        self.file(one, agent)

    def history(self) -> History:
        agents = [
            Agent(name, name, ("care",), capacity={Channel.CHAT: 2, Channel.VOICE: 1})
            for name in ("ana", "ben")
        ]
        promised = frozenset(f"ext-{one}" for one in self.rows)
        return History(
            facts=tuple(self.facts),
            interactions=tuple(self.rows.values()),
            offers=tuple(self.offers.values()),
            agents=agents,
            arrivals={f"ext-{one}": one for one in self.rows},
            lines=dict.fromkeys(promised, 1),
            promised=promised,
            heard=self.heard,
        )

    def _set(self, one: str, state: InteractionState, **values: object) -> None:
        self.rows[one] = replace(self.rows[one], state=state, **values)  # type: ignore[arg-type]

    def _settle(self, offer_id: str, state: OfferState) -> None:
        self.offers[offer_id] = replace(self.offers[offer_id], state=state)


def busy_hour() -> Diary:
    """Three chats: one returned after a no, one transferred, one filed."""
    diary = Diary()
    for one in ("i1", "i2", "i3"):
        diary.queue(one)
        diary.wait(5)
    no = diary.offer("i1", "ana")
    diary.wait(1)
    diary.reject("i1", "ana", no)
    diary.serve("i1", "ben")
    yes = diary.offer("i2", "ana")
    diary.accept("i2", "ana", yes)
    diary.wait(3)
    diary.queue("i2", from_agent="ana")
    diary.serve("i3", "ana")
    diary.serve("i2", "ben")
    return diary


def rules_broken(history: History) -> set[Rule]:
    return {violation.rule for violation in judge(history)}


def facts_of(history: History, kind: type[Fact]) -> list[Fact]:
    return [fact for fact in history.facts if isinstance(fact, kind)]


def without(history: History, kind: type[Fact], nth: int = 0) -> History:
    gone = facts_of(history, kind)[nth]
    return replace(history, facts=[fact for fact in history.facts if fact is not gone])


def doubled(history: History, kind: type[Fact], nth: int = 0) -> History:
    twice = facts_of(history, kind)[nth]
    facts = [each for fact in history.facts for each in ([fact] * 2 if fact is twice else [fact])]
    return replace(history, facts=facts)


def row_changed(history: History, **values: object) -> History:
    first, *rest = history.interactions
    return replace(history, interactions=[replace(first, **values), *rest])  # type: ignore[arg-type]


def test_good_history_has_no_violations() -> None:
    assert judge(busy_hour().history()) == []


DOCTORED: dict[str, tuple[Callable[[History], History], Rule]] = {
    "an end is missing": (lambda h: without(h, events.InteractionEnded), Rule.OUTCOME),
    "it ended twice": (lambda h: doubled(h, events.InteractionEnded), Rule.OUTCOME),
    "it is stuck": (lambda h: row_changed(h, state=InteractionState.WRAP_UP), Rule.OUTCOME),
    "filed twice": (lambda h: doubled(h, events.WrapUpCompleted), Rule.OUTCOME),
    "accepted twice": (lambda h: doubled(h, events.OfferAccepted), Rule.HOLDER),
    "offered twice": (lambda h: doubled(h, events.OfferMade), Rule.HOLDER),
    "accepted without an offer": (lambda h: without(h, events.OfferMade, 1), Rule.HOLDER),
    "rejected twice": (lambda h: doubled(h, events.OfferRejected), Rule.HOLDER),
    "a transfer was forgotten": (
        lambda h: without(h, events.InteractionQueued, -1),
        Rule.HOLDER,
    ),
    "its place moved": (
        lambda h: row_changed(h, joined_at=NINE + timedelta(minutes=1)),
        Rule.PLACE,
    ),
    "an offer is lost from the table": (
        lambda h: replace(h, offers=h.offers[1:]),
        Rule.AGREEMENT,
    ),
    "an interaction is lost from the table": (
        lambda h: replace(h, interactions=h.interactions[1:]),
        Rule.AGREEMENT,
    ),
    "the table names another agent": (
        lambda h: row_changed(h, agent_id="eve"),
        Rule.AGREEMENT,
    ),
    "an agent's presence was overwritten": (
        lambda h: replace(
            h,
            facts=[
                *h.facts,
                events.PresenceChanged(
                    at=NINE, agent_id="ana", presence=Presence.AWAY, was=Presence.OFFLINE
                ),
            ],
        ),
        Rule.AGREEMENT,
    ),
    "a fact was never published": (lambda h: replace(h, unsent=1), Rule.LEFTOVERS),
    "a fact was given up": (lambda h: replace(h, dead_letters=["x"]), Rule.LEFTOVERS),
    "an offer still rings": (
        lambda h: replace(
            h, offers=[replace(h.offers[0], state=OfferState.RINGING), *h.offers[1:]]
        ),
        Rule.LEFTOVERS,
    ),
    "an arrival is lost": (lambda h: replace(h, arrivals={}), Rule.PROMISES),
    "a line is there twice": (
        lambda h: replace(h, lines={**h.lines, "ext-i1": 2}),
        Rule.PROMISES,
    ),
    "a line is lost": (lambda h: replace(h, lines={}), Rule.PROMISES),
}


@pytest.mark.parametrize("name", DOCTORED)
def test_doctored_history_breaks_its_rule(name: str) -> None:
    doctor, rule = DOCTORED[name]
    # i1 keeps its row first, so the doctors know whom they treat.
    assert rule in rules_broken(doctor(busy_hour().history()))


def test_two_agents_hold_one_interaction() -> None:
    diary = Diary()
    diary.queue("i1")
    first, second = diary.offer("i1", "ana"), diary.offer("i1", "ben")
    diary.accept("i1", "ana", first)
    diary.accept("i1", "ben", second)
    diary.end("i1", "ben")
    found = [each for each in judge(diary.history()) if each.rule is Rule.HOLDER]
    assert any("while 'ana' held it" in each.what for each in found)


def test_acceptance_by_somebody_at_whom_it_did_not_ring() -> None:
    diary = Diary()
    diary.queue("i1")
    diary.accept("i1", "ben", diary.offer("i1", "ana"))
    diary.end("i1", "ben")
    assert Rule.HOLDER in rules_broken(diary.history())


def test_third_chat_beside_two_is_too_much_until_the_wrap_up_is_filed() -> None:
    diary = Diary()
    for one in ("i1", "i2", "i3"):
        diary.queue(one)
    for one in ("i1", "i2"):
        diary.accept(one, "ana", diary.offer(one, "ana"))
    diary.end("i1", "ana")
    early = diary.offer("i3", "ana")  # i1 is still wrapped up
    diary.file("i1", "ana")
    diary.accept("i3", "ana", early)
    for one in ("i2", "i3"):
        diary.end(one, "ana")
    assert rules_broken(diary.history()) == {Rule.CAPACITY}


def test_chat_beside_a_call_is_too_much() -> None:
    diary = Diary()
    diary.queue("call", Channel.VOICE)
    diary.queue("chat")
    diary.accept("call", "ana", diary.offer("call", "ana"))
    diary.accept("chat", "ana", diary.offer("chat", "ana"))
    diary.end("call", "ana")
    diary.end("chat", "ana")
    assert rules_broken(diary.history()) == {Rule.CAPACITY}


def overtaken(apart_s: float) -> Diary:
    """i1 joins, i2 joins, i2 is served ``apart_s`` later while i1 waits on."""
    diary = Diary()
    diary.queue("i1")
    diary.wait(1)
    diary.queue("i2")
    diary.wait(apart_s)
    diary.serve("i2", "ana")
    diary.serve("i1", "ben")
    return diary


def test_later_one_is_served_first() -> None:
    assert rules_broken(overtaken(10).history()) == {Rule.ORDER}


def test_who_had_not_been_heard_of_is_not_passed_over() -> None:
    diary = overtaken(10)
    diary.heard["i1"] = [NINE + timedelta(seconds=12)]
    assert rules_broken(diary.history()) == set()
    diary.heard["i1"] = [NINE + timedelta(seconds=10.9)]
    assert rules_broken(diary.history()) == {Rule.ORDER}


def test_what_was_heard_of_an_earlier_stay_does_not_count() -> None:
    diary = Diary()
    diary.queue("i1")
    diary.accept("i1", "ana", diary.offer("i1", "ana"))
    diary.wait(1)
    diary.queue("i2")
    diary.wait(-0.5)
    diary.queue("i1", from_agent="ana")
    diary.heard["i1"].pop()
    diary.wait(10)
    diary.serve("i2", "ana")
    diary.serve("i1", "ben")
    assert rules_broken(diary.history()) == {Rule.LEFTOVERS}


def test_who_hung_up_while_the_router_rested_is_told_of_and_never_known() -> None:
    diary = Diary()
    diary.queue("i1")
    told = {"i1": diary.heard.pop("i1")}
    diary.wait(2)
    diary.end("i1")
    assert rules_broken(diary.history()) == {Rule.LEFTOVERS}
    assert judge(replace(diary.history(), told=told)) == []
    earlier = {"i1": [NINE - timedelta(seconds=1)]}
    assert rules_broken(replace(diary.history(), told=earlier)) == {Rule.LEFTOVERS}


def test_order_lets_who_was_rejected_once_wait_behind() -> None:
    diary = Diary()
    diary.queue("i1")
    diary.queue("i2")
    diary.wait(10)
    diary.reject("i1", "ana", diary.offer("i1", "ana"))
    diary.serve("i2", "ana")
    diary.serve("i1", "ben")
    assert judge(diary.history()) == []


def test_order_is_kept_among_equals_only() -> None:
    diary = overtaken(10)
    diary.rows["i1"] = replace(diary.rows["i1"], skills={"latvian": 3})
    assert judge(diary.history()) == []


def together(ring_all: frozenset[str]) -> set[Rule]:
    """It rings at both; Ana is the quicker one, and Ben's offer is withdrawn."""
    diary = Diary()
    diary.queue("i1")
    first, second = diary.offer("i1", "ana"), diary.offer("i1", "ben")
    diary.accept("i1", "ana", first)
    diary.withdraw("i1", "ben", second)
    diary.end("i1", "ana")
    return rules_broken(replace(diary.history(), ring_all=ring_all))


def test_ringing_at_two_is_right_only_where_the_queue_rings_at_all() -> None:
    assert together(frozenset({"care"})) == set()
    assert Rule.HOLDER in together(frozenset())


def test_two_who_accept_are_wrong_where_the_queue_rings_at_all() -> None:
    diary = Diary()
    diary.queue("i1")
    first, second = diary.offer("i1", "ana"), diary.offer("i1", "ben")
    diary.accept("i1", "ana", first)
    diary.accept("i1", "ben", second)
    diary.end("i1", "ben")
    history = replace(diary.history(), ring_all={"care"})
    assert Rule.HOLDER in rules_broken(history)


def test_offer_that_is_left_ringing_when_another_accepted_is_found() -> None:
    diary = Diary()
    diary.queue("i1")
    first, _ = diary.offer("i1", "ana"), diary.offer("i1", "ben")
    diary.accept("i1", "ana", first)
    diary.end("i1", "ana")
    assert Rule.LEFTOVERS in rules_broken(replace(diary.history(), ring_all={"care"}))


@pytest.mark.parametrize(("vip_s", "broken"), [(0, False), (60, True)])
def test_priority_customer_who_is_passed_over_is_found(vip_s: int, broken: bool) -> None:
    """i2 joined 10 s later; with the head start it comes first."""
    diary = Diary()
    diary.queue("i1")
    diary.wait(10)
    diary.queue("i2")
    diary.rows["i2"] = replace(diary.rows["i2"], vip=bool(vip_s), head_start_s=vip_s)
    diary.wait(10)
    diary.serve("i1", "ana")
    diary.serve("i2", "ben")
    assert (Rule.ORDER in rules_broken(diary.history())) is broken
