"""The six forms of the service level, against the check values of acd.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from router import kpi
from router.company import parse_company
from router.events import Fact, InteractionEnded, OfferAccepted
from router.figures.service_level import FORMULAS, ServiceLevel, Target
from router.figures.terms import Terms, terms_of

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)


def answered(one: str, waited_s: float, queue: str = "orders") -> Fact:
    values = {"offer_id": "o", "agent_id": "ana", "queue": queue, "channel": "voice"}
    return OfferAccepted(at=T0, interaction_id=one, waited_s=waited_s, **values)


def gave_up(one: str, waited_s: float, queue: str = "orders") -> Fact:
    values: dict[str, Any] = {
        "channel": "voice",
        "ended_by": "customer",
        "reason": "",
        "was": "waiting",
    }
    values |= {"was": "waiting", "queue": queue, "waited_s": waited_s}
    return InteractionEnded(at=T0, interaction_id=one, **values)


def check_case() -> list[Fact]:
    """Answered 1000, 860 of them in 20 s; abandoned 10 in 5 s, 10 more in 20 s, 40 later."""
    answers = [answered(f"a{n}", 20 if n < 860 else 21) for n in range(1000)]
    waits = [5.0] * 10 + [20.0] * 10 + [21.0] * 40
    return answers + [gave_up(f"b{n}", wait) for n, wait in enumerate(waits)]


@pytest.mark.parametrize(
    ("form", "percent"),
    [
        (ServiceLevel.IN_TIME_ABANDONS_MET, 83.02),
        (ServiceLevel.ALL_ABANDONS_OUT, 86.00),
        (ServiceLevel.ALL_ABANDONS_MISSED, 81.13),
        (ServiceLevel.IN_TIME_ABANDONS_OUT, 82.69),
        (ServiceLevel.SHORT_ABANDONS_MET, 82.08),
        (ServiceLevel.SHORT_ABANDONS_OUT, 81.90),
    ],
)
def test_each_form_gives_its_check_value(form: ServiceLevel, percent: float) -> None:
    terms = Terms({"orders": Target(20, form, 5)})
    level = kpi.queue_figures(check_case(), terms)["orders"].service_level
    assert level is not None
    assert round(level * 100, 2) == pytest.approx(percent)


def test_queues_of_different_forms_are_counted_each_by_its_own() -> None:
    company = parse_company(
        {
            "queues": [
                {"id": "orders", "target_s": 10, "service_level": "all-abandons-missed"},
                {"id": "billing", "short_abandon_s": 30},
            ]
        }
    )
    facts = [answered("1", 15), gave_up("2", 3)]
    facts += [answered("3", 15, "billing"), gave_up("4", 30, "billing")]
    figures = kpi.queue_figures(facts, terms_of(company))
    assert (figures["orders"].service_level, figures["billing"].service_level) == (0.0, 1.0)


def test_form_is_written_with_the_queues_own_seconds() -> None:
    assert set(FORMULAS) == set(ServiceLevel)
    assert Target(30).text == "a≤30 s / (a + ab − ab≤5 s)"
    assert Target(30, ServiceLevel.IN_TIME_ABANDONS_OUT).text == "a≤30 s / (a + ab>30 s)"


def test_abandonment_with_and_without_those_who_gave_up_at_once() -> None:
    figures = kpi.queue_figures(check_case())["orders"]
    assert figures.abandonment == pytest.approx(60 / 1060)
    assert figures.long_abandonment == pytest.approx(50 / 1050)
