"""Times per stage of a turn: what is missing shows as missing, never as zero (lessons.md 26)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from bots.conversation import Heard, Turn
from gateway.app import make_probe_app
from gateway.turn_metrics import STAGES, TurnMetrics
from router.bus.codec import unpack_fact
from router.events import TurnTimed
from router.model import Channel
from tests.scripted import START
from tests.talking import Bench, ScriptedAnswer, ScriptedKnowledge, demo_flow, interaction_on
from tests.unit.test_filler import FILLERS, SlowPhone
from tests.unit.test_voice import asks, ends


def timed(phone: SlowPhone) -> list[TurnTimed]:
    return [fact for fact in phone.records.facts if isinstance(fact, TurnTimed)]


@pytest.fixture
async def phones() -> AsyncIterator[list[SlowPhone]]:
    """Those that the test has started; they are hung up at its end."""
    started: list[SlowPhone] = []
    yield started
    for phone in started:
        phone.slow.let.set()
        phone.leg.end(16)
        assert phone.outcome is not None
        await phone.outcome


async def begin(phones: list[SlowPhone], *turns: Turn) -> SlowPhone:
    phone = SlowPhone(list(turns))
    phones.append(phone)
    await phone.start()
    return phone


async def test_thinking_is_parted_into_understanding_and_action(phones: list[SlowPhone]) -> None:
    answer = replace(asks("It is on its way."), acted_s=0.3)
    phone = await begin(phones, asks("Hello?"), answer, ends("Bye."))
    seen: list[TurnTimed] = []
    phone.bot.timed = seen.append
    await phone.asks_something()
    await phone.silent(0.5)
    phone.slow.let.set()
    await phone.asks_something("thanks")
    phone.slow.let.set()
    await phone.until_bot_is_silent()
    await phone.silent(0.2)
    first, second = timed(phone)
    assert first.action_ms == 300
    assert first.understanding_ms == pytest.approx(230, abs=41)
    assert first.total_ms == pytest.approx(1100, abs=81)
    assert second.action_ms is None
    assert second.understanding_ms is not None
    assert seen == [first, second]


async def test_filler_is_no_time_of_understanding(phones: list[SlowPhone]) -> None:
    answer = asks("It is on its way.")
    phone = await begin(phones, replace(asks("Hello?"), fillers=FILLERS), answer)
    await phone.asks_something()
    await phone.silent(1.2)
    phone.slow.let.set()
    await phone.silent(4)
    phone.leg.end(16)
    assert phone.outcome is not None
    await phone.outcome
    (turn,) = timed(phone)
    assert turn.understanding_ms == pytest.approx(1230, abs=41)
    assert turn.speech_ms is not None
    assert turn.speech_ms > 500


async def test_keys_have_no_silence_and_no_recognition(phones: list[SlowPhone]) -> None:
    phone = await begin(phones, asks("Press one.", "choice", 1), ends("Thanks."))
    phone.slow.let.set()
    await phone.until_bot_is_silent()
    phone.leg.key("1")
    await phone.silent(1)
    (turn,) = timed(phone)
    assert turn.input == "keys"
    assert (turn.endpoint_ms, turn.recognition_ms, turn.action_ms) == (None, None, None)
    assert turn.total_ms is not None
    assert 0 <= turn.total_ms <= 80


async def test_who_leaves_before_the_answer_sounds_heard_it_after_no_time_at_all(
    phones: list[SlowPhone],
) -> None:
    phone = await begin(phones, asks("Hello?"), asks("It is on its way."))
    await phone.asks_something()
    phone.leg.end(16)
    phone.slow.let.set()
    assert phone.outcome is not None
    await phone.outcome
    (turn,) = timed(phone)
    assert turn.endpoint_ms is not None
    assert (turn.speech_ms, turn.total_ms) == (None, None)


async def test_the_conversation_counts_what_knowledge_and_actions_take() -> None:
    now = 0.0

    class Slow(ScriptedKnowledge):
        async def answer(self, question: str, language: str = "en") -> ScriptedAnswer:
            nonlocal now
            now += 0.4
            return await super().answer(question, language)

    bench = Bench()
    bench.knowledge = Slow(bench.knowledge.by_word)
    conversation = bench.conversation(demo_flow("front-desk"), seconds=lambda: now)
    first = await conversation.begin(interaction_on(Channel.VOICE))
    assert first.acted_s is None
    answered = await conversation.hear(first.memory, Heard.said("are you open on Saturday?"))
    assert answered.acted_s == pytest.approx(0.4)


def turn(**times: Any) -> TurnTimed:
    given: Mapping[str, Any] = dict.fromkeys(STAGES.values()) | times
    return TurnTimed(at=START, interaction_id="i1", **given)


async def test_metrics_show_what_is_missing_as_missing() -> None:
    metrics = TurnMetrics()
    metrics.observe(turn(endpoint_ms=550.0, speech_ms=0.0, total_ms=620.0))
    metrics.observe(turn(action_ms=40.0, input="keys"))

    async def fine() -> dict[str, bool]:
        return {"bus": True}

    async with AsyncTestClient(make_probe_app(fine, lambda: True, metrics.text)) as client:
        found = (await client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in found.splitlines() if line.startswith("parley"))
    assert lines['parley_turns_total{input="speech"}'] == "1.0"
    assert lines['parley_turns_total{input="keys"}'] == "1.0"
    counts = {
        stage: (
            lines.get(f'parley_turn_seconds_count{{stage="{stage}"}}', "none"),
            lines.get(f'parley_turn_stage_missing_total{{stage="{stage}"}}', "none"),
        )
        for stage in STAGES
    }
    assert counts == {
        "silence": ("1.0", "1.0"),
        "recognition": ("none", "2.0"),
        "understanding": ("none", "2.0"),
        "action": ("1.0", "1.0"),
        "first_audio": ("1.0", "1.0"),
        "total": ("1.0", "1.0"),
    }
    assert lines['parley_turn_seconds_sum{stage="silence"}'] == "0.55"


def test_times_kept_before_actions_were_a_stage_are_still_read() -> None:
    body = {"id": "f1", "at": "2026-03-02T09:00:00Z", "interaction_id": "i1"}
    stages = ("endpoint_ms", "recognition_ms", "understanding_ms", "speech_ms", "total_ms")
    fact = unpack_fact("TurnTimed", {**body, **dict.fromkeys(stages, 5.0)})
    assert isinstance(fact, TurnTimed)
    assert (fact.action_ms, fact.input, fact.total_ms) == (None, "speech", 5.0)
