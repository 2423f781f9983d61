"""The telephone: answers and places SIP calls, joins and records legs.

A call on our side:

1. Invited: refused (busy, nothing in common, ``admit``), or rung and answered, at
   once or as soon as those who answer are ready.
2. Answered and acknowledged: there is a leg, and ``on_call`` gets it.
3. Placed: it rings until the other side answers, refuses, or the ring time is over.
   Early media is not the conversation: there is a leg only after the answer.
4. Over by BYE from either side, CANCEL, a missing ACK, or no RTP for too long.

The leg outlives ``on_call``: a caller may wait in a queue after the bot has finished.
If ``on_call`` raises, the call is hung up.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from channels.errors import BadSdp, NoPortFree, NothingInCommon, PhoneStopped
from channels.media.bridge import Bridge
from channels.media.leg import NORMAL_CLEARING, Leg
from channels.media.music import MusicLoop
from channels.media.pacing import MediaClock
from channels.media.ports import RtpSocket, open_rtp_socket
from channels.media.recording import Recording
from channels.sip import sdp
from channels.sip.address import Trunk, parse_callee
from channels.sip.causes import (
    NO_ANSWER,
    TEMPORARY_FAILURE,
    CallOutcome,
    Outcome,
    outcome_of,
    status_of,
)
from channels.sip.endpoint import SipEndpoint, new_ref
from channels.sip.leg import MEDIA_TIMEOUT_S, SipIdentity, SipLeg
from channels.sip.message import Address
from channels.sip.signals import (
    Attempt,
    Connected,
    Ended,
    Failed,
    Informed,
    Invited,
    Rang,
    Reoffered,
    Signal,
)

SIP_PORT: Final = 5060
RTP_PORTS: Final = (16384, 17383)
MAX_CALLS: Final = 200
RING_S: Final = 25.0
READY_S: Final = 45.0
"""So long a call rings at most while nobody is ready; then it is answered all the same."""
BEARER_UNAVAILABLE: Final = 65  # Q.850
_BUSY: Final = (486, "Busy Here")
_FULL: Final = (503, "Service Unavailable")
_NOT_ACCEPTABLE: Final = (488, "Not Acceptable Here")
_NUMBER: Final = re.compile(r"\+?\d{2,}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """How the phone is reached and how much it takes.

    ``sip_port`` 0 lets the system choose; ``rtp_ports`` (0, 0) too. ``advertised`` is the
    address told to others when ``sip_host`` is a wildcard. ``codecs`` in G.711 names.
    """

    sip_host: str = "127.0.0.1"
    sip_port: int = SIP_PORT
    media_host: str = "127.0.0.1"
    advertised: str = ""
    rtp_ports: tuple[int, int] = RTP_PORTS
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    max_calls: int = MAX_CALLS
    ring_s: float = RING_S
    caller_id: str = "parley"
    media_timeout_s: float = MEDIA_TIMEOUT_S
    trunk: Trunk | None = None


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """Who calls: ``caller`` and ``called`` are user parts, often numbers."""

    leg_id: str
    sip_call_id: str
    caller: str
    caller_host: str
    called: str
    display_name: str

    @property
    def address(self) -> str:
        """The caller's number, or SIP URI where the user part is no number."""
        if _NUMBER.fullmatch(self.caller):
            return self.caller
        return f"sip:{self.caller}@{self.caller_host}"


OnCall = Callable[[SipLeg, IncomingCall], Awaitable[None]]
Admit = Callable[[IncomingCall], int]


@dataclass(slots=True)
class _Call:
    """A call being set up or standing; ``waiting`` is who placed it."""

    ref: str
    socket: RtpSocket
    session: int
    incoming: IncomingCall | None = None
    agreement: sdp.Agreement | None = None
    waiting: asyncio.Future[SipLeg | CallOutcome] | None = None
    address: str = ""
    rang: bool = False
    leg: SipLeg | None = None


@dataclass(slots=True)
class PhoneCounts:
    """Calls so far."""

    received: int = 0
    refused: int = 0
    placed: int = 0
    answered: int = 0
    failures: dict[str, int] = field(default_factory=dict)


class Phone:
    """One SIP address with all its calls. ``clock`` may be shared with other wires."""

    def __init__(
        self,
        settings: PhoneSettings,
        on_call: OnCall | None = None,
        *,
        admit: Admit | None = None,
        clock: MediaClock | None = None,
        ready: asyncio.Event | None = None,
    ) -> None:
        """``ready`` is set when who answers can; calls ring until then (rule 1)."""
        self._settings, self._on_call, self._admit = settings, on_call, admit
        self._ready = ready
        self.clock: Final = clock or MediaClock()
        self._endpoint = SipEndpoint(settings.sip_host, settings.sip_port, self._signalled)
        self._calls: dict[str, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: ThreadPoolExecutor | None = None
        self.legs: Final[dict[str, Leg]] = {}
        self.counts: Final = PhoneCounts()

    @property
    def address(self) -> Address:
        """Where it listens for SIP."""
        return self._endpoint.address

    @property
    def sip_counts(self) -> dict[str, int]:
        """Messages accepted, refused, ignored at the front door."""
        return dict(self._endpoint.counts)

    async def start(self) -> None:
        """Listen. Raises ``OSError`` when the SIP port is taken."""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="recording")
        await self._endpoint.start(self._settings.advertised)

    async def stop(self) -> None:
        """Hang up every call and give back ports, threads and tasks."""
        for leg in tuple(self.legs.values()):
            await leg.hang_up(NORMAL_CLEARING)
        for call in tuple(self._calls.values()):
            self._over(call, NORMAL_CLEARING)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._endpoint.stop()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await asyncio.get_running_loop().run_in_executor(None, writer.shutdown)

    async def place(
        self, address: str, ring_s: float | None = None, caller: str = ""
    ) -> SipLeg | CallOutcome:
        """Call somebody: the leg when answered, else why not.

        Cancelling this cancels the call. Raises ``BadAddress``, ``NoPortFree``,
        ``PhoneStopped``.
        """
        if self._writer is None:
            raise PhoneStopped
        trunk = self._settings.trunk
        callee = parse_callee(address, trunk)
        socket = await open_rtp_socket(self._settings.media_host, self._settings.rtp_ports)
        call = _Call(new_ref(), socket, secrets.randbits(31), address=address)
        call.waiting = asyncio.get_running_loop().create_future()
        self._calls[call.ref] = call
        self.counts.placed += 1
        media_host = self._advertised_media_host
        body = sdp.offer(media_host, socket.port, self._settings.codecs, call.session)
        sender = caller or self._settings.caller_id

        def make(target: Address) -> Attempt:
            use = trunk if trunk is not None and trunk.host == callee.host else Trunk("")
            return Attempt(
                call.ref, target, callee.user, sender, body,
                use.username or None, use.password or None,
            )  # fmt: skip

        try:
            await self._endpoint.place((callee.host, callee.port), make)
            async with asyncio.timeout(self._settings.ring_s if ring_s is None else ring_s):
                return await asyncio.shield(call.waiting)
        except TimeoutError:
            self._cancel(call)
            return CallOutcome(Outcome.NO_ANSWER, 487, NO_ANSWER, "ring time over", call.rang)
        except BaseException:
            self._cancel(call)
            raise

    def bridge(self, leg_a: Leg, leg_b: Leg) -> Bridge:
        """Join two legs of any wires that tick on this phone's clock."""
        bridge = Bridge(leg_a, leg_b)
        bridge.start()
        return bridge

    def music(self, leg: Leg, on: bool = True) -> None:
        """Hold music whenever nothing else is played to ``leg``."""
        leg.source = MusicLoop(leg.sample_rate).frame if on else None

    def record(self, leg: Leg, path: Path) -> Recording:
        """Write both sides of ``leg`` to a stereo WAV until ``stop`` or its end."""
        if self._writer is None:
            raise PhoneStopped
        recording = Recording(leg, path, self._writer)
        recording.start()
        return recording

    def adopt(self, leg: Leg) -> None:
        """List a leg of another wire among the live ones, until it ends."""
        self.legs[leg.id] = leg
        leg.on_end(partial(self._forget, leg.id))

    def _forget(self, leg_id: str) -> None:
        self.legs.pop(leg_id, None)

    @property
    def _advertised_media_host(self) -> str:
        return self._settings.advertised or self._settings.media_host

    def _signalled(self, signal: Signal) -> None:
        """Everything that sippy's thread tells comes through here."""
        if isinstance(signal, Invited):
            self._spawn(self._invited(signal))
            return
        call = self._calls.get(signal.ref)
        if call is None:
            return
        match signal:
            case Rang():
                call.rang = True
            case Connected(body=body):
                self._connected(call, body)
            case Failed(status=status, reason=reason):
                self._failed(call, outcome_of(status, reason, call.rang))
            case Reoffered(body=body):
                self._reoffered(call, body)
            case Informed(content_type=kind, body=body):
                _inform(call, kind, body)
            case Ended(cause=cause):
                self._over(call, cause)

    async def _invited(self, signal: Invited) -> None:
        """Rule 1."""
        self.counts.received += 1
        incoming = IncomingCall(
            signal.ref, signal.sip_call_id, signal.caller, signal.caller_host,
            signal.called, signal.display_name,
        )  # fmt: skip
        try:
            agreement, theirs = self._terms(signal.body)
        except (BadSdp, NothingInCommon) as error:
            _log.info("call from %s refused: %s", incoming.address, error)
            self._refuse(signal.ref, _NOT_ACCEPTABLE)
            return
        refusal = self._refusal(incoming)
        if refusal is not None:
            self._refuse(signal.ref, refusal)
            return
        try:
            await self._answer(incoming, agreement, theirs)
        except NoPortFree as error:
            _log.warning("call from %s refused: %s", incoming.address, error)
            self._refuse(signal.ref, _FULL)

    def _terms(self, body: str) -> tuple[sdp.Agreement | None, sdp.Description | None]:
        """What we agree to; nothing yet when the INVITE leaves the offer to us."""
        if not body:
            return None, None
        theirs = sdp.parse(body)
        return sdp.agree(theirs, self._settings.codecs), theirs

    def _refusal(self, incoming: IncomingCall) -> tuple[int, str] | None:
        if self._on_call is None:
            return _BUSY
        if len(self._calls) >= self._settings.max_calls:
            return _FULL
        cause = self._admit(incoming) if self._admit is not None else 0
        return status_of(cause) if cause else None

    def _refuse(self, ref: str, status: tuple[int, str]) -> None:
        self.counts.refused += 1
        self._endpoint.command("reject", ref, *status)

    async def _answer(
        self,
        incoming: IncomingCall,
        agreement: sdp.Agreement | None,
        theirs: sdp.Description | None,
    ) -> None:
        socket = await open_rtp_socket(self._settings.media_host, self._settings.rtp_ports)
        call = _Call(incoming.leg_id, socket, secrets.randbits(31), incoming, agreement)
        call.address = incoming.address
        self._calls[call.ref] = call
        self._endpoint.command("ring", call.ref)
        await self._until_ready()
        if call.ref not in self._calls:
            return  # the caller has given up
        self._endpoint.command("answer", call.ref, self._describe(call, theirs))

    async def _until_ready(self) -> None:
        if self._ready is not None and not self._ready.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(READY_S):
                    await self._ready.wait()

    def _describe(self, call: _Call, theirs: sdp.Description | None) -> str:
        """Our answer, or our offer where theirs is missing; each a new version."""
        call.session += 1
        host, port = self._advertised_media_host, call.socket.port
        if theirs is None or call.agreement is None:
            return sdp.offer(host, port, self._settings.codecs, call.session)
        return sdp.answer(theirs, call.agreement, host, port, call.session)

    def _connected(self, call: _Call, body: str) -> None:
        """Rules 2 and 3. A second answer of a forked call changes nothing."""
        if call.leg is not None:
            return
        if call.agreement is None:
            try:
                call.agreement = self._terms(body)[0]
            except (BadSdp, NothingInCommon) as error:
                _log.info("call with %s given up: %s", call.address, error)
        if call.agreement is None:
            self._endpoint.command("hang_up", call.ref, BEARER_UNAVAILABLE)
            self._failed(call, outcome_of(*_NOT_ACCEPTABLE, call.rang))
            return
        self._take(call, call.agreement)

    def _take(self, call: _Call, agreement: sdp.Agreement) -> None:
        incoming = call.incoming
        identity = SipIdentity(
            call.ref,
            call.address,
            incoming.display_name if incoming else "",
            incoming.sip_call_id if incoming else "",
        )
        call.leg = leg = SipLeg(
            identity, agreement, call.socket, self.clock, self._hang_up,
            self._settings.media_timeout_s,
        )  # fmt: skip
        self.legs[leg.id] = leg
        self.counts.answered += 1
        leg.start()
        if call.waiting is not None and not call.waiting.done():
            call.waiting.set_result(leg)
        if incoming is not None:
            self._spawn(self._serve(leg, incoming))

    async def _serve(self, leg: SipLeg, incoming: IncomingCall) -> None:
        """Give the call to its handler; a handler that fails must not keep the caller."""
        if self._on_call is None:
            return
        try:
            await self._on_call(leg, incoming)
        except Exception:
            _log.exception("the handler of call %s failed", leg.id)
            await leg.hang_up(TEMPORARY_FAILURE)

    def _reoffered(self, call: _Call, body: str) -> None:
        """Hold, resume, or a new address; terms we cannot meet leave the call as it is."""
        try:
            agreement, theirs = self._terms(body)
        except (BadSdp, NothingInCommon) as error:
            _log.info("new terms from %s refused: %s", call.address, error)
            self._endpoint.command("reject", call.ref, *_NOT_ACCEPTABLE)
            return
        if agreement is not None:
            call.agreement = agreement
            if call.leg is not None:
                call.leg.update(agreement)
        self._endpoint.command("reanswer", call.ref, self._describe(call, theirs))

    def _failed(self, call: _Call, outcome: CallOutcome) -> None:
        """The call we placed was not taken."""
        name = outcome.outcome.value
        self.counts.failures[name] = self.counts.failures.get(name, 0) + 1
        if call.waiting is not None and not call.waiting.done():
            call.waiting.set_result(outcome)
        self._over(call, outcome.cause)

    def _cancel(self, call: _Call) -> None:
        """Stop ringing there. An answer that crosses it is ended by the stack."""
        if call.ref in self._calls:
            self._endpoint.command("hang_up", call.ref, NO_ANSWER)
        if call.waiting is not None:
            call.waiting.cancel()
        self._over(call, NO_ANSWER)

    def _hang_up(self, ref: str, cause: int) -> None:
        """A leg ends itself."""
        self._endpoint.command("hang_up", ref, cause)
        self._calls.pop(ref, None)
        self.legs.pop(ref, None)

    def _over(self, call: _Call, cause: int) -> None:
        """Rule 4."""
        self._calls.pop(call.ref, None)
        self.legs.pop(call.ref, None)
        call.socket.close()
        if call.leg is not None:
            call.leg.end(cause)
        elif call.waiting is not None and not call.waiting.done():
            call.waiting.set_result(outcome_of(487, "ended before the answer", call.rang))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _inform(call: _Call, kind: str, body: str) -> None:
    """Keys by INFO: ``application/dtmf-relay`` has ``Signal=5``, ``application/dtmf`` the key."""
    if call.leg is None or not kind.lower().startswith("application/dtmf"):
        return
    found = re.search(r"(?:^|Signal\s*=)\s*([0-9*#A-D])", body.strip(), re.IGNORECASE)
    if found is not None:
        call.leg.key(found[1].upper())
