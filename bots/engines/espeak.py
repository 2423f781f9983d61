"""A voice without models: espeak-ng through the ``espeakng-loader`` package (GPL-3).

The library has global state, so one lock guards it and one thread at a time is in it;
it speaks about a thousand times faster than real time.
"""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

import espeakng_loader
import numpy as np
import soxr

from bots.errors import LanguageNotSpoken, SynthesisFailed
from bots.ports import Mark

TELEPHONE_RATE = 8000
VOICES = {"en": "en", "zh": "cmn", "lv": "lv"}
PHONEMES = {"en": "en-us"}
"""The CMU phone set is American, so words are spelled out in that accent."""
WORDS_PER_MINUTE = 155
SILENCE_MS = 120
"""Kept after each text, so that sentences do not run into each other."""
LOUD = 60
"""Samples above are no silence."""
LEAD = 80
"""Samples kept before the first one that is none."""

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS, speak_lib.h
_NO_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_RATE = 1  # espeakRATE
_IPA = 0x02
_NO_EVENT, _WORD, _END = 0, 1, 5  # espeak_EVENT_TYPE


class _Event(ctypes.Structure):
    """espeak_EVENT, speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # from 1, in characters
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class _Made:
    """PCM, and behind which sample how many characters of the text have been said."""

    pcm: bytes
    words: tuple[tuple[int, int], ...]


class _Library:
    """libespeak-ng, loaded once per process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._library: Any = None
        self._chunks: list[bytes] = []
        self._words: list[tuple[int, int]] = []
        self._callback = _Callback(self._take)
        self.sample_rate = 0

    def speak(self, text: str, voice: str, pace: float = 1.0) -> _Made:
        """PCM s16le at ``sample_rate`` with its words. Raises ``SynthesisFailed``."""
        with self.lock:
            library = self._ready(voice, pace)
            self._chunks, self._words = [], []
            data = text.encode()
            failed = library.espeak_Synth(
                data, len(data) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None
            )
            if failed:
                raise SynthesisFailed(f"espeak-ng answered {failed} for {text[:40]!r}")
            return _Made(b"".join(self._chunks), tuple(self._words))

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

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, count * 2))
        for event in itertools.takewhile(lambda event: event.type != _NO_EVENT, events or ()):
            # Where a word begins, or a clause ends, all that stands before it has been said.
            if event.type in (_WORD, _END) and event.text_position > 1:
                self._words.append((event.text_position - 1, event.sample))
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

    def speak(self, text: str, language: str) -> EspeakSpeech:
        """The whole text in one piece; raises ``SynthesisFailed``."""
        return self.speak_at(text, language, 1.0)

    def speak_at(self, text: str, language: str, pace: float) -> EspeakSpeech:
        """The same at another pace."""
        return EspeakSpeech(text, (language, self._variant), pace, self.sample_rate)


class EspeakSpeech:
    """The audio of one text. Implements ``bots.ports.Timed``."""

    def __init__(self, text: str, speaker: tuple[str, str], pace: float, sample_rate: int) -> None:
        """``speaker`` is a language and a variant."""
        self.marks: tuple[Mark, ...] = ()
        self._rate = sample_rate
        self._pieces = self._speak(text, *speaker, pace)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Nobody wants it any more. Safe to call twice."""
        await self._pieces.aclose()

    async def _speak(
        self, text: str, language: str, variant: str, pace: float
    ) -> AsyncGenerator[bytes, None]:
        voice = VOICES.get(language)
        if voice is None:
            raise LanguageNotSpoken(f"no espeak-ng voice for {language!r}; have {sorted(VOICES)}")
        pcm, self.marks = await asyncio.to_thread(self._make, text, voice + variant, pace)
        yield pcm

    def _make(self, text: str, voice: str, pace: float) -> tuple[bytes, tuple[Mark, ...]]:
        said = _LIBRARY.speak(text, voice, pace)
        rate = _LIBRARY.sample_rate
        pcm = np.frombuffer(said.pcm, dtype="<i2")
        samples = soxr.resample(pcm, rate, self._rate, quality="HQ")
        loud = np.flatnonzero(np.abs(samples) > LOUD)
        if not loud.size:
            return b"", ()
        # espeak-ng leaves some 0.3 s of silence at the end: too much between sentences.
        end = int(loud[-1]) + self._rate * SILENCE_MS // 1000
        start = max(0, int(loud[0]) - LEAD)
        marks = []
        for upto, sample in said.words:
            # The pause behind a comma is no part of the word before it.
            before = int(np.searchsorted(loud, sample * self._rate // rate))
            last = int(loud[max(0, before - 1)])
            marks.append(Mark(upto, (last - start) * 1000 / self._rate))
        made: bytes = samples[start:end].astype("<i2").tobytes()
        return made, tuple(marks)
