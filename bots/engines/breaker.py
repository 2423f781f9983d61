"""A circuit breaker: who fails again and again is left alone for a while. Pure.

1. CLOSED: everybody may ask. ``most_failures`` within ``window_s`` open it.
2. OPEN: nobody may ask for ``rest_s``; each time it fails anew it rests twice as long, at
   most ``longest_rest_s``.
3. HALF-OPEN: then one may try. Success closes the circuit and forgets the past; failure
   opens it again. A try that is abandoned, or never heard of again, lets the next one try.
4. What began before the circuit opened and ends while it is open changes nothing, except
   that a success closes it.

Times are seconds on any clock that only goes forward.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

MOST_FAILURES = 3
WINDOW_S = 30.0
REST_S = 10.0
LONGEST_REST_S = 120.0


class Circuit(StrEnum):
    """The states of the rules."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much is borne, and for how long then nothing is asked. Seconds."""

    most_failures: int = MOST_FAILURES
    window_s: float = WINDOW_S
    rest_s: float = REST_S
    longest_rest_s: float = LONGEST_REST_S


class Breaker:
    """One circuit."""

    def __init__(self, tolerance: Tolerance | None = None) -> None:
        self._tolerance = tolerance or Tolerance()
        self._failures: deque[float] = deque(maxlen=self._tolerance.most_failures)
        self._rest_s = self._tolerance.rest_s
        self._opened_at = 0.0
        self._tried_at: float | None = None
        self.state = Circuit.CLOSED

    def allows(self, now: float) -> bool:
        """Whether to ask now. In HALF-OPEN a True is the one try (rule 3)."""
        if self.state is Circuit.CLOSED:
            return True
        if self.state is Circuit.OPEN:
            if now - self._opened_at < self._rest_s:
                return False
            self.state = Circuit.HALF_OPEN
        elif self._tried_at is not None and now - self._tried_at < self._rest_s:
            return False
        self._tried_at = now
        return True

    def succeeded(self) -> bool:
        """An answer came; True when that closed the circuit."""
        closed = self.state is not Circuit.CLOSED
        self.state = Circuit.CLOSED
        self._rest_s = self._tolerance.rest_s
        self._failures.clear()
        self._tried_at = None
        return closed

    def failed(self, now: float) -> bool:
        """No answer, a wrong one, or a late one; True when that opened the circuit."""
        if self.state is Circuit.OPEN:
            return False
        if self.state is Circuit.HALF_OPEN:
            self._open(now, min(2 * self._rest_s, self._tolerance.longest_rest_s))
            return True
        self._failures.append(now)
        many = len(self._failures) == self._tolerance.most_failures
        if not many or now - self._failures[0] > self._tolerance.window_s:
            return False
        self._open(now, self._tolerance.rest_s)
        return True

    def abandoned(self) -> None:
        """Whoever asked did not wait for the answer: neither good nor bad."""
        if self.state is Circuit.HALF_OPEN:
            self._tried_at = None

    @property
    def rest_s(self) -> float:
        """How long it rests when open."""
        return self._rest_s

    def _open(self, now: float, rest_s: float) -> None:
        self.state = Circuit.OPEN
        self._opened_at, self._rest_s = now, rest_s
        self._failures.clear()
        self._tried_at = None
