"""G.711 µ-law and A-law (RFC 3551 §4.5.14, ITU-T G.711) by table look-up.

PCM is signed 16-bit little-endian mono. The tables are built once, at import, from
the standard's segments; a 20 ms frame then costs one ``take``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 8000
FRAME_SAMPLES: Final = 160
FRAME_MS: Final = 20

_MULAW_BIAS = 132
_MULAW_CLIP = 32635


def _mulaw_decoder() -> NDArray[np.int16]:
    """256 codes to samples; the wire carries the complement of sign, segment, step."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    segment, step = (code >> 4) & 7, code & 0x0F
    magnitude = (((step << 3) + _MULAW_BIAS) << segment) - _MULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _mulaw_encoder() -> NDArray[np.uint8]:
    """65,536 samples, indexed by their unsigned value, to codes."""
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), _MULAW_CLIP) + _MULAW_BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    step = (magnitude >> (segment + 3)) & 0x0F
    code = np.where(sample < 0, 0x80, 0) | (segment << 4) | step
    return np.asarray(~code & 0xFF, np.uint8)


def _alaw_decoder() -> NDArray[np.int16]:
    """256 codes to samples; even bits are inverted on the wire (0x55)."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = (code >> 4) & 7, code & 0x0F
    linear = (step << 4) + 8
    magnitude = np.where(segment == 0, linear, (linear + 0x100) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _alaw_encoder() -> NDArray[np.uint8]:
    """65,536 samples to codes; negative samples use one's complement (G.711 §3.2)."""
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.where(sample < 0, ~sample, sample) >> 3
    segment = np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4
    segment = np.where(magnitude < 32, 0, segment)
    step = (magnitude >> np.maximum(segment, 1)) & 0x0F
    code = (segment << 4) | step
    return np.asarray((code | np.where(sample < 0, 0, 0x80)) ^ 0x55, np.uint8)


@dataclass(frozen=True, slots=True)
class Codec:
    """One of the two G.711 laws with its static RTP payload type."""

    name: str
    payload_type: int
    silence: bytes
    _decoder: NDArray[np.int16]
    _encoder: NDArray[np.uint8]

    def decode(self, payload: bytes) -> bytes:
        """N code bytes to 2N bytes of PCM s16le."""
        return self._decoder.take(np.frombuffer(payload, np.uint8)).tobytes()

    def encode(self, pcm: bytes) -> bytes:
        """2N bytes of PCM s16le to N code bytes; an odd last byte is dropped."""
        if len(pcm) & 1:
            pcm = pcm[:-1]
        return self._encoder.take(np.frombuffer(pcm, np.uint16)).tobytes()


PCMU: Final = Codec("PCMU", 0, b"\xff" * FRAME_SAMPLES, _mulaw_decoder(), _mulaw_encoder())
PCMA: Final = Codec("PCMA", 8, b"\xd5" * FRAME_SAMPLES, _alaw_decoder(), _alaw_encoder())
CODECS: Final = {codec.name: codec for codec in (PCMU, PCMA)}
