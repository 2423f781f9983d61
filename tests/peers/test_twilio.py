"""SMS over real HTTP both ways, against a provider that speaks Twilio's wire format."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from channels.sms import SmsInbox, SmsSender, SmsWebhook, sms_routes
from channels.twilio_api import TwilioAccount, TwilioRest
from router.events import Fact, MessageDelivered, MessageFailed, MessageSent
from router.model import Author, InteractionState, Message, NewMessage
from tests.fakes.core import Core, running_core, until
from tests.fakes.fake_twilio import FakeTwilio
from tests.fakes.web import serving

ANNA = "+37120000001"
PUBLIC = "https://parley.example"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    fake = FakeTwilio()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path) as core:
        yield core


@dataclass
class Line:
    """Our doors and the other side."""

    core: Core
    twilio: FakeTwilio
    url: str

    async def text(self, body: str, sid: str = "", sender: str = ANNA) -> httpx.Response:
        return await self.twilio.text(
            f"{self.url}/twilio/sms", sender, body, sid=sid, signed_for=f"{PUBLIC}/twilio/sms"
        )

    async def lines(self, index: int = 0) -> list[Message]:
        interaction = (await self.core.interactions())[index]
        async with self.core.store.transaction() as tx:
            return await tx.interactions.messages(interaction.id)

    async def bot_says(self, text: str) -> None:
        interaction = (await self.core.interactions())[0]
        await self.core.lifecycle.save_bot_turn(interaction, {}, [NewMessage(Author.BOT, text)])

    async def outcomes(self) -> list[Fact]:
        async with self.core.store.transaction() as tx:
            return await tx.log.facts(types=[MessageSent, MessageDelivered, MessageFailed])

    async def wait_for(self, *kinds: type[Fact]) -> None:
        async def there() -> bool:
            return [type(fact) for fact in await self.outcomes()] == list(kinds)

        await until(there)


@pytest.fixture
async def line(
    core: Core, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Line]:
    monkeypatch.setattr("channels.delivery.RETRY_FIRST_S", 0.05)
    monkeypatch.setattr("channels.delivery.SWEEP_EVERY_S", 0.02)
    inbox = SmsInbox(core.store, core.lifecycle, core.clock)
    rest = TwilioRest(TwilioAccount(twilio.url, twilio.sid, twilio.token, "+37160000200"))
    sender = SmsSender(core.store, core.lifecycle, core.clock, rest, PUBLIC)
    await sender.start(core.bus)
    async with serving([sms_routes(inbox, SmsWebhook(PUBLIC, twilio.token))]) as url:
        yield Line(core, twilio, url)
    await sender.stop()
    await rest.close()


async def test_text_is_stored_and_answered_with_empty_twiml(line: Line) -> None:
    answer = await line.text("Where is HL-482913?")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.text.endswith("<Response></Response>")
    interaction = (await line.core.interactions())[0]
    assert (interaction.address, interaction.state) == (ANNA, InteractionState.BOT)
    assert [m.text for m in await line.lines()] == ["Where is HL-482913?"]


async def test_same_sid_twice_is_one_text(line: Line) -> None:
    for _ in range(2):
        assert (await line.text("Hello", sid="SM1")).status_code == 200
    assert len(await line.lines()) == 1


async def test_second_text_continues_the_first(line: Line) -> None:
    await line.text("Hello")
    await line.text("Anybody?")
    assert len(await line.core.interactions()) == 1
    assert len(await line.lines()) == 2


@pytest.mark.parametrize("signature", ["", "bm9wZQ==", "\u00fc"])
async def test_unsigned_webhook_is_refused_and_changes_nothing(line: Line, signature: str) -> None:
    form = {"MessageSid": "SM1", "From": ANNA, "Body": "hi"}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{line.url}/twilio/sms",
            data=form,
            headers={b"X-Twilio-Signature": signature.encode()},
        )
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["title"] == "Bad signature"
    assert await line.core.interactions() == []


async def test_malformed_webhook_is_a_clear_error(line: Line) -> None:
    answer = await line.twilio.post(
        f"{line.url}/twilio/sms", {"Body": "hi"}, f"{PUBLIC}/twilio/sms"
    )
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert "MessageSid" in answer.json()["detail"]
    assert await line.core.interactions() == []


async def test_oversize_webhook_is_refused(line: Line) -> None:
    assert (await line.text("x" * 100_000)).status_code == 400
    assert await line.core.interactions() == []


async def test_answer_goes_out_and_its_receipt_comes_back(line: Line) -> None:
    await line.text("Hello")
    await line.bot_says("Good day.")
    await line.wait_for(MessageSent)
    sent = line.twilio.texts[0]
    assert (sent.to, sent.sender, sent.body) == (ANNA, "+37160000200", "Good day.")
    for _ in range(2):  # the provider may repeat itself
        url = sent.status_url.replace(PUBLIC, line.url)
        assert (await line.twilio.receipt(sent, "delivered", url)).status_code == 204
    await line.wait_for(MessageSent, MessageDelivered)


async def test_failed_receipt_says_why(line: Line) -> None:
    await line.text("Hello")
    await line.bot_says("Good day.")
    await line.wait_for(MessageSent)
    sent = line.twilio.texts[0]
    url = sent.status_url.replace(PUBLIC, line.url)
    await line.twilio.receipt(sent, "undelivered", url, error="30003")
    failed = (await line.outcomes())[-1]
    assert isinstance(failed, MessageFailed)
    assert failed.reason == "undelivered 30003"


async def test_provider_down_text_waits_and_goes_out_once(line: Line) -> None:
    await line.text("Hello")
    line.twilio.down = True
    await line.bot_says("Good day.")
    await until(lambda: line.twilio.attempts > 0)
    assert await line.outcomes() == []
    line.twilio.refusals.append((429, 20429, "too many"))
    line.twilio.down = False
    await line.wait_for(MessageSent)
    assert len(line.twilio.texts) == 1


async def test_refusal_for_good_is_recorded_with_the_providers_words(line: Line) -> None:
    await line.text("Hello")
    line.twilio.refusals.append((400, 21211, "The 'To' number is not valid"))
    await line.bot_says("Good day.")
    await line.wait_for(MessageFailed)
    failed = (await line.outcomes())[0]
    assert isinstance(failed, MessageFailed)
    assert "21211 The 'To' number" in failed.reason


async def test_stop_is_confirmed_once_and_silences_us_until_start(line: Line) -> None:
    await line.text("Stop.", sid="SMstop")
    await line.text("Stop.", sid="SMstop")
    await line.text("STOP")
    await line.wait_for(MessageSent)
    async with line.core.store.transaction() as tx:
        assert await tx.campaigns.do_not_contact(ANNA)
    assert [text.body[:11] for text in line.twilio.texts] == ["You will ge"]

    await line.text("Where is my parcel?")
    await line.bot_says("It is here.")
    await line.wait_for(MessageSent, MessageFailed)
    failed = (await line.outcomes())[1]
    assert isinstance(failed, MessageFailed)
    assert "do-not-contact" in failed.reason

    await line.text("START")
    await until(lambda: len(line.twilio.texts) == 2)
    async with line.core.store.transaction() as tx:
        assert not await tx.campaigns.do_not_contact(ANNA)
    await line.bot_says("It is here.")
    await until(lambda: len(line.twilio.texts) == 3)


async def test_stop_words_never_reach_the_bot(line: Line) -> None:
    await line.text("STOP")
    assert Author.CUSTOMER not in {m.author for m in await line.lines()}
    assert (await line.core.interactions())[0].state is InteractionState.ENDED


async def test_short_code_is_not_answered_by_the_bot(line: Line) -> None:
    assert (await line.text("Your code is 1234", sender="BANK")).status_code == 200
    assert (await line.core.interactions())[0].state is InteractionState.WAITING
