"""The simulated public: who comes, how, and that one bad day stops nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from bots.campaign.contacts import parse_contacts, parse_do_not_contact
from gateway.demo.doors import signature
from gateway.demo.matters import MATTERS, ORDERS, PERSON_SPOKEN, THANKS_SPOKEN
from gateway.demo.public import Outing, Public, plan_outing
from gateway.demo.recordings import NoRecording, Recordings
from router.model import Channel, Customer, Identity, IdentityKind

ROOT = Path(__file__).parents[2]
UTTERANCES = ROOT / "evals" / "utterances"
ILZE = Customer(
    "c1",
    "Ilze",
    (Identity(IdentityKind.PHONE, "+37120000001"), Identity(IdentityKind.EMAIL, "i@example.org")),
    language="lv",
)
WEI = Customer("c2", "Wei", (Identity(IdentityKind.EMAIL, "w@example.org"),), language="zh")


def test_plan_outing_everybody_has_an_address_for_the_channel() -> None:
    chance = Random(7)
    for _ in range(300):
        outing = plan_outing([ILZE, WEI], list(Channel), chance)
        if outing.channel in (Channel.VOICE, Channel.SMS):
            assert outing.customer is ILZE
        assert outing.opening
        assert outing.thanks
        assert outing.patience_s > 0
        if outing.channel is Channel.VOICE:
            assert outing.matter.spoken


def test_plan_outing_writes_in_the_customers_language_when_it_has_words() -> None:
    chance = Random(3)
    languages = {plan_outing([WEI], [Channel.CHAT], chance).language for _ in range(100)}
    assert languages == {"zh", "en"}


def test_plan_outing_nobody_has_an_address_raises() -> None:
    with pytest.raises(ValueError, match="voice"):
        plan_outing([WEI], [Channel.VOICE], Random(1))


async def test_public_one_contact_fails_the_next_one_goes_on() -> None:
    served = asyncio.Event()
    seen: list[Outing] = []

    async def door(outing: Outing) -> None:
        seen.append(outing)
        if len(seen) == 1:
            raise OSError("the line is dead")
        served.set()

    public = Public([ILZE], {Channel.CHAT: door}, Random(1), every_s=0.001, first_after_s=0)
    await public.start()
    async with asyncio.timeout(5):
        await served.wait()
    await public.stop()
    assert public.failures == 1
    assert public.contacts >= 2


def test_every_line_the_public_speaks_is_recorded() -> None:
    recordings = Recordings(UTTERANCES)
    spoken = {name for matter in MATTERS for name in matter.spoken}
    numbers = {f"number-{order.removeprefix('HL-')}" for order in ORDERS}
    wanted = spoken | numbers | {*PERSON_SPOKEN, *THANKS_SPOKEN, "yes", "i-confirm"}
    assert wanted <= recordings.names
    assert len(recordings.pcm("yes", "slt")) > 4000
    assert recordings.find("yes", "nobody").voice
    with pytest.raises(NoRecording, match="hum"):
        recordings.pcm("hum")


def test_signature_known_answer() -> None:
    # The worked example of the provider's public documentation on request signing.
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    url = "https://example.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, fields) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


@pytest.mark.parametrize("name", ["reminders", "survey-sms"])
def test_demo_lists_can_be_read(name: str) -> None:
    text = (ROOT / "gateway" / "demo" / "campaigns" / f"{name}.csv").read_text(encoding="utf-8")
    assert len(parse_contacts(text, "c")) >= 3


def test_demo_do_not_contact_list_can_be_read() -> None:
    path = ROOT / "gateway" / "demo" / "campaigns" / "do-not-contact.csv"
    assert parse_do_not_contact(path.read_text(encoding="utf-8"))
