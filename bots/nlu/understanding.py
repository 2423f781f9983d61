"""From a customer's words to :class:`bots.flow.outcome.Understood`.

1. Fixed phrases first ("agent"); they need no model.
2. Then the flow's intents, in the language of the text.
3. A long text (a mail) is also read sentence by sentence; the clearest one counts.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bots.errors import NotTrained
from bots.flow.model import GLOBALS, Flow
from bots.flow.outcome import Understood
from bots.nlu.intents import (
    ACCEPT_EMBEDDED,
    ACCEPT_NGRAMS,
    RELATED,
    Floats,
    Head,
    NGrams,
    Scored,
    train,
)
from bots.nlu.language import detect
from bots.nlu.shortcuts import EXAMPLES, matter, shortcut
from bots.ports import Encoder

EMBEDDED = frozenset({"en"})
"""Languages the default encoder was trained on."""
LONG_WORDS = 25
"""From so many words on a text is read sentence by sentence as well."""
MAX_SENTENCES = 8
SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class _Model:
    """One language of one flow: a head over embeddings, or over n-grams."""

    head: Head
    grams: NGrams | None = None

    @property
    def accept(self) -> float:
        return ACCEPT_EMBEDDED if self.grams is None else ACCEPT_NGRAMS


class IntentUnderstanding:
    """Understands customers with a sentence encoder and each flow's own examples.

    ``prepare`` trains (about a second for 200 phrases) and is cached by the flow's
    version; ``understand`` costs one sentence encoding.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._models: dict[str, Mapping[str, _Model]] = {}
        self._preparing = asyncio.Lock()

    async def prepare(self, flow: Flow) -> None:
        """Train on the flow's examples unless this version already is. Safe to repeat."""
        async with self._preparing:
            if flow.version not in self._models:
                self._models[flow.version] = {
                    language: await self._train(phrases, language)
                    for language in flow.languages
                    if len(phrases := _phrases(flow, language)) > 0
                }

    async def _train(self, phrases: Mapping[str, tuple[str, ...]], language: str) -> _Model:
        listed = [phrase for examples in phrases.values() for phrase in examples]
        if language in EMBEDDED:
            vectors = np.asarray(await self._encoder.embed(listed), dtype=np.float64)
            return _Model(await asyncio.to_thread(train, phrases, vectors))
        grams = await asyncio.to_thread(NGrams, listed)
        return _Model(await asyncio.to_thread(train, phrases, grams.vectors), grams)

    async def understand(self, flow: Flow, text: str, language: str) -> Understood:
        """What the customer wants. Raises ``NotTrained`` when the flow was not prepared.

        ``language`` is the conversation's; the text's own, when it says so, wins.
        """
        detected = detect(text)
        spoken = detected if detected in flow.languages else language
        fixed = shortcut(text)
        if fixed:
            related = await self._matter(flow, text, spoken) if fixed == "agent" else None
            return Understood(text, intent=fixed, sure=True, related=related, language=detected)
        best, gist, accept = await self._best(flow, text, spoken)
        first = best[0] if best else None
        accepted = first is not None and first.score >= accept
        return Understood(
            text,
            intent=first.intent if first and accepted else None,
            confidence=round(first.score, 3) if first else 0.0,
            related=_related(flow, best) if first and first.intent in GLOBALS else None,
            gist=_gist(text, gist if accepted else ""),
            language=detected,
        )

    async def _matter(self, flow: Flow, text: str, language: str) -> str | None:
        """What somebody who asks for a person wants from that person."""
        about = matter(text)
        if not about:
            return None
        best, _, accept = await self._best(flow, about, language)
        topics = [scored for scored in best if not _is_small_talk(flow, scored.intent)]
        # A wrong guess here costs a transfer at most, so half the evidence is enough.
        return topics[0].intent if topics and topics[0].score >= accept / 2 else None

    async def rank(self, flow: Flow, text: str, language: str) -> list[Scored]:
        """All intents with their scores, for figures and for the desk."""
        model = self._model(flow, language)
        if model is None:
            return []
        return model.head.rank((await self._vectors(model, [text]))[0])

    async def _best(self, flow: Flow, text: str, language: str) -> tuple[list[Scored], str, float]:
        """The ranking of the clearest piece, that piece, and the threshold."""
        model = self._model(flow, language)
        if model is None:
            return [], text, 1.0
        pieces = _pieces(text)
        ranked = [model.head.rank(row) for row in await self._vectors(model, pieces)]
        weights = [_weight(flow, ranking[0], alone=len(pieces) == 1) for ranking in ranked]
        clearest = weights.index(max(weights))
        return ranked[clearest], pieces[clearest], model.accept

    def _model(self, flow: Flow, language: str) -> _Model | None:
        models = self._models.get(flow.version)
        if models is None:
            raise NotTrained(f"flow {flow.name!r} {flow.version} was not prepared")
        return models.get(language) or models.get(flow.languages[0])

    async def _vectors(self, model: _Model, texts: list[str]) -> list[Floats]:
        if model.grams is not None:
            return [model.grams.vector(text) for text in texts]
        embedded = await self._encoder.embed(texts)
        return [np.asarray(row, dtype=np.float64) for row in embedded]


def _phrases(flow: Flow, language: str) -> dict[str, tuple[str, ...]]:
    """Intent → examples in this language, the built-in ones included.

    A flow without intents of its own needs no model: fixed phrases suffice.
    """
    own = {name: intent.examples.get(language, ()) for name, intent in flow.intents.items()}
    own = {name: examples for name, examples in own.items() if examples}
    if not own:
        return {}
    for name, by_language in EXAMPLES.items():
        own[name] = (*own.get(name, ()), *by_language.get(language, ()))
    return own


def embedded_examples(flow: Flow) -> list[str]:
    """The examples of a flow that training embeds."""
    return [
        phrase
        for language in flow.languages
        if language in EMBEDDED
        for examples in _phrases(flow, language).values()
        for phrase in examples
    ]


def _related(flow: Flow, ranking: list[Scored]) -> str | None:
    """The topic next to a global intent, when one is near enough."""
    topics = [scored for scored in ranking if not _is_small_talk(flow, scored.intent)]
    nearest = max(topics, key=lambda scored: scored.cosine, default=None)
    return nearest.intent if nearest and nearest.cosine >= RELATED else None


def _is_small_talk(flow: Flow, name: str) -> bool:
    intent = flow.intents.get(name)
    return name in GLOBALS or (intent is not None and intent.small_talk)


def _weight(flow: Flow, best: Scored, *, alone: bool) -> float:
    """How clear a piece is; a greeting counts only when nothing else is said."""
    return best.score if alone or not _is_small_talk(flow, best.intent) else 0.0


def _gist(text: str, clearest: str) -> str:
    """The part of a long text that asks; empty when that is all of it."""
    if clearest:
        return clearest if clearest != text else ""
    questions = [piece for piece in _pieces(text)[1:] if piece.endswith(("?", "？"))]
    return questions[0] if questions else ""


def _pieces(text: str) -> list[str]:
    """The text, and its sentences when it is long or has several lines."""
    short = len(text.split()) < LONG_WORDS and len(text) < LONG_WORDS * 6
    if short and "\n" not in text.strip():
        return [text]
    sentences = [piece.strip() for piece in SENTENCE.split(text)]
    return [text, *(piece for piece in sentences if len(piece) > 3)][: MAX_SENTENCES + 1]
