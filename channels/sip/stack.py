"""sippy behind our own doors. Imported and run on the reactor's thread only.

1. Sockets are ours: sippy gets checked text in and hands bytes out (``Wire``).
2. One user agent per call; its events become ``Signal`` values for the event loop.
3. What sippy cannot parse although the front door let it in is answered 400, what makes
   it fail inside is answered 500; its transaction is forgotten and nothing stops.
4. sippy prints its troubles; here they are logged.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Final

import sippy.Core.EventDispatcher
import sippy.Network_server
import sippy.SipTransactionManager
from sippy.CCEvents import (
    CCEventConnect,
    CCEventDisconnect,
    CCEventFail,
    CCEventInfo,
    CCEventPreConnect,
    CCEventRedirect,
    CCEventRing,
    CCEventTry,
    CCEventUpdate,
)
from sippy.Core.EventDispatcher import ED2
from sippy.MsgBody import MsgBody
from sippy.Network_server import Remote_address
from sippy.SipAllow import SipAllow
from sippy.SipContact import SipContact
from sippy.SipHeader import SipHeader
from sippy.SipReason import SipReason
from sippy.SipTransactionManager import SipTransactionManager
from sippy.Time.MonoTime import MonoTime
from sippy.UA import UA
from sippy.UaStateConnected import UaStateConnected

from channels.sip.causes import NORMAL_CLEARING, cause_of
from channels.sip.message import METHODS, Accepted, Address, refuse_text
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

SERVER_NAME: Final = "Parley"
CONTACT_USER: Final = "parley"
_log = logging.getLogger(__name__)


def prepare_dispatcher() -> Any:
    """Make sippy's dispatcher belong to this thread and its troubles go to the log."""
    ED2.my_ident = threading.get_ident()
    for module in (sippy.Core.EventDispatcher, sippy.Network_server, sippy.SipTransactionManager):
        module.dump_exception = _log_trouble
    sippy.SipTransactionManager.local4remote = _OneWire
    return ED2


def _log_trouble(message: str, f: object = None, extra: object = None) -> None:
    """Takes the place of sippy's ``dump_exception``, which prints whole messages."""
    _log.warning("sippy: %s (%s)", message.strip()[:200], type(sys.exc_info()[1]).__name__)


class _Options:
    """What sippy's transaction manager wants to know of a socket."""

    def isWildCard(self) -> bool:  # noqa: N802 - sippy's name
        """No: the wire knows its own address."""
        return False


@dataclass(slots=True)
class Wire:
    """Looks like one of sippy's sockets; the real one is on the event loop."""

    local: Address
    send: Callable[[bytes, Address], None]
    transport: str = "udp"
    uopts: _Options = field(default_factory=_Options)

    def getSIPaddr(self) -> tuple[Address, str]:  # noqa: N802 - sippy's name
        """How we are reached, for Via and Contact."""
        return self.local, self.transport

    def addr2str(self, address: Address) -> str:
        """For sippy's log, which is silent."""
        return f"{address[0]}:{address[1]}"

    def send_to(self, data: bytes | str, address: Address, delayed: bool = False) -> None:
        """One message out."""
        self.send(data if isinstance(data, bytes) else data.encode(), address)


class _OneWire:
    """Takes the place of sippy's table of sockets, which opens some and leaves them."""

    def __init__(self, config: dict[str, Any], *_sockets: object) -> None:
        self._wire: Wire = config["_wire"]

    def getServer(self, _address: Address, is_local: bool = False) -> Wire:  # noqa: N802
        """Every address is reached by the same socket."""
        return self._wire

    def rotateCache(self) -> None:  # noqa: N802 - sippy's name
        """There is no cache."""


class _Silent:
    """Takes the place of sippy's message log, which writes files."""

    def write(self, *_lines: object, **_times: object) -> None:
        """Keep no copy: messages hold personal data."""


class _ConnectedCall(UaStateConnected):  # type: ignore[misc]
    """A standing call. Unlike sippy's: every re-INVITE is ours to answer, REFER is none."""

    def _reinvited(self, req: Any) -> Any:
        agent = self.ua
        agent.uasResp = req.genResponse(100, "Trying", server=agent.local_ua)
        agent.global_config["_sip_tm"].sendResponse(agent.uasResp)
        event = CCEventUpdate(req.getBody(), rtime=req.rtime, origin=agent.origin)
        agent.equeue.append(event)
        return (agent.UasStateUpdating,)

    recv_request_handlers: ClassVar[dict[str, Any]] = {
        "INVITE": _reinvited,
        "BYE": UaStateConnected.recv_request_handlers["BYE"],
        "INFO": UaStateConnected.recv_request_handlers["INFO"],
        "OPTIONS": UaStateConnected.recv_request_handlers["OPTIONS"],
    }


class _Agent(UA):  # type: ignore[misc]
    """One call's user agent."""

    UaStateConnected = _ConnectedCall
    local_ua = SERVER_NAME
    rAddr: tuple[Address, str] | None  # noqa: N815 - sippy's name

    def __init__(self, config: dict[str, Any], ref: str, **options: Any) -> None:
        super().__init__(config, **options)
        self.ref = ref
        # sippy's own has the display name Anonymous, which some callers take into a URI.
        host, port = config["_wire"].local
        self.lContact = SipContact(f"<sip:{CONTACT_USER}@{host}:{port}>")
        self.lContact.parse()

    def recvRequest(self, req: Any, sip_t: Any) -> Any:  # noqa: N802 - sippy's name
        if req.getMethod() in ("INFO", "OPTIONS") and not self.isConnected():
            return req.genResponse(481, "Call Does Not Exist", server=SERVER_NAME), None, None
        result = super().recvRequest(req, sip_t)
        self._answer_where_it_came_from(req)
        return result

    def _answer_where_it_came_from(self, req: Any) -> None:
        """Behind a NAT the Contact cannot be reached; the packet's source can."""
        source = req.getSource()
        if self.rAddr is not None and not self.routes and self.rAddr[0][0] != source[0]:
            self.rAddr = (source, "udp")


class Signalling:
    """All calls of one phone, on sippy's side."""

    def __init__(self, wire: Wire, emit: Callable[[Signal], None], name_ref: Callable[[], str]):
        self._wire, self._emit, self._name_ref = wire, emit, name_ref
        self._agents: dict[str, _Agent] = {}
        self._config: dict[str, Any] = {
            "_sip_address": wire.local[0],
            "_sip_port": wire.local[1],
            "_sip_logger": _Silent(),
            "_wire": wire,
        }
        self._manager = SipTransactionManager(self._config, self._new_request)
        self._config["_sip_tm"] = self._manager

    def stop(self) -> int:
        """End calls and the periodic work; gives how many calls wait for a last answer.

        What is left of transactions runs out by itself.
        """
        for ref in tuple(self._agents):
            self.hang_up(ref, NORMAL_CLEARING)
        self._manager.cp_timer.cancel()
        return len(self._agents)

    def receive(self, message: Accepted, source: Address) -> None:
        """Give sippy one checked message."""
        data = message.text.encode()
        try:
            remote = Remote_address(source, "udp")
            self._manager.handleIncoming(data, remote, self._wire, MonoTime())
        except Exception:
            _log.exception("the SIP stack failed on a %s", message.method or "response")
            self._refuse(message, source, 500, "Server Internal Error")
            self._forget(data)
            return
        cached = self._manager.l1rcache.get(hashlib.md5(data, usedforsecurity=False).digest())
        if message.method not in ("", "ACK") and cached is not None and cached.data is None:
            # sippy marks so what it could not parse and will not look at again.
            self._refuse(message, source, 400, "Bad Request")

    def _refuse(self, message: Accepted, source: Address, status: int, reason: str) -> None:
        refused = refuse_text(message.text, source, status, reason)
        if message.method and refused.answer:
            self._wire.send(refused.answer, refused.to)

    def _forget(self, data: bytes) -> None:
        """Drop the transaction that a failed message left behind."""
        checksum = hashlib.md5(data, usedforsecurity=False).digest()
        for tid, transaction in tuple(self._manager.tserver.items()):
            if transaction.checksum == checksum:
                if transaction.teE is not None:
                    transaction.teE.cancel()
                del self._manager.tserver[tid]

    def _new_request(self, req: Any, transaction: Any) -> Any:
        """A request outside every call we know."""
        method = req.getMethod()
        if req.getHFBody("to").getTag() is not None and method != "OPTIONS":
            return req.genResponse(481, "Call Does Not Exist", server=SERVER_NAME), None, None
        if method == "OPTIONS":
            response = req.genResponse(200, "OK", server=SERVER_NAME)
            response.appendHeader(SipHeader(body=SipAllow(methods=list(METHODS))))
            return response, None, None
        if method != "INVITE":
            return req.genResponse(481, "Call Does Not Exist", server=SERVER_NAME), None, None
        ref = self._name_ref()
        agent = _Agent(self._config, ref, dead_cbs=(self._agent_died,))
        agent.event_cb = partial(self._invited, host=req.getSource()[0])
        self._agents[ref] = agent
        return agent.recvRequest(req, transaction)

    def _agent_died(self, agent: _Agent) -> None:
        self._agents.pop(agent.ref, None)

    def _invited(self, event: Any, agent: _Agent, host: str) -> None:
        """The first event of an incoming call; the rest goes the common way."""
        agent.event_cb = self._event
        if not isinstance(event, CCEventTry):
            self._event(event, agent)
            return
        call_id, caller, called, body, _auth, display = event.getData()
        self._emit(
            Invited(
                agent.ref,
                str(call_id),
                caller or "",
                host,
                called or "",
                (display or "").strip('"'),
                _text(body),
            )
        )

    def _event(self, event: Any, agent: _Agent) -> None:
        signal = _signal(event, agent.ref)
        if signal is not None:
            self._emit(signal)

    def place(self, attempt: Attempt) -> None:
        """Send an INVITE."""
        agent = _Agent(
            self._config,
            attempt.ref,
            event_cb=self._event,
            username=attempt.username,
            password=attempt.password,
            nh_address=attempt.target,
            nh_transport="udp",
            dead_cbs=(self._agent_died,),
        )
        self._agents[attempt.ref] = agent
        body = MsgBody(attempt.body)
        agent.recvEvent(CCEventTry((None, attempt.caller, attempt.user, body, None, None)))

    def ring(self, ref: str) -> None:
        """180 to the caller."""
        self._tell(ref, CCEventRing((180, "Ringing", None)))

    def answer(self, ref: str, body: str) -> None:
        """200 to the caller; ``Connected`` follows with the ACK."""
        self._tell(ref, CCEventPreConnect((200, "OK", MsgBody(body))))

    def reanswer(self, ref: str, body: str) -> None:
        """200 to a re-INVITE."""
        self._tell(ref, CCEventConnect((200, "OK", MsgBody(body))))

    def reject(self, ref: str, status: int, reason: str) -> None:
        """Refuse an INVITE or a re-INVITE."""
        self._tell(ref, CCEventFail((status, reason)))

    def hang_up(self, ref: str, cause: int) -> None:
        """BYE, or CANCEL while it rings there, with the cause (RFC 3326)."""
        event = CCEventDisconnect()
        event.reason_rfc3326 = SipReason(protocol="Q.850", cause=cause)
        self._tell(ref, event)

    def _tell(self, ref: str, event: Any) -> None:
        agent = self._agents.get(ref)
        if agent is not None and not agent.isDead():
            agent.recvEvent(event)


def _text(body: Any) -> str:
    return "" if body is None else str(body)


def _signal(event: Any, ref: str) -> Signal | None:
    """One of sippy's events as ours; None for what nobody needs to know."""
    data = event.getData()
    if isinstance(event, CCEventRing):
        return Rang(ref, data[0]) if data[0] > 100 else None
    if isinstance(event, CCEventConnect):
        return Connected(ref, _text(data[2]))
    if isinstance(event, CCEventUpdate):
        return Reoffered(ref, _text(data))
    if isinstance(event, CCEventInfo):
        kind = "" if data is None else str(data.getType())
        return Informed(ref, kind, _text(data))
    if isinstance(event, CCEventFail | CCEventRedirect):
        return Failed(ref, data[0], data[1])
    if isinstance(event, CCEventDisconnect):
        return Ended(ref, _cause(event))
    return None


def _cause(event: Any) -> int:
    """The Q.850 cause that the far end gave, from a Q.850 or SIP Reason (RFC 3326)."""
    reason = event.reason_rfc3326
    if reason is None or not isinstance(reason.cause, int):
        return NORMAL_CLEARING
    if (reason.protocol or "").upper() == "SIP":
        return cause_of(reason.cause)
    return int(reason.cause) if 0 < reason.cause < 128 else NORMAL_CLEARING
