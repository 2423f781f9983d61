"""What can go wrong on the text channels (chat, e-mail, SMS)."""

from __future__ import annotations

from router.errors import ParleyError, PeerError


class BadAddress(PeerError):
    """This is no phone number or mail address that we can answer to."""


class BadFrame(PeerError):
    """A chat frame is not what docs/channels.md describes; the detail names the field."""

    status = 400
    title = "Malformed frame"


class FrameTooLarge(BadFrame):
    """A chat frame is longer than the limit. Send a shorter text."""

    status = 413
    title = "Frame too large"


class TooFast(BadFrame):
    """Frames come faster than the limit. Wait ``retry_after_s`` and send it again."""

    status = 429
    title = "Too many messages"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"wait {retry_after_s:.1f} s, then send it again")
        self.retry_after_s = retry_after_s


class BadToken(PeerError):
    """A chat sign-in token is malformed, expired or signed with another secret."""


class BadSignature(PeerError):
    """X-Twilio-Signature does not fit URL and body. Check PUBLIC_URL and the auth token."""


class SendDelayed(ParleyError):
    """The peer cannot take the message now. Nothing is lost: it is tried again."""

    retryable = True


class SendRefused(ParleyError):
    """The peer refuses this message for good; its words are the detail."""


class MailLoop(PeerError):
    """This mail is one of ours coming back. It is refused so that it cannot go round."""


class NotNow(BadFrame):
    """The line could not be stored now. It was not lost: send it again in a moment."""

    status = 503
    title = "Try again"


class NotYours(BadFrame):
    """This is not possible for this visitor now, for instance a second score."""

    status = 409
    title = "Not possible"
