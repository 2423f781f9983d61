"""The store's contract, run against SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from router.errors import (
    Conflict,
    LocalError,
    NoSuchAgent,
    NoSuchCampaign,
    NoSuchCustomer,
    NoSuchInteraction,
    NoSuchOffer,
    StoreUnavailable,
)
from router.events import InteractionArrived, MessageAdded
from router.handoff import HANDOFF_VERSION, Authentication, Mood, Utterance
from router.model import (
    Account,
    Agent,
    Attempt,
    AttemptState,
    Author,
    Campaign,
    Channel,
    Citation,
    Contact,
    Customer,
    Direction,
    Disposition,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    Offer,
    OfferState,
    Presence,
    Role,
    Session,
    SlotValue,
)
from router.rules import WorkDay
from router.store.schema import interactions
from router.store.sql import SqlStore

NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
PHONE = Identity(IdentityKind.PHONE, "+37120000001")
MAIL = Identity(IdentityKind.EMAIL, "anna@example.com")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    opened = SqlStore(store_url)
    await opened.start()
    yield opened
    await opened.stop()


def interaction(name: str, **changes: object) -> Interaction:
    made = Interaction(
        id=name,
        channel=Channel.CHAT,
        direction=Direction.INBOUND,
        customer_id="anna",
        conversation_id="matter",
        address="visitor",
        service_address="web",
        state=InteractionState.NEW,
        created_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def said(text: str, external_id: str | None = None) -> NewMessage:
    return NewMessage(Author.CUSTOMER, text, external_id=external_id)


def added(message_id: str, text: str) -> MessageAdded:
    return MessageAdded(
        at=NOW,
        interaction_id="one",
        message_id=message_id,
        seq=1,
        channel="chat",
        author="customer",
        text=text,
        state="bot",
    )


class TestStore:
    """``router.ports.Store``."""

    async def test_interaction_comes_back_as_it_went_in(self, store: SqlStore) -> None:
        packet = Handoff(
            reason="asked",
            summary="wants her parcel",
            slots=(SlotValue("order", "HL-482913", 0.7, confirmed=True),),
            articles=(Citation("tracking", "Tracking", "/help/en/tracking", "words", 0.8),),
            tried=("order status",),
            summaries={"lv": "vēlas sūtījumu"},
            trigger=Utterance("a person", confidence=0.9),
            authentication=Authentication("sms-code", 2, NOW.isoformat()),
            mood=Mood(-0.4, 0.6, -0.1, worsening=True),
            open_slots=("day",),
        )
        one = interaction(
            "one", skills={"lv": 3}, handoff=packet, joined_at=NOW, bot_state={"at": ["x", 1]}
        )
        async with store.transaction() as tx:
            await tx.interactions.add(one, "visit-1")
        async with store.transaction() as tx:
            assert await tx.interactions.get("one") == one
            assert await tx.interactions.by_external_id(Channel.CHAT, "visit-1") == one
            assert await tx.interactions.by_external_id(Channel.SMS, "visit-1") is None

    async def test_packet_of_an_earlier_version_is_read_as_the_present_one(
        self, store: SqlStore, store_url: str
    ) -> None:
        first: dict[str, object] = {"reason": "asked", "summary": "wants", "intent": None}
        first |= {"slots": [], "articles": [], "tried": [], "last_utterance": "agent", "version": 1}
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one", handoff=Handoff("asked", "")))
        engine = create_async_engine(store_url)
        async with engine.begin() as connection:
            values = {"handoff": first, "version": 2}
            await connection.execute(interactions.update().values(values))
        await engine.dispose()
        async with store.transaction() as tx:
            found = await tx.interactions.get("one")
            assert found.handoff is not None
            assert found.handoff.version == HANDOFF_VERSION
            assert found.handoff.trigger == Utterance("agent")
            await tx.interactions.save(replace(found, subject="read and written"))
        async with store.transaction() as tx:
            assert (await tx.interactions.get("one")).handoff == found.handoff

    async def test_times_are_utc_aware_and_naive_ones_refused(self, store: SqlStore) -> None:
        riga = NOW.astimezone(timezone(timedelta(hours=2)))
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one", joined_at=riga))
            found = await tx.interactions.get("one")
        assert found.joined_at == NOW
        assert found.joined_at.utcoffset() == timedelta(0)
        with pytest.raises(Exception, match="naive"):
            async with store.transaction() as tx:
                await tx.interactions.add(interaction("two", joined_at=datetime(2026, 1, 1)))

    async def test_block_that_raises_leaves_nothing(self, store: SqlStore) -> None:
        with pytest.raises(RuntimeError):
            async with store.transaction() as tx:
                await tx.interactions.add(interaction("one"))
                raise RuntimeError
        async with store.transaction() as tx:
            with pytest.raises(NoSuchInteraction):
                await tx.interactions.get("one")

    async def test_transaction_inside_another_of_the_task_is_refused(self, store: SqlStore) -> None:
        async with store.transaction():
            with pytest.raises(LocalError):
                async with store.transaction():
                    pass

    async def test_missing_things_have_their_own_errors(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            with pytest.raises(NoSuchInteraction):
                await tx.interactions.get("x")
            with pytest.raises(NoSuchOffer):
                await tx.interactions.offer("x")
            with pytest.raises(NoSuchAgent):
                await tx.people.agent("x")
            with pytest.raises(NoSuchCustomer):
                await tx.people.customer("x")
            with pytest.raises(NoSuchCampaign):
                await tx.campaigns.get("x")

    async def test_save_from_an_old_version_conflicts(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one"))
            old = await tx.interactions.get("one")
            new = await tx.interactions.save(replace(old, state=InteractionState.BOT))
        assert new.version == old.version + 1
        with pytest.raises(Conflict):
            async with store.transaction() as tx:
                await tx.interactions.save(old)

    async def test_waiting_order_is_by_joining(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            for name, seconds in (("late", 20), ("early", 5), ("middle", 10)):
                joined = NOW + timedelta(seconds=seconds)
                one = interaction(name, state=InteractionState.WAITING, joined_at=joined)
                await tx.interactions.add(one)
            await tx.interactions.add(interaction("else"))
            found = await tx.interactions.in_states([InteractionState.WAITING])
        assert [one.id for one in found] == ["early", "middle", "late"]

    async def test_versions_are_told_of_those_in_some_states_and_rise_with_each_save(
        self, store: SqlStore
    ) -> None:
        states = [InteractionState.WAITING, InteractionState.BOT]
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("waits", state=InteractionState.WAITING))
            await tx.interactions.add(interaction("done", state=InteractionState.ENDED))
            assert await tx.interactions.versions([InteractionState.SCHEDULED]) == {}
        async with store.transaction() as tx:
            old = await tx.interactions.get("waits")
            assert await tx.interactions.versions(states) == {"waits": old.version}
            await tx.interactions.save(replace(old, state=InteractionState.BOT))
        async with store.reading() as tx:
            assert await tx.interactions.versions(states) == {"waits": old.version + 1}

    async def test_customer_continues_the_newest_open_one(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("done", state=InteractionState.ENDED))
            await tx.interactions.add(interaction("open", state=InteractionState.BOT))
            found = await tx.interactions.open_for_customer("anna", Channel.CHAT)
            assert found is not None
            assert found.id == "open"
            assert await tx.interactions.open_for_customer("anna", Channel.SMS) is None
            assert len(await tx.interactions.for_customer("anna")) == 2

    async def test_chats_at_an_address_are_those_of_its_owner(self, store: SqlStore) -> None:
        cookie = Identity(IdentityKind.COOKIE, "c-1")
        async with store.transaction() as tx:
            await tx.people.add_customer(Customer("anna", "Anna", (cookie,), created_at=NOW))
            later = NOW + timedelta(minutes=1)
            mine = interaction("old", address="c-1")
            for chat in (
                mine,
                replace(mine, id="new", created_at=later),
                replace(mine, id="call", channel=Channel.VOICE),
                replace(mine, id="elsewhere", address="c-2"),
                replace(mine, id="ben's", customer_id="ben"),
            ):
                await tx.interactions.add(chat)
            found = await tx.interactions.held_at(cookie, Channel.CHAT)
            assert [one.id for one in found] == ["new", "old"]
            assert len(await tx.interactions.held_at(cookie, Channel.CHAT, 1)) == 1
            login = Identity(IdentityKind.LOGIN, "c-1")
            assert await tx.interactions.held_at(login, Channel.CHAT) == []

    async def test_ringing_offer_is_settled_by_exactly_one(self, store: SqlStore) -> None:
        offer = Offer("offer", "one", "ana", OfferState.RINGING, NOW, NOW)
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one"))
            await tx.interactions.add_offer(offer)
            assert await tx.interactions.ringing_offers("ana") == [offer]

        async def settle() -> bool:
            async with store.transaction() as tx:
                return await tx.interactions.settle_offer("offer", OfferState.ACCEPTED)

        assert sorted(await asyncio.gather(*(settle() for _ in range(10)))) == [False] * 9 + [True]
        async with store.transaction() as tx:
            assert await tx.interactions.ringing_offers() == []

    async def test_delivery_is_claimed_by_exactly_one_until_released(self, store: SqlStore) -> None:
        async def claim() -> bool:
            async with store.transaction() as tx:
                return await tx.interactions.claim_delivery("m", NOW)

        assert sum(await asyncio.gather(*(claim() for _ in range(8)))) == 1
        async with store.transaction() as tx:
            await tx.interactions.release_delivery("m")
        assert await claim()

    async def test_same_key_is_served_one_at_a_time(self, store: SqlStore) -> None:
        inside = 0
        most = 0

        async def visit() -> None:
            nonlocal inside, most
            async with store.transaction() as tx:
                await tx.interactions.lock("same")
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(visit() for _ in range(6)))
        assert most == 1

    async def test_customer_is_found_by_any_identity(self, store: SqlStore) -> None:
        anna = Customer("anna", "Anna Ozola", (MAIL, PHONE), created_at=NOW)
        async with store.transaction() as tx:
            await tx.people.add_customer(anna)
        async with store.transaction() as tx:
            assert await tx.people.find_customer(PHONE) == anna
            assert await tx.people.find_customer(MAIL) == anna
            assert await tx.people.search_customers("ozol") == [anna]
            assert await tx.people.search_customers("2000000") == [anna]
            assert await tx.people.search_customers("%") == []

    async def test_taken_identity_is_a_conflict(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            await tx.people.add_customer(Customer("anna", "Anna", (PHONE,)))
        with pytest.raises(Conflict):
            async with store.transaction() as tx:
                await tx.people.add_customer(Customer("bob", "Bob", (PHONE,)))
        async with store.transaction() as tx:
            with pytest.raises(NoSuchCustomer):
                await tx.people.customer("bob")

    async def test_merge_moves_identities_and_history(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            await tx.people.add_customer(Customer("anna", "Anna", (PHONE,)))
            await tx.people.add_customer(Customer("guest", "", (MAIL,)))
            await tx.interactions.add(interaction("one", customer_id="guest"))
            await tx.people.merge_customers("anna", "guest")
            found = await tx.people.find_customer(MAIL)
            assert found is not None
            assert found.id == "anna"
            assert [one.id for one in await tx.interactions.for_customer("anna")] == ["one"]

    async def test_agents_accounts_and_sessions_come_back(self, store: SqlStore) -> None:
        ana = Agent("ana", "Ana", ("orders",), {"en": 5}, {Channel.CHAT: 3}, Presence.AWAY, "lunch")
        account = Account("ana", "ana", "Ana", Role.AGENT, "hash", "ana")
        session = Session("digest", "ana", "csrf", NOW + timedelta(hours=1))
        async with store.transaction() as tx:
            await tx.people.put_agent(ana)
            await tx.people.put_agent(replace(ana, presence=Presence.AVAILABLE, seen_at=NOW))
            await tx.people.put_account(account)
            await tx.people.add_session(session)
        async with store.transaction() as tx:
            found = await tx.people.agent("ana")
            assert found == replace(ana, presence=Presence.AVAILABLE, seen_at=NOW)
            assert await tx.people.account_by_login("ana") == account
            assert await tx.people.session("digest", NOW) == session
            assert await tx.people.session("digest", NOW + timedelta(hours=2)) is None
            await tx.people.drop_session("digest")
            assert await tx.people.session("digest", NOW) is None

    async def test_campaign_contact_is_attempted_once_per_number(self, store: SqlStore) -> None:
        campaign = Campaign("c", "Reminders", Channel.VOICE, "reminder", "running", created_at=NOW)
        first = Contact("p", "c", "Anna", "+371", "Europe/Riga", {"when": "9:00"})
        later = Contact("q", "c", "Bob", "+372", "UTC", next_at=NOW + timedelta(hours=1))
        attempt = Attempt("a", "c", "p", 1, AttemptState.CLAIMED, NOW)
        async with store.transaction() as tx:
            await tx.campaigns.add(campaign, [first, later])
            assert await tx.campaigns.all() == [campaign]
            assert await tx.campaigns.due_contacts("c", NOW, 9) == [first]
            assert await tx.campaigns.start_attempt(attempt)
            assert not await tx.campaigns.start_attempt(replace(attempt, id="b"))
            assert await tx.campaigns.due_contacts("c", NOW, 9) == []
            assert await tx.campaigns.unfinished_attempts() == [attempt]
            move = tx.campaigns.move_attempt
            assert await move("a", AttemptState.CLAIMED, AttemptState.DIALLING)
            assert not await move("a", AttemptState.CLAIMED, AttemptState.DIALLING)
            done = replace(
                attempt,
                state=AttemptState.FINISHED,
                disposition=Disposition.COMPLETED,
                answers={"score": "5"},
                finished_at=NOW,
            )
            await tx.campaigns.save_attempt(done)
            assert await tx.campaigns.attempts("c") == [done]

    async def test_do_not_contact_is_kept_with_its_reason(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            assert not await tx.campaigns.do_not_contact("+371")
            await tx.campaigns.set_do_not_contact("+371", "said STOP", NOW)
            await tx.campaigns.set_do_not_contact("+371", "said STOP again", NOW)
            assert await tx.campaigns.do_not_contact("+371")
            listed = await tx.campaigns.do_not_contact_list()
        assert listed == [("+371", "said STOP again", NOW)]

    async def test_facts_go_to_log_and_outbox_and_leave_the_outbox(self, store: SqlStore) -> None:
        arrived = InteractionArrived(
            at=NOW,
            interaction_id="one",
            channel="chat",
            direction="inbound",
            customer_id="anna",
            conversation_id="matter",
            address="visitor",
        )
        added = MessageAdded(
            at=NOW + timedelta(seconds=1),
            interaction_id="one",
            message_id="m",
            seq=1,
            channel="chat",
            author="customer",
            text="hi",
            state="bot",
        )
        async with store.transaction() as tx:
            await tx.log.append([arrived, added])
        async with store.transaction() as tx:
            assert await tx.log.facts(interaction_id="one") == [arrived, added]
            assert await tx.log.facts(types=[MessageAdded]) == [added]
            assert await tx.log.facts(since=added.at) == [added]
            assert await tx.log.facts(interaction_id="two") == []
            assert await tx.log.unsent(NOW) == [arrived]
            await tx.log.sent([arrived.id])
            assert await tx.log.unsent(added.at) == [added]

    async def test_log_is_read_by_places(self, store: SqlStore) -> None:
        arrived = [
            InteractionArrived(
                at=NOW + timedelta(seconds=n),
                interaction_id=f"i{n}",
                channel="chat",
                direction="inbound",
                customer_id="anna",
                conversation_id="matter",
                address="visitor",
            )
            for n in range(4)
        ]
        async with store.transaction() as tx:
            await tx.log.append(arrived)
        kinds = [InteractionArrived]
        async with store.reading() as tx:
            places = await tx.log.numbers(kinds)
            assert await tx.log.numbered(places[::-1]) == arrived
            assert await tx.log.numbered([]) == []
            assert await tx.log.numbers(kinds, after=places[1]) == places[2:]
            since, until = arrived[1].at, arrived[3].at
            assert await tx.log.numbers(kinds, since=since, until=until) == places[1:3]
            assert await tx.log.numbers([MessageAdded]) == []

    async def test_group_handles_a_fact_once(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            assert not await tx.log.seen_before("mail", "f", NOW)
            assert await tx.log.seen_before("mail", "f", NOW)
            assert not await tx.log.seen_before("sms", "f", NOW)

    async def test_nodes_and_documents(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            await tx.log.node_alive("old", NOW - timedelta(minutes=1))
            await tx.log.node_alive("new", NOW)
            assert await tx.log.live_nodes(NOW - timedelta(seconds=5)) == {"new"}
            assert await tx.log.document("seed") is None
            await tx.log.put_document("seed", {"done": [1, 2]})
            await tx.log.put_document("seed", {"done": [3]})
            assert await tx.log.document("seed") == {"done": [3]}

    async def test_taken_interaction_waits_for_the_one_who_has_it(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one"))

        async def append(letter: str) -> None:
            async with store.transaction() as tx:
                one = await tx.interactions.take("one")
                await asyncio.sleep(0)
                await tx.interactions.save(replace(one, subject=one.subject + letter))

        await asyncio.gather(*(append(letter) for letter in "abcde"))
        async with store.transaction() as tx:
            one = await tx.interactions.get("one")
        assert sorted(one.subject) == list("abcde")

    async def test_customers_past_engagements_are_found_by_time(self, store: SqlStore) -> None:
        early, late = NOW - timedelta(days=3), NOW - timedelta(seconds=30)
        rows = [
            interaction("dropped", left_at=late, accepted_at=None),
            interaction("served", left_at=early, accepted_at=early, agent_id="ana"),
            interaction("served too", left_at=late, accepted_at=late, agent_id="ben"),
            interaction("other", customer_id="bob", left_at=late, accepted_at=late, agent_id="c"),
        ]
        async with store.transaction() as tx:
            await tx.interactions.add_many([(row, None) for row in rows])
            lately = await tx.interactions.left_lately(["anna"], NOW - timedelta(minutes=1))
            assert {one.id for one in lately} == {"dropped", "served too"}
            both = await tx.interactions.left_lately(["anna", "bob"], NOW - timedelta(minutes=1))
            assert len(both) == 3
            served = await tx.interactions.served_lately("anna", NOW - timedelta(days=7))
            assert [one.agent_id for one in served] == ["ben", "ana"]
            assert len(await tx.interactions.served_lately("anna", NOW - timedelta(days=1))) == 1

    async def test_lines_of_calls_are_found_by_their_process(self, store: SqlStore) -> None:
        call = {"channel": Channel.VOICE, "home": "voice.a"}
        rows = [
            interaction("talks", state=InteractionState.AGENT, **call),
            interaction("waits", **{**call, "home": "voice.b", "state": InteractionState.WAITING}),
            interaction("over", state=InteractionState.ENDED, **call),
            interaction("chat", home="voice.a", state=InteractionState.BOT),
            interaction("called back", channel=Channel.VOICE, state=InteractionState.WAITING),
        ]
        async with store.transaction() as tx:
            await tx.interactions.add_many([(row, None) for row in rows])
            assert await tx.interactions.homes() == {"voice.a", "voice.b"}
            assert [one.id for one in await tx.interactions.at_homes(["voice.a"])] == ["talks"]

    async def test_presence_is_written_without_touching_the_figures(self, store: SqlStore) -> None:
        day = WorkDay("2026-03-29", 3, 10.0, 20.0, 30.0, 5.0)
        ana = Agent("ana", "Ana", ("orders",), work_day=day, seen_at=NOW, skills={"en": 5})
        later = NOW + timedelta(minutes=1)
        async with store.transaction() as tx:
            await tx.people.put_agent(ana)
            await tx.people.set_presence("ana", Presence.AVAILABLE, "", later)
            found = (await tx.people.agents_among(["ana", "nobody"]))["ana"]
            assert found == replace(
                ana,
                presence=Presence.AVAILABLE,
                presence_since=later,
                idle_since=later,
                seen_at=later,
            )
            assert await tx.people.silent(later) == []
            assert await tx.people.silent(later + timedelta(seconds=1)) == ["ana"]
            await tx.people.set_presence("ana", Presence.AWAY, "lunch", later)
            assert await tx.people.silent(later + timedelta(seconds=1)) == []

    async def test_second_start_keeps_what_is_there(self, store: SqlStore, store_url: str) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one"))
        second = SqlStore(store_url)
        await second.start()
        async with second.transaction() as tx:
            assert (await tx.interactions.get("one")).id == "one"
        await second.stop()


async def test_unreachable_database_names_itself_without_its_password() -> None:
    store = SqlStore("postgresql+asyncpg://someone:secret@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable) as failure:
        await store.start()
    assert "127.0.0.1:1" in str(failure.value)
    assert "secret" not in str(failure.value)
    await store.stop()


async def test_cancelled_statement_leaves_no_lock_behind(store: SqlStore) -> None:
    async def write() -> None:
        async with store.transaction() as tx:
            await tx.log.put_document("x", "half")
            await tx.log.put_document("y", "done")

    for pause in range(12):
        task = asyncio.create_task(write())
        for _ in range(pause):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(2), store.transaction() as tx:
            x, y = await tx.log.document("x"), await tx.log.document("y")
            assert (x is None) == (y is None)
