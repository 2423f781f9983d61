"""Browser calls: WebRTC by aiortc, Opus at 48 kHz mono, keys on a data channel ``dtmf``.

1. The browser offers with all its candidates, we answer with all of ours: no trickle.
2. Our candidates are on ``media_host`` alone, loopback included, which aioice leaves out
   by itself; a wildcard means every interface and loopback.
3. Candidates with a hidden name (``….local``) are dropped: a browser that hides its
   addresses reaches us, and its checks show us where it is.
4. The leg ticks on the media clock from when the connection stands: before that nothing
   counts as played. It ends when the browser closes or cannot be reached any more.
"""

from __future__ import annotations

import asyncio
import fractions
import logging
import re
import secrets
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from channels.errors import BadDtmf, BadOffer
from channels.media.conceal import Concealment
from channels.media.dtmf import DIGITS
from channels.media.leg import NORMAL_CLEARING, Leg
from channels.media.pacing import MediaClock

SAMPLE_RATE: Final = 48000
FRAME_SAMPLES: Final = 960
CONNECT_S: Final = 20.0
MOST_WAITING: Final = 6  # frames from the browser
KEPT: Final = 500  # frames, for a listener that is not live
FILL: Final = 2  # frames that wait before playing starts, against uneven arrival
OUT_OF_ORDER: Final = 27  # Q.850: the far end cannot be reached
TEMPORARY_FAILURE: Final = 41  # Q.850
KEYS_LABEL: Final = "dtmf"
MAX_OFFER_BYTES: Final = 64_000
_WILDCARDS: Final = ("", "0.0.0.0")
_LOOPBACK: Final = "127.0.0.1"

_log = logging.getLogger(__name__)


class _Outgoing(MediaStreamTrack):  # type: ignore[misc]
    """What the browser hears; fed by the leg's ticks."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        self._pts = 0

    def put(self, pcm: bytes) -> bool:
        """One frame; False when the sender is stuck and it was dropped."""
        if self._frames.full():
            return False
        self._frames.put_nowait(pcm)
        return True

    async def recv(self) -> Any:
        """The next frame, as aiortc's sender wants it."""
        if self.readyState != "live":
            raise MediaStreamError
        pcm = await self._frames.get()
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.planes[0].update(pcm)
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._pts
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._pts += FRAME_SAMPLES
        return frame


class WebRtcLeg(Leg):
    """One browser."""

    def __init__(self, connection: Any, clock: MediaClock, address: str, name: str) -> None:
        super().__init__(secrets.token_hex(8), address, SAMPLE_RATE, name)
        self._connection, self._clock = connection, clock
        self.connected = asyncio.Event()
        self.counts: Counter[str] = Counter()
        self._outgoing = _Outgoing()
        self._waiting: deque[bytes] = deque(maxlen=KEPT)
        self._rest = b""
        self._filling = True
        self._conceal = Concealment(self.silence)
        self._keys: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        connection.on("connectionstatechange", self._state_changed)
        connection.on("track", self._track_came)
        connection.on("datachannel", self._channel_came)

    @property
    def track(self) -> MediaStreamTrack:
        """What we send."""
        return self._outgoing

    def press(self, digits: str) -> None:
        """Send keys on the data channel, if the browser opened one. Raises ``BadDtmf``."""
        digits = digits.upper()
        if any(digit not in DIGITS for digit in digits):
            raise BadDtmf(f"keys of {DIGITS} expected, got {digits!r}")
        if self._keys is None or self._keys.readyState != "open":
            self.counts["keys dropped"] += len(digits)
            return
        self._keys.send(digits)

    async def hang_up(self, cause: int = NORMAL_CLEARING) -> None:
        """Close the connection and end the leg."""
        self.end(cause)
        await self._connection.close()

    def end(self, cause: int) -> None:
        """Give back the clock, then tell everybody; the connection closes behind."""
        if self.closed.is_set():
            return
        self._clock.remove(self._tick)
        self._outgoing.stop()
        super().end(cause)
        self._spawn(self._connection.close())

    def watch(self) -> None:
        """Give up when the connection does not stand in time."""
        self._spawn(self._give_up_later())

    async def _give_up_later(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self.connected.wait()
        except TimeoutError:
            _log.info("browser call %s never connected", self.id)
            self.end(OUT_OF_ORDER)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected" and not self.connected.is_set() and not self.closed.is_set():
            self.connected.set()
            self._clock.add(self._tick)
        elif state in ("failed", "closed"):
            self.end(OUT_OF_ORDER if state == "failed" else NORMAL_CLEARING)

    def _track_came(self, track: Any) -> None:
        if track.kind == "audio":
            self._spawn(self._read(track))

    async def _read(self, track: Any) -> None:
        """Take the browser's frames as they are decoded."""
        while not self.closed.is_set():
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self._take(mono(frame))

    def _take(self, pcm: bytes) -> None:
        self.counts["received"] += 1
        self.arrived()
        if len(pcm) != self.frame_bytes or self._rest:
            self._rest += pcm
            while len(self._rest) >= self.frame_bytes:
                self._waiting.append(self._rest[: self.frame_bytes])
                self._rest = self._rest[self.frame_bytes :]
        else:
            self._waiting.append(pcm)

    def _channel_came(self, channel: Any) -> None:
        if channel.label == KEYS_LABEL:
            self.use_keys(channel)

    def use_keys(self, channel: Any) -> None:
        """Send and take keys on this data channel."""
        self._keys = channel
        channel.on("message", self._keys_came)

    def _keys_came(self, message: object) -> None:
        """One message holds one or more keys; anything else is counted and dropped."""
        if not isinstance(message, str) or len(message) > len(DIGITS):
            self.counts["bad"] += 1
            return
        for digit in message.upper():
            if digit in DIGITS:
                self.key(digit)
            else:
                self.counts["bad"] += 1

    def _tick(self) -> None:
        try:
            self._hear()
            if not self.closed.is_set():
                self._send()
        except Exception:
            _log.exception("browser call %s failed in its media; it is hung up", self.id)
            self.end(TEMPORARY_FAILURE)

    def _send(self) -> None:
        frame = self.outgoing()
        if not self._outgoing.put(self.silence if frame is None else frame):
            self.counts["dropped"] += 1

    def _hear(self) -> None:
        """What is late first, for a listener that is not live; then what is due."""
        waiting = self._waiting
        if len(waiting) > MOST_WAITING:
            for _ in range(len(waiting) - (MOST_WAITING if self.live else FILL)):
                late = waiting.popleft()
                if not self.live and not self.closed.is_set():
                    self.incoming(self._conceal.good(late))
        if not self.closed.is_set() and (pcm := self._next_heard()) is not None:
            self.incoming(pcm)

    def _next_heard(self) -> bytes | None:
        """20 ms of PCM. None: wait for it."""
        if not self._waiting or (self._filling and len(self._waiting) < FILL):
            self._filling = True
            return None if self.waits() else self._conceal.missing()
        self._filling = False
        return self._conceal.good(self._waiting.popleft())


def mono(frame: Any) -> bytes:
    """PCM s16le mono of an interleaved s16 frame of one or two channels."""
    samples = frame.to_ndarray().reshape(-1)
    if frame.layout.nb_channels == 2:
        pairs = samples.reshape(-1, 2).astype(np.int32)
        samples = ((pairs[:, 0] + pairs[:, 1]) >> 1).astype(np.int16)
    return bytes(samples.tobytes())


class WebRtcPeer:
    """Answers browsers, and calls as one. ``clock`` is the phone's: legs can be bridged."""

    def __init__(self, clock: MediaClock, media_host: str = _LOOPBACK) -> None:
        self._clock, self._media_host = clock, media_host
        self._legs: set[WebRtcLeg] = set()

    async def answer(self, offer: str, address: str = "", name: str = "") -> tuple[WebRtcLeg, str]:
        """The leg and our answer's SDP. Raises ``BadOffer``.

        ``address`` and ``name`` say who it is: a visitor, an agent.
        """
        _check_offer(offer)
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        leg = WebRtcLeg(connection, self._clock, address, name)
        try:
            description = RTCSessionDescription(_without_hidden(offer), "offer")
            await connection.setRemoteDescription(description)
            connection.addTrack(leg.track)
            self._choose_addresses(connection)
            await connection.setLocalDescription(await connection.createAnswer())
        except Exception as error:
            # aiortc raises whatever its parser stumbles over: all of it is the offer's fault.
            await leg.hang_up()
            raise BadOffer(f"{type(error).__name__}: {error}") from error
        self._keep(leg)
        return leg, str(connection.localDescription.sdp)

    async def call(
        self, ask: Callable[[str], Awaitable[str]], address: str = "", name: str = ""
    ) -> WebRtcLeg:
        """Call as a browser does: ``ask`` takes our offer to the other side for its answer.

        For simulated visitors and evaluation. Raises ``BadOffer`` when the answer is bad,
        and what ``ask`` raises.
        """
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        leg = WebRtcLeg(connection, self._clock, address, name)
        try:
            connection.addTrack(leg.track)
            leg.use_keys(connection.createDataChannel(KEYS_LABEL))
            offer = await connection.createOffer()
            self._choose_addresses(connection)
            await connection.setLocalDescription(offer)
            answer = await ask(str(connection.localDescription.sdp))
        except BaseException:
            await leg.hang_up()
            raise
        try:
            await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as error:
            await leg.hang_up()
            raise BadOffer(f"answer: {type(error).__name__}: {error}") from error
        self._keep(leg)
        return leg

    def _keep(self, leg: WebRtcLeg) -> None:
        leg.watch()
        self._legs.add(leg)
        leg.on_end(partial(self._legs.discard, leg))

    async def stop(self) -> None:
        """Hang up every browser."""
        for leg in tuple(self._legs):
            await leg.hang_up()

    def _choose_addresses(self, connection: Any) -> None:
        """Rule 2, on each ICE connection of this peer only."""
        transports = [t.receiver.transport for t in connection.getTransceivers()]
        if connection.sctp is not None:
            transports.append(connection.sctp.transport)
        for transport in transports:
            ice = transport.transport.iceGatherer._connection
            ice.get_component_candidates = partial(
                _gather_on, type(ice).get_component_candidates, ice, self._media_host
            )


async def _gather_on(
    gather: Callable[..., Any],
    ice: Any,
    media_host: str,
    component: int,
    addresses: list[str],
    timeout: int = 5,  # noqa: ASYNC109 - aioice's signature
) -> Any:
    """Gather host candidates on our addresses instead of aioice's."""
    chosen = [*addresses, _LOOPBACK] if media_host in _WILDCARDS else [media_host]
    return await gather(ice, component=component, addresses=chosen, timeout=timeout)


def _check_offer(offer: str) -> None:
    if len(offer) > MAX_OFFER_BYTES:
        raise BadOffer(f"at most {MAX_OFFER_BYTES} bytes expected, got {len(offer)}")
    for needed in ("v=0", "m=audio ", "a=fingerprint:", "a=ice-ufrag:"):
        if needed not in offer:
            raise BadOffer(f"{needed!r} expected in the offer")


def _without_hidden(offer: str) -> str:
    """Rule 3. Without its end mark the check list stays open for the browser's checks."""
    kept = re.sub(r"(?m)^a=candidate:[^\r\n]*\.local [^\r\n]*\r?\n", "", offer)
    if kept != offer:
        kept = re.sub(r"(?m)^a=end-of-candidates\r?\n", "", kept)
    return kept
