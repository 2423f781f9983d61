"""Sound of a speech server, whatever its form, as s16le mono at one rate."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import soxr

from router.errors import PeerError

SPOKEN_RATE = 24000
"""What an OpenAI-compatible server makes, and enough for a browser."""
HEARD_RATE = 16000
"""What every recogniser was trained on."""
_PCM = 1
_EXTENSIBLE = 0xFFFE
"""WAVE_FORMAT_EXTENSIBLE: PCM with a longer header."""
_RIFF_BYTES = 12
_CHUNK_BYTES = 8
_FORMAT_BYTES = 16
_LONGEST_HEADER = 64 * 1024


class SoundBroken(PeerError):
    """This is no sound that can be played: 16 bit PCM, alone or in a WAV file, is."""


class Evened:
    """Pieces of 16 bit PCM in, the same at another rate and in mono out."""

    def __init__(self, rate: int, channels: int = 1, wanted: int = SPOKEN_RATE) -> None:
        """``rate`` in hertz. Raises ``SoundBroken`` for what no voice has."""
        if not 4000 <= rate <= 192_000 or channels not in (1, 2):
            raise SoundBroken(f"expected mono or stereo of 4 to 192 kHz, got {channels}×{rate} Hz")
        self._channels = channels
        self._rest = b""
        self._resampler = (
            soxr.ResampleStream(rate, wanted, 1, dtype="int16") if rate != wanted else None
        )

    def feed(self, pcm: bytes) -> bytes:
        """What is ready of it; the resampler keeps some milliseconds back."""
        if self._resampler is None and self._channels == 1 and not (self._rest or len(pcm) % 2):
            return pcm
        return self._convert(pcm, last=False)

    def end(self) -> bytes:
        """What was kept back."""
        return self._convert(b"", last=True)

    def _convert(self, pcm: bytes, *, last: bool) -> bytes:
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % (2 * self._channels)
        self._rest = pcm[whole:]
        samples = np.frombuffer(pcm[:whole], dtype="<i2")
        if self._channels == 2:
            samples = samples.reshape(-1, 2).mean(axis=1).astype("<i2")
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        out: bytes = samples.astype("<i2").tobytes()
        return out


class WavReader:
    """A WAV file as it comes; its length fields may be unknown, as in a stream."""

    def __init__(self) -> None:
        self._buffer = b""
        self._sound: Evened | None = None
        """Known once the samples begin."""

    def feed(self, received: bytes) -> bytes:
        """PCM at ``SPOKEN_RATE`` as far as it is known. Raises ``SoundBroken``."""
        if self._sound is not None:
            return self._sound.feed(received)
        self._buffer += received
        found = self._find_samples()
        if found is None:
            return b""
        start, self._sound = found
        return self._sound.feed(self._buffer[start:])

    def end(self) -> bytes:
        """What was kept back. Raises ``SoundBroken`` when there was no sound at all."""
        if self._sound is None:
            raise SoundBroken(f"expected a WAV file, got {self._buffer[:16]!r}")
        return self._sound.end()

    def _find_samples(self) -> tuple[int, Evened] | None:
        """Where the samples begin and how they are to be read, once the header is whole."""
        head = self._buffer
        if len(head) < _RIFF_BYTES:
            return None
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE" or len(head) > _LONGEST_HEADER:
            raise SoundBroken(f"expected a WAV file, got {head[:16]!r}")
        place, sound = _RIFF_BYTES, None
        while len(head) >= place + _CHUNK_BYTES:
            name = head[place : place + 4]
            (size,) = struct.unpack_from("<I", head, place + 4)
            body = place + _CHUNK_BYTES
            if name == b"data":
                if sound is None:
                    raise SoundBroken("expected a WAV file with its format before its samples")
                return body, sound
            if name == b"fmt " and len(head) >= body + _FORMAT_BYTES:
                sound = _format(head[body:])
            place = body + size + size % 2
        return None


def _format(chunk: bytes) -> Evened:
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind not in (_PCM, _EXTENSIBLE) or bits != 16:
        raise SoundBroken(f"expected 16 bit PCM, got format {kind} with {bits} bits")
    return Evened(rate, channels)


def wav_of(pcm: bytes, rate: int) -> bytes:
    """A WAV file of s16le mono."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return out.getvalue()
