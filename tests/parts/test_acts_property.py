"""Random histories of every kind of act, on both stores: what must hold, whatever was tried.

``test_machines_property`` knows what comes of each act on chats and mails; here are calls,
callbacks, consultations, conferences, overflow, voicemail, ringing at all, and wrap-ups with
a limit or of choice, in any order, each against what holds for all of them:

1. An act that is refused raises its typed error and changes nothing at all.
2. It rings only what is offered, at several agents only where the queue rings at all, and
   never twice at one; who handles it is the one who accepted last, or to whom it was given.
3. It ends once; what has ended stays as it is; versions grow with each change of a row.
4. The place in the queue is kept through an overflow, a callback and a refusal.
5. A callback of a chosen time waits for it. A wrap-up ends by itself unless it is mandatory.
6. No party takes part in what nobody handles, and a question ends with what it is about.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from router import events
from router.acts.lifecycle import OfferPlan
from router.acts.parties import Party, PartyState
from router.acts.transfers import ToAgent, ToBot, ToNumber, ToQueue
from router.errors import ParleyError
from router.events import Fact
from router.model import Channel, EndedBy, Interaction, InteractionState, Offer
from tests.fakes.distribution import Floor, running_floor

S = InteractionState
EXAMPLES, STEPS, MOST_CASES = 7, 20, 3
AGENTS = ("ana", "ben", "cleo")
FAMILY = "family"
LIMITED, OPTIONAL = "orders", "billing"
AHEAD_S = 1800
HOUSE: dict[str, Any] = {
    "default_queue": LIMITED,
    "queues": [
        {
            "id": LIMITED,
            "wrap_up": {"mode": "limited", "limit_s": 30},
            "overflow": [
                {"when": "waited", "over_s": 60, "to": {"queue": FAMILY}},
                {"when": "waited", "over_s": 120, "to": {"voicemail": True}},
            ],
            "callback": {"offer_after_s": 1},
        },
        {"id": OPTIONAL, "wrap_up": {"mode": "optional"}},
        {"id": FAMILY, "strategy": "ring-all", "wrap_up": {"mode": "mandatory"}},
    ],
    "people": [
        {
            "login": name,
            "password": "password-1",
            "queues": [LIMITED, OPTIONAL, FAMILY],
            "capacity": {"voice": 3, "chat": 3},
        }
        for name in AGENTS
    ],
}
HANDLED = frozenset({S.AGENT, S.WRAP_UP})


@dataclass(frozen=True)
class Seen:
    """Everything that is stored."""

    rows: dict[str, Interaction]
    ringing: tuple[Offer, ...]
    parties: dict[str, tuple[Party, ...]]
    log: dict[str, tuple[Fact, ...]]


class Acts:
    """Every act by name: what is tried on one interaction by one agent."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    async def offer(self, one: str, agent: str) -> None:
        """As the distributor does: at all who serve it where the queue rings at all."""
        row = await self._floor.get(one)
        queue = row.queue or LIMITED
        if queue == FAMILY and not row.parent_id and row.state is S.WAITING:
            await self._floor.life.offer_all([OfferPlan.of(row, queue, AGENTS, "test")])
        else:
            await self._floor.life.offer(row, agent, "test")

    async def _ringing(self, one: str, agent: str = "") -> Offer | None:
        async with self._floor.store.transaction() as tx:
            offers = await tx.interactions.ringing_offers()
        mine = [each for each in offers if each.interaction_id == one]
        return next((each for each in mine if agent in ("", each.agent_id)), None)

    async def accept(self, one: str, agent: str) -> None:
        offer = await self._ringing(one, agent)
        await self._floor.life.accept(offer.id if offer else "none", agent)

    async def reject(self, one: str, agent: str) -> None:
        offer = await self._ringing(one, agent)
        await self._floor.life.reject(offer.id if offer else "none", agent)

    async def expire(self, one: str, agent: str) -> None:
        offer = await self._ringing(one)
        await self._floor.life.expire(offer.id if offer else "none")

    async def wait(self, one: str, agent: str) -> None:
        """A minute goes by, and what is due then happens."""
        self._floor.clock.forward(61)
        await self._floor.waiting.due(one, self._floor.clock.now())

    async def wait_long(self, one: str, agent: str) -> None:
        self._floor.clock.forward(AHEAD_S + 1)
        await self._floor.waiting.due(one, self._floor.clock.now())

    async def keep_place(self, one: str, agent: str) -> None:
        await self._floor.callbacks.keep_place(one)

    async def schedule(self, one: str, agent: str) -> None:
        row = await self._floor.get(one)
        later = self._floor.clock.now() + timedelta(seconds=AHEAD_S)
        await self._floor.callbacks.schedule(row, LIMITED, later)

    async def cancel_callback(self, one: str, agent: str) -> None:
        await self._floor.callbacks.cancel(one, EndedBy.CUSTOMER)

    async def voicemail(self, one: str, agent: str) -> None:
        await self._floor.waiting.voicemail_left(one, f"{one}.wav", 4.0)

    async def consult_agent(self, one: str, agent: str) -> None:
        await self._floor.consults.consult(one, agent, ToAgent(_other(agent)), "how?")

    async def consult_outside(self, one: str, agent: str) -> None:
        await self._floor.consults.consult(one, agent, ToNumber("+37120000009"), "how?")

    async def conference(self, one: str, agent: str) -> None:
        await self._floor.consults.conference(one, agent)

    async def swap(self, one: str, agent: str) -> None:
        await self._floor.consults.swap(one, agent)

    async def complete(self, one: str, agent: str) -> None:
        await self._floor.consults.complete(one, agent)

    async def leave_talk(self, one: str, agent: str) -> None:
        await self._floor.consults.leave(one, agent)

    async def cancel_question(self, one: str, agent: str) -> None:
        await self._floor.consults.cancel(one, agent)

    async def hold(self, one: str, agent: str) -> None:
        await self._floor.consults.hold(one, agent)

    async def to_family(self, one: str, agent: str) -> None:
        await self._floor.transfers.transfer(one, agent, ToQueue(FAMILY))

    async def to_billing(self, one: str, agent: str) -> None:
        await self._floor.transfers.transfer(one, agent, ToQueue(OPTIONAL))

    async def to_agent(self, one: str, agent: str) -> None:
        await self._floor.transfers.transfer(one, agent, ToAgent(_other(agent)))

    async def to_bot(self, one: str, agent: str) -> None:
        await self._floor.transfers.transfer(one, agent, ToBot())

    async def customer_leaves(self, one: str, agent: str) -> None:
        await self._floor.life.end(one, EndedBy.CUSTOMER, "left")

    async def file(self, one: str, agent: str) -> None:
        await self._floor.life.complete_wrap_up(one, agent, "resolved")

    async def skip(self, one: str, agent: str) -> None:
        await self._floor.life.skip_wrap_up(one, agent)

    @classmethod
    def names(cls) -> list[str]:
        """All of them."""
        return [name for name in vars(cls) if not name.startswith("_") and name != "names"]


def _other(agent: str) -> str:
    return AGENTS[(AGENTS.index(agent) + 1) % len(AGENTS)]


PLACE = st.integers(0, MOST_CASES - 1)
TALKS = ("offer", "accept")
WAYS: tuple[tuple[str, ...], ...] = (
    (),
    ("keep_place",),
    TALKS,
    (*TALKS, "customer_leaves"),
    (*TALKS, "to_family", "offer"),
    (*TALKS, "to_billing", *TALKS, "customer_leaves"),
    (*TALKS, "consult_agent"),
    (*TALKS, "consult_agent", "ANSWER", "conference"),
    (*TALKS, "consult_agent", "ANSWER", "complete"),
    (*TALKS, "consult_outside", "conference"),
)
"""How far they are when a history begins to be random: it would seldom get there by chance."""


class Histories(RuleBasedStateMachine):
    """Tries everything on everybody."""

    def __init__(self, runner: asyncio.Runner, floor: Floor, numbers: Iterator[int]) -> None:
        super().__init__()
        self._runner, self._floor, self._acts = runner, floor, Acts(floor)
        self._mine: list[str] = []
        self._numbers = numbers
        self._seen: Seen

    @initialize(way=st.sampled_from(WAYS))
    def house_opens(self, way: Sequence[str]) -> None:
        """Everybody is there, and somebody calls."""
        self._run(self._floor.sign_in(*AGENTS))
        self._come(Channel.VOICE, way)

    @rule(channel=st.sampled_from([Channel.VOICE, Channel.VOICE, Channel.CHAT]),
          way=st.sampled_from(WAYS))  # fmt: skip
    def somebody_comes(self, channel: Channel, way: Sequence[str]) -> None:
        """A call, mostly."""
        if len(self._mine) < MOST_CASES:
            self._come(channel, way)

    @rule(which=PLACE, name=st.sampled_from(Acts.names()), agent=st.sampled_from(AGENTS))
    def anything(self, which: int, name: str, agent: str) -> None:
        """Legal or not."""
        self._try(which, name, agent)

    @rule(
        which=PLACE,
        names=st.lists(
            st.sampled_from(
                ["consult_agent", "consult_outside", "conference", "swap", "complete",
                 "cancel_question", "customer_leaves", "file", "skip"]
            ),
            min_size=2,
            max_size=4,
        ),
    )  # fmt: skip
    def handler_acts(self, which: int, names: Sequence[str]) -> None:
        """Whoever has it does several things."""
        for name in names:
            handler = self._seen.rows[self._one(which)].agent_id
            self._try(which, name, handler or AGENTS[0])

    @rule(which=PLACE)
    def question_is_answered(self, which: int) -> None:
        """The agent who is asked takes the question, which rings like any other work."""
        self._answer(which)

    @rule(which=PLACE, names=st.tuples(*[st.sampled_from(Acts.names())] * 2))
    def two_at_once(self, which: int, names: tuple[str, str]) -> None:
        """Whoever is first: what must hold holds."""
        one = self._one(which)

        async def both() -> None:
            acts = [getattr(self._acts, name)(one, AGENTS[n]) for n, name in enumerate(names)]
            for outcome in await asyncio.gather(*acts, return_exceptions=True):
                assert outcome is None or isinstance(outcome, ParleyError), outcome

        self._run(both())
        self._check()

    def teardown(self) -> None:
        """All leave and all is filed: nothing rings, nobody takes part in anything."""
        for one in self._seen.rows:
            # Who hangs up after the promise of a call has not left; a promise is taken back.
            self._attempt(one, "cancel_callback", AGENTS[0])
            self._attempt(one, "customer_leaves", AGENTS[0])
        for one, row in self._seen.rows.items():
            if row.state is S.WRAP_UP:
                self._attempt(one, "file", row.agent_id or "")
        left = self._seen
        states = {one: row.state for one, row in left.rows.items() if row.state is not S.ENDED}
        assert not states
        assert not left.ringing
        ends = Counter(
            one
            for one, facts in left.log.items()
            for fact in facts
            if isinstance(fact, events.InteractionEnded)
        )
        assert set(ends.values()) == {1}

    def _come(self, channel: Channel, way: Sequence[str]) -> None:
        number = next(self._numbers)
        value = f"+3712{number:07}" if channel is Channel.VOICE else f"v{number}"
        self._mine.append(self._run(self._floor.arrive(channel, value)).id)
        self._seen = self._look()
        for name in way:
            if name == "ANSWER":
                self._answer(0)
            else:
                self._attempt(self._mine[-1], name, AGENTS[0])

    def _answer(self, which: int) -> None:
        rows = self._seen.rows.values()
        asked = [row for row in rows if row.parent_id and row.state is S.WAITING]
        if asked:
            row = asked[which % len(asked)]
            for name in TALKS:
                self._attempt(row.id, name, row.prefer_agent or AGENTS[0])

    def _one(self, which: int) -> str:
        return self._mine[which % len(self._mine)]

    def _try(self, which: int, name: str, agent: str) -> None:
        self._attempt(self._one(which), name, agent)

    def _attempt(self, one: str, name: str, agent: str) -> None:
        act: Callable[[str, str], Awaitable[None]] = getattr(self._acts, name)
        try:
            self._run(act(one, agent))
        except ParleyError:
            assert self._look() == self._seen, f"{name} was refused and changed something"
            return
        self._check()

    # -- what must hold ------------------------------------------------------------------

    def _check(self) -> None:
        before, now = self._seen, self._look()
        self._seen = now
        for one, row in now.rows.items():
            earlier = before.log.get(one, ())
            assert now.log[one][: len(earlier)] == earlier
            self._check_row(before.rows.get(one), row)
            self._check_rings(row, [each for each in now.ringing if each.interaction_id == one])
            self._check_parties(now, row)

    def _check_row(self, was: Interaction | None, row: Interaction) -> None:
        if was is None:
            return
        if was != row:
            assert row.version > was.version
        if was.state is S.ENDED:
            assert row.state is S.ENDED
            assert (row.ended_at, row.agent_id) == (was.ended_at, was.agent_id)
        if was.state in (S.WAITING, S.OFFERED) and row.state in (S.WAITING, S.OFFERED):
            assert row.joined_at == was.joined_at or was.queue != row.queue
        if was.state is S.SCHEDULED and row.state is S.WAITING:
            assert was.due_at is not None
            assert was.due_at <= self._floor.clock.now()
        if row.state is S.WRAP_UP:
            assert (row.wrap_up_until is None) is (row.queue == FAMILY)
        if row.state in HANDLED:
            assert row.agent_id in AGENTS

    def _check_rings(self, row: Interaction, rings: Sequence[Offer]) -> None:
        assert bool(rings) is (row.state is S.OFFERED)
        agents = [offer.agent_id for offer in rings]
        assert len(agents) == len(set(agents))
        if row.queue != FAMILY:
            assert len(rings) <= 1

    def _check_parties(self, now: Seen, row: Interaction) -> None:
        there = [p for p in now.parties.get(row.id, ()) if p.state is not PartyState.LEFT]
        if row.state is not S.AGENT:
            assert not there, f"{there} in what is {row.state}"
        parent = now.rows.get(row.parent_id or "")
        if parent is not None and parent.state is S.ENDED:
            assert row.state in (S.ENDED, S.WRAP_UP)

    # -- looking -------------------------------------------------------------------------

    def _run(self, work: Any) -> Any:
        return self._runner.run(work)

    def _look(self) -> Seen:
        return cast(Seen, self._run(self._read()))

    async def _read(self) -> Seen:
        async with self._floor.store.transaction() as tx:
            rows = {row.id: row for row in await tx.interactions.recent(200)}
            mine = {one for one, row in rows.items() if {one, row.parent_id} & {*self._mine}}
            # A callback or a voicemail is an interaction of its own, of the same customer.
            ours = {rows[one].customer_id for one in self._mine if one in rows}
            mine |= {one for one, row in rows.items() if row.customer_id in ours}
            ringing = [
                o for o in await tx.interactions.ringing_offers() if o.interaction_id in mine
            ]
            parties = {one: tuple(await tx.parties.of(one)) for one in mine}
            log = {one: tuple(await tx.log.facts(interaction_id=one)) for one in mine}
        return Seen({one: rows[one] for one in mine}, tuple(ringing), parties, log)


def play(store_url: str, examples: int) -> None:
    with asyncio.Runner() as runner:
        stack, numbers = AsyncExitStack(), count(1)
        floor = runner.run(stack.enter_async_context(running_floor(store_url, HOUSE)))
        # Hypothesis takes a factory, though its signature names the class only.
        factory = cast(type[Histories], lambda: Histories(runner, floor, numbers))
        lengths = settings(max_examples=examples, stateful_step_count=STEPS, deadline=None)
        try:
            run_state_machine_as_test(factory, settings=lengths)
        finally:
            runner.run(stack.aclose())


def test_whatever_is_tried_what_must_hold_holds(store_url: str) -> None:
    play(store_url, EXAMPLES)


@pytest.mark.soak
def test_whatever_is_tried_for_long_what_must_hold_holds(store_url: str) -> None:
    play(store_url, 50 * EXAMPLES)
