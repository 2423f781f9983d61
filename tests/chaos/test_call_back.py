"""A caller whose process was killed while waiting keeps the place and is called back."""

import asyncio
from pathlib import Path

import pytest

from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.caller import CallerCall, SipCaller
from channels.sip.leg import SipLeg
from gateway.demo.desk_client import DeskClient
from router.events import CallConnected
from router.model import Interaction, InteractionState
from tests.house import WAIT_S, House, house

COMPANY = Path(__file__).parents[1] / "data" / "company_small.yaml"
NUMBER = "+37120000555"

pytestmark = [pytest.mark.slow, pytest.mark.peer]


async def waiting_call(running: House) -> Interaction:
    async with asyncio.timeout(60):
        while True:
            for one in await running.newest():
                if one.address == NUMBER and one.state is InteractionState.WAITING:
                    return one
            await asyncio.sleep(0.1)


async def test_lost_caller_keeps_the_place_and_is_called_back(tmp_path: Path) -> None:
    rang: asyncio.Queue[tuple[SipLeg, IncomingCall]] = asyncio.Queue()

    async def answered(leg: SipLeg, call: IncomingCall) -> None:
        rang.put_nowait((leg, call))

    home = Phone(PhoneSettings(sip_port=0, rtp_ports=(0, 0)), answered)
    caller = SipCaller()
    await home.start()
    await caller.start()
    host, port = home.address
    extra = {"PARLEY_COMPANY": str(COMPANY), "PARLEY_SIP_TRUNK": f"{host}:{port}"}
    try:
        with house(tmp_path, "embedded", extra) as running:
            call = await caller.call(running.sip, 20, NUMBER)
            assert isinstance(call, CallerCall)
            await call.hear(500)
            call.press("0")
            before = await waiting_call(running)
            running.kill("embedded")
            await asyncio.to_thread(running.start)  # telephones here must go on
            after = await waiting_call(running)
            assert (after.id, after.joined_at) == (before.id, before.joined_at)

            desk = await DeskClient.sign_in(running.url, "ana", "pw-ana", WAIT_S)
            await desk.ask("presence", presence="available")
            offer = (await desk.next("offer"))["offer"]
            assert offer["interaction_id"] == before.id
            await desk.ask("accept", offer_id=offer["id"])
            async with asyncio.timeout(WAIT_S):
                leg, incoming = await rang.get()
                assert incoming.called == NUMBER
                while True:
                    view = await desk.next("work")
                    if view["card"]["connected"]:
                        break
            await desk.ask("end", interaction_id=before.id)
            async with asyncio.timeout(WAIT_S):
                await leg.closed.wait()
            facts = await running.facts(before.id)
            assert any(isinstance(fact, CallConnected) for fact in facts)
            await desk.close()
    finally:
        await caller.stop()
        await home.stop()
