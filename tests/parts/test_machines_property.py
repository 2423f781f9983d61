"""Random histories of legal and illegal acts, on both stores, against a model of one page.

Calls, callbacks, consultations, overflow and ringing at all are in ``test_acts_property``.

1. An act that the model allows changes state, handler, offer and log as it says; any other
   act raises its typed error and changes nothing at all.
2. Two acts at once end as one after the other would, in some order; one of them may
   have lost with ``Conflict`` and changed nothing.
3. After each step: one handler, one ringing offer at most and only while ``offered``,
   what has ended stays as it is, versions grow with each change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from router.acts.act import HandoffPlan
from router.acts.lifecycle import Lifecycle
from router.acts.transfers import Target, ToAgent, ToBot, ToQueue, Transfers
from router.bus.memory import MemoryBus
from router.clock import VirtualClock
from router.company import parse_company
from router.errors import (
    CannotTransfer,
    Conflict,
    IllegalMove,
    NoSuchOffer,
    OfferGone,
    ParleyError,
)
from router.events import Fact
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    Offer,
    OfferState,
    Presence,
    new_id,
)
from router.relay import Relay
from router.store.sql import SqlStore

S = InteractionState
AGENTS = ("ana", "ben")
QUEUES = WRAPS_UP, DOES_NOT = "orders", "quick"
COMPANY = {
    "entry": {"chat": "front-desk"},
    "queues": [
        {"id": WRAPS_UP, "wrap_up": {"mode": "mandatory"}},
        {"id": DOES_NOT, "wrap_up": {"mode": "none"}},
    ],
    "people": [{"login": name, "password": "x", "queues": [*QUEUES]} for name in AGENTS],
}
EXAMPLES, STEPS, MOST_CASES = 12, 20, 3


# -- the model -----------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """An agent gave it to another by name; ``queue`` is where it was before."""

    by: str
    to: str
    queue: str


@dataclass(frozen=True)
class Known:
    """What the model knows of one interaction. ``offers`` are (agent, state), oldest first.

    ``sent`` is what can be taken back, or comes back when the other does not take it.
    ``there`` are the agents who are available.
    """

    state: S
    queue: str = ""
    agent: str | None = None
    offers: tuple[tuple[str, OfferState], ...] = ()
    prefer: str | None = None
    sent: Sent | None = None
    there: frozenset[str] = frozenset()

    @property
    def ringing(self) -> int | None:
        """The place of the offer that rings."""
        places = [n for n, (_, state) in enumerate(self.offers) if state is OfferState.RINGING]
        return places[0] if places else None

    def settled(self, offer: int, state: OfferState) -> tuple[tuple[str, OfferState], ...]:
        """The offers, one of them settled."""
        return tuple(
            (agent, state if n == offer else was) for n, (agent, was) in enumerate(self.offers)
        )


@dataclass(frozen=True)
class Act:
    """Something that is tried. ``offer`` is the place of one in ``Known.offers``."""

    name: str
    agent: str = AGENTS[0]
    queue: str = WRAPS_UP
    offer: int = 0


@dataclass(frozen=True)
class Outcome:
    """What comes of it: an error and nothing else, or how it stands then and what was logged."""

    then: Known
    error: type[ParleyError] | None = None
    logged: tuple[str, ...] = ()


QUEUED = ("HandoffRequested", "InteractionQueued")
SETTLED = {
    "accept": OfferState.ACCEPTED,
    "reject": OfferState.REJECTED,
    "expire": OfferState.EXPIRED,
    "withdraw": OfferState.WITHDRAWN,
}


FOR_BOT = ("hand-over", "bot-ends", "stale-turn")
ANYBODY = ("expire", "withdraw", "bot-ends", "stale-turn", "leave")
EVERYTHING = (
    *(Act(name) for name in ANYBODY),
    *(Act("hand-over", queue=queue) for queue in QUEUES),
    *(Act("to-queue", agent, queue) for agent in AGENTS for queue in QUEUES),
    *(
        Act(name, agent)
        for name in ("accept", "reject", "offer", "reply", "to-agent", "to-bot", "file", "recall")
        for agent in AGENTS
    ),
)
BEATEN_PATH = (
    Act("hand-over"),
    Act("offer", "ana"),
    Act("accept", "ana"),
    Act("to-agent", "ana"),
    Act("offer", "ben"),
    Act("accept", "ben", offer=1),
    Act("leave"),
)


def outcome(known: Known, act: Act) -> Outcome:
    """The rules of the house."""
    if act.name in SETTLED:
        return _settle(known, act)
    if act.name in FOR_BOT:
        return _bot(known, act)
    if act.name == "offer":
        if known.state is not S.WAITING:
            return Outcome(known, IllegalMove)
        offers = (*known.offers, (act.agent, OfferState.RINGING))
        then = replace(known, state=S.OFFERED, agent=act.agent, offers=offers)
        return Outcome(then, logged=("OfferMade",))
    if act.name == "leave":
        return _end(known)
    if act.name == "recall":
        return _recall(known, act)
    return _agent(known, act)


def _settle(known: Known, act: Act) -> Outcome:
    if not known.offers:
        return Outcome(known, NoSuchOffer)
    agent, state = known.offers[act.offer]
    mine = act.name in ("expire", "withdraw") or agent == act.agent
    if state is not OfferState.RINGING or not mine:
        return Outcome(known, OfferGone)
    settled = SETTLED[act.name]
    then = replace(known, offers=known.settled(act.offer, settled))
    logged = (f"Offer{settled.capitalize()}",)
    if settled is OfferState.ACCEPTED:
        return Outcome(replace(then, state=S.AGENT, agent=agent, sent=None), logged=logged)
    then = replace(then, state=S.WAITING, agent=None)
    if settled is OfferState.EXPIRED:
        then = replace(then, there=then.there - {agent})
    if settled is OfferState.WITHDRAWN or then.prefer != agent:
        return Outcome(then, logged=logged)
    return _refused(then, logged)


def _refused(known: Known, logged: tuple[str, ...]) -> Outcome:
    """The one who was preferred did not take it: back to whoever sent it, else for all."""
    if known.sent is None or known.sent.to != known.prefer:
        return Outcome(replace(known, prefer=None), logged=logged)
    return Outcome(_returned(known, known.sent), logged=(*logged, "TransferFailed"))


def _returned(known: Known, sent: Sent) -> Known:
    back = sent.by if sent.by in known.there else None
    return replace(known, queue=sent.queue, prefer=back, sent=None)


def _recall(known: Known, act: Act) -> Outcome:
    """Only while nobody has taken it."""
    sent = known.sent
    if sent is None or sent.by != act.agent or known.state not in (S.WAITING, S.OFFERED):
        return Outcome(known, CannotTransfer)
    logged: tuple[str, ...] = ("TransferFailed",)
    if known.ringing is not None:
        offers = known.settled(known.ringing, OfferState.WITHDRAWN)
        known = replace(known, state=S.WAITING, agent=None, offers=offers)
        logged = ("OfferWithdrawn", *logged)
    return Outcome(_returned(known, sent), logged=logged)


def _bot(known: Known, act: Act) -> Outcome:
    if known.state is not S.BOT:
        return Outcome(known, IllegalMove)
    if act.name == "stale-turn":
        return Outcome(known, Conflict)
    if act.name == "bot-ends":
        return Outcome(replace(known, state=S.ENDED), logged=("InteractionEnded",))
    return Outcome(replace(known, state=S.WAITING, queue=act.queue), logged=QUEUED)


def _end(known: Known) -> Outcome:
    if known.state in (S.ENDED, S.WRAP_UP):
        return Outcome(known)
    if known.state is S.AGENT:
        state = S.WRAP_UP if known.queue == WRAPS_UP else S.ENDED
        return Outcome(replace(known, state=state), logged=("InteractionEnded",))
    offers = known.offers
    logged: tuple[str, ...] = ("InteractionEnded",)
    if known.ringing is not None:
        offers = known.settled(known.ringing, OfferState.WITHDRAWN)
        logged = ("OfferWithdrawn", *logged)
    return Outcome(replace(known, state=S.ENDED, agent=None, offers=offers), logged=logged)


def _agent(known: Known, act: Act) -> Outcome:
    """Acts of the agent who has it."""
    has_it = known.state in (S.AGENT, S.WRAP_UP) and known.agent == act.agent
    if not has_it:
        return Outcome(known, IllegalMove)
    if act.name == "reply":
        return Outcome(known, logged=("MessageAdded",))
    if act.name == "file":
        if known.state is S.AGENT:
            return Outcome(known, IllegalMove)
        return Outcome(replace(known, state=S.ENDED), logged=("WrapUpCompleted",))
    if act.name == "to-agent" and not known.there - {act.agent}:
        return Outcome(known, CannotTransfer)
    if known.state is S.WRAP_UP:
        return Outcome(known, IllegalMove)
    if act.name == "to-bot":
        then = replace(known, state=S.BOT, agent=None)
        return Outcome(then, logged=("BotStarted", "InteractionTransferred"))
    then = replace(known, state=S.WAITING, agent=None)
    if act.name == "to-queue":
        then = replace(then, queue=act.queue, prefer=None, sent=None)
    else:
        (other,) = set(AGENTS) - {act.agent}
        then = replace(then, prefer=other, sent=Sent(act.agent, other, known.queue))
    return Outcome(then, logged=("InteractionQueued", "InteractionTransferred"))


# -- the real thing --------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """One interaction as stored."""

    row: Interaction
    log: tuple[Fact, ...]
    ringing: tuple[Offer, ...]


@dataclass
class World:
    """The lifecycle on a store. Nothing is published, so the outbox keeps every fact."""

    store: SqlStore
    clock: VirtualClock
    life: Lifecycle
    transfers: Transfers

    @classmethod
    async def open(cls, url: str) -> World:
        """A started one with two agents."""
        store, clock = SqlStore(url), VirtualClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
        company = parse_company(COMPANY)
        await store.start()
        async with store.transaction() as tx:
            for person in company.people:
                assert person.agent is not None
                await tx.people.put_agent(person.agent)
        relay = Relay(store, MemoryBus(), clock)
        parts = store, company, clock, relay
        return cls(store, clock, Lifecycle(*parts), Transfers(*parts))

    async def begin(self, channel: Channel) -> Seen:
        """A new customer turns up."""
        arrival = Arrival(channel, Identity(IdentityKind.COOKIE, new_id()), "web")
        received = await self.life.receive(arrival, NewMessage(Author.CUSTOMER, "hi"))
        return await self.look(received.interaction.id)

    async def look(self, interaction_id: str) -> Seen:
        """How it stands in the database."""
        async with self.store.transaction() as tx:
            row = await tx.interactions.get(interaction_id)
            log = await tx.log.facts(interaction_id=interaction_id)
            ringing = await tx.interactions.ringing_offers()
        mine = tuple(one for one in ringing if one.interaction_id == row.id)
        return Seen(row, tuple(log), mine)

    async def attempt(self, case: Case, act: Act) -> type[ParleyError] | None:
        """Try it; the error's class when it was refused."""
        try:
            await self._do(case, act)
        except ParleyError as error:
            return type(error)
        return None

    async def _do(self, case: Case, act: Act) -> None:
        one, life = case.seen.row.id, self.life
        if act.name in SETTLED:
            await self._settle(case.offer_ids[act.offer] if case.offer_ids else "none", act)
        elif act.name in FOR_BOT:
            await self._bot_turn(one, act)
        elif act.name == "offer":
            async with self.store.transaction() as tx:
                row = await tx.interactions.get(one)
            case.offer_ids.append((await life.offer(row, act.agent, "test")).id)
        elif act.name == "reply":
            await life.reply(one, act.agent, "hello")
        elif act.name.startswith("to-"):
            await self.transfers.transfer(one, act.agent, _target(act))
        elif act.name == "recall":
            await self.transfers.recall(one, act.agent)
        elif act.name == "file":
            await life.complete_wrap_up(one, act.agent, "resolved")
        else:
            await life.end(one, EndedBy.CUSTOMER, "left")

    async def _settle(self, offer_id: str, act: Act) -> None:
        if act.name == "accept":
            await self.life.accept(offer_id, act.agent)
        elif act.name == "reject":
            await self.life.reject(offer_id, act.agent)
        elif act.name == "expire":
            await self.life.expire(offer_id)
        else:
            await self.life.withdraw(offer_id, "test")

    async def _bot_turn(self, interaction_id: str, act: Act) -> None:
        async with self.store.transaction() as tx:
            row = await tx.interactions.get(interaction_id)
        if act.name == "hand-over":
            plan = HandoffPlan(act.queue, Handoff("asked", "a person"))
            await self.life.save_bot_turn(row, {}, handoff=plan)
        elif act.name == "bot-ends":
            await self.life.save_bot_turn(row, {}, end_reason="done")
        else:
            await self.life.save_bot_turn(replace(row, version=row.version - 1), {})


def _target(act: Act) -> Target:
    if act.name == "to-queue":
        return ToQueue(act.queue)
    if act.name == "to-bot":
        return ToBot()
    return ToAgent(next(agent for agent in AGENTS if agent != act.agent))


@dataclass
class Case:
    """One interaction of a history: as the model knows it and as it was last seen."""

    known: Known
    seen: Seen
    offer_ids: list[str]


class Histories(RuleBasedStateMachine):
    """Tries acts of all kinds in all states, one at a time and two at once."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        super().__init__()
        self._runner = runner
        self._world = world
        self._cases: list[Case] = []
        self._there: frozenset[str] = frozenset()

    @initialize()
    def somebody_comes(self) -> None:
        """There is always one, and everybody is there to serve."""
        for agent in AGENTS:
            self.agent_comes(agent)
        self._begin(Channel.CHAT, Known(S.BOT))

    @rule(agent=st.sampled_from(AGENTS))
    def agent_comes(self, agent: str) -> None:
        """Available, again or still."""
        self._runner.run(self._world.life.set_presence(agent, Presence.AVAILABLE))
        self._there |= {agent}

    @precondition(lambda self: len(self._cases) < MOST_CASES)
    @rule(far=st.integers(0, len(BEATEN_PATH)))
    def chat_comes(self, far: int) -> None:
        """Met by a bot, and already so far on the way that most go."""
        case = self._begin(Channel.CHAT, Known(S.BOT))
        for act in BEATEN_PATH[:far]:
            self._alone(case, act)

    @precondition(lambda self: len(self._cases) < MOST_CASES)
    @rule()
    def mail_comes(self) -> None:
        """It waits at once: no bot reads mail here."""
        self._begin(Channel.EMAIL, Known(S.WAITING, WRAPS_UP))

    @rule(data=st.data())
    def carry_on(self, data: st.DataObject) -> None:
        """An act that takes it further: without these, histories would seldom get far."""
        case = self._cases[data.draw(st.integers(0, len(self._cases) - 1))]
        known = replace(case.known, there=self._there)
        further = [each for each in _acts(known) if outcome(known, each).then != known]
        if further:  # nothing does when it has ended
            self._alone(case, data.draw(st.sampled_from(further)))

    @rule(data=st.data())
    def anything(self, data: st.DataObject) -> None:
        """An act that may be illegal."""
        case = self._cases[data.draw(st.integers(0, len(self._cases) - 1))]
        self._alone(case, data.draw(st.sampled_from(_acts(case.known))))

    @rule(data=st.data())
    def two_at_once(self, data: st.DataObject) -> None:
        """Whoever is first, it is as if one came after the other."""
        case = self._cases[data.draw(st.integers(0, len(self._cases) - 1))]
        acts = _acts(case.known)
        self._together(case, data.draw(st.sampled_from(acts)), data.draw(st.sampled_from(acts)))

    def teardown(self) -> None:
        """Nobody was changed by what was done to others. All leave, so that nothing rings."""
        for case in self._cases:
            assert self._runner.run(self._world.look(case.seen.row.id)) == case.seen
            self._runner.run(self._world.attempt(case, Act("leave")))

    def _begin(self, channel: Channel, known: Known) -> Case:
        case = Case(known, self._runner.run(self._world.begin(channel)), [])
        self._cases.append(case)
        assert case.seen.row.state is known.state
        return case

    def _alone(self, case: Case, act: Act) -> None:
        expected = outcome(replace(case.known, there=self._there), act)
        error = self._runner.run(self._world.attempt(case, act))
        assert error is expected.error
        self._compare(case, expected.then, expected.logged)

    def _together(self, case: Case, first: Act, second: Act) -> None:
        async def both() -> tuple[type[ParleyError] | None, type[ParleyError] | None]:
            attempt = self._world.attempt
            one, two = await asyncio.gather(attempt(case, first), attempt(case, second))
            return one, two

        known = replace(case.known, there=self._there)
        errors = self._runner.run(both())
        seen = self._runner.run(self._world.look(case.seen.row.id))
        logged = sorted(_names(seen)[len(case.seen.log) :])
        fitting = [
            (then, names)
            for then, names, told in _serial(known, first, second)
            if told == errors and then.state is seen.row.state and sorted(names) == logged
        ]
        assert fitting, f"{first} and {second} gave {errors}, {seen.row.state}, {logged}"
        self._compare(case, fitting[0][0], tuple(_names(seen)[len(case.seen.log) :]))

    def _compare(self, case: Case, then: Known, logged: tuple[str, ...]) -> None:
        """The database against the model."""
        self._world.clock.forward(1)
        was, seen = case.seen, self._runner.run(self._world.look(case.seen.row.id))
        assert _names(seen) == [*_names(was), *logged]
        if not logged:
            assert seen == was
        row = seen.row
        assert (row.state, row.agent_id) == (then.state, then.agent)
        assert then.queue in ("", row.queue)
        assert row.prefer_agent == then.prefer
        assert row.version >= was.row.version
        assert (row.version > was.row.version) is (logged not in ((), ("MessageAdded",)))
        rings = [(one.agent_id, one.id) for one in seen.ringing]
        assert rings == ([(then.agent, row.offer_id)] if then.state is S.OFFERED else [])
        assert len(case.offer_ids) == len(then.offers)
        case.known, case.seen, self._there = then, seen, then.there


def _acts(known: Known) -> list[Act]:
    """Every act, with every offer that there is or was."""
    places = range(len(known.offers)) or [0]
    return [
        replace(act, offer=place)
        for act in EVERYTHING
        for place in (places if act.name in SETTLED else [0])
    ]


def _names(seen: Seen) -> list[str]:
    return [type(fact).__name__ for fact in seen.log]


Told = tuple[type[ParleyError] | None, type[ParleyError] | None]


def _serial(known: Known, first: Act, second: Act) -> Iterator[tuple[Known, tuple[str, ...], Told]]:
    """All that may come of two acts at once: what then, what was logged, who was told what."""
    one, two = outcome(known, first), outcome(known, second)
    after_one, after_two = outcome(one.then, second), outcome(two.then, first)
    yield after_one.then, one.logged + after_one.logged, (one.error, after_one.error)
    yield after_two.then, two.logged + after_two.logged, (after_two.error, two.error)
    yield one.then, one.logged, (one.error, Conflict)
    yield two.then, two.logged, (Conflict, two.error)


def play(store_url: str, examples: int) -> None:
    with asyncio.Runner() as runner:
        world = runner.run(World.open(store_url))
        # Hypothesis takes a factory, though its signature names the class only.
        factory = cast(type[Histories], lambda: Histories(runner, world))
        lengths = settings(max_examples=examples, stateful_step_count=STEPS, deadline=None)
        try:
            run_state_machine_as_test(factory, settings=lengths)
        finally:
            runner.run(world.store.stop())


def test_histories_are_what_the_model_says(store_url: str) -> None:
    play(store_url, EXAMPLES)


@pytest.mark.soak
def test_many_histories_are_what_the_model_says(store_url: str) -> None:
    play(store_url, 50 * EXAMPLES)
