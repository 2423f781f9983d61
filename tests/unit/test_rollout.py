"""Which version of a flow a new conversation gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.errors import BadRollout
from bots.flow.rollout import ALL, Rollout

IDS = [f"interaction-{number}" for number in range(4000)]


def test_all_get_the_live_one_until_another_is_tried_out() -> None:
    assert {Rollout("a").version_for(one) for one in IDS} == {"a"}


@pytest.mark.parametrize("percent", [1, 10, 50, 99])
def test_a_trial_gets_its_share(percent: int) -> None:
    tried = Rollout("a").publish("b", percent)
    share = 100 * sum(tried.version_for(one) == "b" for one in IDS) / len(IDS)
    assert share == pytest.approx(percent, abs=2.5)


def test_who_got_the_trial_keeps_getting_it_when_its_share_grows() -> None:
    few, more = (Rollout("a").publish("b", percent) for percent in (10, 40))
    got = {one for one in IDS if few.version_for(one) == "b"}
    assert got < {one for one in IDS if more.version_for(one) == "b"}


def test_trial_goes_live_and_back_in_one_act() -> None:
    live = Rollout("a").publish("b", 20).publish("b")
    assert live == Rollout("b", before="a")
    assert live.roll_back() == Rollout("a", before="b")


def test_trial_is_taken_back_and_nothing_else_changes() -> None:
    assert Rollout("b", before="a").publish("c", 5).roll_back() == Rollout("b", before="a")


@pytest.mark.parametrize("percent", [-1, 0, 101])
def test_impossible_share_is_refused(percent: int) -> None:
    with pytest.raises(BadRollout, match="1 to 100 percent"):
        Rollout("a").publish("b", percent)


def test_live_version_is_no_trial_and_the_first_has_nothing_before_it() -> None:
    with pytest.raises(BadRollout, match="a is live"):
        Rollout("a").publish("a", 10)
    with pytest.raises(BadRollout, match="nothing was live before a"):
        Rollout("a").roll_back()
    assert Rollout("a").publish("b", 10).publish("a") == Rollout("a")


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, ALL)), max_size=8))
def test_any_history_can_be_taken_back_by_one_step(acts: list[tuple[str, int]]) -> None:
    rollout = Rollout("a")
    for version, percent in acts:
        try:
            after = rollout.publish(version, percent)
        except BadRollout:
            continue
        if after.versions != rollout.versions and not rollout.trial:
            assert after.roll_back().live == rollout.live
        rollout = after
    assert rollout.live
    assert rollout.trial != rollout.live
