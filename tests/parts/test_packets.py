"""The measure of the packet: it finds what is there, and sees what is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bots.conversation import Conversation, Tools
from evals.company_services import API, CompanyServices
from evals.packets import AT_LEAST, NOW, bench_of, handed_over, measure
from evals.talk_script import Talk, TalkEnding, TalkTurn
from router.clock import VirtualClock
from router.model import Channel
from tests.talking import Bench, demo_flow

# What needs the articles is measured with them, by the bench and in ``tests/talks``.
TALKS = tuple(talk for talk in handed_over() if talk.kind != "answers")


@pytest.fixture(scope="module")
def services() -> CompanyServices:
    return CompanyServices(NOW.date)


@pytest.fixture
def desk(services: CompanyServices) -> Callable[[str], Conversation]:
    bench = Bench()
    tools = Tools(bench.understanding, bench.knowledge, services, VirtualClock(NOW), {"api": API})
    return lambda name: Conversation(demo_flow(name), tools)


def test_there_are_forty_conversations_and_more_over_all_channels() -> None:
    assert len(TALKS) >= 40
    assert {talk.channel for talk in TALKS} == set(Channel)


async def test_the_packets_of_all_conversations_are_complete(
    desk: Callable[[str], Conversation], services: CompanyServices
) -> None:
    tally = await measure(desk, services, TALKS)
    assert tally.complete >= AT_LEAST["packet_complete"], tally.missed
    assert tally.summary_s <= 10.0


async def test_what_a_packet_lacks_is_counted_and_named(
    desk: Callable[[str], Conversation], services: CompanyServices
) -> None:
    name = "a person after a parcel on its way"
    talk = next(one for one in TALKS if one.name == name and one.channel is Channel.CHAT)
    right = talk.ending.packet
    wrong = replace(
        talk, ending=replace(talk.ending, packet={**right, "slots": {"order_number": "HL-1"}})
    )
    ending = TalkEnding(packet={"cause": "asked"})
    silent = Talk("nobody", "persons", Channel.CHAT, (TalkTurn(say="hello"),), ending)
    tally = await measure(desk, services, [wrong, silent])
    assert tally.missed[:2] == [
        f"{talk.id}: packet slot order_number is 'HL-1'",
        f"{silent.id}: packet channel",
    ]
    figures = bench_of(tally).figures
    assert figures["packet_slot"] == 0.0
    assert 0.5 < figures["packet_complete"] < 0.9
