"""The company file: read with every problem and its place, written so that it reads back."""

from __future__ import annotations

import copy
from datetime import date, time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from router.company import (
    WRAP_UP_MODES,
    Company,
    NextBestOffer,
    PauseCode,
    Person,
    Queue,
    WrapUp,
    parse_company,
)
from router.configuration.export import differences, serialize_company
from router.configuration.file import read_company
from router.errors import BadConfiguration
from router.figures.service_level import ServiceLevel
from router.hours import DAYS, Hours
from router.model import Agent, Channel, Limits, Role
from router.rules import (
    ALL_SKILLS,
    Action,
    Blend,
    Boosts,
    Callback,
    Evaluation,
    LastAgent,
    Membership,
    Overflow,
    Rules,
    Step,
    Strategy,
    TierOpening,
    Way,
    When,
)

SMALL: dict[str, Any] = {
    "queues": [{"id": "orders"}, {"id": "billing"}],
    "people": [
        {"login": "ana", "password": "x", "queues": ["orders", "billing"], "skills": {"lv": 4}},
        {"login": "adam", "password": "x", "role": "admin"},
    ],
}
FULL = yaml.safe_load("""
name: Full
queues:
  - id: orders
  - id: billing
    strategy: weighted
    evaluation: best
    skills: {billing: 3}
    steps:
      - {after_s: 30, need: {billing: ">=2"}, waive: [lv]}
      - {after_s: 60, need: {}, waive: "*"}
    tiers: [{tier: 2, after_s: 20}]
    boosts: {vip_s: 60, returning_s: 30, transfer_s: 15, callback_s: 10}
    last_agent: {within_days: 7, wait_s: 20}
    dedicated_wait_s: 45
    overflow:
      - {when: closed, to: {wait: true}, say: "We are closed."}
      - {when: waited, over_s: 90, to: {queue: orders}}
      - {when: estimate, over_s: 300, to: {number: "+37160000111"}}
    callback: {offer_after_s: 60}
    blend: {inbound: [orders], target: 0.9}
    most_waiting: 20
    hours:
      timezone: Europe/Riga
      weekly: {mon: ["08:00-12:30", "13:00-24:00"]}
      holidays: [2026-12-24, 2026-12-25]
      openings: {2026-12-24: ["09:00-13:00"]}
    dispositions: [paid]
people:
  - login: ana
    password: x
    queues: [orders, {id: billing, tier: 2, order: 3, weight: 2, vip_only: true}]
    skills: {billing: 5}
    limits: {total: 4, beside_voice: [email], interruptible: []}
  - {login: ben, password: x, queues: [billing], skills: {billing: 4}}
pause_codes: [break, {code: training, name: Training course, paid: false}]
""")


def problems(change: dict[str, Any], queue: dict[str, Any] | None = None) -> list[str]:
    raw = copy.deepcopy(SMALL) | change
    if queue is not None:
        raw["queues"][1] |= queue
    return [str(flaw) for flaw in read_company(raw, logins=()).problems]


def test_every_rule_of_a_queue_is_read() -> None:
    company = parse_company(FULL)
    billing = company.queue("billing")
    assert billing.rules == Rules(
        strategy=Strategy.WEIGHTED,
        evaluation=Evaluation.BEST,
        steps=(
            Step(30, {"billing": 2}, frozenset({"lv"})),
            Step(60, {}, frozenset({ALL_SKILLS})),
        ),
        tiers=(TierOpening(2, 20),),
        boosts=Boosts(60, 30, 15, 10),
        last_agent=LastAgent(7, 20),
        dedicated_wait_s=45,
        overflow=(
            Overflow(When.CLOSED, Action(Way.WAIT, say="We are closed.")),
            Overflow(When.WAITED, Action(Way.QUEUE, "orders"), 90),
            Overflow(When.ESTIMATE, Action(Way.NUMBER, "+37160000111"), 300),
        ),
        callback=Callback(60, attempts=2, retry_after_s=300),
        blend=Blend(("orders",), target=0.9),
        most_waiting=20,
    )
    assert billing.hours.openings == {date(2026, 12, 24): ((time(9), time(13)),)}
    assert company.dispositions_of("billing") == ("paid",)
    assert company.dispositions_of("orders") == ("resolved",)
    assert company.pauses == (
        PauseCode("break", "break"),
        PauseCode("training", "Training course", paid=False),
    )
    assert company.pause_codes == ("break", "training")


def test_agent_stands_in_each_queue_as_the_file_says() -> None:
    [ana, ben] = parse_company(FULL).members("billing")
    assert ana.queues == ("orders", "billing")
    assert ana.membership("billing") == Membership(tier=2, order=3, weight=2, vip_only=True)
    assert ana.membership("orders") == Membership()
    assert ana.limits == Limits(4, frozenset({Channel.EMAIL}), frozenset())
    assert ben.standing == {}
    assert ben.capacity[Channel.VOICE] == 1


@pytest.mark.parametrize(
    ("queue", "told"),
    [
        ({"strategy": "longest"}, "queues[1].strategy: expected one of longest-idle"),
        ({"strategy": "ring_all"}, "found 'ring_all'; did you mean 'ring-all'?"),
        ({"stratgy": "random"}, "queues[1].stratgy: unknown key; did you mean 'strategy'?"),
        ({"target_s": 0}, "queues[1].target_s: expected a whole number of at least 1, found 0"),
        (
            {"service_level": "80/20"},
            "queues[1].service_level: expected one of short-abandons-out, short-abandons-met",
        ),
        ({"target_s": True}, "queues[1].target_s: expected a whole number"),
        ({"skills": {"lv": 6}}, "queues[1].skills.lv: expected a proficiency from 1 to 5, found 6"),
        (
            {"steps": [{"after_s": 10, "need": {"lv": ">3"}}]},
            "queues[1].steps[0].need.lv: expected a proficiency from 1 to 5, found '>3'",
        ),
        ({"steps": {"after_s": 3}}, "queues[1].steps: expected a list, found a mapping"),
        (
            {"overflow": [{"when": "late", "to": {"end": True}}]},
            "queues[1].overflow[0].when: expected one of closed",
        ),
        (
            {"overflow": [{"when": "waited", "over_s": 9, "to": {"queue": "order"}}]},
            "queues[1].overflow[0].to.queue: expected a queue (orders, billing), found 'order'; "
            "did you mean 'orders'?",
        ),
        (
            {"overflow": [{"when": "waited", "over_s": 9, "to": {"end": True, "wait": True}}]},
            "queues[1].overflow[0].to: expected exactly one of queue",
        ),
        ({"last_agent": {"within_days": 7}}, "queues[1].last_agent.wait_s: expected a whole"),
        ({"hours": {"timezone": "Riga"}}, "queues[1].hours.timezone: expected an IANA time zone"),
        ({"hours": {"weekly": {"monday": []}}}, "queues[1].hours.weekly.monday: expected one of"),
        (
            {"hours": {"weekly": {"mon": ["8-12"]}}},
            "queues[1].hours.weekly.mon[0]: expected a shift like 08:00-12:30, found '8-12'",
        ),
        (
            {"hours": {"openings": {"24.12.2026": []}}},
            "queues[1].hours.openings.24.12.2026: expected a date like 2026-12-24",
        ),
        ({"offer_s": {"fax": 3}}, "queues[1].offer_s.fax: expected one of voice"),
        ({"wrap_up": {"mode": "always"}}, "queues[1].wrap_up.mode: expected one of none"),
        ({"id": "orders"}, "queues[1].id: 'orders' is there already; it must differ"),
        ({"id": "bil ling"}, "queues[1].id: expected up to 64 letters"),
        ({"blend": {"inbound": ["orders"], "target": 80}}, "queues[1].blend.target: expected a sh"),
    ],
)
def test_wrong_queue_is_told_with_its_place(queue: dict[str, Any], told: str) -> None:
    found = problems({}, queue)
    assert [one for one in found if told in one], found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"people": [{"login": "ana", "password": "x", "queues": ["sales"]}]},
            "people[0].queues[0]",
        ),
        (
            {"people": [{"login": "ana", "password": "x", "rolle": "admin"}]},
            "people[0].rolle: unkn",
        ),
        (
            {"people": [{"login": "Ana", "password": "x"}]},
            "people[0].login: expected small letters",
        ),
        ({"people": [{"login": "ana"}]}, "people[0].password: expected a password"),
        ({"people": "ana"}, "people: expected a list, found 'ana'"),
        ({"default_queue": "sales"}, "default_queue: expected a queue (orders, billing)"),
        ({"entry": {"fax": "f"}}, "entry.fax: expected one of voice"),
        ({"dispositions": [False]}, "dispositions[0]: expected a text, found False"),
        ({"pause_codes": ["lunch", "lunch"]}, "pause_codes[1]: 'lunch' stands here twice"),
        ({"queues": []}, "queues: expected at least one queue"),
        ({"name": 7}, "name: expected a text in quotes, found 7"),
    ],
)
def test_wrong_company_is_told_with_its_place(change: dict[str, Any], told: str) -> None:
    found = problems(change)
    assert [one for one in found if told in one], found


def test_everything_that_is_wrong_is_told_at_once() -> None:
    raw = copy.deepcopy(SMALL)
    raw["queues"][0]["strategy"] = "fair"
    raw["queues"][1]["skills"] = {"billing": 3}
    raw["people"][0]["role"] = "boss"
    raw["survey"] = "sometimes"
    with pytest.raises(BadConfiguration) as failure:
        parse_company(raw)
    places = [flaw.place for flaw in failure.value.problems]
    assert places == ["queues[0].strategy", "people[0].role", "survey"]
    raw["people"][0]["role"] = "agent"
    with pytest.raises(BadConfiguration) as failure:
        parse_company(raw)
    assert "queues[1].skills.billing" in str(failure.value)
    assert "queues[0].strategy" in str(failure.value)


@pytest.mark.parametrize("raw", [None, [], "queues"])
def test_file_that_is_no_mapping_is_told(raw: object) -> None:
    with pytest.raises(BadConfiguration, match="expected a mapping"):
        parse_company(raw)


def test_person_who_is_there_already_needs_no_password() -> None:
    people = [{"login": "ana"}, {"login": "eve"}]
    raw: dict[str, Any] = {"queues": [{"id": "orders"}], "people": people}
    told = read_company(raw, logins={"ana"}).problems
    assert [flaw.place for flaw in told] == ["people[1].password"]
    assert read_company(raw).problems == ()


def test_passwords_are_not_written() -> None:
    raw = copy.deepcopy(SMALL)
    raw["people"][0]["password"] = "harbour-secret"
    company = parse_company(raw)
    assert "harbour-secret" not in yaml.safe_dump(serialize_company(company, defaults=True))
    assert "harbour-secret" not in repr(company)


def test_what_is_written_is_short_and_means_the_same() -> None:
    company = parse_company(SMALL)
    assert serialize_company(company)["queues"] == [
        {"id": name, "name": name, "strategy": "longest-idle", "target_s": 20}
        for name in ("orders", "billing")
    ]
    assert serialize_company(company)["people"][0] == {
        "login": "ana",
        "name": "ana",
        "queues": ["orders", "billing"],
        "skills": {"lv": 4},
    }


def test_differences_name_queue_and_person() -> None:
    now = copy.deepcopy(SMALL)
    now["queues"][1] |= {"target_s": 40, "boosts": {"vip_s": 60}}
    now["people"][0]["skills"] = {"lv": 5}
    del now["people"][1]
    was = read_company(SMALL | {"people": [{**p, "password": ""} for p in SMALL["people"]]})
    found = {
        each.place: (each.was, each.now) for each in differences(was.company, parse_company(now))
    }
    assert found.pop("people.adam") == ({"login": "adam", "name": "adam", "role": "admin"}, None)
    assert found == {
        "queues.billing.target_s": (20, 40),
        "queues.billing.boosts.vip_s": (0, 60),
        "people.ana.skills.lv": (4, 5),
        "people.ana.password": (None, "set anew"),
    }
    assert differences(was.company, was.company) == ()


# -- property: what is written reads back as the same company ------------------------------

ids = st.sampled_from(["orders", "billing", "technical", "sales"])
skills = st.dictionaries(st.sampled_from(["lv", "en", "billing"]), st.integers(1, 5), max_size=2)
seconds = st.integers(1, 900)
texts = st.text("abcdefg žü{}:#'\"\n-", max_size=12)
clock = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
shifts = st.lists(st.tuples(clock, clock).filter(lambda s: s[0] != s[1]), max_size=2).map(tuple)
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
hours = st.builds(
    Hours,
    st.sampled_from(["UTC", "Europe/Riga"]),
    st.none() | st.dictionaries(st.sampled_from(DAYS), shifts, min_size=1),
    st.frozensets(days, max_size=3),
    st.dictionaries(days, shifts, max_size=2),
)
steps = st.lists(
    st.builds(
        Step,
        seconds,
        st.none() | skills,
        st.frozensets(st.sampled_from(["lv", "en"])) | st.just(frozenset({ALL_SKILLS})),
    ),
    max_size=2,
).map(tuple)
actions = (
    st.builds(Action, st.just(Way.QUEUE), ids, texts)
    | st.builds(Action, st.sampled_from([Way.BOT, Way.NUMBER, Way.EMAIL]), st.just("x"), texts)
    | st.builds(
        Action, st.sampled_from([Way.VOICEMAIL, Way.CALLBACK, Way.WAIT]), st.just(""), texts
    )
)
rules = st.builds(
    Rules,
    strategy=st.sampled_from(Strategy),
    evaluation=st.sampled_from(Evaluation),
    steps=steps,
    tiers=st.lists(st.builds(TierOpening, st.integers(2, 4), seconds), max_size=2).map(tuple),
    boosts=st.builds(Boosts, seconds, seconds, seconds, seconds) | st.just(Boosts()),
    last_agent=st.none() | st.builds(LastAgent, st.integers(1, 30), seconds),
    dedicated_wait_s=seconds,
    overflow=st.lists(st.builds(Overflow, st.sampled_from(When), actions, seconds), max_size=3).map(
        tuple
    ),
    callback=st.none() | st.builds(Callback, seconds, st.integers(1, 5), seconds),
    blend=st.none()
    | st.builds(Blend, st.lists(ids, unique=True).map(tuple), st.floats(0, 1), seconds, seconds),
    most_waiting=st.none() | seconds,
    returning_within_s=seconds,
    reject_delay_s=seconds,
    expected_s=seconds,
    announce_every_s=seconds,
)
by_channel = st.fixed_dictionaries(dict.fromkeys(Channel, st.integers(1, 9)))


@st.composite
def companies(draw: st.DrawFn) -> Company:
    names = ["orders", "billing", "technical", "sales"]
    queues = {
        name: Queue(
            id=name,
            name=draw(texts),
            skills=draw(skills),
            target_s=draw(seconds),
            service_level=draw(st.sampled_from(ServiceLevel)),
            short_abandon_s=draw(seconds),
            base_s=draw(seconds),
            wrap_up=WrapUp(draw(st.sampled_from(WRAP_UP_MODES)), draw(seconds)),
            offer_s=draw(by_channel),
            hours=draw(hours),
            closed_text=draw(texts),
            rules=draw(rules),
            dispositions=draw(st.sampled_from([(), ("paid", "no")])),
        )
        for name in names
    }
    people = tuple(draw(person(name)) for name in ("ana", "ben"))
    return Company(
        name=draw(texts),
        queues=queues,
        people=people,
        entry=draw(st.dictionaries(st.sampled_from(Channel), st.just("front-desk"))),
        dispositions=("resolved", "no"),
        pauses=tuple(PauseCode(code, draw(texts), draw(st.booleans())) for code in ("a", "b")),
        default_queue=draw(ids),
        survey=draw(st.booleans()),
        fcr_days=draw(st.integers(1, 90)),
        next_best_offers=tuple(draw(next_best_offer(name)) for name in draw(ids_of_offers)),
    )


ids_of_offers = st.lists(st.sampled_from(["green", "app"]), unique=True)


@st.composite
def next_best_offer(draw: st.DrawFn, name: str) -> NextBestOffer:
    return NextBestOffer(
        name,
        draw(texts),
        draw(st.dictionaries(st.sampled_from(["en", "lv"]), st.just("Well?"), min_size=1)),
        intents=draw(st.sampled_from([(), ("change_tariff",)])),
        channels=tuple(draw(st.lists(st.sampled_from(Channel), unique=True))),
        vip=draw(st.none() | st.booleans()),
    )


@st.composite
def person(draw: st.DrawFn, login: str) -> Person:
    name = draw(texts)
    if draw(st.booleans()):
        return Person(login, name, draw(st.sampled_from(Role)))
    queues = tuple(draw(st.lists(ids, unique=True)))
    standing = {
        queue: Membership(draw(st.integers(2, 4)), draw(st.integers(0, 9)), 2, draw(st.booleans()))
        for queue in queues
    }
    others = st.frozensets(st.sampled_from([Channel.CHAT, Channel.SMS, Channel.EMAIL]))
    limits = Limits(draw(st.none() | st.integers(1, 9)), draw(others), draw(others))
    agent = Agent(
        login, name, queues, draw(skills), draw(by_channel), standing=standing, limits=limits
    )
    return Person(login, name, draw(st.sampled_from(Role)), agent=agent)


def test_offer_fits_where_all_its_conditions_hold() -> None:
    offer = NextBestOffer("a", "A", {"en": "?"}, ("move",), ("orders",), (Channel.CHAT,), vip=False)
    assert offer.fits("orders", Channel.CHAT, "move", vip=False)
    assert not offer.fits("billing", Channel.CHAT, "move", vip=False)
    assert not offer.fits("orders", Channel.SMS, "move", vip=False)
    assert not offer.fits("orders", Channel.CHAT, "late", vip=False)
    assert not offer.fits("orders", Channel.CHAT, "move", vip=True)
    assert NextBestOffer("a", "A", {"en": "?"}).fits("x", Channel.VOICE, "", vip=True)


def test_offer_without_text_or_with_an_unknown_queue_is_refused_with_its_place() -> None:
    raw = {"queues": [{"id": "orders"}], "next_best_offers": [{"id": "a", "queues": ["ordrs"]}]}
    told = {flaw.place: flaw.problem for flaw in read_company(raw).problems}
    assert "did you mean 'orders'" in told["next_best_offers[0].queues[0]"]
    assert "a text by language" in told["next_best_offers[0].text"]


@settings(max_examples=20)
@given(companies(), st.booleans(), st.booleans())
def test_written_company_reads_back_as_the_same(
    company: Company, defaults: bool, as_yaml: bool
) -> None:
    written = serialize_company(company, defaults=defaults)
    if as_yaml:
        written = yaml.safe_load(yaml.safe_dump(written, allow_unicode=True, sort_keys=False))
    assert read_company(written).company == company
