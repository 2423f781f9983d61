"""A caller asked to speak more slowly: the real voices do."""

from __future__ import annotations

import pytest

from bots.engines.espeak import EspeakVoice
from bots.engines.local import VoiceModel
from bots.engines.piper import PiperVoice
from bots.ports import PacedVoice
from tests.models import PIPER

TEXT = "Your parcel comes tomorrow morning between nine and five."
PACE = 0.7


async def length(voice: PacedVoice, pace: float) -> int:
    return len(b"".join([piece async for piece in voice.speak_at(TEXT, "en", pace)]))


async def test_espeak_is_slower_and_then_itself_again() -> None:
    voice = EspeakVoice()
    usual = await length(voice, 1.0)
    assert await length(voice, PACE) >= usual * 1.2
    assert await length(voice, 1.0) == usual


async def test_piper_is_slower_by_its_length_scale() -> None:
    voice = PiperVoice({"en": VoiceModel(PIPER)}, threads=1)
    await voice.start()
    try:
        usual = await length(voice, 1.0)
        assert await length(voice, PACE) == pytest.approx(usual / PACE, rel=0.15)
    finally:
        await voice.stop()
