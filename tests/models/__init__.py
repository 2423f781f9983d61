"""Small speech models for the tests, of the true formats, and the scripts that make them."""

from __future__ import annotations

from pathlib import Path

MODELS = Path(__file__).parent
PIPER = MODELS / "piper" / "en_test.onnx"
PIPER_SPEAKERS = MODELS / "piper_speakers" / PIPER.name
"""The same voice with two speakers: ``low`` and ``high``."""
WHISPER = MODELS / "whisper"
"""Knows English digits, up to four in a row, and ``speech.COMMANDS``."""
