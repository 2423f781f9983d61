"""The measure of the packet: it finds what is there, and sees what is not."""

from __future__ import annotations

from dataclasses import replace

from bots.conversation import Conversation
from evals.packets import AT_LEAST, Script, bench_of, measure, scripts
from router.model import Channel
from tests.talking import Bench, demo_flow

SCRIPTS = tuple(scripts())


def desk() -> Conversation:
    bench = Bench()
    bench.actions.answers |= {
        "http://orders.test/api/orders/HL-731045": (200, {"status": "delayed"}),
        "http://orders.test/api/orders/HL-500500": None,
    }
    return bench.conversation(demo_flow("front-desk"))


def test_there_are_forty_conversations_and_more_over_all_channels() -> None:
    assert len(SCRIPTS) >= 40
    assert {script.channel for script in SCRIPTS} == set(Channel)


async def test_the_packets_of_all_conversations_are_complete() -> None:
    tally = await measure(desk(), SCRIPTS)
    assert tally.complete >= AT_LEAST["packet_complete"], tally.missed
    assert tally.summary_s <= 10.0


async def test_what_a_packet_lacks_is_counted_and_named() -> None:
    script = next(one for one in SCRIPTS if one.name == "chat: order HL-482913")
    wrong = replace(script, gives={**script.gives, "slot order_number": "HL-1", "intent": "bill"})
    silent = Script("chat: nobody", Channel.CHAT, ("hello",), {"cause": "asked"})
    tally = await measure(desk(), [wrong, silent])
    assert tally.missed == [
        "chat: order HL-482913: slot order_number is not 'HL-1'",
        "chat: order HL-482913: intent is not 'bill'",
        "chat: nobody: cause is not 'asked'",
    ]
    figures = bench_of(tally).figures
    assert figures["packet_slot"] == 0.0
    assert 0.5 < figures["packet_complete"] < 0.9
