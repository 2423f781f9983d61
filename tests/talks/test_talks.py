"""Every conversation of ``evals/talks`` on every channel it names: what comes back, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from evals.talk_play import TalkPlayed, play
from evals.talk_script import Talk, load_talks, names_of
from router.model import Channel
from tests.golden.stage import CountingLoop
from tests.talks.centre import Centre, centre
from tests.talks.spoken import TalkStage
from tests.talks.written import LINES

TALKS = load_talks()


@dataclass
class Town:
    """The centre and the loop it lives on."""

    loop: CountingLoop
    centre: Centre

    def play(self, talk: Talk) -> TalkPlayed:
        """On fresh books of the company."""
        return self.loop.run_until_complete(self._play(talk))

    async def _play(self, talk: Talk) -> TalkPlayed:
        self.centre.clock.begin()
        for channel in Channel:
            self.centre.entry[channel] = talk.flow
        if talk.channel is Channel.VOICE:
            stage = TalkStage(self.centre, talk, self.loop)
            self.centre.services.renew(talk.service, stage.serve_later)
            return await stage.call()
        self.centre.services.renew(talk.service)
        line = LINES[talk.channel](self.centre, talk)
        await line.open()
        return await play(talk, line)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    loop, stack = CountingLoop(), AsyncExitStack()
    try:
        made = loop.run_until_complete(
            stack.enter_async_context(centre(tmp_path_factory.mktemp("talks")))
        )
        yield Town(loop, made)
    finally:
        loop.run_until_complete(stack.aclose())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.id)
def test_talk_goes_as_written(town: Town, talk: Talk) -> None:
    played = town.play(talk)
    assert not played.failures, "\n".join([*played.failures, str(played)])


def test_there_are_enough_of_all_kinds_over_all_channels() -> None:
    assert len(names_of(TALKS)) >= 120
    assert {talk.channel for talk in TALKS} == set(Channel)
