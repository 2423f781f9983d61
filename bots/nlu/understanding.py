"""From a customer's words to :class:`bots.flow.outcome.Understood`.

1. Fixed phrases first ("agent"); they need no model.
2. Then the flow's intents, in the language of the text.
3. A long text (a mail) is also read sentence by sentence; the clearest one counts.
4. What is none of these may still be an intent that has a label and no examples, if there is a
   model that reads labels (``bots.nlu.zero_shot``).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping

import numpy as np

from bots.errors import LabelsUnread, NotTrained
from bots.flow.model import GLOBALS, Flow, Intent
from bots.flow.outcome import Understood
from bots.nlu.fitting import IntentModel, Report, learn
from bots.nlu.intents import Scored
from bots.nlu.kept import KeptModels
from bots.nlu.language import detect
from bots.nlu.shortcuts import EXAMPLES, matter, shortcut
from bots.nlu.spelling import Floats
from bots.ports import Encoder, LabelReader

log = logging.getLogger(__name__)

EMBEDDED = frozenset({"en"})
"""Languages the default encoder was trained on."""
RELATED = 0.45
"""Cosine from which an intent counts as the matter of a sentence classified as a wish."""
LABEL_FITS = 0.8
"""Probability from which a text is what a label says."""
LONG_WORDS = 25
"""From so many words on a text is read sentence by sentence as well."""
MAX_SENTENCES = 8
SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+|(?<=[。！？])")


class IntentUnderstanding:
    """Understands customers with a sentence encoder and each flow's own examples.

    ``prepare`` trains (about a second for 200 phrases), or takes what is ``kept`` of the same
    examples; ``understand`` costs one sentence encoding. ``embedded`` are the languages that the
    encoder knows; others are read by their spelling alone.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        kept: KeptModels | None = None,
        embedded: frozenset[str] = EMBEDDED,
        labels: LabelReader | None = None,
    ) -> None:
        self._encoder = encoder
        self._kept = kept
        self._embedded = embedded
        self._labels = labels
        self._models: dict[str, Mapping[str, IntentModel]] = {}
        self._preparing = asyncio.Lock()

    async def prepare(self, flow: Flow) -> None:
        """Train on the flow's examples unless this version already is. Safe to repeat."""
        async with self._preparing:
            if flow.version not in self._models:
                self._models[flow.version] = {
                    language: await self._model_of(phrases, language)
                    for language in flow.languages
                    if len(phrases := _phrases(flow, language)) > 0
                }

    def forget(self, flow: Flow) -> None:
        """Let go of what was learned of this version; ``prepare`` brings it back."""
        self._models.pop(flow.version, None)

    def reports(self, flow: Flow) -> Mapping[str, Report]:
        """By language, what training found out. Raises ``NotTrained``."""
        return {language: model.report for language, model in self._of(flow).items()}

    def examples(self, flow: Flow) -> list[str]:
        """The examples of a flow that training embeds."""
        return [
            phrase
            for language in flow.languages
            if language in self._embedded
            for examples in _phrases(flow, language).values()
            for phrase in examples
        ]

    async def _model_of(self, phrases: Mapping[str, tuple[str, ...]], language: str) -> IntentModel:
        if self._kept is not None:
            known = await asyncio.to_thread(self._kept.find, phrases, language)
            if known is not None:
                return known
        vectors: Floats | None = None
        if language in self._embedded:
            listed = [phrase for examples in phrases.values() for phrase in examples]
            vectors = np.asarray(await self._encoder.embed(listed), dtype=np.float32)
        model = await asyncio.to_thread(learn, phrases, vectors, language)
        if self._kept is not None:
            try:
                await asyncio.to_thread(self._kept.keep, phrases, language, model)
            except OSError as error:
                log.warning("the trained intents could not be kept: %s", error)
        return model

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
        best, gist, model = await self._best(flow, text, spoken)
        first = best[0] if best else None
        accepted = first is not None and model is not None and first.score >= model.accept
        between = _between(flow, best, model) if model is not None else ()
        if not (accepted or between):
            by_label = await self._by_label(flow, text, detected)
            if by_label is not None:
                return by_label
        return Understood(
            text,
            intent=first.intent if first and accepted else None,
            confidence=round(first.score, 3) if first else 0.0,
            related=_related(flow, best) if first and first.intent in GLOBALS else None,
            between=between,
            gist=_gist(text, gist if accepted else ""),
            language=detected,
        )

    async def _by_label(self, flow: Flow, text: str, detected: str) -> Understood | None:
        """The intent without examples whose label says what is wanted."""
        named = {intent.label: name for name, intent in flow.intents.items() if _only_label(intent)}
        if self._labels is None or not named:
            return None
        try:
            chances = await self._labels.read(text, list(named))
        except LabelsUnread as error:
            log.warning("labels were not read: %s", error)
            return None
        label = max(chances, key=chances.__getitem__)
        if chances[label] < LABEL_FITS:
            return None
        confidence = round(chances[label], 3)
        return Understood(text, intent=named[label], confidence=confidence, language=detected)

    async def _matter(self, flow: Flow, text: str, language: str) -> str | None:
        """What somebody who asks for a person wants from that person."""
        about = matter(text)
        if not about:
            return None
        best, _, model = await self._best(flow, about, language)
        topics = [scored for scored in best if not _is_small_talk(flow, scored.intent)]
        # A wrong guess here costs a transfer at most, so half the evidence is enough.
        enough = model is not None and bool(topics) and topics[0].score >= model.accept / 2
        return topics[0].intent if enough else None

    async def rank(self, flow: Flow, text: str, language: str) -> list[Scored]:
        """All intents with their scores, for figures and for the desk."""
        model = self._model(flow, language)
        return [] if model is None else (await self._ranked(model, [text]))[0]

    async def _best(
        self, flow: Flow, text: str, language: str
    ) -> tuple[list[Scored], str, IntentModel | None]:
        """The ranking of the clearest piece, that piece, and whose ranking it is."""
        model = self._model(flow, language)
        if model is None:
            return [], text, None
        pieces = _pieces(text)
        ranked = await self._ranked(model, pieces)
        weights = [_weight(flow, ranking[0], alone=len(pieces) == 1) for ranking in ranked]
        clearest = weights.index(max(weights))
        return ranked[clearest], pieces[clearest], model

    def _of(self, flow: Flow) -> Mapping[str, IntentModel]:
        models = self._models.get(flow.version)
        if models is None:
            raise NotTrained(f"flow {flow.name!r} {flow.version} was not prepared")
        return models

    def _model(self, flow: Flow, language: str) -> IntentModel | None:
        models = self._of(flow)
        return models.get(language) or models.get(flow.languages[0])

    async def _ranked(self, model: IntentModel, texts: list[str]) -> list[list[Scored]]:
        vectors: Floats | None = None
        if model.readers.meaning is not None:
            vectors = np.asarray(await self._encoder.embed(texts), dtype=np.float32)
        return model.readers.rank_all(texts, vectors)


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


def _only_label(intent: Intent) -> bool:
    return bool(intent.label) and not any(intent.examples.values())


def _between(flow: Flow, best: list[Scored], model: IntentModel) -> tuple[str, ...]:
    """Two intents that are both plausible and lead to different places."""
    if len(best) < 2:
        return ()
    first, second = best[:2]
    plausible = first.score + second.score >= model.accept
    close = first.score > 0 and second.score >= model.clear * first.score
    if not (plausible and close):
        return ()
    known = [flow.intents.get(scored.intent) for scored in (first, second)]
    places = {(intent.go, intent.queue) for intent in known if intent and not intent.small_talk}
    asked = len(places) == len(known) and not {first.intent, second.intent} & set(GLOBALS)
    return (first.intent, second.intent) if asked else ()


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
