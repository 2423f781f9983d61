"""A telephone leg: G.711 over RTP (RFC 3550, RFC 3551), keys by RFC 4733.

1. Every tick of the media clock sends one frame and delivers one, whatever arrives;
   a listener that is not live gets what has arrived instead, all of it (``Leg.listen``).
2. The first sender that speaks RTP to us is the one we speak to (symmetric RTP); a
   re-INVITE lets it change.
3. Comfort noise and foreign payloads keep their place in the order but are silence.
4. While the far end holds the call nothing is sent, so nothing counts as played.
5. No RTP at all for ``media_timeout_s``, outside hold, ends the call.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from channels.errors import BadDtmf, BadRtp
from channels.media.codecs import FRAME_SAMPLES, PCMA, PCMU, SAMPLE_RATE, Codec
from channels.media.conceal import Concealment
from channels.media.dtmf import DtmfReceiver, DtmfSender
from channels.media.jitter import Gap, JitterBuffer, Verdict
from channels.media.leg import FRAMES_PER_S, NORMAL_CLEARING, Leg
from channels.media.pacing import MediaClock
from channels.media.ports import Address, RtpSocket
from channels.media.rtp import MAX_SEQUENCE, MAX_TIMESTAMP, RtpPacket, parse, serialize
from channels.sip.causes import TEMPORARY_FAILURE, TIMER_EXPIRED
from channels.sip.sdp import Agreement

MEDIA_TIMEOUT_S: Final = 120.0
COMFORT_NOISE: Final = (13, 19)
"""Payload types of RFC 3389; 19 is what older telephones use."""
_BY_TYPE: Final[dict[int, Codec]] = {PCMU.payload_type: PCMU, PCMA.payload_type: PCMA}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SipIdentity:
    """Who a SIP call is with; ``sip_call_id`` is the Call-ID header, empty on outgoing ones."""

    ref: str
    address: str
    name: str = ""
    sip_call_id: str = ""


class SipLeg(Leg):
    """One call's media; made when the call stands."""

    def __init__(
        self,
        identity: SipIdentity,
        agreement: Agreement,
        socket: RtpSocket,
        clock: MediaClock,
        on_hang_up: Callable[[str, int], None],
        media_timeout_s: float = MEDIA_TIMEOUT_S,
    ) -> None:
        super().__init__(identity.ref, identity.address, SAMPLE_RATE, identity.name)
        self.sip_call_id: Final = identity.sip_call_id
        self._agreement = agreement
        self._socket, self._clock, self._on_hang_up = socket, clock, on_hang_up
        self._remote = agreement.remote
        self._latched = False
        self._jitter = JitterBuffer()
        self._waiting = bytearray()
        self._conceal = Concealment(self.silence)
        self._keys_in, self._keys_out = DtmfReceiver(), DtmfSender(FRAME_SAMPLES)
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        self._marker = True
        self._quiet = False
        """The far end has announced its silence and sends nothing (RFC 3389)."""
        self._quiet_ticks = 0
        self._most_quiet_ticks = round(media_timeout_s * FRAMES_PER_S)
        self.counts: Counter[str] = Counter()

    @property
    def held(self) -> bool:
        """True while the far end holds the call and does not want our audio."""
        return not self._agreement.we_send

    @property
    def jitter(self) -> JitterBuffer:
        """The buffer, for its counts."""
        return self._jitter

    def start(self) -> None:
        """Take the socket and the clock."""
        self._socket.on_datagram = self._received
        self._clock.add(self._tick)

    def update(self, agreement: Agreement) -> None:
        """The far end changed the terms: hold, resume, another address or codec."""
        moved = agreement.remote != self._agreement.remote
        self._agreement = agreement
        self._marker = True
        if moved and agreement.remote[0] != "0.0.0.0":
            self._remote, self._latched = agreement.remote, False

    def press(self, digits: str) -> None:
        """Send keys. Raises ``BadDtmf``."""
        self._keys_out.press(digits)

    async def hang_up(self, cause: int = NORMAL_CLEARING) -> None:
        """Send BYE with the cause and end the leg."""
        if not self.closed.is_set():
            self._on_hang_up(self.id, cause)
            self.end(cause)

    def end(self, cause: int) -> None:
        """Give back clock and port, then tell everybody."""
        self._clock.remove(self._tick)
        self._socket.close()
        super().end(cause)

    def _tick(self) -> None:
        try:
            self._hear()
            if not self.closed.is_set():
                self._send()
                self._watch()
        except Exception:
            _log.exception("call %s failed in its media; it is hung up", self.id)
            self._on_hang_up(self.id, TEMPORARY_FAILURE)
            self.end(TEMPORARY_FAILURE)

    def _hear(self) -> None:
        """Rule 1."""
        self._jitter.keep = not self.live
        if self._catch_up() or self.closed.is_set():
            return
        if (pcm := self._next_heard()) is not None:
            self.incoming(pcm)

    def _catch_up(self) -> bool:
        """Hand over all that has come, to a listener that is not live; False for none of it."""
        heard = False
        while not self.live and not self.closed.is_set() and self._jitter.due:
            if (pcm := self._next_heard()) is None:
                break
            self.incoming(pcm)
            heard = True
        return heard

    def _watch(self) -> None:
        """Rule 5."""
        self._quiet_ticks += 1
        if self._quiet_ticks > self._most_quiet_ticks and not self.held:
            self._on_hang_up(self.id, TIMER_EXPIRED)
            self.end(TIMER_EXPIRED)

    def _received(self, data: bytes, source: Address) -> None:
        try:
            packet = parse(data)
        except BadRtp:
            self.counts["bad"] += 1
            return
        if source != self._remote and not self._latch(source):
            self.counts["foreign"] += 1
            return
        self._latched = True
        self._quiet_ticks = 0
        self.counts["received"] += 1
        self.arrived()
        self._quiet = packet.payload_type in COMFORT_NOISE
        if self._jitter.add(packet) is Verdict.RESTARTED:
            self._waiting.clear()
        if packet.payload_type == self._agreement.events_type:
            self._key_packet(packet)

    def _latch(self, source: Address) -> bool:
        """Rule 2."""
        if self._latched:
            return False
        self._remote = source
        return True

    def _key_packet(self, packet: RtpPacket) -> None:
        try:
            digit = self._keys_in.add(packet.timestamp, packet.payload)
        except BadDtmf:
            self.counts["bad"] += 1
            return
        if digit is not None:
            # What was said before the key comes before it, also when both are late.
            self._catch_up()
            self.key(digit)

    def _next_heard(self) -> bytes | None:
        """20 ms of PCM: packets may hold more or less than a frame. None: wait for it."""
        waiting = self._waiting
        while len(waiting) < self.frame_bytes:
            pulled = self._jitter.pull()
            if isinstance(pulled, Gap):
                if pulled is not Gap.LOST and not self._quiet and not self.held and self.waits():
                    return None
                pcm = self._conceal.missing()
            elif (codec := self._codec_of(pulled.payload_type)) is not None and pulled.payload:
                pcm = self._conceal.good(codec.decode(pulled.payload))
            else:
                pcm = self.silence
            if not waiting and len(pcm) == self.frame_bytes:
                return pcm
            waiting += pcm
        frame = bytes(waiting[: self.frame_bytes])
        del waiting[: self.frame_bytes]
        return frame

    def _codec_of(self, payload_type: int) -> Codec | None:
        if payload_type == self._agreement.payload_type:
            return self._agreement.codec
        return _BY_TYPE.get(payload_type)

    def _send(self) -> None:
        """One frame, or key tones in its place."""
        keys = self._keys_out.busy and self._agreement.events_type is not None
        frame = self.outgoing(blocked=keys or self.held)
        if keys:
            self._send_keys()
        elif not self.held:
            codec = self._agreement.codec
            payload = codec.silence if frame is None else codec.encode(frame)
            self._put(self._agreement.payload_type, payload, self._timestamp, self._marker)
            self._marker = False
        self._timestamp = (self._timestamp + FRAME_SAMPLES) % MAX_TIMESTAMP

    def _send_keys(self) -> None:
        for tone in self._keys_out.tick():
            start = (self._timestamp - tone.start) % MAX_TIMESTAMP
            self._put(self._agreement.events_type or 0, tone.payload, start, tone.marker)
        self._marker = not self._keys_out.busy

    def _put(self, payload_type: int, payload: bytes, timestamp: int, marker: bool) -> None:
        packet = RtpPacket(payload_type, self._sequence, timestamp, self._ssrc, payload, marker)
        self._sequence = (self._sequence + 1) % MAX_SEQUENCE
        self.counts["sent"] += 1
        self._socket.send(serialize(packet), self._remote)
