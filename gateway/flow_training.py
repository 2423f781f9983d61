"""``python -m bots check --training``: what flows' examples teach this installation's encoder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from bots.flow.model import Flow
from bots.nlu.fitting import Report
from bots.nlu.kept import KeptModels
from bots.nlu.understanding import IntentUnderstanding
from gateway.settings import Settings
from knowledge.embed import MiniLmEncoder
from knowledge.sentence_models import fingerprint


async def train(flows: Sequence[Flow]) -> list[Mapping[str, Report]]:
    """The reports of each flow by language; kept for the next start. Raises ``ParleyError``."""
    settings = Settings.from_env(os.environ)
    encoder = MiniLmEncoder(settings.encoder, kept=settings.data / "vectors")
    understanding = IntentUnderstanding(
        encoder,
        kept=KeptModels(settings.data / "intents", fingerprint(settings.encoder)),
        embedded=settings.encoder_languages,
    )
    try:
        await encoder.recall()
        for flow in flows:
            await understanding.prepare(flow)
        return [understanding.reports(flow) for flow in flows]
    finally:
        await encoder.stop()
