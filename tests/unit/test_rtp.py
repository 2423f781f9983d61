from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import BadRtp
from channels.media.rtp import RtpPacket, parse, serialize

packets = st.builds(
    RtpPacket,
    st.integers(0, 127),
    st.integers(0, 65535),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=200),
    st.booleans(),
)


@given(packets)
def test_what_is_serialized_parses_to_the_same(packet: RtpPacket) -> None:
    assert parse(serialize(packet)) == packet


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        packet = parse(data)
    except BadRtp:
        return
    assert len(packet.payload) <= len(data) - 12


def test_sources_extension_and_padding_are_not_payload() -> None:
    plain = serialize(RtpPacket(0, 7, 160, 1, b""))
    data = bytes([0x80 | 0x20 | 0x10 | 2]) + plain[1:] + b"\0" * 8
    data += b"\xbe\xde\x00\x01" + b"EXTN" + b"audio" + b"\0\0\x03"
    assert parse(data).payload == b"audio"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x00\x00",
        b"\x40" + b"\0" * 11,
        b"\x8f" + b"\0" * 11,
        b"\x90" + b"\0" * 11,
        b"\xa0" + b"\0" * 12,
        b"\xa0" + b"\0" * 11 + b"\xff",
    ],
)
def test_broken_packets_are_refused(data: bytes) -> None:
    with pytest.raises(BadRtp):
        parse(data)
