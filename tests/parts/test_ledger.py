"""The ledger on a real store: what it reads, how days close, and that cards agree with tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from gateway.desk.floor import Floor as FloorView
from gateway.desk.ledger import DAYS_BACK, Ledger
from gateway.pages.reports import OF_QUEUES, make_report, report_of, to_csv, value
from gateway.waiting_room import WaitingRoom
from router import events
from router.company import PauseCode, parse_company
from router.events import Fact
from router.figures.counts import QueueFigures, added
from router.figures.tally import Tally
from router.figures.terms import terms_of
from router.model import Channel, Presence
from router.store.sql import SqlStore
from tests.fakes.distribution import COMPANY, MONDAY, Floor

FACTS_OF_A_LIFE = 6
"""That ``life`` makes."""


def life(one: str, begin: datetime, queue: str = "orders", channel: str = "chat") -> list[Fact]:
    """One contact: ten seconds of waiting, a minute of talk."""
    about: dict[str, Any] = {"interaction_id": one}
    offered = {"offer_id": one, "agent_id": "ana", "queue": queue, "channel": channel}
    later = begin + timedelta(seconds=10)
    over = later + timedelta(seconds=60)
    return [
        events.InteractionArrived(
            **about,
            at=begin,
            channel=channel,
            direction="inbound",
            customer_id=one,
            conversation_id=one,
            address="",
        ),
        events.InteractionQueued(**about, at=begin, queue=queue, channel=channel),
        events.OfferMade(**about, at=later, **offered, expires_at=over),
        events.OfferAccepted(**about, at=later, **offered, waited_s=10),
        events.InteractionEnded(
            **about,
            at=over,
            channel=channel,
            ended_by="agent",
            reason="",
            was="agent",
            queue=queue,
            wraps_up=False,
        ),
        events.SurveyAnswered(
            **about,
            at=over,
            channel="sms",
            agent_id="ana",
            queue=queue,
            score=5,
            scale=5,
            contact_channel=channel,
        ),
    ]


async def note(floor: Floor, facts: Collection[Fact]) -> None:
    async with floor.store.transaction() as tx:
        await tx.log.append(list(facts))


def ledger_of(floor: Floor) -> Ledger:
    return Ledger(floor.store, floor.company, floor.clock)


async def orders_today(ledger: Ledger) -> QueueFigures:
    return (await ledger.today()).day.by_queue().get("orders", QueueFigures())


async def test_facts_are_counted_once_however_often_one_looks(floor: Floor) -> None:
    ledger = ledger_of(floor)
    for n in range(5):
        await note(floor, life(f"i{n}", floor.clock.now()))
        floor.clock.forward(90)
        assert (await orders_today(ledger)).handled == n + 1
    floor.clock.forward(90)
    assert (await orders_today(ledger)).handled == 5


async def test_fact_that_becomes_visible_late_is_not_missed(floor: Floor) -> None:
    """Another process's transaction began before and ends after one that has been read."""
    ledger = ledger_of(floor)
    await note(floor, life("seen", floor.clock.now()))
    await orders_today(ledger)
    late = life("late", floor.clock.now() - timedelta(seconds=30))
    floor.clock.forward(20)
    await note(floor, late)
    assert (await orders_today(ledger)).handled == 2


async def test_new_process_begins_with_what_went_on_at_midnight(floor: Floor) -> None:
    first = ledger_of(floor)
    opened = life("over midnight", MONDAY.replace(hour=23))
    await note(floor, opened[:4])
    assert (await orders_today(first)).answered == 1
    floor.clock.forward(24 * 3600)
    closed = replace(opened[4], at=MONDAY + timedelta(hours=23))
    await note(floor, [closed])
    for ledger in (first, ledger_of(floor)):
        assert (await orders_today(ledger)).handled == 1
        assert (await orders_today(ledger)).answered == 0
        (monday, *_) = await ledger.before(1)
        assert monday.by_queue()["orders"].answered == 1


async def test_midnight_is_read_to_the_end_before_the_day_closes(floor: Floor) -> None:
    ledger = ledger_of(floor)
    midnight = MONDAY.replace(hour=0) + timedelta(days=1)
    floor.clock.forward((midnight - floor.clock.now()).total_seconds() - 5)
    await orders_today(ledger)
    before, after = life("a", midnight - timedelta(seconds=90)), life("b", midnight)
    floor.clock.forward(35)
    await note(floor, [*before, *after])
    assert (await orders_today(ledger)).handled == 1
    floor.clock.forward(60)
    assert (await orders_today(ledger)).handled == 1
    (monday,) = await ledger.before(1)
    assert monday.by_queue()["orders"].handled == 1


async def test_installation_with_a_past_counts_it_at_the_first_look(floor: Floor) -> None:
    for back in range(1, DAYS_BACK + 3):
        await note(floor, life(f"i{back}", MONDAY - timedelta(days=back)))
    report = await make_report(ledger_of(floor), floor.company, [], "week")
    assert report.queues["orders"].handled == DAYS_BACK
    assert report.since == MONDAY.replace(hour=0) - timedelta(days=6)


async def test_today_counts_by_the_rules_in_force_and_closed_days_stay(floor: Floor) -> None:
    ledger = ledger_of(floor)
    await note(floor, [*life("y", MONDAY - timedelta(days=1)), *life("t", MONDAY)])
    assert (await orders_today(ledger)).service_level == 1.0
    strict = {**COMPANY, "queues": [{**q, "target_s": 5} for q in COMPANY["queues"]]}
    floor.company.adopt(parse_company(strict))
    floor.clock.forward(2)
    assert (await orders_today(ledger)).service_level == 0.0
    (yesterday,) = await ledger.before(1)
    assert yesterday.by_queue()["orders"].service_level == 1.0


async def test_new_process_reads_on_from_what_was_kept_of_today(floor: Floor) -> None:
    first = Ledger(floor.store, floor.company, floor.clock, keep_facts=20)
    for n in range(5):
        await note(floor, life(f"i{n}", floor.clock.now()))
    await note(floor, life("open", floor.clock.now())[:4])
    assert (await orders_today(first)).handled == 5
    floor.clock.forward(10)
    over = replace(life("open", floor.clock.now())[4], at=floor.clock.now())
    await note(floor, [over])
    with Counted(floor.store) as counted:
        second = await orders_today(ledger_of(floor))
    assert counted.facts == 1
    assert second == await orders_today(first)
    assert (second.handled, second.scores.responses) == (6, 5)
    floor.company.adopt(parse_company({**COMPANY, "fcr_days": 3}))
    with Counted(floor.store) as counted:
        assert await orders_today(ledger_of(floor)) == second
    assert counted.facts > 5 * FACTS_OF_A_LIFE


async def test_unpaid_pause_of_the_configuration_is_not_paid(floor: Floor) -> None:
    floor.company.pauses = (PauseCode("lunch", "Lunch", paid=False), PauseCode("training", "T"))
    ledger = ledger_of(floor)
    await floor.life.set_presence("ana", Presence.AWAY, "lunch")
    floor.clock.forward(600)
    await floor.life.set_presence("ana", Presence.AWAY, "training")
    floor.clock.forward(300)
    time = (await ledger.today()).at(floor.clock.now()).agents["ana"].time
    assert (time.unpaid_away_s, time.paid_away_s) == (600, 300)
    assert time.away_s["lunch"] == 600


# -- card and table -----------------------------------------------------------------------

NUMBERS = [name for name in OF_QUEUES if name in QueueFigures.__slots__]
LIVES = st.lists(
    st.tuples(
        st.sampled_from(["orders", "billing", "gone"]),
        st.sampled_from(["chat", "voice", "email"]),
        st.sampled_from(["served", "gave up", "overflowed", "called back"]),
        st.integers(0, 90),
    ),
    max_size=30,
)
FORMS = {
    **COMPANY,
    "queues": [
        {**COMPANY["queues"][0], "target_s": 15, "service_level": "all-abandons-missed"},
        {**COMPANY["queues"][1], "target_s": 45, "service_level": "in-time-abandons-met"},
    ],
}


def some_life(number: int, queue: str, channel: str, how: str, waited_s: int) -> list[Fact]:
    begun = life(f"i{number}", MONDAY, queue, channel)
    about: dict[str, Any] = {
        "interaction_id": f"i{number}",
        "at": MONDAY + timedelta(seconds=waited_s),
    }
    if how == "served":
        return [*begun[:3], replace(begun[3], waited_s=waited_s), *begun[4:]]  # type: ignore[call-arg]
    if how == "overflowed":
        over: dict[str, Any] = {
            "queue": queue,
            "channel": channel,
            "when": "waited",
            "way": "queue",
        }
        begun[2] = events.InteractionOverflowed(**about, **over)
    if how == "called back":
        begun[2] = events.CallbackRequested(**about, queue=queue, number="1")
    left: dict[str, Any] = {"was": "waiting", "waited_s": waited_s, "ended_by": "customer"}
    return [*begun[:3], replace(begun[4], **left)]


@given(LIVES)
def test_card_and_both_tables_are_sums_of_the_same(lives: list[tuple[Any, ...]]) -> None:
    company = parse_company(FORMS)
    tally = Tally(terms_of(company), MONDAY)
    for number, one in enumerate(lives):
        for fact in some_life(number, *one):
            tally.add(fact)
    report = report_of(tally.day, company, MONDAY)
    for rows in (report.queues, report.channels):
        for name in NUMBERS:
            assert sum(getattr(row, name) for row in rows.values()) == getattr(report.total, name)
        assert added(QueueFigures, rows.values()) == report.total
        _is_the_weighted_mean(rows.values(), report.total, "service_level", "sl_counted")
        _is_the_weighted_mean(rows.values(), report.total, "asa_s", "answered")
        _is_the_weighted_mean(rows.values(), report.total, "aht_s", "handled")
    arrived = sum(figures.arrived for figures in report.channels.values())
    assert arrived == len(lives)
    assert f"total,all,answered,{report.total.answered}" in to_csv(report, {})


def _is_the_weighted_mean(
    rows: Iterable[QueueFigures], total: QueueFigures, ratio: str, weight: str
) -> None:
    weights = [(getattr(row, weight), value(row, ratio)) for row in rows]
    whole = sum(each for each, _ in weights)
    if not whole:
        assert value(total, ratio) is None
        return
    mean = sum(each * (share or 0) for each, share in weights) / whole
    assert value(total, ratio) == pytest.approx(mean)


# -- what a look costs --------------------------------------------------------------------


class Counted:
    """How many statements ran and how many facts came back.

    Those of whoever counts and of the tasks that it begins; what runs beside them has others.
    """

    def __init__(self, store: SqlStore) -> None:
        self._mine: ContextVar[bool] = ContextVar("mine", default=False)
        self.statements = 0
        self.facts = 0
        self._of_the_log: list[tuple[str, Any]] = []
        self._engine = store._engine.sync_engine

    def __enter__(self) -> Counted:
        self._mine.set(True)
        event.listen(self._engine, "before_cursor_execute", self._ran)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._ran)

    def _ran(self, _c: object, _k: object, statement: str, parameters: Any, *_: object) -> None:
        if not self._mine.get():
            return
        self.statements += 1
        if "events.body" in statement and "events.seq IN" in statement:
            self.facts += len(parameters)
        if "FROM events" in statement:
            self._of_the_log.append((statement, parameters))

    def walks(self) -> list[str]:
        """Statements for which SQLite goes through the whole log."""
        with closing(sqlite3.connect(str(self._engine.url.database))) as database:
            plans = {
                statement: database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                for statement, parameters in self._of_the_log
            }
            return [one for one, plan in plans.items() if "SCAN" in str(plan.fetchall())]


async def cost_of_a_look(floor: Floor, lives: int, live: int) -> Counted:
    """Of the floor and both reports, when one contact more has been since the last time."""
    view = FloorView(
        floor.store,
        floor.company,
        floor.clock,
        WaitingRoom(floor.store, floor.company, floor.clock),
    )
    begin = floor.clock.now() - timedelta(hours=3)
    facts = [life(f"{lives}.{n}", begin + timedelta(seconds=n)) for n in range(lives)]
    await note(floor, [fact for each in facts for fact in each])
    for n in range(live):
        await floor.arrive(Channel.CHAT, f"visitor {lives}.{n}")
    await view.view()
    floor.clock.forward(90)
    await view.view()
    await note(floor, life(f"new {lives}", floor.clock.now()))
    floor.clock.forward(5)
    with Counted(floor.store) as counted:
        seen = await view.view()
        await make_report(view.ledger, floor.company, [], "today")
        await make_report(view.ledger, floor.company, [], "week")
    assert seen["queues"][0]["figures"]["handled"] >= lives
    return counted


async def test_look_costs_what_is_new_and_not_what_the_day_has_been(floor: Floor) -> None:
    small = await cost_of_a_look(floor, 10, live=1)
    large = await cost_of_a_look(floor, 400, live=20)
    assert large.facts == small.facts == FACTS_OF_A_LIFE
    assert large.statements <= small.statements
    assert large.walks() == []
