"""What the language model does and costs, for Prometheus.

Tokens are counted as the server tells them; an answer for which it told none is counted by
itself, so that a bill that is too high is not explained by figures that are too low.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from bots.engines.llm import Used

BUCKETS_S = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


class ModelMetrics:
    """The requests of this process since it started."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._asked = Counter(
            "parley_llm_requests",
            "Requests to the language model by use and outcome",
            ["purpose", "outcome"],
            registry=self.registry,
        )
        self._tokens = Counter(
            "parley_llm_tokens",
            "Tokens as the server counted them",
            ["purpose", "kind"],
            registry=self.registry,
        )
        self._uncounted = Counter(
            "parley_llm_uncounted",
            "Answers for which the server told no tokens",
            ["purpose"],
            registry=self.registry,
        )
        self._cost = Counter(
            "parley_llm_cost",
            "Cost by PARLEY_LLM_PRICE, in its currency",
            ["purpose"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "parley_llm_seconds",
            "From the request to the first token, and to the end",
            ["purpose", "part"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def observe(self, used: Used) -> None:
        """Count one request."""
        self._asked.labels(used.purpose, used.outcome).inc()
        if used.first_s is not None:
            self._seconds.labels(used.purpose, "first").observe(used.first_s)
        if used.outcome == "answered":
            self._seconds.labels(used.purpose, "whole").observe(used.whole_s)
            if used.tokens is None:
                self._uncounted.labels(used.purpose).inc()
        if used.tokens is not None:
            self._tokens.labels(used.purpose, "read").inc(used.tokens.read)
            self._tokens.labels(used.purpose, "written").inc(used.tokens.written)
            self._cost.labels(used.purpose).inc(used.cost)

    def count_answers(self, outcomes: Callable[[], Mapping[str, int]]) -> None:
        """Show what became of written answers: ``knowledge.written``."""
        self.registry.register(_Answers(outcomes))

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)


class _Answers(Collector):
    """Read when somebody asks."""

    def __init__(self, outcomes: Callable[[], Mapping[str, int]]) -> None:
        self._outcomes = outcomes

    def collect(self) -> list[CounterMetricFamily]:
        """One counter by outcome."""
        family = CounterMetricFamily(
            "parley_llm_answers",
            "Answers that the model worded: used, refused by the checks, failed, or none",
            labels=["outcome"],
        )
        for outcome, count in self._outcomes().items():
            family.add_metric([outcome], count)
        return [family]
