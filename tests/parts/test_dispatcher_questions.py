"""The dispatcher and what agents ask each other: who is asked, who takes over, who is lost."""

from __future__ import annotations

from router import events
from router.acts.consults import Consults
from router.acts.transfers import ToAgent, ToQueue
from router.model import Channel, EndedBy, Interaction, InteractionState
from tests.parts.test_dispatcher import ORDERS, World, company_of, world_of

TWO = {"capacity": {"chat": 2}}


def consults_of(world: World) -> Consults:
    base = (world.store, world.company, world.clock, world.relay)
    return Consults(*base, world.bus)


async def serving(world: World, agent_id: str, count: int = 1) -> Interaction:
    """A customer whom this agent has accepted."""
    await world.waiting(f"customer of {agent_id}")
    made = (await world.look_until(events.OfferMade, count))[-1]
    assert made.agent_id == agent_id
    return await world.life.accept(made.offer_id, agent_id)


async def test_question_to_a_queue_is_never_offered_to_the_one_who_asks(sqlite_url: str) -> None:
    async with world_of(company_of(ORDERS, ana=TWO), sqlite_url) as world:
        await world.come("ana")
        await world.dispatcher.start()
        one = await serving(world, "ana")
        await consults_of(world).consult(one.id, "ana", ToQueue("orders"), "how much?")
        await world.calm()
        assert await world.ringing() == []
        # Nor by a successor; but the next customer fits beside.
        await world.again()
        following = await world.waiting("next")
        made = (await world.look_until(events.OfferMade, 2))[-1]
        assert (made.interaction_id, made.agent_id) == (following.id, "ana")


async def test_who_takes_the_customer_over_is_offered_nothing_in_between(sqlite_url: str) -> None:
    async with world_of(company_of(ORDERS), sqlite_url) as world:
        await world.come("ana")
        await world.dispatcher.start()
        one = await serving(world, "ana")
        consults = consults_of(world)
        await world.come("ben")
        await consults.consult(one.id, "ana", ToAgent("ben"), "how much?")
        question = (await world.look_until(events.OfferMade, 2))[-1]
        assert question.agent_id == "ben"
        await world.life.accept(question.offer_id, "ben")
        await consults.complete(one.id, "ana", "refund agreed")
        await world.waiting("next")
        # Ana is free now, ben has the customer: the next one is hers.
        made = (await world.look_until(events.OfferMade, 3))[-1]
        assert made.agent_id == "ana"
        await world.life.reject(made.offer_id, "ana")
        await world.calm()
        assert await world.ringing() == []


async def test_question_whose_process_died_ends_and_is_not_called_back(sqlite_url: str) -> None:
    async with world_of(company_of(ORDERS, ana={"capacity": {"voice": 1}}), sqlite_url) as world:
        await world.come("ana")
        await world.dispatcher.start()
        one = await world.waiting("customer", Channel.VOICE)
        made = (await world.look_until(events.OfferMade))[-1]
        await world.life.accept(made.offer_id, "ana")
        await consults_of(world).consult(one.id, "ana", ToQueue("orders"), "how much?")
        async with world.store.transaction() as tx:
            recent = await tx.interactions.recent()
        question = next(item for item in recent if item.parent_id == one.id)
        await world.life.set_home(question.id, "voice.dead")
        await world.dispatcher.recover_calls()
        ended = await world.get(question.id)
        assert (ended.state, ended.ended_by) == (InteractionState.ENDED, EndedBy.SYSTEM)
        assert "call_back" not in ended.meta
