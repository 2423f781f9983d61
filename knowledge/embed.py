"""Sentence embeddings on the CPU, off the event loop.

Rules:
1. Worker threads compute, as many batches side by side as the model can; the event loop only
   queues and awaits.
2. Texts asked for at the same time share batches; short ones go first, so a
   caller's question never waits behind a whole article.
3. A text seen lately is not computed again, and neither is one whose vector is kept on disk.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from knowledge.bert import Floats
from knowledge.errors import ModelUnavailable
from knowledge.sentence_models import DEFAULT_MODEL, SentenceModel, fingerprint, load_model
from knowledge.vectors import VectorFile

CACHED_TEXTS = 8192
BATCH_TEXTS = 16
BATCH_CHARACTERS = 1500
"""The longest text times the batch's size stays below this: padding is cheap, and the batch
fits a core's cache (8,000 take half as long again)."""
MOST_CORES = 4

Result = TypeVar("Result")


class MiniLmEncoder:
    """all-MiniLM-L6-v2, or another sentence encoder by name or folder.

    ``start`` loads it (half a second of CPU; 5 to 7 s for one that needs transformers) and
    may be awaited by several callers; ``embed`` starts it when nobody did and some text
    is new.
    ``threads`` is how many cores it may use (all, but at most ``MOST_CORES``, when not given);
    ``kept`` is the folder for vectors of texts that are known beforehand (``recall`` and ``keep``).
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        threads: int | None = None,
        kept: Path | None = None,
    ) -> None:
        self._wanted = model
        self._kept: VectorFile | None = None
        if kept is not None:
            self._kept = VectorFile(kept / f"{self.name}.npz", fingerprint(model))
        self._threads = threads or min(MOST_CORES, os.cpu_count() or 1)
        self._workers = ThreadPoolExecutor(self._threads, thread_name_prefix="encoder")
        self._filing = asyncio.Lock()
        self._model: SentenceModel | None = None
        self._starting: asyncio.Task[None] | None = None
        # As 4-byte floats: lists would take 100 MB for a full cache.
        self._seen: OrderedDict[str, Floats] = OrderedDict()
        self._asked: dict[str, asyncio.Future[list[float]]] = {}
        self._waiting: list[str] = []
        self._draining: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """The model's name, a part of what makes stored vectors comparable."""
        return Path(self._wanted).name

    @property
    def dimensions(self) -> int:
        """Length of a vector. Raises ``ModelUnavailable`` before ``start`` or ``recall``."""
        if self._model is None:
            if self._kept is not None and self._kept.dimensions:
                return self._kept.dimensions
            raise ModelUnavailable("the encoder has not started; await start() first")
        return self._model.dimensions

    async def start(self) -> None:
        """Load the model. Raises ``ModelUnavailable`` naming what is missing."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._load())
        await asyncio.shield(self._starting)

    async def stop(self) -> None:
        """Drop queued work and end the threads. Safe to call twice."""
        for task in (*self._draining, self._starting):
            if task is not None:
                task.cancel()
        for future in self._asked.values():
            future.cancel()
        self._waiting.clear()
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit-length vectors, one per text, in order. Raises ``ModelUnavailable``."""
        rows = [self._remembered(text) for text in texts]
        missing = {text for text, row in zip(texts, rows, strict=True) if row is None}
        if missing:
            await self.start()
        found = dict(zip(missing, await self._compute(list(missing)), strict=True))
        return [
            row if row is not None else found[text] for text, row in zip(texts, rows, strict=True)
        ]

    async def recall(self) -> None:
        """Take in the kept vectors, so that those texts need no model."""
        if self._kept is not None:
            async with self._filing:
                await self._on_worker(self._kept.read)

    async def keep(self, texts: Sequence[str]) -> None:
        """Write the vectors of exactly these texts for the next start, embedding what is new.

        Nothing that a customer said may be among them. Raises ``ModelUnavailable``, ``OSError``.
        """
        unique = list(dict.fromkeys(texts))
        if self._kept is None or self._kept.keeps_exactly(unique):
            return
        vectors = await self.embed(unique)
        async with self._filing:
            await self._on_worker(partial(self._kept.write, unique, vectors))

    def _remembered(self, text: str) -> list[float] | None:
        row = self._seen.get(text)
        if row is None:
            return self._kept.get(text) if self._kept is not None else None
        self._seen.move_to_end(text)
        known: list[float] = row.tolist()
        return known

    async def _compute(self, texts: list[str]) -> list[list[float]]:
        if not texts:
            return []
        loop = asyncio.get_running_loop()
        for text in texts:
            if text not in self._asked:
                self._asked[text] = loop.create_future()
                self._waiting.append(text)
        self._waiting.sort(key=len)
        futures = [self._asked[text] for text in texts]
        self._draining = {task for task in self._draining if not task.done()}
        for _ in range(len(self._draining), min(self._at_once(), len(self._waiting))):
            self._draining.add(asyncio.create_task(self._drain()))
        # Shielded: another caller may wait for the same text after this one has left.
        return list(await asyncio.gather(*(asyncio.shield(future) for future in futures)))

    async def _drain(self) -> None:
        while self._waiting:
            batch = next_batch(self._waiting)
            del self._waiting[: len(batch)]
            try:
                rows = await self._encoded(batch)
            except Exception as error:
                for text in batch:
                    self._answer(text, ModelUnavailable(f"the encoder failed: {error}"))
                continue
            for text, row in zip(batch, rows, strict=True):
                self._remember(text, row)
                self._answer(text, row.tolist())

    def _answer(self, text: str, answer: list[float] | ModelUnavailable) -> None:
        future = self._asked.pop(text)
        if future.done():
            return
        if isinstance(answer, ModelUnavailable):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    def _remember(self, text: str, row: Floats) -> None:
        self._seen[text] = row.copy()
        if len(self._seen) > CACHED_TEXTS:
            self._seen.popitem(last=False)

    def _at_once(self) -> int:
        return 1 if self._model is None else self._model.at_once

    async def _encoded(self, batch: list[str]) -> Floats:
        model = self._model
        if model is None:
            raise ModelUnavailable("the encoder has not started; await start() first")
        return await self._on_worker(partial(model.encode, batch))

    async def _load(self) -> None:
        self._model = await self._on_worker(partial(load_model, self._wanted, self._threads))

    async def _on_worker(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)


def next_batch(texts: Sequence[str]) -> list[str]:
    """The first texts of a list sorted by length that make one batch; at least one."""
    size = 1
    for text in texts[1:BATCH_TEXTS]:
        if len(text) * (size + 1) > BATCH_CHARACTERS:
            break
        size += 1
    return list(texts[:size])
