"""How long suggestions for agents take, for Prometheus and the system page."""

from __future__ import annotations

from collections import deque

import numpy as np
from prometheus_client import CollectorRegistry, Histogram, generate_latest

BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
LATEST = 500
"""Of so many the page's figure is made."""


class AssistTimes:
    """The suggestions of this process since it started."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._latest: deque[float] = deque(maxlen=LATEST)
        self._seconds = Histogram(
            "parley_suggest_seconds",
            "From an agent's page asking for suggestions to the answer",
            buckets=BUCKETS_S,
            registry=self._registry,
        )

    def observe(self, seconds: float) -> None:
        """Count one."""
        self._latest.append(seconds)
        self._seconds.observe(seconds)

    @property
    def ms_p95(self) -> float | None:
        """Of the latest, milliseconds; None before the first."""
        return float(np.percentile(self._latest, 95)) * 1000 if self._latest else None

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)
