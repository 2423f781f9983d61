"""SIP status and Q.850 cause (RFC 3398 §7.2.4.1 and §8.2.6.1), and what became of a call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

NORMAL_CLEARING: Final = 16
USER_BUSY: Final = 17
NO_ANSWER: Final = 19
CALL_REJECTED: Final = 21
TEMPORARY_FAILURE: Final = 41
TIMER_EXPIRED: Final = 102

_CAUSE_BY_STATUS: Final = {
    401: 21, 402: 21, 403: 21, 404: 1, 405: 63, 406: 79, 407: 21, 408: 102, 410: 22, 413: 127,
    414: 127, 415: 79, 416: 127, 420: 127, 480: 18, 481: 41, 482: 25, 483: 25, 484: 28, 485: 1,
    486: 17, 487: 16, 488: 65, 500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127,
    600: 17, 603: 21, 604: 1, 606: 65,
}  # fmt: skip
_STATUS_BY_CAUSE: Final = {
    1: (404, "Not Found"), 16: (480, "Temporarily Unavailable"), 17: (486, "Busy Here"),
    18: (480, "Temporarily Unavailable"), 19: (480, "Temporarily Unavailable"),
    21: (603, "Decline"), 22: (410, "Gone"), 27: (502, "Bad Gateway"),
    28: (484, "Address Incomplete"), 34: (503, "Service Unavailable"),
    41: (500, "Server Internal Error"), 65: (488, "Not Acceptable Here"),
    102: (504, "Server Time-out"),
}  # fmt: skip
_FAILED: Final = (500, "Server Internal Error")


class Outcome(Enum):
    """How an attempt to call somebody ended without a conversation."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """Why there is no leg, with the evidence: SIP status, Q.850 cause, whether it rang."""

    outcome: Outcome
    status: int
    cause: int
    reason: str
    rang: bool


_OUTCOME_BY_STATUS: Final = {
    486: Outcome.BUSY, 600: Outcome.BUSY, 603: Outcome.DECLINED, 403: Outcome.DECLINED,
    408: Outcome.NO_ANSWER, 480: Outcome.NO_ANSWER, 487: Outcome.NO_ANSWER,
    404: Outcome.UNREACHABLE, 410: Outcome.UNREACHABLE, 484: Outcome.UNREACHABLE,
    502: Outcome.UNREACHABLE, 604: Outcome.UNREACHABLE,
}  # fmt: skip


def cause_of(status: int) -> int:
    """The Q.850 cause of a final SIP status; 41 for one that RFC 3398 does not name."""
    return _CAUSE_BY_STATUS.get(status, TEMPORARY_FAILURE)


def status_of(cause: int) -> tuple[int, str]:
    """Status and phrase with which a call is refused for a Q.850 cause."""
    return _STATUS_BY_CAUSE.get(cause, _FAILED)


def outcome_of(status: int, reason: str, rang: bool) -> CallOutcome:
    """What a final status means for who placed the call.

    A 408 that nobody rang for means that nothing answered at that address.
    """
    outcome = _OUTCOME_BY_STATUS.get(status, Outcome.FAILED)
    if status == 408 and not rang:
        outcome = Outcome.UNREACHABLE
    return CallOutcome(outcome, status, cause_of(status), reason, rang)
