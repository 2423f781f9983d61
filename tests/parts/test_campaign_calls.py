"""A campaign's calls in the process that owns their media: dialled once, filed once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bots.campaign.book import AttemptBook
from bots.campaign.calls import NotAnswered, OutboundCalls
from bots.campaign.service import Campaigns
from bots.ports import AudioLeg
from router.commands import Done, PlaceCall, Refused
from router.model import Attempt, Channel, Disposition, Interaction
from tests.fakes.core import Core, running_core, until
from tests.scripted import ScriptedLeg

ALWAYS = ("00:00", "23:59:59.999999")


@dataclass
class Line:
    """The far end: ``cause`` refuses, else the call is answered and talked through."""

    core: Core
    cause: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    hang: asyncio.Event = field(default_factory=asyncio.Event)
    dialled: int = 0
    leg: ScriptedLeg = field(default_factory=ScriptedLeg)

    async def dial(self, address: str, ring_s: float) -> AudioLeg:
        self.dialled += 1
        if self.cause:
            raise NotAnswered(self.cause, "not taken")
        return self.leg

    async def converse(self, leg: AudioLeg, interaction: Interaction) -> None:
        if not self.answers:
            await self.hang.wait()
            return
        await self.core.lifecycle.save_bot_turn(
            interaction, {"answers": self.answers}, end_reason="confirmed"
        )


@dataclass
class Scene:
    """A claimed attempt, the process that may dial it, and its far end."""

    desk: Campaigns
    calls: OutboundCalls
    line: Line
    order: PlaceCall

    async def filed(self) -> Attempt:
        async def finished() -> bool:
            return (await self.attempt()).disposition is not None

        await until(finished)
        return await self.attempt()

    async def attempt(self) -> Attempt:
        ((_, (attempt,)),) = await self.desk.lines(self.order.campaign_id)
        return attempt


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with running_core(tmp_path) as core:
        desk = Campaigns(core.store, core.clock)
        listed = "name,address\nAnna,sip:anna@127.0.0.1\n"
        campaign = await desk.create("Calls", Channel.VOICE, "reminder", listed, ALWAYS)
        await desk.start(campaign.id)
        book = AttemptBook(core.store, core.clock, core.relay, "voice.test")
        ((contact, _),) = await desk.lines(campaign.id)
        claim = await book.claim(campaign, contact)
        assert claim.attempt is not None
        order = PlaceCall(
            attempt_id=claim.attempt.id,
            campaign_id=campaign.id,
            contact_id=contact.id,
            address=contact.address,
            flow="reminder",
        )
        line = Line(core)
        calls = OutboundCalls(
            core.store, core.lifecycle, book, line.dial, line.converse, "voice.test"
        )
        yield Scene(desk, calls, line, order)
        await calls.stop()


@pytest.mark.parametrize(("cause", "disposition"), [(17, "busy"), (19, "no-answer"), (1, "failed")])
async def test_call_not_answered_is_filed_by_its_cause(
    scene: Scene, cause: int, disposition: str
) -> None:
    scene.line.cause = cause
    assert isinstance(await scene.calls.place(scene.order), Done)
    filed = await scene.filed()
    assert (filed.disposition, filed.reason) == (disposition, "not taken")


async def test_call_answered_answers_are_filed_and_the_line_is_closed(scene: Scene) -> None:
    scene.line.answers = {"decision": "confirm"}
    await scene.calls.place(scene.order)
    filed = await scene.filed()
    assert (filed.disposition, filed.answers) == ("completed", {"decision": "confirm"})
    assert filed.interaction_id is not None
    await until(scene.line.leg.closed.is_set)


async def test_call_ordered_twice_is_dialled_once(scene: Scene) -> None:
    scene.line.answers = {"decision": "confirm"}
    await scene.calls.place(scene.order)
    assert isinstance(await scene.calls.place(scene.order), Refused)
    await scene.filed()
    assert scene.line.dialled == 1


async def test_call_left_in_the_middle_is_filed_as_hung_up(scene: Scene) -> None:
    scene.line.hang.set()
    await scene.calls.place(scene.order)
    assert (await scene.filed()).disposition is Disposition.HUNG_UP


async def test_process_is_stopped_during_the_call_attempt_is_interrupted(scene: Scene) -> None:
    await scene.calls.place(scene.order)

    async def live() -> bool:
        return (await scene.attempt()).interaction_id is not None

    await until(live)
    await scene.calls.stop()
    assert (await scene.filed()).disposition is Disposition.INTERRUPTED
    assert scene.line.leg.closed.is_set()
