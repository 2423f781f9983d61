"""How long the bot's answers on calls take, per stage, for Prometheus.

A stage that a turn did not have, or that was not measured, is no sample of its histogram: it is
counted by itself, so that a figure that went missing is seen.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from router.events import TurnTimed

STAGES = {
    "silence": "endpoint_ms",
    "recognition": "recognition_ms",
    "understanding": "understanding_ms",
    "action": "action_ms",
    "first_audio": "speech_ms",
    "total": "total_ms",
}
"""Label to field of ``TurnTimed``."""
BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


class TurnMetrics:
    """The turns of this process since it started."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._beside: list[Callable[[], bytes]] = []
        self._turns = Counter(
            "parley_turns",
            "Answers of callers that the bot dealt with, by how they came",
            ["input"],
            registry=self._registry,
        )
        self._stages = Histogram(
            "parley_turn_seconds",
            "From the end of a caller's answer to the bot's first audio, by stage",
            ["stage"],
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self._missing = Counter(
            "parley_turn_stage_missing",
            "Turns without this stage, or in which it was not measured",
            ["stage"],
            registry=self._registry,
        )

    def observe(self, turn: TurnTimed) -> None:
        """Count one turn."""
        self._turns.labels(turn.input).inc()
        for stage, field in STAGES.items():
            spent_ms = getattr(turn, field)
            if spent_ms is None:
                self._missing.labels(stage).inc()
            else:
                self._stages.labels(stage).observe(spent_ms / 1000)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return b"".join([generate_latest(self._registry), *(text() for text in self._beside)])

    def beside(self, text: Callable[[], bytes]) -> None:
        """Show these figures of the process' bots with them, in the same format."""
        self._beside.append(text)
