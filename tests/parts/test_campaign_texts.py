"""Campaigns and surveys by SMS, and the survey's reply, on the real core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bots.campaign.book import AttemptBook
from bots.campaign.runner import CampaignRunner
from bots.campaign.service import Campaigns
from bots.campaign.texts import FlowTexter
from bots.conversation import Conversation, Reply, Turn
from bots.survey import Surveys
from router.events import MessageFailed, SurveyAnswered
from router.model import (
    Arrival,
    Attempt,
    Author,
    Channel,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    Message,
    NewMessage,
)
from tests.fakes.core import Core, running_core, until

ALWAYS = ("00:00", "23:59:59.999999")
NUMBER = "+37120000001"
ONE = f"name,phone\nAnna,{NUMBER}\n"


class ScriptedConversation(Conversation):
    """A flow of one question."""

    def __init__(self) -> None:
        """Needs no tools."""

    async def begin(
        self,
        interaction: Interaction,
        *,
        customer_name: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> Turn:
        """Ask it."""
        return Turn((Reply(f"{customer_name}, how many?", ""),), {"flow": "survey"})


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path) as core:
        await core.bus.subscribe("test", core.note, [SurveyAnswered])
        yield core


async def begin(core: Core) -> tuple[Campaigns, CampaignRunner, str]:
    texter = FlowTexter(
        core.store, core.lifecycle, {"survey": ScriptedConversation()}, "+371600", "http://here"
    )
    book = AttemptBook(core.store, core.clock, core.relay, "outbound.test")
    runner = CampaignRunner(core.store, book, core.bus, core.clock, texter, alone=True)
    desk = Campaigns(core.store, core.clock)
    campaign = await desk.create("Poll", Channel.SMS, "survey", ONE, ALWAYS)
    await desk.start(campaign.id)
    return desk, runner, campaign.id


async def attempt_of(desk: Campaigns, campaign_id: str) -> Attempt:
    ((_, (attempt,)),) = await desk.lines(campaign_id)
    return attempt


async def lines(core: Core, interaction_id: str) -> list[Message]:
    async with core.store.transaction() as tx:
        return await tx.interactions.messages(interaction_id)


async def save_memory(core: Core, interaction_id: str, memory: dict[str, Any], end: str) -> None:
    async with core.store.transaction() as tx:
        interaction = await tx.interactions.get(interaction_id)
    await core.lifecycle.save_bot_turn(interaction, memory, end_reason=end)


async def test_text_campaign_writes_first_and_files_the_answer(core: Core) -> None:
    desk, runner, campaign_id = await begin(core)
    await runner.start()
    await until(lambda: _is_live(desk, campaign_id))
    attempt = await attempt_of(desk, campaign_id)
    interaction_id = attempt.interaction_id or ""
    assert [line.text for line in await lines(core, interaction_id)] == ["Anna, how many?"]
    await save_memory(core, interaction_id, {"answers": {"score": "5"}}, "answered")
    await until(lambda: _is_filed(desk, campaign_id))
    await runner.stop()
    attempt = await attempt_of(desk, campaign_id)
    assert (attempt.disposition, attempt.reason, attempt.answers) == (
        "completed",
        "answered",
        {"score": "5"},
    )


async def test_text_campaign_process_dies_after_the_words_nothing_is_said_twice(
    core: Core,
) -> None:
    desk, runner, campaign_id = await begin(core)
    await runner.step()
    await runner.settled()
    _, again, _ = await begin(core)
    assert await again.recover(everything=True) == 0
    attempt = await attempt_of(desk, campaign_id)
    assert attempt.disposition is None
    assert len(await lines(core, attempt.interaction_id or "")) == 1


async def test_text_that_was_not_sent_fails_the_attempt_with_the_reason(core: Core) -> None:
    desk, runner, campaign_id = await begin(core)
    await runner.start()
    await until(lambda: _is_live(desk, campaign_id))
    interaction_id = (await attempt_of(desk, campaign_id)).interaction_id or ""
    (line,) = await lines(core, interaction_id)
    unsent = MessageFailed(
        at=core.clock.now(),
        interaction_id=interaction_id,
        message_id=line.id,
        channel=Channel.SMS,
        reason="no such number",
    )
    await core.lifecycle.record([unsent])
    await until(lambda: _is_filed(desk, campaign_id))
    await runner.stop()
    attempt = await attempt_of(desk, campaign_id)
    assert (attempt.disposition, attempt.reason) == ("failed", "no such number")


async def _is_live(desk: Campaigns, campaign_id: str) -> bool:
    return (await desk.progress(campaign_id)).live == 1 and (
        await attempt_of(desk, campaign_id)
    ).interaction_id is not None


async def _is_filed(desk: Campaigns, campaign_id: str) -> bool:
    return (await attempt_of(desk, campaign_id)).disposition is not None


async def handled_by_agent(core: Core, score: int = 0) -> Interaction:
    """A text that a person has handled; ``score`` is what the customer has told a bot before."""
    arrival = Arrival(
        Channel.SMS, Identity(IdentityKind.PHONE, NUMBER), "+371600", external_id="sms:1"
    )
    received = await core.lifecycle.receive(arrival, NewMessage(Author.CUSTOMER, "help"))
    if score:
        await core.lifecycle.record_survey(received.interaction.id, score, 5, "sms")
    await core.to_agent(received.interaction)
    return await core.lifecycle.end(received.interaction.id, EndedBy.AGENT, "done")


async def test_survey_by_text_score_is_tied_to_the_agent_and_counts_once(core: Core) -> None:
    surveys = Surveys(core.store, core.lifecycle, core.bus, core.clock)
    await surveys.start()
    interaction = await handled_by_agent(core)

    async def asked() -> bool:
        return len(await lines(core, interaction.id)) == 2

    await until(asked)
    assert not await surveys.take_reply(NUMBER, "where is my parcel", "SM1")
    assert await surveys.take_reply(NUMBER, "4", "SM2")
    assert await surveys.take_reply(NUMBER, "4", "SM2")
    assert not await surveys.take_reply(NUMBER, "5", "SM3")
    await until(lambda: bool(core.facts))
    (answered,) = [fact for fact in core.facts if isinstance(fact, SurveyAnswered)]
    assert (answered.score, answered.agent_id, answered.interaction_id) == (
        4,
        "ana",
        interaction.id,
    )
    texts = [line.text for line in await lines(core, interaction.id)]
    assert texts[-2:] == ["4", "Thank you, that helps us."]


async def test_survey_turned_off_asks_nobody(core: Core) -> None:
    surveys = Surveys(core.store, core.lifecycle, core.bus, core.clock, enabled=False)
    await surveys.start()
    interaction = await handled_by_agent(core)
    await core.relay.sweep(age_s=0)
    assert len(await lines(core, interaction.id)) == 1
    assert not await surveys.take_reply(NUMBER, "5", "SM1")
