"""A language model behind an OpenAI-compatible server: vLLM, llama.cpp, Ollama, or a hosted one.

1. It is a helper. Whoever asks has an answer of its own and takes that when this one fails,
   is late or rests; nothing here is worth waiting for longer than ``Patience`` says.
2. ``first_s`` covers everything up to the first token, tries included, ``whole_s`` everything.
   Who leaves early, or is cancelled, ends the request: the server stops working for nobody.
3. 408, 429 and 5xx, and a connection that broke before the first token, are tried again, after
   ``Retry-After`` where it says so and only while the time lasts.
4. Who fails again and again rests (``bots.engines.breaker``). At most ``at_once`` requests
   are under way; what waits in vain for a place is no failure of the server's.
5. Every text of others passes ``redact`` before it leaves this process.
6. The key is in no log and no message, and goes unencrypted to this machine only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from bots.engines.breaker import Breaker
from bots.engines.llm_wire import (
    Completion,
    Dialect,
    EventReader,
    ItemReader,
    ListShape,
    ModelBroken,
    Shape,
    Tokens,
    request_of,
)
from bots.engines.remote import Protocol, Server, parse_server
from bots.errors import ModelFailed
from bots.ports import Prompt
from router.errors import PeerError

T = TypeVar("T")

CONNECT_S = 1.0
FIRST_S = 2.0
WHOLE_S = 6.0
AT_ONCE = 8
TRIES = 3
PAUSE_S = 0.2
"""Before the second try; twice as long before the third."""
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
ODD = frozenset({400, 415, 422})
"""How servers refuse a parameter that they do not have."""
MILLION = 1_000_000

log = logging.getLogger(__name__)


class ServerRefused(PeerError):
    """The server answered with an error; its status says which. ``after_s`` is when to come again.

    ``passing`` is False for what will not mend itself: a wrong key, a model it does not have.
    """

    def __init__(self, message: str, *, passing: bool = False, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.passing, self.after_s = passing, after_s


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a language model may take. Seconds."""

    first_s: float = FIRST_S
    whole_s: float = WHOLE_S
    connect_s: float = CONNECT_S


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens, read and written, in whatever currency the bill has."""

    read: float = 0.0
    written: float = 0.0

    def of(self, tokens: Tokens) -> float:
        """What an answer cost."""
        return (tokens.read * self.read + tokens.written * self.written) / MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Which model, where, and how it may be used."""

    server: Server
    model: str
    key: str = field(default="", repr=False)
    patience: Patience = Patience()
    at_once: int = AT_ONCE
    price: Price = Price()


@dataclass(frozen=True, slots=True)
class Used:
    """One request, for the figures. ``outcome`` is ``answered``, ``failed``, ``rested``, ``busy``
    or ``left``; ``tokens`` is None where the server did not count.
    """

    purpose: str
    outcome: str
    tokens: Tokens | None = None
    cost: float = 0.0
    first_s: float | None = None
    whole_s: float = 0.0


def parse_model_server(text: str) -> Server:
    """``https://host/v1``. Raises ``ValueError`` that says what was expected."""
    server = parse_server(text)
    if server.protocol is not Protocol.API:
        raise ValueError("expected https://host/v1")
    return server


def _unread(used: Used) -> None:
    """Nobody counts."""


def _as_it_is(text: str) -> str:
    return text


class ApiModel:
    """Implements ``bots.ports.LanguageModel``; start it first."""

    def __init__(
        self,
        options: ModelOptions,
        *,
        redact: Callable[[str], str] = _as_it_is,
        used: Callable[[Used], None] = _unread,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """``used`` hears of every request; ``seconds`` is a clock that only goes forward."""
        self.options = options
        self.name = f"{options.model} at {options.server}"
        self.breaker = Breaker()
        self._redact = redact
        self._used = used
        self._seconds = seconds
        self._places = asyncio.Semaphore(options.at_once)
        self._dialect = Dialect()
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Safe to call twice. Nothing is asked: a server that is away does not stop a start."""
        if self._client is None:
            key, patience = self.options.key, self.options.patience
            self._client = httpx.AsyncClient(
                base_url=f"{self.options.server.url}/",
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=httpx.Timeout(patience.whole_s, connect=patience.connect_s),
                limits=httpx.Limits(max_connections=self.options.at_once, keepalive_expiry=30),
            )

    async def stop(self) -> None:
        """Close the connections. Safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def fill(self, prompt: Prompt, answer: type[T]) -> T:
        """The whole answer. Raises ``ModelFailed``."""
        shape = Shape(answer)
        async with aclosing(self._ask(prompt, shape)) as pieces:
            text = "".join([piece async for piece in pieces])
        return shape.read(text)

    async def each(self, prompt: Prompt, item: type[T]) -> AsyncGenerator[T, None]:
        """The items of a list as they are written. Raises ``ModelFailed``."""
        shape = ListShape(item)
        reader = ItemReader()
        async with aclosing(self._ask(prompt, shape)) as pieces:
            async for piece in pieces:
                for value in reader.feed(piece):
                    try:
                        yield shape.item.convert(value)
                    except ModelBroken as error:
                        raise ModelFailed(f"{self.name}: {error}") from None

    async def _ask(self, prompt: Prompt, shape: Shape[Any]) -> AsyncGenerator[str, None]:
        """The text of a whole and well-formed answer, as it comes."""
        began = self._seconds()
        if not self.breaker.allows(began):
            self._used(Used(prompt.purpose, "rested"))
            raise ModelFailed(f"{self.name} rests after failures")
        run = _Run(prompt, shape, self.options, self._dialect)
        outcome = "left"
        try:
            await run.enter(self._places)
            async with aclosing(self._pieces(run)) as pieces:
                while (piece := await run.next_of(pieces)) is not None:
                    yield piece
            shape.read(run.completion.text)
        except _Busy as error:
            outcome = "busy"
            raise ModelFailed(f"{self.name}: {error}") from None
        except (httpx.HTTPError, OSError, PeerError) as error:
            outcome = "failed"
            raise ModelFailed(f"{self.name}: {_why(error)}") from None
        else:
            outcome = "answered"
        finally:
            run.leave(self._places)
            self._note(run, outcome, self._seconds() - began)

    def _note(self, run: _Run, outcome: str, whole_s: float) -> None:
        if outcome == "answered":
            if self.breaker.succeeded():
                log.info("%s is back", self.name)
        elif outcome == "failed":
            if self.breaker.failed(self._seconds()):
                log.warning("%s rests for %g s after failures", self.name, self.breaker.rest_s)
        else:
            self.breaker.abandoned()
        tokens = run.completion.tokens
        cost = self.options.price.of(tokens) if tokens is not None else 0.0
        self._used(Used(run.prompt.purpose, outcome, tokens, cost, run.first_s, whole_s))

    async def _pieces(self, run: _Run) -> AsyncGenerator[str, None]:
        """One request, and others after it where that may help and nothing has come yet."""
        tries = TRIES
        while True:
            tries -= 1
            try:
                async with aclosing(self._request(run)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except _Odd as refusal:
                following = run.dialect.after_refusal(refusal.body)
                if following is None:
                    raise ServerRefused(str(refusal)) from None
                run.dialect, tries = following, tries + 1
            except ServerRefused as refusal:
                if not refusal.passing or not tries or run.begun:
                    raise
                await run.pause(max(refusal.after_s, PAUSE_S * 2 ** (TRIES - tries - 1)), refusal)
            except httpx.TransportError:
                if not tries or run.begun:
                    raise

    async def _request(self, run: _Run) -> AsyncGenerator[str, None]:
        if self._client is None:
            raise ServerRefused("the client is stopped, or start() was not awaited")
        prompt = replace(run.prompt, data=redacted(run.prompt.data, self._redact))
        body = request_of(self.options.model, prompt, run.shape.schema, run.dialect)
        run.completion = Completion()
        async with self._client.stream("POST", "chat/completions", json=body) as answer:
            if answer.status_code != httpx.codes.OK:
                await answer.aread()
                _refuse(answer)
            self._learn(run.dialect)
            streamed = "event-stream" in answer.headers.get("content-type", "")
            async for data in _events(answer) if streamed else _whole(answer):
                if piece := run.completion.take(data):
                    yield piece
        run.completion.check_end()

    def _learn(self, dialect: Dialect) -> None:
        """What was understood is how to ask from now on."""
        if dialect != self._dialect:
            log.info("%s is asked with %s, without %s", self.name, dialect.bound, dialect.without)
            self._dialect = dialect


class _Busy(PeerError):
    """All places are taken."""


class _Odd(PeerError):
    """The server refuses the form of a request."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {' '.join(body.split())[:120]}")
        self.body = body


class _Run:
    """One answer under way: its deadlines and what has come of it."""

    def __init__(
        self, prompt: Prompt, shape: Shape[Any], options: ModelOptions, dialect: Dialect
    ) -> None:
        self.prompt, self.shape, self.dialect = prompt, shape, dialect
        self.completion = Completion()
        self.first_s: float | None = None
        self._patience = options.patience
        self._now = asyncio.get_running_loop().time
        self._began = self._now()
        self._inside = False

    @property
    def begun(self) -> bool:
        """Whether the first token has come."""
        return self.first_s is not None

    @property
    def _until(self) -> float:
        patience = self._patience
        return self._began + (patience.whole_s if self.begun else patience.first_s)

    async def enter(self, places: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout_at(self._until):
                await places.acquire()
        except TimeoutError:
            raise _Busy("all its places are taken") from None
        self._inside = True
        if self._now() >= self._until:
            # Those who had the places gave up in the very moment in which this one must.
            raise _Busy("all its places are taken")

    def leave(self, places: asyncio.Semaphore) -> None:
        if self._inside:
            places.release()

    async def next_of(self, pieces: AsyncGenerator[str, None]) -> str | None:
        """Never a timeout across a yield: that would end the work of who reads."""
        async with asyncio.timeout_at(self._until):
            piece = await anext(pieces, None)
        if piece is not None and not self.begun:
            self.first_s = self._now() - self._began
        return piece

    async def pause(self, pause_s: float, refusal: ServerRefused) -> None:
        """Wait before the next try; who would come too late gives up at once."""
        if self._now() + pause_s >= self._until:
            raise refusal
        await asyncio.sleep(pause_s)


def redacted(data: Any, redact: Callable[[str], str]) -> Any:
    """The same data with every text passed through ``redact``."""
    if isinstance(data, str):
        return redact(data)
    if isinstance(data, Mapping):
        return {name: redacted(value, redact) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [redacted(value, redact) for value in data]
    return data


async def _events(answer: httpx.Response) -> AsyncIterator[str]:
    reader = EventReader()
    async for received in answer.aiter_bytes():
        for data in reader.feed(received):
            yield data
    for data in reader.end():
        yield data


async def _whole(answer: httpx.Response) -> AsyncIterator[str]:
    """A server that does not stream."""
    yield (await answer.aread()).decode(errors="replace")


def _refuse(answer: httpx.Response) -> None:
    """Raises with the reason, which never holds the key."""
    status, body = answer.status_code, answer.text
    if status in (401, 403):
        raise ServerRefused(f"{status}: the server refuses the key; see PARLEY_LLM_KEY")
    if status in ODD:
        raise _Odd(status, body)
    after_s = _seconds_of(answer.headers.get("retry-after", ""), answer.headers.get("date", ""))
    said = " ".join(body.split())[:120]
    raise ServerRefused(f"{status}: {said}", passing=status in AGAIN, after_s=after_s)


def _seconds_of(retry_after: str, date: str) -> float:
    """``Retry-After`` (RFC 9110 §10.2.3): seconds, or a date as compared with the server's own."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    with contextlib.suppress(ValueError, TypeError):
        until = parsedate_to_datetime(retry_after) - parsedate_to_datetime(date)
        return max(0.0, until.total_seconds())
    return 0.0


def _why(error: BaseException) -> str:
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
