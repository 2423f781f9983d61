"""Worlds that several files of parts begin in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bots.engines.llm import ApiModel, Patience
from tests.fakes.distribution import Floor, running_floor
from tests.fakes.fake_language_model import FakeLanguageModel, reached, serving


@pytest.fixture
async def floor(sqlite_url: str) -> AsyncIterator[Floor]:
    """Every kind of act on SQLite; ana and ben are available, cleo is not there."""
    async with running_floor(sqlite_url) as running:
        await running.sign_in("ana", "ben")
        yield running


@pytest.fixture
async def server() -> AsyncIterator[FakeLanguageModel]:
    """A language model's server; what it thinks is the test's to say."""
    async with serving() as fake:
        yield fake


@pytest.fixture
async def model(server: FakeLanguageModel) -> AsyncIterator[ApiModel]:
    """That model, waited for little more than a second."""
    async with reached(server, patience=Patience(first_s=1.0, whole_s=1.4)) as made:
        yield made
