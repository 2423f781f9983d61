"""Worlds that several files of parts begin in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.distribution import Floor, running_floor


@pytest.fixture
async def floor(sqlite_url: str) -> AsyncIterator[Floor]:
    """Every kind of act on SQLite; ana and ben are available, cleo is not there."""
    async with running_floor(sqlite_url) as running:
        await running.sign_in("ana", "ben")
        yield running
