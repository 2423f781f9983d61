"""RTP fixed header (RFC 3550 §5.1): bytes to dataclass and back, no I/O."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from channels.errors import BadRtp

_FIXED = struct.Struct("!BBHII")
_VERSION_BITS = 0x80
MAX_SEQUENCE = 0x10000
MAX_TIMESTAMP = 0x100000000


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet; ``timestamp`` counts samples of the payload's clock."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def serialize(packet: RtpPacket) -> bytes:
    """Bytes for the wire: no padding, no extension, no contributing sources."""
    second = packet.payload_type | (0x80 if packet.marker else 0)
    header = _FIXED.pack(_VERSION_BITS, second, packet.sequence, packet.timestamp, packet.ssrc)
    return header + packet.payload


def parse(data: bytes) -> RtpPacket:
    """One datagram. Raises ``BadRtp`` naming what was expected and what came."""
    if len(data) < _FIXED.size:
        raise BadRtp(f"RTP needs {_FIXED.size} bytes, got {len(data)}")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first & 0xC0 != _VERSION_BITS:
        raise BadRtp(f"RTP version 2 expected, got {first >> 6}")
    start = _FIXED.size
    end = len(data)
    if first != _VERSION_BITS:
        start, end = _payload_bounds(data, first)
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[start:end], second > 0x7F)


def _payload_bounds(data: bytes, first: int) -> tuple[int, int]:
    """Where the payload lies behind CSRCs and an extension and before padding."""
    start, end = _FIXED.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if end < start + 4:
            raise BadRtp(f"RTP extension announced, but only {end} bytes came")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:
        end -= data[-1]
        if data[-1] == 0:
            raise BadRtp("RTP padding of zero bytes is not possible")
    if end < start:
        raise BadRtp(f"RTP header of {start} bytes exceeds the {len(data)} that came")
    return start, end
