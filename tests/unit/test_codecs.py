from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media.codecs import CODECS, PCMA, PCMU, Codec

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


@pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
def test_every_code_survives_decoding_and_encoding(codec: Codec) -> None:
    again = codec.encode(codec.decode(EVERY_CODE))
    different = [code for code in range(256) if again[code] != code]
    # µ-law has two zeros; the negative one comes back as the positive one.
    assert different == ([0x7F] if codec is PCMU else [])


@pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
def test_error_stays_below_a_step_of_its_segment(codec: Codec) -> None:
    decoded = np.frombuffer(codec.decode(codec.encode(EVERY_SAMPLE.tobytes())), np.int16)
    error = np.abs(decoded.astype(int) - EVERY_SAMPLE.astype(int))
    loud = np.abs(EVERY_SAMPLE.astype(int)) < 32000
    assert (error[loud] <= np.maximum(np.abs(EVERY_SAMPLE.astype(int))[loud] / 16, 16)).all()


@pytest.mark.parametrize(
    ("codec", "sample", "code"),
    [
        (PCMU, 0, 0xFF),
        (PCMU, 32767, 0x80),
        (PCMU, -32768, 0x00),
        (PCMU, 1000, 0xCE),
        (PCMA, 0, 0xD5),
        (PCMA, 32767, 0xAA),
        (PCMA, -32768, 0x2A),
        (PCMA, 1000, 0xFA),
    ],
)
def test_known_values_of_g711(codec: Codec, sample: int, code: int) -> None:
    assert codec.encode(np.array([sample], np.int16).tobytes()) == bytes([code])


@given(st.binary(max_size=700))
def test_any_payload_decodes_to_twice_its_length(payload: bytes) -> None:
    for codec in CODECS.values():
        assert len(codec.decode(payload)) == 2 * len(payload)


def test_silence_decodes_to_almost_nothing() -> None:
    for codec in CODECS.values():
        assert max(abs(np.frombuffer(codec.decode(codec.silence), np.int16))) <= 8
