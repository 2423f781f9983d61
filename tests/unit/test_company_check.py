"""The company as a whole: rules that can never match are refused, odd ones are warned of."""

from __future__ import annotations

from typing import Any

import pytest

from router.configuration.check import Named, Wish
from router.configuration.file import Reading, read_company

ANA = {"login": "ana", "queues": ["orders", "billing"], "skills": {"billing": 3, "lv": 5}}
BEN = {"login": "ben", "queues": ["billing"], "skills": {"billing": 5}}
ADAM = {"login": "adam", "role": "admin"}


def read(
    billing: dict[str, Any], *people: dict[str, Any], orders: dict[str, Any] | None = None
) -> Reading:
    queues = [{"id": "orders", **(orders or {})}, {"id": "billing", **billing}]
    return read_company({"queues": queues, "people": [*(people or (ANA, BEN)), ADAM]})


def waits(over_s: int, **to: Any) -> dict[str, Any]:
    return {"when": "waited", "over_s": over_s, "to": to}


LEAVES_AT_60 = [waits(60, end=True)]
VOICEMAIL_AT_60 = [waits(60, voicemail=True)]


@pytest.mark.parametrize(
    ("billing", "place", "problem"),
    [
        ({"skills": {"zh": 2}}, "skills.zh", "no agent of 'billing' can meet 2: nobody has it"),
        ({"skills": {"lv": 5, "billing": 5}}, "skills", "can meet all of it together"),
        (
            {"skills": {"lv": 5}, "steps": [{"after_s": 9, "need": {"billing": 5, "zh": 1}}]},
            "steps[0].need.zh",
            "nobody has it",
        ),
        ({"steps": [{"after_s": 9}]}, "steps[0]", "changes nothing"),
        ({"steps": [{"after_s": 0, "need": {"lv": 1}}]}, "steps[0].after_s", "`skills`"),
        (
            {"steps": [{"after_s": 30, "waive": "*"}, {"after_s": 30, "need": {}}]},
            "steps[1].after_s",
            "expected more than the 30 s before it",
        ),
        (
            {"steps": [{"after_s": 60, "waive": "*"}], "overflow": LEAVES_AT_60},
            "steps[0].after_s",
            "never comes",
        ),
        (
            {"tiers": [{"tier": 2, "after_s": 9}]},
            "tiers[0].tier",
            "no agent of 'billing' has tier 2",
        ),
        ({"tiers": [{"tier": 1, "after_s": 9}]}, "tiers[0].tier", "open from the start"),
        (
            {"callback": {"offer_after_s": 90}, "overflow": VOICEMAIL_AT_60},
            "callback.offer_after_s",
            "never offered: an overflow rule ends the wait after 60 s",
        ),
        (
            {"last_agent": {"within_days": 7, "wait_s": 60}, "overflow": LEAVES_AT_60},
            "last_agent.wait_s",
            "nobody else would ever be asked",
        ),
        (
            {"dedicated_wait_s": 75, "overflow": LEAVES_AT_60},
            "dedicated_wait_s",
            "nobody else would ever be asked",
        ),
        ({"blend": {"inbound": []}}, "blend.inbound", "at least one queue"),
        ({"blend": {"inbound": ["billing"]}}, "blend.inbound[0]", "would wait for itself"),
        ({"overflow": [waits(60, queue="billing")]}, "overflow[0].to.queue", "overflow to itself"),
        ({"overflow": [waits(0, end=True)]}, "overflow[0].over_s", "expected the seconds"),
        (
            {"overflow": [{"when": "unstaffed", "over_s": 9, "to": {"end": True}}]},
            "overflow[0].over_s",
            "means nothing for `unstaffed`",
        ),
        ({"overflow": [{"when": "full", "to": {"end": True}}]}, "overflow[0].when", "most_waiting"),
        (
            {"overflow": [{"when": "closed", "to": {"end": True}}]},
            "overflow[0].when",
            "always open",
        ),
        (
            {"overflow": [waits(60, end=True), waits(60, queue="orders")]},
            "overflow[1]",
            "never comes: overflow[0] always comes first",
        ),
        (
            {"overflow": [waits(90, queue="orders"), waits(60, end=True)]},
            "overflow[0]",
            "never comes: overflow[1] always comes first",
        ),
        (
            {"overflow": [*VOICEMAIL_AT_60, waits(90, number="+371")]},
            "overflow[1]",
            "never comes: overflow[0] always comes first",
        ),
        (
            {"overflow": [waits(60, queue="orders"), waits(90, queue="orders")]},
            "overflow[1]",
            "never comes: overflow[0] always comes first",
        ),
        (
            {"hours": {"weekly": {"mon": ["08:00-12:00", "11:00-13:00"]}}},
            "hours.weekly.mon",
            "08:00-12:00 and 11:00-13:00 overlap",
        ),
        (
            {"hours": {"weekly": {"sun": ["20:00-06:00"], "mon": ["05:00-09:00"]}}},
            "hours.weekly.sun",
            "20:00-06:00 and 05:00-09:00 overlap",
        ),
        (
            {"hours": {"openings": {"2026-12-24": ["09:00-12:00", "09:00-12:00"]}}},
            "hours.openings.2026-12-24",
            "09:00-12:00 stands here twice",
        ),
    ],
)
def test_rule_that_can_never_match_is_a_problem(
    billing: dict[str, Any], place: str, problem: str
) -> None:
    found = read(billing).problems
    named = [flaw for flaw in found if flaw.place == f"queues[1].{place}"]
    assert named, found
    assert problem in named[0].problem


@pytest.mark.parametrize(
    "billing",
    [
        {"skills": {"lv": 5, "billing": 5}, "steps": [{"after_s": 30, "need": {"billing": 5}}]},
        {"overflow": [waits(60, queue="orders"), waits(60, end=True)]},
        {"overflow": [*VOICEMAIL_AT_60, waits(90, queue="orders")]},
        {"overflow": VOICEMAIL_AT_60, "steps": [{"after_s": 90, "waive": "*"}]},
        {"overflow": LEAVES_AT_60, "steps": [{"after_s": 59, "waive": "*"}]},
        {"hours": {"weekly": {"mon": ["20:00-06:00"], "tue": ["06:00-09:00"]}}},
        {"hours": {"weekly": {"mon": ["08:00-12:00"]}}},
        {
            "hours": {"holidays": ["2026-12-24"]},
            "overflow": [{"when": "closed", "to": {"end": True}}],
        },
    ],
)
def test_rule_that_can_match_is_none(billing: dict[str, Any]) -> None:
    assert read(billing).problems == ()


def test_need_that_only_vip_agents_meet_is_a_problem_for_everybody_else() -> None:
    dace = {"login": "dace", "queues": [{"id": "billing", "vip_only": True}], "skills": {"zh": 5}}
    [flaw] = read({"skills": {"zh": 1}}, ANA, dace).problems
    assert flaw.place == "queues[1].skills.zh"


def test_tiers_are_asked_in_their_order() -> None:
    people = [
        {**ANA, "queues": ["orders", {"id": "billing", "tier": 2}]},
        {**BEN, "queues": [{"id": "billing", "tier": 3}]},
    ]
    tiers = [{"tier": 2, "after_s": 60}, {"tier": 3, "after_s": 30}]
    [flaw] = read({"tiers": tiers}, *people).problems
    assert str(flaw) == "queues[1].tiers[1].after_s: opens before tier 2, which is asked first"


def test_overflow_in_a_circle_is_told_once() -> None:
    [flaw] = read(
        {"overflow": [waits(60, queue="orders")]}, orders={"overflow": [waits(90, queue="billing")]}
    ).problems
    assert flaw.place == "queues[1].overflow[0].to.queue"
    assert "orders → billing → orders" in flaw.problem


def test_queues_that_blend_with_each_other_would_both_wait() -> None:
    found = read({"blend": {"inbound": ["orders"]}}, orders={"blend": {"inbound": ["billing"]}})
    assert [flaw.place for flaw in found.problems] == [
        "queues[0].blend.inbound[0]",
        "queues[1].blend.inbound[0]",
    ]


def test_agent_without_capacity_for_what_comes_in_is_a_problem() -> None:
    raw = {
        "queues": [{"id": "orders"}],
        "people": [{"login": "ana", "queues": ["orders"], "capacity": {"voice": 0, "chat": 0}}],
        "entry": {"voice": "front-desk", "chat": "front-desk"},
    }
    [flaw] = read_company(raw).problems
    assert flaw.place == "people[0].capacity"
    assert read_company({**raw, "entry": {"email": "front-desk"}}).problems == ()


def test_flows_are_checked_where_they_are_known() -> None:
    raw = {
        "queues": [
            {"id": "orders", "overflow": [{"when": "unstaffed", "to": {"bot": "night-desk"}}]}
        ],
        "entry": {"voice": "front-desk"},
    }
    assert read_company(raw).problems == ()
    flows = {"front-desk": Named(["orders", "sales"]), "survey": Named()}
    found = read_company(raw, flows=flows)
    assert [flaw.place for flaw in found.problems] == ["queues[0].overflow[0].to.bot"]
    assert "expected a flow (front-desk, survey), found 'night-desk'" in found.problems[0].problem
    assert "the flow 'front-desk' gives customers to 'sales'" in str(found.warnings)


@pytest.mark.parametrize(
    ("billing", "people", "place", "warning"),
    [
        ({}, [ANA | {"queues": ["orders"]}], "queues[1]", "nobody works in 'billing'"),
        (
            {"skills": {"zh": 1}, "steps": [{"after_s": 30, "need": {}}]},
            [],
            "queues[1].skills.zh",
            "everybody waits for the next step",
        ),
        (
            {"tiers": [{"tier": 3, "after_s": 30}]},
            [ANA, {**BEN, "queues": [{"id": "billing", "tier": 3}]}],
            "queues[1].tiers",
            "nobody has tier 2",
        ),
        (
            {},
            [ANA, {**BEN, "queues": [{"id": "billing", "tier": 2}]}],
            "queues[1].tiers",
            "tier 2 opens only while nobody of a lower tier is signed in",
        ),
        (
            {"strategy": "random"},
            [ANA, {**BEN, "queues": [{"id": "billing", "weight": 2}]}],
            "queues[1].strategy",
            "weights mean nothing for random",
        ),
        ({"strategy": "weighted"}, [], "queues[1].strategy", "that is `random`"),
        ({"strategy": "top-down"}, [], "queues[1].strategy", "without an order"),
        ({"most_waiting": 9}, [], "queues[1].most_waiting", "a call too many is ended"),
        (
            {"overflow": [waits(10, end=True)]},
            [],
            "queues[1].offer_s.voice",
            "one ring of 15 s takes the whole wait of 10 s",
        ),
        ({"hours": {"weekly": {"mon": []}}}, [], "queues[1].hours", "'billing' never opens"),
    ],
)
def test_what_is_only_odd_is_a_warning(
    billing: dict[str, Any], people: list[dict[str, Any]], place: str, warning: str
) -> None:
    reading = read(billing, *people)
    assert reading.problems == ()
    named = [flaw for flaw in reading.warnings if flaw.place == place]
    assert named, reading.warnings
    assert warning in named[0].problem


def test_default_queue_that_never_opens_is_a_problem() -> None:
    """What comes for a closed queue falls back to it."""
    [flaw] = read({}, orders={"hours": {"weekly": {"mon": []}}}).problems
    assert flaw.place == "queues[0].hours"
    assert "leave `weekly` out" in flaw.problem


@pytest.mark.parametrize(
    ("billing", "outcome"),
    [
        ({}, "wait for ever; a step with `waive: [zh]` lets others take them"),
        ({"steps": [{"after_s": 30, "waive": ["zh"]}]}, "wait 30 s for the step that waives it"),
        ({"steps": [{"after_s": 45, "waive": "*"}]}, "wait 45 s for the step that waives it"),
        ({"steps": [{"after_s": 45, "waive": ["lv"]}]}, "wait for ever"),
    ],
)
def test_skill_that_a_flow_asks_for_and_nobody_has_is_warned_of(
    billing: dict[str, Any], outcome: str
) -> None:
    raw = {
        "queues": [{"id": "orders"}, {"id": "billing", **billing}],
        "people": [ANA, BEN, ADAM],
    }
    wishes = [Wish("billing", "zh", 1), Wish("billing", "lv", 5), Wish("nowhere", "zh", 1)]
    flaws = read_company(raw, flows={"desk": Named(["billing"], wishes)}).warnings
    [told] = [flaw for flaw in flaws if "the flow" in flaw.problem]
    assert told.place == "queues[1]"
    assert "asks for zh ≥ 1, and nobody has it in 'billing'" in told.problem
    assert outcome in told.problem


def test_skill_that_a_flow_mistypes_is_told_with_what_it_looks_like() -> None:
    raw = {"queues": [{"id": "billing"}], "people": [{**BEN}, ADAM]}
    flows = {"desk": Named(["billing"], [Wish("billing", "biling", 3)])}
    said = str(read_company(raw, flows=flows).warnings)
    assert "asks for biling ≥ 3, and nobody has it in 'billing'; did you mean 'billing'?" in said


def test_skill_of_an_agent_that_looks_like_one_asked_for_is_told() -> None:
    raw = {
        "queues": [{"id": "billing", "skills": {"billing": 2}}],
        "people": [BEN, {**BEN, "login": "eva", "skills": {"bililng": 4, "cooking": 2}}, ADAM],
    }
    found = {flaw.place: flaw.problem for flaw in read_company(raw, flows={}).warnings}
    assert found["people[1].skills.bililng"] == "nobody asks for it; did you mean 'billing'?"
    assert "people[1].skills.cooking" not in found


def test_member_who_meets_no_step_is_told_what_is_missing() -> None:
    steps = [{"after_s": 30, "need": {"billing": 4, "lv": 2}}]
    found = read({"skills": {"billing": 5, "lv": 2}, "steps": steps}, ANA, BEN | {
        "skills": {"billing": 5, "lv": 5}}).warnings  # fmt: skip
    [flaw] = [flaw for flaw in found if flaw.place.startswith("people")]
    assert flaw.place == "people[0].queues[1]"
    assert flaw.problem == (
        "'ana' is never offered anything of 'billing': it needs billing ≥ 4 and lv ≥ 2 at the least"
    )


def test_company_without_an_administrator_is_warned_of() -> None:
    reading = read_company(
        {"queues": [{"id": "orders"}], "people": [{**ANA, "queues": ["orders"]}]}
    )
    assert [flaw.place for flaw in reading.warnings] == ["people"]


def test_nothing_is_concluded_from_what_could_not_be_read() -> None:
    reading = read({"skills": {"lv": 9, "zh": 3}}, ANA, BEN)
    assert [flaw.place for flaw in reading.problems] == ["queues[1].skills.lv"]
    mistyped = read({"skills": {"lv": 5}}, {**ANA, "skills": {"lv": "five"}}, BEN)
    assert [flaw.place for flaw in mistyped.problems] == ["people[0].skills.lv"]
