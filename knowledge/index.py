"""Passages and their vectors in Qdrant: embedded (a folder or memory) or a server.

Rules:
1. One collection per encoder and language, cosine distance: filtering 700 points
   by payload costs the embedded mode 17 ms, a collection of its own nothing.
   The payload carries a digest, by which ingestion knows what has changed.
2. The embedded mode is one process and one writer per folder, and its errors
   are plain ``ValueError`` and ``RuntimeError``; a server's are HTTP errors.
   Both leave here as ``knowledge.errors``.
3. Calls run on threads: one for the embedded mode, which is not made for more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from knowledge.errors import IndexLocked, IndexMismatch, IndexUnavailable
from knowledge.model import Passage
from router.errors import ParleyError

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

Result = TypeVar("Result")

COLLECTION = "parley"
SERVER_THREADS = 4
SERVER_TIMEOUT_S = 10
PAGE = 512
"""Points per request when reading or writing many."""


class QdrantIndex:
    """``knowledge.ports.VectorIndex`` on Qdrant.

    Give ``path`` for a folder, ``url`` for a server, neither for memory only.
    """

    def __init__(
        self, *, path: Path | None = None, url: str | None = None, collection: str = COLLECTION
    ) -> None:
        self._path = path
        self._url = url
        self._collection = collection
        self._client: QdrantClient | None = None
        self._languages: set[str] = set()
        self._encoder = ""
        self._dimensions = 0
        threads = SERVER_THREADS if url else 1
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="qdrant")

    async def start(self, encoder: str, dimensions: int) -> None:
        """Open what holds this encoder's vectors."""
        self._encoder = encoder.lower()
        self._dimensions = dimensions
        await self._call(self._open)

    async def stop(self) -> None:
        """Close the client and its threads."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.get_running_loop().run_in_executor(self._workers, client.close)
        self._workers.shutdown(wait=False)

    async def put(self, passages: Sequence[Passage], vectors: Sequence[Sequence[float]]) -> None:
        """Insert or replace, durable and findable on return."""
        for vector in vectors:
            self._check(vector)
        pairs = list(zip(passages, vectors, strict=True))
        for language in sorted({passage.language for passage in passages}):
            own = [pair for pair in pairs if pair[0].language == language]
            for start in range(0, len(own), PAGE):
                await self._call(partial(self._put, language, own[start : start + PAGE]))

    async def delete(self, passage_ids: Sequence[str]) -> None:
        """Remove by id."""
        if passage_ids:
            await self._call(lambda: self._delete(passage_ids))

    async def digests(self) -> Mapping[str, str]:
        """Passage id → digest."""
        return await self._call(self._digests)

    async def nearest(
        self, vector: Sequence[float], language: str, limit: int
    ) -> list[tuple[str, float]]:
        """Ids and cosines, best first."""
        self._check(vector)
        return await self._call(lambda: self._nearest(vector, language, limit))

    def _check(self, vector: Sequence[float]) -> None:
        if len(vector) != self._dimensions:
            raise IndexMismatch(
                f"the index holds vectors of {self._dimensions}, got one of {len(vector)}"
            )

    async def _call(self, work: Callable[[], Result]) -> Result:
        """Run blocking work on our threads and translate its errors."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, work)
        except ParleyError:
            raise
        except Exception as error:
            told = f"{self._where()}: {type(error).__name__}: {error}"
            hint = "; if the folder is damaged, delete it: it is built anew" if self._path else ""
            raise IndexUnavailable(told + hint) from error

    def _where(self) -> str:
        return self._url or str(self._path or "memory")

    def _opened(self) -> QdrantClient:
        if self._client is None:
            raise IndexUnavailable(f"{self._where()}: the index is not open; await start() first")
        return self._client

    def _open(self) -> None:
        from qdrant_client import models

        if self._client is None:
            self._client = self._connect()
        prefix = self._name("")
        for found in self._client.get_collections().collections:
            if not found.name.startswith(prefix):
                continue
            params = self._client.get_collection(found.name).config.params.vectors
            size = params.size if isinstance(params, models.VectorParams) else None
            if size != self._dimensions:
                raise IndexMismatch(
                    f"{self._where()}: collection {found.name!r} holds vectors of {size},"
                    f" the encoder makes {self._dimensions}"
                )
            self._languages.add(found.name.removeprefix(prefix))

    def _name(self, language: str) -> str:
        return f"{self._collection}-{self._encoder}-{language}"

    def _ensure(self, language: str) -> None:
        """Create the language's collection; another process may have done so meanwhile."""
        from qdrant_client import models

        client = self._opened()
        name = self._name(language)
        if language not in self._languages and not client.collection_exists(name):
            client.create_collection(
                name,
                vectors_config=models.VectorParams(
                    size=self._dimensions, distance=models.Distance.COSINE
                ),
            )
        self._languages.add(language)

    def _connect(self) -> QdrantClient:
        from qdrant_client import QdrantClient

        if self._url:
            return QdrantClient(url=self._url, timeout=SERVER_TIMEOUT_S, check_compatibility=False)
        if self._path is None:
            return QdrantClient(":memory:")
        self._path.mkdir(parents=True, exist_ok=True)
        _refuse_if_locked(self._path)
        return QdrantClient(path=str(self._path))

    def _put(self, language: str, pairs: Sequence[tuple[Passage, Sequence[float]]]) -> None:
        from qdrant_client import models

        self._ensure(language)
        points = [
            models.PointStruct(id=passage.id, vector=list(vector), payload=_payload(passage))
            for passage, vector in pairs
        ]
        self._opened().upsert(self._name(language), points, wait=True)

    def _delete(self, passage_ids: Sequence[str]) -> None:
        from qdrant_client import models

        points = models.PointIdsList(points=list(passage_ids))
        for language in self._languages:
            self._opened().delete(self._name(language), points, wait=True)

    def _digests(self) -> dict[str, str]:
        found: dict[str, str] = {}
        self._opened()
        for language in self._languages:
            after: models.ExtendedPointId | None = None
            while True:
                points, after = self._opened().scroll(
                    self._name(language), limit=PAGE, offset=after, with_payload=["digest"]
                )
                found.update(
                    {str(point.id): str((point.payload or {})["digest"]) for point in points}
                )
                if after is None:
                    break
        return found

    def _nearest(
        self, vector: Sequence[float], language: str, limit: int
    ) -> list[tuple[str, float]]:
        client = self._opened()
        if language not in self._languages:
            return []
        found = client.query_points(
            self._name(language), query=list(vector), limit=limit, with_payload=False
        )
        return [(str(point.id), point.score) for point in found.points]


def _refuse_if_locked(folder: Path) -> None:
    """Raise ``IndexLocked`` when another client holds the folder.

    The client would find out by itself, but leave its lock file open behind it.
    """
    import portalocker

    with (folder / ".lock").open("a+") as lock:
        try:
            portalocker.lock(lock, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except portalocker.LockException as error:
            raise IndexLocked(
                f"{folder}: another process uses this index; stop it,"
                " or set QDRANT_URL so that several can share a server"
            ) from error
        portalocker.unlock(lock)


def _payload(passage: Passage) -> dict[str, str | int]:
    return {
        "article": passage.article_id,
        "language": passage.language,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "position": passage.position,
        "digest": passage.digest,
    }
