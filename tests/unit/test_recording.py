from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from channels.errors import RecordingFailed
from channels.media.recording import Recording, interleave
from tests.callers import level, tone
from tests.unit.test_bridge import ScriptedLeg


@pytest.fixture
async def writer() -> AsyncIterator[ThreadPoolExecutor]:
    writer = ThreadPoolExecutor(1)
    yield writer
    await asyncio.get_running_loop().run_in_executor(None, writer.shutdown)


def speak(leg: ScriptedLeg, seconds: float, hertz: float) -> None:
    pcm = tone(hertz, seconds)
    for start in range(0, len(pcm), 320):
        leg.tick(pcm[start : start + 320])


def sides(path: Path) -> tuple[bytes, bytes]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return both[0::2].tobytes(), both[1::2].tobytes()


async def test_far_end_is_left_and_we_are_right(tmp_path: Path, writer: ThreadPoolExecutor) -> None:
    leg = ScriptedLeg(8000, "caller")
    recording = Recording(leg, tmp_path / "calls" / "one.wav", writer)
    recording.start()
    leg.play(tone(900, 1.5))
    speak(leg, 1.5, 400)
    await leg.hang_up()
    recorded = await recording.finished()
    assert recorded.duration_s == pytest.approx(1.5)
    left, right = sides(recorded.path)
    assert len(left) == len(right) == 24_000
    assert (level(left, 400) > 5000, level(left, 900) < 500) == (True, True)
    assert (level(right, 900) > 5000, level(right, 400) < 500) == (True, True)


async def test_paused_time_is_left_out(tmp_path: Path, writer: ThreadPoolExecutor) -> None:
    leg = ScriptedLeg(8000, "caller")
    recording = Recording(leg, tmp_path / "one.wav", writer)
    recording.start()
    speak(leg, 0.5, 400)
    recording.pause()
    speak(leg, 2.0, 700)
    recording.resume()
    speak(leg, 0.5, 400)
    recording.stop()
    recording.stop()
    recorded = await recording.finished()
    assert recorded.duration_s == pytest.approx(1.0)
    assert level(sides(recorded.path)[0], 700) < 500


async def test_disk_that_fails_loses_the_recording_not_the_call(
    tmp_path: Path, writer: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    leg = ScriptedLeg(8000, "caller")
    recording = Recording(leg, tmp_path / "file" / "one.wav", writer)
    recording.start()
    speak(leg, 1.5, 400)
    assert not leg.closed.is_set()
    await leg.hang_up()
    with pytest.raises(RecordingFailed):
        await recording.finished()
    assert "recording lost" in caplog.text


def test_interleave_alternates_samples() -> None:
    assert interleave(b"aabb", b"ccdd") == b"aaccbbdd"


async def test_off_the_record_the_time_goes_on_and_nothing_is_heard_of_it(
    tmp_path: Path, writer: ThreadPoolExecutor
) -> None:
    leg = ScriptedLeg(8000, "caller")
    recording = Recording(leg, tmp_path / "one.wav", writer)
    recording.start()
    for off_record, hertz in ((False, 400), (True, 697), (False, 400)):
        leg.off_record = off_record
        leg.play(tone(900, 1.0))
        speak(leg, 1.0, hertz)
    await leg.hang_up()
    recorded = await recording.finished()
    assert recorded.duration_s == pytest.approx(3.0)
    for side in sides(recorded.path):
        assert any(side[:16_000])
        assert not any(side[16_000:32_000])
        assert any(side[-15_000:])
