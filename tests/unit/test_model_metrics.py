"""The language model's figures as Prometheus reads them."""

from __future__ import annotations

from bots.engines.llm import Used
from bots.engines.llm_wire import Tokens
from gateway.model_metrics import ModelMetrics
from gateway.turn_metrics import TurnMetrics


def test_requests_tokens_cost_and_what_was_not_counted_are_shown() -> None:
    metrics = ModelMetrics()
    metrics.observe(Used("answer", "answered", Tokens(800, 60), 0.25, first_s=0.2, whole_s=0.7))
    metrics.observe(Used("answer", "answered", None, first_s=0.2, whole_s=0.7))
    metrics.observe(Used("understanding", "rested"))
    metrics.count_answers(lambda: {"written": 1, "refused": 1})
    text = metrics.text().decode()
    for line in (
        'parley_llm_requests_total{outcome="answered",purpose="answer"} 2.0',
        'parley_llm_requests_total{outcome="rested",purpose="understanding"} 1.0',
        'parley_llm_tokens_total{kind="read",purpose="answer"} 800.0',
        'parley_llm_tokens_total{kind="written",purpose="answer"} 60.0',
        'parley_llm_uncounted_total{purpose="answer"} 1.0',
        'parley_llm_cost_total{purpose="answer"} 0.25',
        'parley_llm_seconds_count{part="first",purpose="answer"} 2.0',
        'parley_llm_answers_total{outcome="refused"} 1.0',
    ):
        assert line in text, line
    assert 'seconds_count{part="first",purpose="understanding"}' not in text


def test_figures_are_shown_beside_those_of_the_turns() -> None:
    turns, models = TurnMetrics(), ModelMetrics()
    turns.beside(models.text)
    models.observe(Used("summary", "busy"))
    text = turns.text().decode()
    assert 'parley_llm_requests_total{outcome="busy",purpose="summary"} 1.0' in text
    assert "parley_turns" in text
