"""Gates: outbound work only while inbound customers are answered in time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from router.company import Queue
from router.dispatch.blending import SHORT_S, Gates
from router.events import OfferAccepted
from router.rules import Blend, Rules

BLEND = Blend(inbound=("orders", "care"), target=0.8, within_s=20, window_s=600)


def gates_of(blend: Blend = BLEND) -> Gates:
    queues = [
        Queue("orders", "Orders"),
        Queue("care", "Care"),
        Queue("sales", "Sales", rules=Rules(blend=blend)),
    ]
    return Gates({queue.id: queue for queue in queues})


def answer(gates: Gates, at: float, *waits: float, queue: str = "orders") -> None:
    flow = gates.flow(queue)
    assert flow is not None
    for waited in waits:
        flow.answered(at, waited)


def test_gate_without_customers_is_open() -> None:
    gates = gates_of()
    assert gates.look(0.0) == []
    assert gates.why_shut("sales") == ""


def test_gate_shuts_below_the_target_over_all_inbound_queues_together() -> None:
    gates = gates_of()
    answer(gates, 100, 5, 10, 19, 20)
    answer(gates, 100, 21, queue="care")
    assert gates.look(101) == []  # 4 of 5 are the 80 % that are wanted
    answer(gates, 102, 30)
    (shut,) = gates.look(103)
    assert (shut.queue_id, shut.shut) == ("sales", True)
    assert shut.why.startswith("67% of orders, care were answered within 20 s")
    assert gates.look(104) == []


def test_gate_opens_when_the_bad_time_leaves_the_window() -> None:
    gates = gates_of()
    answer(gates, 100, 30)
    gates.look(101)
    assert gates.look(699) == []
    (opened,) = gates.look(701)
    assert not opened.shut


def test_giving_up_counts_as_unanswered_unless_at_once() -> None:
    gates = gates_of()
    flow = gates.flow("orders")
    assert flow is not None
    flow.gave_up(100, SHORT_S)
    assert gates.look(101) == []
    flow.gave_up(102, SHORT_S + 1)
    assert [gate.shut for gate in gates.look(103)] == [True]


def test_somebody_who_waits_too_long_shuts_it_at_a_time_known_before() -> None:
    gates = gates_of()
    flow = gates.flow("care")
    assert flow is not None
    flow.wait("one", 100)
    flow.wait("two", 110)
    assert gates.wake_at(101) == 120
    assert gates.look(120) == []
    (shut,) = gates.look(120.5)
    assert "care" in shut.why
    flow.leave("one")
    (opened,) = gates.look(121)
    assert not opened.shut
    assert gates.wake_at(121) == 130


def test_new_rules_keep_what_was_measured() -> None:
    gates = gates_of()
    answer(gates, 100, 30)
    gates.look(101)
    other = Blend(inbound=("orders",), target=0.0, within_s=20, window_s=600)
    gates.configure({"sales": Queue("sales", "Sales", rules=Rules(blend=other))})
    (opened,) = gates.look(102)
    assert not opened.shut
    assert gates.flow("care") is None
    strict = Blend(inbound=("orders",), target=1.0, within_s=20, window_s=600)
    gates.configure({"sales": Queue("sales", "Sales", rules=Rules(blend=strict))})
    assert [gate.shut for gate in gates.look(103)] == [True]


def test_a_look_costs_the_same_however_long_the_history() -> None:
    """What was answered before is counted, not walked over."""
    short, long = gates_of(), gates_of()
    for gates, outcomes in ((short, 50), (long, 45_000)):
        for number in range(outcomes):
            answer(gates, 100 + 500 * number / outcomes, 5 if number % 10 else 30)
        gates.look(601)
    assert min(_looks_s(long) for _ in range(5)) < 20 * min(_looks_s(short) for _ in range(5))


def _looks_s(gates: Gates) -> float:
    """Processor seconds for 100 looks."""
    began = time.process_time()
    for _ in range(100):
        assert gates.look(601) == []
    return time.process_time() - began


def test_running_counts_are_those_of_the_window_in_whatever_order_the_facts_come() -> None:
    draw = Random(7)
    gates, met = gates_of(), list[tuple[float, float]]()
    for second in range(2_000):
        at = second - draw.random() * 5
        waited = draw.choice((5.0, 30.0))
        met.append((at, waited))
        answer(gates, at, waited, queue=draw.choice(("orders", "care")))
        gates.look(second)
        recent = [waited <= 20 for at, waited in met if at >= second - 600]
        shut = sum(recent) / len(recent) < 0.8
        assert bool(gates.why_shut("sales")) == shut
        if shut:
            assert gates.why_shut("sales").startswith(f"{sum(recent) / len(recent):.0%} of")


def test_the_same_fact_twice_counts_once() -> None:
    gates = gates_of()
    at = datetime.fromtimestamp(100, UTC)
    late = OfferAccepted(
        at=at, interaction_id="1", offer_id="1", agent_id="ana", queue="orders",
        channel="chat", waited_s=30.0,
    )  # fmt: skip
    soon = replace(late, waited_s=5.0, id="another")
    for fact in (late, late, soon):
        gates.note(fact)
    gates.look(101)
    assert gates.why_shut("sales").startswith("50% of")
