"""What can go wrong at the door. The docstring is the default message."""

from __future__ import annotations

from router.errors import ParleyError


class NotSignedIn(ParleyError):
    """Nobody is signed in in this browser, or the session has run out. Sign in again."""


class NotAllowed(ParleyError):
    """Your role does not include this. Ask a supervisor or an administrator."""


class WrongPassword(ParleyError):
    """The name or the password is not right. Check both and try again."""


class TooManyTries(ParleyError):
    """Too many wrong passwords. Wait and try again."""

    retryable = True

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, round(wait_s))
        super().__init__(
            f"Too many wrong passwords for this name from this place. "
            f"Try again in {self.wait_s} seconds."
        )


class ForgedRequest(ParleyError):
    """The request did not come from our own page (CSRF check). Reload the page and try again."""


class TooManyRequests(ParleyError):
    """Too many requests from one place. Wait and try again."""

    retryable = True

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, round(wait_s))
        super().__init__(f"Too many requests from one place. Try again in {self.wait_s} seconds.")
