"""The client against a server that speaks the real wire: what comes, fails and is counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import msgspec
import pytest

from bots.engines.breaker import Circuit
from bots.engines.llm import (
    ApiModel,
    ModelOptions,
    Patience,
    Price,
    Used,
    parse_model_server,
)
from bots.engines.llm_wire import Tokens
from bots.errors import ModelFailed
from bots.ports import Prompt
from tests.fakes.fake_language_model import (
    FakeLanguageModel,
    ModelRequest,
    ModelTrouble,
    serving,
)

KEY = "sk-very-secret"
PROMPT = Prompt("test", "Say what it is about.", {"customer": "my card is 4111"})
USUAL = Patience()
QUICK = Patience(first_s=0.25, whole_s=0.5)


class Topic(msgspec.Struct, forbid_unknown_fields=True):
    intent: str


def says_bill(request: ModelRequest) -> object:
    return {"intent": "bill – rēķins 账单"}


def lists_three(request: ModelRequest) -> object:
    return {"items": [{"intent": name} for name in ("one", "two", "three")]}


@pytest.fixture
async def server() -> AsyncIterator[FakeLanguageModel]:
    async with serving(key=KEY, think=says_bill) as fake:
        yield fake


class Asking:
    """A client of the fake, and what it reported."""

    def __init__(self, server: FakeLanguageModel, patience: Patience = USUAL) -> None:
        self.used: list[Used] = []
        self.now = 0.0
        self.model = ApiModel(
            ModelOptions(
                server=parse_model_server(server.url),
                model="tiny",
                key=KEY,
                patience=patience,
                at_once=2,
                price=Price(read=1000.0, written=2000.0),
            ),
            redact=lambda text: text.replace("4111", "[card]"),
            used=self.used.append,
            seconds=lambda: self.now,
        )

    @property
    def outcomes(self) -> list[str]:
        return [used.outcome for used in self.used]


@pytest.fixture
async def asking(server: FakeLanguageModel) -> AsyncIterator[Asking]:
    made = Asking(server)
    await made.model.start()
    yield made
    await made.model.stop()


@pytest.fixture
async def hasty(server: FakeLanguageModel) -> AsyncIterator[Asking]:
    made = Asking(server, QUICK)
    await made.model.start()
    yield made
    await made.model.stop()


async def test_answer_comes_whole_with_its_tokens_and_cost(
    server: FakeLanguageModel, asking: Asking
) -> None:
    assert await asking.model.fill(PROMPT, Topic) == Topic("bill – rēķins 账单")
    [used] = asking.used
    assert (used.purpose, used.outcome) == ("test", "answered")
    assert used.tokens is not None
    assert used.cost == pytest.approx((used.tokens.read + 2 * used.tokens.written) / 1000)
    assert used.first_s is not None


async def test_what_others_wrote_is_redacted_and_no_instruction(
    server: FakeLanguageModel, asking: Asking
) -> None:
    await asking.model.fill(PROMPT, Topic)
    [request] = server.requests
    assert request.data == {"customer": "my card is [card]"}
    assert "card" not in request.rules


@pytest.mark.parametrize(
    ("refuses", "named", "bound"),
    [
        ({"response_format"}, False, "tools"),
        ({"response_format", "tools"}, False, "words"),
        ({"temperature", "stream_options"}, True, "response_format"),
        ({"max_tokens"}, True, "response_format"),
    ],
)
async def test_server_that_refuses_a_parameter_is_asked_without_it_from_then_on(
    server: FakeLanguageModel, asking: Asking, refuses: set[str], named: bool, bound: str
) -> None:
    server.refuses, server.names_refused = frozenset(refuses), named
    for _ in range(2):
        assert (await asking.model.fill(PROMPT, Topic)).intent.startswith("bill")
    last = server.requests[-1].body
    assert not refuses & last.keys()
    assert bound == "words" or bound in last
    server.requests.clear()
    await asking.model.fill(PROMPT, Topic)
    assert len(server.requests) == 1


async def test_tool_call_in_deltas_is_read(server: FakeLanguageModel, asking: Asking) -> None:
    server.refuses, server.names_refused = frozenset({"response_format"}), False
    assert (await asking.model.fill(PROMPT, Topic)).intent == "bill – rēķins 账单"
    assert server.requests[-1].body["tool_choice"]["function"]["name"] == "answer"


async def test_server_that_does_not_stream_or_fences_its_json_is_understood(
    server: FakeLanguageModel, asking: Asking
) -> None:
    server.streams = False
    assert (await asking.model.fill(PROMPT, Topic)).intent.startswith("bill")
    server.streams, server.fenced, server.counts = True, True, False
    assert (await asking.model.fill(PROMPT, Topic)).intent.startswith("bill")
    assert asking.used[-1].tokens is None


async def test_busy_server_is_asked_again_after_the_time_it_names(
    server: FakeLanguageModel, asking: Asking
) -> None:
    server.statuses, server.retry_after = [429, 503], "0"
    assert (await asking.model.fill(PROMPT, Topic)).intent.startswith("bill")
    assert len(server.requests) == 3
    assert asking.outcomes == ["answered"]


@pytest.mark.parametrize("after", ["60", "Sun, 06 Nov 1994 08:50:37 GMT"])
async def test_server_that_wants_longer_than_there_is_is_left_alone_at_once(
    server: FakeLanguageModel, asking: Asking, after: str
) -> None:
    server.statuses, server.retry_after = [429] * 5, after
    with pytest.raises(ModelFailed, match="429"):
        await asyncio.wait_for(asking.model.fill(PROMPT, Topic), 1.0)
    assert len(server.requests) == 1


async def test_server_that_fails_thrice_is_not_asked_a_fourth_time(
    server: FakeLanguageModel, asking: Asking
) -> None:
    server.statuses, server.retry_after = [500] * 9, "0"
    with pytest.raises(ModelFailed, match="500"):
        await asking.model.fill(PROMPT, Topic)
    assert len(server.requests) == 3


async def test_wrong_key_is_told_without_the_key(
    server: FakeLanguageModel, asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    server.key = "another"
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelFailed, match="PARLEY_LLM_KEY") as told:
        await asking.model.fill(PROMPT, Topic)
    assert KEY not in caplog.text + str(told.value) + repr(asking.model.options)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (ModelTrouble.HANGS, "no answer in time"),
        (ModelTrouble.STALLS, "no answer in time"),
        (ModelTrouble.CUT_OFF, "closed|incomplete|peer"),
        (ModelTrouble.NO_END, "cut off"),
        (ModelTrouble.BAD_CHUNK, "expected JSON in the stream"),
        (ModelTrouble.BREAKS_OFF, "out of memory"),
        (ModelTrouble.BABBLES, "expected JSON"),
        (ModelTrouble.OTHER_SHAPE, "does not fit"),
        (ModelTrouble.TOO_LONG, "length"),
        (ModelTrouble.OTHER_TOOL, "nobody offered"),
        (ModelTrouble.REFUSES, "refused"),
    ],
)
async def test_every_trouble_is_one_failure_in_time(
    server: FakeLanguageModel, hasty: Asking, trouble: ModelTrouble, told: str
) -> None:
    server.model_trouble = trouble
    with pytest.raises(ModelFailed, match=told):
        await asyncio.wait_for(hasty.model.fill(PROMPT, Topic), 2.0)
    assert hasty.outcomes == ["failed"]


async def test_slow_first_token_and_slow_whole_have_their_own_limits(
    server: FakeLanguageModel, hasty: Asking
) -> None:
    server.first_after_s = 0.4
    with pytest.raises(ModelFailed, match="in time"):
        await hasty.model.fill(PROMPT, Topic)
    assert hasty.used[0].first_s is None
    server.first_after_s, server.pause_s = 0.0, 0.2
    with pytest.raises(ModelFailed, match="in time"):
        await hasty.model.fill(PROMPT, Topic)
    assert hasty.used[1].first_s is not None


async def test_failing_server_rests_and_comes_back_with_one_try(
    server: FakeLanguageModel, asking: Asking
) -> None:
    server.model_trouble = ModelTrouble.OTHER_SHAPE
    for _ in range(3):
        with pytest.raises(ModelFailed):
            await asking.model.fill(PROMPT, Topic)
    with pytest.raises(ModelFailed, match="rests"):
        await asking.model.fill(PROMPT, Topic)
    assert (len(server.requests), asking.outcomes[-1]) == (3, "rested")
    server.model_trouble, asking.now = ModelTrouble.NONE, 11.0
    await asking.model.fill(PROMPT, Topic)
    assert asking.model.breaker.state is Circuit.CLOSED


async def test_who_is_cancelled_ends_the_request_and_blames_nobody(
    server: FakeLanguageModel, asking: Asking
) -> None:
    server.model_trouble = ModelTrouble.STALLS
    for _ in range(4):
        task = asyncio.create_task(asking.model.fill(PROMPT, Topic))
        while len(server.requests) == len(asking.used):
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asking.outcomes == ["left"] * 4
    assert asking.model.breaker.state is Circuit.CLOSED
    async with asyncio.timeout(2):
        while server.left < 4:
            await asyncio.sleep(0.005)


async def test_more_than_there_are_places_for_wait_and_then_go_without(
    server: FakeLanguageModel, hasty: Asking
) -> None:
    # Two have begun to be answered and keep their places longer than the third waits for one.
    server.model_trouble = ModelTrouble.STALLS
    asked = [hasty.model.fill(PROMPT, Topic) for _ in range(3)]
    failures = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(failure, ModelFailed) for failure in failures)
    assert len(server.requests) == 2
    assert sorted(hasty.outcomes) == ["busy", "failed", "failed"]
    server.model_trouble = ModelTrouble.NONE
    assert (await hasty.model.fill(PROMPT, Topic)).intent.startswith("bill")


async def test_items_come_one_by_one_while_the_rest_is_written(
    server: FakeLanguageModel, asking: Asking
) -> None:
    server.think, server.pause_s = lists_three, 0.01
    found = []
    async with aclosing(asking.model.each(PROMPT, Topic)) as items:
        async for item in items:
            found.append(item.intent)
            assert asking.used == []
    assert found == ["one", "two", "three"]
    assert asking.outcomes == ["answered"]


async def test_leaving_a_list_early_ends_the_request(
    server: FakeLanguageModel, asking: Asking
) -> None:
    server.think, server.pause_s = lists_three, 0.01
    async with aclosing(asking.model.each(PROMPT, Topic)) as items:
        assert (await anext(items)).intent == "one"
    assert asking.outcomes == ["left"]


async def test_item_of_another_shape_ends_the_list(
    server: FakeLanguageModel, asking: Asking
) -> None:
    server.think = lambda request: {"items": [{"intent": "one"}, {"other": 2}]}
    found = []
    with pytest.raises(ModelFailed, match="does not fit"):
        async for item in asking.model.each(PROMPT, Topic):
            found.append(item.intent)
    assert found == ["one"]


async def test_stopped_client_says_so(server: FakeLanguageModel, asking: Asking) -> None:
    await asking.model.stop()
    with pytest.raises(ModelFailed, match="stopped"):
        await asking.model.fill(PROMPT, Topic)


def test_only_http_servers_are_language_models() -> None:
    assert parse_model_server("https://models.lan/v1").secure
    with pytest.raises(ValueError, match="https://host/v1"):
        parse_model_server("wyoming://models.lan:10300")


def test_price_is_by_the_million_tokens() -> None:
    assert Price(1.0, 4.0).of(Tokens(500_000, 250_000)) == pytest.approx(1.5)
    assert replace(Price(), read=2.0).of(Tokens(1_000_000, 7)) == pytest.approx(2.0)
