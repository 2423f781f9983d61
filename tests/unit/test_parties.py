"""Who takes part and who hears whom: the table, and what holds after any steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.acts.parties import (
    STATES,
    TABLE,
    Arrangement,
    JoinMode,
    Party,
    PartyRole,
    PartyState,
    Step,
    Talk,
    after,
    hearing,
    supervised,
)
from router.errors import IllegalStep

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
CUSTOMER, ANA, BEN, SOFIA = "customer", "ana", "ben", "sofia"


def party(role: PartyRole, state: PartyState, name: str) -> Party:
    agent = "" if role is PartyRole.CUSTOMER else name
    return Party(name, "call", role, state, NOW, agent_id=agent)


def talk_of(arrangement: Arrangement) -> Talk:
    """Customer, ana and, where there is a third one, ben."""
    names = {PartyRole.CUSTOMER: CUSTOMER, PartyRole.HANDLER: ANA, PartyRole.CONSULTED: BEN}
    states = STATES[arrangement]
    return Talk("call", tuple(party(role, state, names[role]) for role, state in states.items()))


def ask(talk: Talk) -> Talk:
    asking = after(talk, Step.CONSULT, NOW).talk
    third = party(PartyRole.CONSULTED, PartyState.ASKED, BEN)
    return replace(asking, parties=(*asking.parties, third))


def run(talk: Talk, steps: Sequence[Step]) -> Talk:
    for step in steps:
        talk = ask(talk) if step is Step.CONSULT else after(talk, step, NOW, successor=BEN).talk
    return talk


def pairs(talk: Talk) -> set[str]:
    return {f"{speaker}>{listener}" for speaker, listener in hearing(talk)}


TALKING = talk_of(Arrangement.TALKING)


def test_customer_hears_nobody_while_the_handler_asks_a_colleague() -> None:
    consulting = run(TALKING, [Step.CONSULT, Step.ANSWERED])
    assert pairs(consulting) == {"ana>ben", "ben>ana"}
    customer = consulting.find(PartyRole.CUSTOMER)
    assert customer is not None
    assert customer.state is PartyState.ON_HOLD


def test_handler_swaps_between_customer_and_colleague() -> None:
    swapped = run(TALKING, [Step.CONSULT, Step.ANSWERED, Step.SWAP])
    assert pairs(swapped) == {"ana>customer", "customer>ana"}
    assert pairs(run(swapped, [Step.SWAP])) == {"ana>ben", "ben>ana"}


def test_all_three_hear_each_other_in_a_conference() -> None:
    conference = run(TALKING, [Step.CONSULT, Step.ANSWERED, Step.CONFERENCE])
    assert len(pairs(conference)) == 6


@pytest.mark.parametrize("way", [[], [Step.SWAP], [Step.CONFERENCE]])
def test_colleague_becomes_the_handler_and_the_rest_goes_on(way: list[Step]) -> None:
    change = after(
        run(TALKING, [Step.CONSULT, Step.ANSWERED, *way]), Step.COMPLETE, NOW, successor=BEN
    )
    assert pairs(change.talk) == {"ben>customer", "customer>ben"}
    assert [(gone.id, gone.left_at) for gone in change.left] == [(ANA, NOW)]
    handler = change.talk.find(PartyRole.HANDLER)
    assert handler is not None
    assert (handler.id, handler.state) == (BEN, PartyState.TALKING)


@pytest.mark.parametrize("end", [Step.FAILED, Step.CANCEL])
def test_customer_is_never_left_on_hold_when_a_question_comes_to_nothing(end: Step) -> None:
    assert pairs(run(TALKING, [Step.CONSULT, end])) == {"ana>customer", "customer>ana"}


def test_customer_and_somebody_outside_go_on_without_us() -> None:
    released = run(TALKING, [Step.CONSULT, Step.ANSWERED, Step.CONFERENCE, Step.RELEASE])
    assert released.arrangement is Arrangement.RELEASED
    assert pairs(released) == {"ben>customer", "customer>ben"}


@pytest.mark.parametrize(
    ("mode", "hears_supervisor"),
    [
        (JoinMode.LISTEN, set()),
        (JoinMode.WHISPER, {"ana"}),
        (JoinMode.BARGE, {"ana", "customer"}),
    ],
)
def test_supervisor_is_heard_as_the_mode_says(mode: JoinMode, hears_supervisor: set[str]) -> None:
    joined = supervised(TALKING, "sofia", mode, NOW, party_id=SOFIA).talk
    found = hearing(joined)
    assert {who for speaker, who in found if speaker == SOFIA} == hears_supervisor
    assert {speaker for speaker, who in found if who == SOFIA} == {"ana", "customer"}
    assert {("ana", "customer"), ("customer", "ana")} <= found


def test_supervisor_hears_the_handlers_side_of_a_question_and_not_the_held_customer() -> None:
    joined = supervised(TALKING, "sofia", JoinMode.LISTEN, NOW, party_id=SOFIA).talk
    consulting = run(joined, [Step.CONSULT, Step.ANSWERED])
    assert {speaker for speaker, who in hearing(consulting) if who == SOFIA} == {"ana", "ben"}


def test_supervisor_who_takes_over_is_the_handler_and_a_third_one_is_let_go() -> None:
    joined = supervised(TALKING, "sofia", JoinMode.WHISPER, NOW, party_id=SOFIA).talk
    asking = run(joined, [Step.CONSULT, Step.ANSWERED])
    change = after(asking, Step.TAKE_OVER, NOW, successor=SOFIA)
    assert pairs(change.talk) == {"sofia>customer", "customer>sofia"}
    assert {gone.id for gone in change.left} == {ANA, BEN}


def test_supervisor_changes_mode_and_leaves_without_a_trace_in_the_sound() -> None:
    joined = supervised(TALKING, "sofia", JoinMode.LISTEN, NOW, party_id=SOFIA).talk
    louder = supervised(joined, "sofia", JoinMode.BARGE, NOW).talk
    assert len(louder.parties) == 3
    gone = supervised(louder, "sofia", None, NOW)
    assert pairs(gone.talk) == pairs(TALKING)
    with pytest.raises(IllegalStep, match="not in this talk"):
        supervised(gone.talk, "sofia", None, NOW)


def test_only_an_agent_who_takes_part_can_become_the_handler() -> None:
    consulting = run(TALKING, [Step.CONSULT, Step.ANSWERED])
    with pytest.raises(IllegalStep, match="nobody"):
        after(consulting, Step.COMPLETE, NOW, successor="stranger")


@pytest.mark.parametrize("arrangement", list(Arrangement))
def test_step_that_is_not_in_the_table_raises(arrangement: Arrangement) -> None:
    talk = talk_of(arrangement)
    assert talk.arrangement is arrangement
    for step in Step:
        if (arrangement, step) not in TABLE:
            with pytest.raises(IllegalStep, match=f"{arrangement} cannot {step}"):
                after(talk, step, NOW, successor=BEN)


@given(st.lists(st.sampled_from(list(Step)), max_size=12), st.sampled_from(list(JoinMode)))
def test_after_any_steps_what_is_heard_is_what_the_states_say(
    steps: list[Step], mode: JoinMode
) -> None:
    talk = supervised(TALKING, "sofia", mode, NOW, party_id=SOFIA).talk
    for step in steps:
        successor = SOFIA if step is Step.TAKE_OVER else BEN
        if talk.find(PartyRole.SUPERVISOR) is None and step is Step.TAKE_OVER:
            continue
        try:
            if step is Step.CONSULT:
                talk = ask(talk)
            else:
                talk = after(talk, step, NOW, successor=successor).talk
        except IllegalStep:
            continue
        check(talk)


def check(talk: Talk) -> None:
    """One handler while it goes on; who is on hold hears and is heard by nobody."""
    here = {party.id: party for party in talk.parties}
    assert all(party.here for party in talk.parties)
    handlers = [p for p in talk.parties if p.role is PartyRole.HANDLER]
    if talk.arrangement is Arrangement.OVER:
        assert not here
        return
    assert len(handlers) == (0 if talk.arrangement is Arrangement.RELEASED else 1)
    for speaker, listener in hearing(talk):
        assert speaker != listener
        assert {speaker, listener} <= set(here)
        assert PartyState.ON_HOLD not in (here[speaker].state, here[listener].state)
