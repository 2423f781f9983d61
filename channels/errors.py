"""What can go wrong in a channel. The docstring says what it means and how to mend it."""

from __future__ import annotations

from router.errors import LocalError, ParleyError, PeerError


class BadRtp(PeerError):
    """The datagram is not RTP version 2; it was dropped. Check what sends to this port."""


class BadDtmf(PeerError):
    """The telephone-event payload is not four bytes with an event of 0–15 (RFC 4733)."""


class BadSdp(PeerError):
    """The session description cannot be read or has no audio over RTP/AVP (RFC 4566)."""


class BadSip(PeerError):
    """The SIP message breaks RFC 3261; it was answered where that was possible."""


class BadAddress(ParleyError):
    """Not an address that can be called. Use ``sip:user@host:port`` or a number and a trunk."""


class NothingInCommon(PeerError):
    """Offer and answer share no codec. Offer PCMU or PCMA at 8000 Hz."""


class NoPortFree(ParleyError):
    """Every RTP port of the configured range is in use. Widen ``rtp_ports``."""

    retryable = True


class PhoneStopped(LocalError):
    """The phone is not running. Call ``await phone.start()`` first."""


class RecordingFailed(ParleyError):
    """The recording could not be written. Check the disk and the folder's rights."""


class BadOffer(PeerError):
    """The browser's WebRTC offer cannot be answered; it needs one audio line and DTLS."""
