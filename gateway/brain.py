"""What bots and agents know: articles, flows, understanding. Once per process.

The encoder is one model for intents and retrieval alike.

A process opens its doors first and loads beside it. ``loaded`` is set once the index is open and,
where bots talk, model and intents are ready. Telephones ring until then; written messages are
answered late. Vectors of articles and examples are kept in ``<data>/vectors``, trained intents in
``<data>/intents``, so that only the first start of an installation takes long.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bots.actions import HttpActions
from bots.conversation import Conversation, Tools
from bots.conversations import Conversations
from bots.engines.phrases import Corpus
from bots.flow.check import parties_of, secrets_of
from bots.flow.model import Flow
from bots.flow.schema import read_flow
from bots.nlu.kept import KeptModels
from bots.nlu.understanding import IntentUnderstanding
from bots.nlu.zero_shot import NliReader
from bots.ports import House
from bots.shelf import FlowShelf
from gateway.configuration import Entry
from gateway.language_model import Help, start_help
from gateway.model_metrics import ModelMetrics
from gateway.settings import Settings
from knowledge.answer import KnowledgeBase
from knowledge.embed import MiniLmEncoder
from knowledge.index import QdrantIndex
from knowledge.ingest import read_articles
from knowledge.sentence_models import fingerprint
from router.company import Company
from router.errors import BadConfiguration, ParleyError
from router.ports import Clock
from router.redaction.redact import redact

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Brain:
    """Knowledge and conversations of this process, and what keeps them running."""

    encoder: MiniLmEncoder
    index: QdrantIndex
    knowledge: KnowledgeBase
    http: httpx.AsyncClient
    understanding: IntentUnderstanding
    conversations: Conversations
    help: Help
    tools: Tools
    """What every conversation of this process uses."""
    models: ModelMetrics
    labels: NliReader | None = None
    secrets: frozenset[str] = frozenset()
    """The names of those that flows may use."""
    shelf: FlowShelf | None = None
    """The flows' versions; without it those of the folder are all there are."""
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when bots can answer, and when it is clear that they cannot."""
    failed: bool = False
    loading: asyncio.Task[None] | None = None

    @property
    def can_answer(self) -> bool:
        """Whether bots think by now."""
        return self.loaded.is_set() and not self.failed

    def load(self, *, talks: bool) -> None:
        """Begin to load; whoever asks a bot meanwhile waits.

        Where bots do not talk all the time, model and intents are loaded when first needed:
        they take seconds of a core and hundreds of megabytes.
        """
        self.loading = asyncio.create_task(self._load(talks), name="loading")

    def converse(self, flow: Flow) -> Conversation:
        """A flow with what it needs.

        Raises ``BadConfiguration`` for a secret or somebody outside that is not there.
        """
        _require_secrets(flow, self.secrets)
        require_parties(flow, self.tools.outside)
        return Conversation(flow, self.tools)

    async def prepare(self) -> None:
        """Everything that can be kept on disk for later starts. Raises ``ParleyError``."""
        await self.encoder.recall()
        await self.knowledge.catch_up()
        await self._keep()

    async def _load(self, talks: bool) -> None:
        began = time.monotonic()
        try:
            await self.encoder.recall()
            changed = await self.knowledge.catch_up()
            log.info("knowledge: %d passages new, %d as before", changed.added, changed.kept)
            if talks:
                await self.encoder.start()
                if self.labels is not None:
                    await self.labels.start()
                for name in self.conversations:
                    await self.conversations[name].prepare()
        except Exception as error:
            self.failed = True
            log.critical(
                "bots cannot think: %s", error, exc_info=not isinstance(error, ParleyError)
            )
            return
        finally:
            self.loaded.set()
        log.info("bots can answer, after %.1f s of loading", time.monotonic() - began)
        if talks:
            await self._prepare_next_start()

    async def _prepare_next_start(self) -> None:
        try:
            # Ahead of the customers' questions, in small batches.
            await self.knowledge.warm()
            await self._keep()
        except (ParleyError, OSError) as error:
            log.warning("the next start will take longer: %s", error)

    async def _keep(self) -> None:
        flows = [self.conversations[name].flow for name in self.conversations]
        examples = [phrase for flow in flows for phrase in self.understanding.examples(flow)]
        await self.encoder.keep([*self.knowledge.texts(), *examples])

    def corpus(self) -> Corpus:
        """What callers and articles say, for the speech language model."""
        flows = [self.conversations[name].flow for name in self.conversations]
        phrases = [
            phrase
            for flow in flows
            for intent in flow.intents.values()
            for phrase in intent.examples.get("en", ())
        ]
        return Corpus(tuple(phrases), tuple(self.knowledge.corpus()))

    async def stop(self) -> None:
        """Let go of the model, the index and the connections."""
        if self.loading is not None:
            self.loading.cancel()
            await asyncio.gather(self.loading, return_exceptions=True)
        await self.knowledge.stop()
        await self.index.stop()
        await self.encoder.stop()
        await self.help.stop()
        if self.labels is not None:
            await self.labels.stop()
        await self.http.aclose()


async def start_brain(
    settings: Settings,
    company: Company,
    clock: Clock,
    index_folder: Path,
    house: House,
) -> Brain:
    """Read articles and flows; ``load`` does the rest. Raises ``ParleyError``."""
    secrets = await asyncio.to_thread(read_secrets, settings.secrets)
    encoder = MiniLmEncoder(settings.encoder, kept=settings.data / "vectors")
    index = (
        QdrantIndex(url=settings.qdrant_url)
        if settings.qdrant_url
        else QdrantIndex(path=index_folder)
    )
    metrics = ModelMetrics()
    helped = await start_help(
        settings, secrets, lambda text: redact(text, company.redaction), metrics
    )
    knowledge = KnowledgeBase(encoder, index, helped.written)
    articles = await asyncio.to_thread(read_articles, settings.articles)
    await knowledge.shelve(articles, clock.now().date())
    http = httpx.AsyncClient(timeout=10)
    labels = NliReader(settings.zero_shot) if settings.zero_shot else None
    understanding = IntentUnderstanding(
        encoder,
        kept=KeptModels(settings.data / "intents", fingerprint(settings.encoder)),
        embedded=settings.encoder_languages,
        labels=labels,
    )
    api = settings.orders_url or f"{settings.base_url}/demo/api"
    tools = Tools(
        understanding,
        knowledge,
        HttpActions(http, secrets),
        clock,
        {"api": api},
        adviser=helped.adviser,
        rewriter=helped.rewriter,
        summariser=helped.summariser,
        house=house,
        outside=settings.outside or {},
        timezone=_timezone(company),
        policy=lambda: company.redaction,
    )
    return Brain(
        encoder,
        index,
        knowledge,
        http,
        understanding,
        Conversations(
            (Conversation(flow, tools) for flow in await _flows(settings, company, secrets)),
            Entry(company),
        ),
        helped,
        tools,
        metrics,
        labels,
        frozenset(secrets),
    )


def _timezone(company: Company) -> str:
    """Where the default queue is; a flow that is tried without a company has none."""
    queue = company.queues.get(company.default_queue)
    return queue.hours.timezone if queue else "UTC"


async def _flows(settings: Settings, company: Company, secrets: Mapping[str, str]) -> list[Flow]:
    paths = sorted(settings.flows.glob("*.yaml"))
    flows = [await asyncio.to_thread(read_flow, path) for path in paths]
    names = {flow.name for flow in flows}
    missing = sorted(set(company.entry.values()) - names)
    if missing:
        raise BadConfiguration(
            f"the company's entry names the flow {missing[0]!r}; {settings.flows} has: "
            f"{', '.join(sorted(names)) or 'none'}"
        )
    for flow in flows:
        _require_secrets(flow, frozenset(secrets))
        require_parties(flow, settings.outside or {})
    return flows


def _require_secrets(flow: Flow, secrets: Set[str]) -> None:
    unset = sorted(secrets_of(flow) - secrets)
    if unset:
        raise BadConfiguration(
            f"flow {flow.name!r} names the secret {unset[0]!r}; put it into a file of that "
            "name in the folder PARLEY_SECRETS"
        )


def require_parties(flow: Flow, outside: Mapping[str, str]) -> None:
    """Raise ``BadConfiguration`` where it calls somebody outside who is not listed."""
    unknown = sorted(parties_of(flow) - set(outside))
    if unknown:
        raise BadConfiguration(
            f"flow {flow.name!r} puts callers through to {unknown[0]!r}, whom PARLEY_OUTSIDE does "
            f"not list; there are: {', '.join(sorted(outside)) or 'none'}"
        )


def read_secrets(folder: Path | None) -> dict[str, str]:
    """Each file of the folder is a secret by its name, without the line's end."""
    if folder is None:
        return {}
    return {
        path.name: path.read_text(encoding="utf-8").strip()
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".")
    }
