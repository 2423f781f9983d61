"""The demo company: its files agree with each other and seed a store once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from gateway.company_text import read_file
from gateway.configuration import flows_in, open_company, replace_passwords, sign_ins
from gateway.demo.matters import ORDERS
from gateway.demo.orders import read_orders
from gateway.demo.seed import CUSTOMERS_FILE, seed
from gateway.settings import Settings
from router.bus.memory import MemoryBus
from router.clock import VirtualClock
from router.company import Company, no_company, parse_company
from router.configuration.file import read_company
from router.configuration.versions import Passwords, Versions
from router.errors import BadConfiguration
from router.model import Channel, Customer, Identity, IdentityKind, InteractionState, Role
from router.relay import Relay
from router.rules import ALL_SKILLS, Callback, LastAgent, Step, TierOpening, When
from router.store.sql import SqlStore
from tests.fakes.ground import open_store

DEMO = CUSTOMERS_FILE.parent
NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
ORDER = re.compile(r"HL-\d{6}")


@pytest.fixture
def company() -> Company:
    return parse_company(yaml.safe_load((DEMO / "company.yaml").read_text("utf-8")))


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[SqlStore]:
    async with open_store(sqlite_url) as opened:
        yield opened


FAST = Passwords(lambda word: f"hashed:{word}", lambda kept, word: kept == f"hashed:{word}")


def test_company_file_is_read_everybody_can_be_reached(company: Company) -> None:
    agents = [person.agent for person in company.people if person.agent]
    assert len(agents) == 6
    assert set(company.queues) == {"orders", "billing", "technical"}
    assert set(company.entry.values()) == {"front-desk"}
    assert set(company.entry) == set(Channel)
    for queue in company.queues.values():
        able = [agent for agent in agents if queue.id in agent.queues]
        assert [a for a in able if set(queue.skills) <= set(a.skills)], queue.id
        for language in ("en", "lv", "zh"):
            assert any(language in agent.skills for agent in agents)


def test_default_queue_is_open_at_any_hour_others_close_at_night(company: Company) -> None:
    hours = [NOW + timedelta(hours=hour) for hour in range(24 * 7)]
    assert all(company.queue("orders").hours.open_at(hour) for hour in hours)
    assert company.default_queue == "orders"
    for name in ("billing", "technical"):
        open_hours = sum(company.queue(name).hours.open_at(hour) for hour in hours)
        assert 0 < open_hours < 24 * 7
        assert company.queue(name).closed_text


def test_customer_orders_exist_every_order_belongs_to_a_customer() -> None:
    text = CUSTOMERS_FILE.read_text("utf-8")
    customers = {row["id"] for row in yaml.safe_load(text)["customers"]}
    orders = read_orders().orders()
    assert len(customers) == 40
    assert set(ORDER.findall(text)) <= {order.number for order in orders}
    assert {order.customer for order in orders} <= customers
    assert set(ORDERS) <= {order.number for order in orders}


async def test_first_start_makes_the_sign_ins_and_agents(store: SqlStore) -> None:
    clock, company = VirtualClock(NOW), no_company()
    versions = Versions(store, company, clock, Relay(store, MemoryBus(), clock), FAST)
    await open_company(versions, company, Settings())
    async with store.transaction() as tx:
        accounts = {account.login: account for account in await tx.people.accounts()}
        agents = await tx.people.agents()
    assert len(accounts) == 8
    assert accounts["sofia"].role is Role.SUPERVISOR
    assert accounts["sofia"].password_hash == "hashed:harbour-sofia"
    assert {agent.id for agent in agents} == {"ana", "boris", "chen", "dace", "emil", "farah"}
    shown = replace_passwords(company, sign_ins(Settings(), company))
    assert {person.login: person.password for person in shown.people}["adam"] == "harbour-adam"


async def test_seed_empty_store_gets_a_past(store: SqlStore) -> None:
    done = await seed(store, CUSTOMERS_FILE, NOW)
    assert done.customers == 40
    assert done.interactions >= 80
    async with store.transaction() as tx:
        anna = await tx.people.find_customer(Identity(IdentityKind.PHONE, "+37120000101"))
        assert anna is not None
        past = await tx.interactions.for_customer(anna.id)
        lines = await tx.interactions.messages(past[0].id)
        unsent = await tx.log.unsent(NOW + timedelta(days=1))
    assert all(item.state is InteractionState.ENDED for item in past)
    assert all(item.created_at < NOW for item in past)
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert unsent == [], "old facts must not be published again"


async def test_seed_again_adds_nothing(store: SqlStore) -> None:
    await seed(store, CUSTOMERS_FILE, NOW)
    again = await seed(store, CUSTOMERS_FILE, NOW + timedelta(days=3))
    assert (again.customers, again.interactions) == (0, 0)


async def test_seed_customer_known_already_is_left_alone(store: SqlStore) -> None:
    async with store.transaction() as tx:
        phone = Identity(IdentityKind.PHONE, "+37120000101")
        await tx.people.add_customer(Customer("mine", "Anna herself", (phone,)))
    done = await seed(store, CUSTOMERS_FILE, NOW)
    assert done.customers == 39
    async with store.transaction() as tx:
        anna = await tx.people.find_customer(phone)
    assert anna is not None
    assert anna.name == "Anna herself"


async def test_seed_wrong_story_names_the_customer(store: SqlStore, tmp_path: Path) -> None:
    path = tmp_path / "customers.yaml"
    raw = yaml.safe_load(CUSTOMERS_FILE.read_text("utf-8"))
    raw["customers"][3]["history"][0]["story"] = "unheard-of"
    path.write_text(yaml.safe_dump(raw), "utf-8")
    with pytest.raises(BadConfiguration, match=r"customer 'c04'.*unheard-of"):
        await seed(store, path, NOW)
    async with store.transaction() as tx:
        assert await tx.people.search_customers("") == []


def test_company_file_has_no_problems_and_no_warnings_with_the_demo_flows() -> None:
    document = read_file(DEMO / "company.yaml")
    reading = read_company(document.raw, logins=(), flows=flows_in(DEMO / "flows"))
    assert (reading.problems, reading.warnings) == ((), ())


def test_company_shows_what_rules_there_are(company: Company) -> None:
    orders, billing, technical = (company.queue(q) for q in ("orders", "billing", "technical"))
    chen = next(agent for agent in company.members("billing") if agent.id == "chen")
    assert chen.membership("billing").tier == 2
    assert billing.rules.tiers == (TierOpening(2, 20),)
    assert orders.rules.steps == (Step(30, waive=frozenset({ALL_SKILLS})),)
    assert orders.rules.last_agent == LastAgent(within_days=7, wait_s=20)
    [overflow] = technical.rules.overflow
    assert (overflow.when, overflow.over_s, overflow.action.target) == (When.WAITED, 90, "orders")
    for queue in company.queues.values():
        assert queue.rules.boosts.vip_s == 120
        assert queue.rules.callback == Callback(offer_after_s=60)
    morning = datetime(2026, 12, 31, 10, tzinfo=ZoneInfo("Europe/Riga"))
    assert billing.hours.open_at(morning), "a special opening beats the holiday"
    assert not billing.hours.open_at(morning + timedelta(hours=4))
