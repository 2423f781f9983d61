"""The golden calls of the demo company over SIP and RTP, spoken, heard and written down.

The same scripts as on virtual time (``tests/golden``). They are played a few at a time, since calls
are mostly waiting.
"""

from __future__ import annotations

import asyncio
import wave
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bots.detect import levels_db
from evals.call import CALLS, Called, Desk, place
from evals.call_script import CallScript, load_scripts
from evals.handset import LineHandset
from evals.play import standing_phone
from gateway.company_text import read_file
from gateway.exposure import DEMO_COMPANY
from router.acts.overflow import queue_to_join
from router.configuration.file import read_company
from router.store.sql import SqlStore
from tests.journeys.conftest import Town

pytestmark = [pytest.mark.slow, pytest.mark.peer]

DEMO = read_company(read_file(DEMO_COMPANY).raw).company


def at_this_hour(script: CallScript) -> CallScript:
    """The same in the real time of day: in its night a queue sends its callers elsewhere."""
    want = script.ending
    if not want.queue:
        return script
    queue = queue_to_join(DEMO, DEMO.queue(want.queue), datetime.now(UTC))
    return replace(script, ending=replace(want, queue=queue.id))


SCRIPTS = [at_this_hour(script) for script in load_scripts(CALLS / "front-desk.yaml")]
SPEECH_DB, SILENCE_DB = -40.0, -55.0
RATE = 8000
AT_ONCE = 4


@pytest.mark.parametrize("town", ["embedded"], indirect=True)
async def test_golden_calls_go_over_sip_as_on_virtual_time(town: Town, tmp_path: Path) -> None:
    played = await _all(town)
    failures = [
        f"{called.script.name}: {check.name}: {check.detail}"
        for _, called in played
        for check in called.checks
        if not check.passed
    ]
    assert not failures, "\n".join(failures)
    for handset, called in played:
        path = tmp_path / f"{called.script.name}.wav"
        handset.write(path)
        _both_sides_are_heard(path, called)


async def _all(town: Town) -> list[tuple[LineHandset, Called]]:
    store = SqlStore(town.house.store_url)
    lines = asyncio.Semaphore(AT_ONCE)
    try:
        async with standing_phone() as phone:

            async def one(number: int, script: CallScript) -> tuple[LineHandset, Called]:
                caller = f"+37128{town.house.http_port % 100000:05}{number}"
                async with lines:
                    return await place(Desk(town.house.sip, store), phone, script, caller)

            return await asyncio.gather(*(one(*script) for script in enumerate(SCRIPTS)))
    finally:
        await store.stop()


def _both_sides_are_heard(path: Path, called: Called) -> None:
    """In the recording each side sounds when the table says so, left and right."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        stereo = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    sides = {"caller": stereo[:, 0], "bot": stereo[:, 1]}
    assert len(stereo) / RATE == pytest.approx(called.seconds, abs=0.02)
    for row in called.rows:
        part = sides[row.who][round(row.began * RATE) : round(row.ended * RATE)]
        assert max(levels_db(part.tobytes(), RATE)) > SPEECH_DB, (called.script.name, row)
    # Before the caller has said anything there is only the bot.
    first = min((row.began for row in called.rows if row.who == "caller"), default=1.0)
    assert max(levels_db(sides["caller"][: round(first * RATE)].tobytes(), RATE)) < SILENCE_DB
