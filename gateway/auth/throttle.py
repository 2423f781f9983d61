"""A sliding window over events per key: wrong passwords, calls from one address. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime

MAX_KEYS = 10_000


class Throttle:
    """At most ``limit`` events per key in ``window_s`` seconds; the oldest keys are forgotten."""

    def __init__(self, limit: int, window_s: float, max_keys: int = MAX_KEYS) -> None:
        self._limit = limit
        self._window_s = window_s
        self._max_keys = max_keys
        self._events: OrderedDict[str, deque[datetime]] = OrderedDict()

    def wait_s(self, key: str, now: datetime) -> float:
        """Seconds until another event of ``key`` is allowed; 0 when it is now."""
        events = self._events.get(key)
        if events is None:
            return 0.0
        while events and (now - events[0]).total_seconds() >= self._window_s:
            events.popleft()
        if not events:
            del self._events[key]
            return 0.0
        if len(events) < self._limit:
            return 0.0
        return self._window_s - (now - events[0]).total_seconds()

    def note(self, key: str, now: datetime) -> None:
        """Count one event of ``key``."""
        self._events.setdefault(key, deque(maxlen=self._limit)).append(now)
        self._events.move_to_end(key)
        while len(self._events) > self._max_keys:
            self._events.popitem(last=False)

    def forget(self, key: str) -> None:
        """Drop what is known of ``key``, for instance after a right password."""
        self._events.pop(key, None)
