"""A voice without models: espeak-ng through the ``espeakng-loader`` package (GPL-3).

The library has global state, so one lock guards it and one thread at a time is in it;
it speaks about a thousand times faster than real time.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import AsyncIterator
from typing import Any

import espeakng_loader
import numpy as np
import soxr

from bots.errors import LanguageNotSpoken, SynthesisFailed

TELEPHONE_RATE = 8000
VOICES = {"en": "en", "zh": "cmn", "lv": "lv"}
PHONEMES = {"en": "en-us"}
"""The CMU phone set is American, so words are spelled out in that accent."""
WORDS_PER_MINUTE = 155
SILENCE_MS = 120
"""Kept after each text, so that sentences do not run into each other."""

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS, speak_lib.h
_NO_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_RATE = 1  # espeakRATE
_IPA = 0x02
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Library:
    """libespeak-ng, loaded once per process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._library: Any = None
        self._chunks: list[bytes] = []
        self._callback = _Callback(self._take)
        self.sample_rate = 0

    def speak(self, text: str, voice: str, pace: float = 1.0) -> bytes:
        """PCM s16le at ``sample_rate``. Raises ``SynthesisFailed``."""
        with self.lock:
            library = self._ready(voice, pace)
            self._chunks = []
            data = text.encode()
            failed = library.espeak_Synth(
                data, len(data) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None
            )
            if failed:
                raise SynthesisFailed(f"espeak-ng answered {failed} for {text[:40]!r}")
            return b"".join(self._chunks)

    def ipa(self, text: str, voice: str) -> str:
        """How the voice would say it, in IPA."""
        with self.lock:
            library = self._ready(voice)
            data = ctypes.create_string_buffer(text.encode())
            pointer = ctypes.c_void_p(ctypes.addressof(data))
            said = library.espeak_TextToPhonemes(ctypes.byref(pointer), _CHARS_UTF8, _IPA)
            return said.decode() if said else ""

    def _ready(self, voice: str, pace: float = 1.0) -> Any:
        if self._library is None:
            self._load()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise SynthesisFailed(f"espeak-ng has no voice {voice!r}")
        self._library.espeak_SetParameter(_RATE, round(WORDS_PER_MINUTE * pace), 0)
        return self._library

    def _load(self) -> None:
        try:
            library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise SynthesisFailed(f"espeak-ng does not load: {error}") from None
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_TextToPhonemes.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
            ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        data = espeakng_loader.get_data_path().encode()
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _NO_EXIT)
        if rate <= 0:
            raise SynthesisFailed(f"espeak-ng does not start with the data in {data.decode()}")
        library.espeak_SetSynthCallback(self._callback)
        self.sample_rate = rate
        self._library = library

    def _take(self, samples: Any, count: int, _: Any) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, count * 2))
        return 0


_LIBRARY = _Library()


def ipa(word: str, language: str = "en") -> str:
    """The pronunciation of a word in IPA; raises ``SynthesisFailed`` without a voice."""
    return _LIBRARY.ipa(word, PHONEMES.get(language, VOICES[language]))


class EspeakVoice:
    """espeak-ng at a telephone's sample rate. Implements ``bots.ports.Voice``."""

    name = "espeak-ng"

    def __init__(self, sample_rate: int = TELEPHONE_RATE, variant: str = "") -> None:
        """``variant`` is another speaker of the same languages, such as ``+f3``."""
        self.sample_rate = sample_rate
        self._variant = variant

    def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        """The whole text in one piece; raises ``SynthesisFailed``."""
        return self.speak_at(text, language, 1.0)

    async def speak_at(self, text: str, language: str, pace: float) -> AsyncIterator[bytes]:
        """The same at another pace."""
        voice = VOICES.get(language)
        if voice is None:
            raise LanguageNotSpoken(f"no espeak-ng voice for {language!r}; have {sorted(VOICES)}")
        yield await asyncio.to_thread(self._make, text, voice + self._variant, pace)

    def _make(self, text: str, voice: str, pace: float) -> bytes:
        pcm = np.frombuffer(_LIBRARY.speak(text, voice, pace), dtype="<i2")
        samples = soxr.resample(pcm, _LIBRARY.sample_rate, self.sample_rate, quality="HQ")
        loud = np.flatnonzero(np.abs(samples) > 60)
        if not loud.size:
            return b""
        # espeak-ng leaves some 0.3 s of silence at the end: too much between sentences.
        end = int(loud[-1]) + self.sample_rate * SILENCE_MS // 1000
        made: bytes = samples[max(0, int(loud[0]) - 80) : end].astype("<i2").tobytes()
        return made
