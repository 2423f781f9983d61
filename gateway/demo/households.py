"""The telephones of people whom the demo's campaigns call: a SIP address of their own.

What happens depends on the name that is called: ``…-busy`` is engaged, ``…-away``
does not answer, ``…-declines`` and ``…-moves`` say so, everybody else confirms.
"""

from __future__ import annotations

import logging

from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.leg import SipLeg
from gateway.demo.caller import Caller
from gateway.demo.recordings import Recordings

PORT = 5070
BUSY_CAUSE, AWAY_CAUSE = 17, 18
QUESTION_S = 40.0
GOODBYE_S = 15.0
KEYS = {"-declines": "9", "-moves": "2", "-cancels": "3"}
YES = "i-confirm"

log = logging.getLogger(__name__)


class Households:
    """Answers calls to ``sip:<name>@host:port`` as the name says."""

    def __init__(self, recordings: Recordings, host: str = "127.0.0.1", port: int = PORT) -> None:
        self._recordings = recordings
        settings = PhoneSettings(sip_host=host, sip_port=port, media_host=host, rtp_ports=(0, 0))
        self._phone = Phone(settings, self._answer, admit=self._admit)

        self.called: list[str] = []
        """The name on every call that came, in order; also of those not taken."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self._phone.address

    async def start(self) -> None:
        """Be reachable. Raises ``OSError`` when the port is taken."""
        await self._phone.start()

    async def stop(self) -> None:
        """Hang up everywhere."""
        await self._phone.stop()

    def _admit(self, call: IncomingCall) -> int:
        self.called.append(call.called)
        if call.called.endswith("-busy"):
            return BUSY_CAUSE
        return AWAY_CAUSE if call.called.endswith("-away") else 0

    async def _answer(self, leg: SipLeg, call: IncomingCall) -> None:
        caller = Caller(leg)
        await caller.listen(QUESTION_S)
        key = next((key for end, key in KEYS.items() if call.called.endswith(end)), "")
        if key:
            caller.press(key)
        elif not caller.over:
            await caller.say(self._recordings.pcm(YES))
        await caller.listen(GOODBYE_S)
        await caller.hang_up()
