"""The language model of this process, if the settings name one, and what it may help with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bots.advice.answers import ModelWriter
from bots.advice.rewriting import ModelRewriter
from bots.advice.second_opinion import SecondOpinion
from bots.advice.summary import ModelSummariser
from bots.engines.llm import ApiModel
from gateway.model_metrics import ModelMetrics
from gateway.settings import Settings
from knowledge.written import Written


@dataclass(frozen=True, slots=True)
class Help:
    """Who helps with what; None where nobody does."""

    model: ApiModel | None = None
    adviser: SecondOpinion | None = None
    rewriter: ModelRewriter | None = None
    written: Written | None = None
    summariser: ModelSummariser | None = None

    async def stop(self) -> None:
        """Close the connections. Safe to call twice."""
        if self.model is not None:
            await self.model.stop()


async def start_help(
    settings: Settings,
    secrets: Mapping[str, str],
    redact: Callable[[str], str],
    metrics: ModelMetrics,
) -> Help:
    """Nothing is asked yet. Raises ``BadConfiguration``.

    ``redact`` is what every text of others passes before it leaves this process.
    """
    options = settings.language_model(secrets)
    if options is None:
        return Help()
    model = ApiModel(options, redact=redact, used=metrics.observe)
    await model.start()
    uses = settings.llm_for
    written = Written(ModelWriter(model)) if "answer" in uses else None
    if written is not None:
        metrics.count_answers(lambda: written.outcomes)
    return Help(
        model,
        SecondOpinion(model) if "understanding" in uses else None,
        ModelRewriter(model) if "rewriting" in uses else None,
        written,
        ModelSummariser(model) if "summary" in uses else None,
    )
