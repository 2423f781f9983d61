"""espeak-ng with its voices, rates and pitches, and the phonemes with their places in the audio.

For the scripts that make the test models; the product's own voice is ``bots.engines.espeak``.
The library keeps global state: one ``Espeak`` per process, from one thread.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import espeakng_loader
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS, speak_lib.h
_OPTIONS = 0x0001 | 0x0002 | 0x8000  # phoneme events, in IPA, no exit
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_RATE, _PITCH = 1, 3  # espeakRATE, espeakPITCH
_PHONEME_EVENT = 7


class _Event(ctypes.Structure):
    """``espeak_EVENT`` of speak_lib.h; its union is read as up to eight bytes of text."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One phoneme in IPA and the sample at which it begins."""

    ipa: str
    start: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """Samples in -1..1 at ``Espeak.sample_rate``, and the phonemes in them."""

    samples: Samples
    phonemes: tuple[Phoneme, ...]


class Espeak:
    """The library with all its parameters."""

    def __init__(self) -> None:
        library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
            ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self._library = library
        self._chunks: list[bytes] = []
        self._phonemes: list[Phoneme] = []
        self._callback = _Callback(self._take)
        data = espeakng_loader.get_data_path().encode()
        self.sample_rate = int(library.espeak_Initialize(_SYNCHRONOUS, 0, data, _OPTIONS))
        if self.sample_rate <= 0:
            raise RuntimeError(f"espeak-ng does not start with the data in {data.decode()}")
        library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, *, rate: int = 155, pitch: int = 50) -> Spoken:
        """``voice`` as ``en-us+f3``; ``rate`` in words per minute, ``pitch`` 0..99."""
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        self._library.espeak_SetParameter(_RATE, rate, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        self._chunks, self._phonemes = [], []
        data = text.encode()
        self._library.espeak_Synth(
            data, len(data) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        pcm = np.frombuffer(b"".join(self._chunks), dtype="<i2")
        return Spoken(pcm.astype(np.float32) / np.float32(32768), tuple(self._phonemes))

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, count * 2))
        place = 0
        while events and events[place].type:
            event = events[place]
            if event.type == _PHONEME_EVENT:
                self._phonemes.append(Phoneme(event.name.decode("utf-8", "ignore"), event.sample))
            place += 1
        return 0
