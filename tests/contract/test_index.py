"""The vector index's contract: a folder, memory, and a server when QDRANT_URL names one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knowledge.errors import IndexLocked, IndexMismatch, IndexUnavailable
from knowledge.index import QdrantIndex
from knowledge.model import Passage
from router.model import new_id

KINDS = ["folder", "memory"] + (["server"] if os.environ.get("QDRANT_URL") else [])
ENCODER = "toy"


def make_index(kind: str, folder: Path, collection: str) -> QdrantIndex:
    if kind == "folder":
        return QdrantIndex(path=folder, collection=collection)
    if kind == "server":
        return QdrantIndex(url=os.environ["QDRANT_URL"], collection=collection)
    return QdrantIndex(collection=collection)


@pytest.fixture(params=KINDS)
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[QdrantIndex]:
    index = make_index(request.param, tmp_path / "index", f"test-{new_id()}")
    await index.start(ENCODER, 3)
    yield index
    await index.stop()


def passage(number: int, text: str = "text", language: str = "en") -> Passage:
    key = f"00000000-0000-4000-8000-{number:012d}"
    return Passage(key, f"a{number}", language, "Title", "", text, 0, (text,))


EAST, NORTH, UP = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]


async def test_nearest_is_sorted_by_cosine(index: QdrantIndex) -> None:
    await index.put([passage(1), passage(2), passage(3)], [EAST, NORTH, UP])
    found = await index.nearest([0.9, 0.4, 0.1], "en", 2)
    assert [key for key, _ in found] == [passage(1).id, passage(2).id]
    assert found[0][1] == pytest.approx(0.9 / (0.9**2 + 0.4**2 + 0.1**2) ** 0.5, abs=1e-4)


async def test_nearest_sees_one_language_only(index: QdrantIndex) -> None:
    await index.put([passage(1), passage(2, language="lv")], [EAST, EAST])
    assert [key for key, _ in await index.nearest(EAST, "lv", 5)] == [passage(2).id]
    assert await index.nearest(EAST, "zh", 5) == []


async def test_put_again_replaces(index: QdrantIndex) -> None:
    await index.put([passage(1, "old")], [EAST])
    await index.put([passage(1, "new")], [NORTH])
    assert dict(await index.digests()) == {passage(1).id: passage(1, "new").digest}
    [(_, cosine)] = await index.nearest(NORTH, "en", 5)
    assert cosine == pytest.approx(1.0)


async def test_delete_removes_unknown_is_ignored(index: QdrantIndex) -> None:
    await index.put([passage(1), passage(2)], [EAST, NORTH])
    await index.delete([passage(1).id, passage(9).id])
    await index.delete([])
    assert set(await index.digests()) == {passage(2).id}


async def test_digests_of_many_are_complete(index: QdrantIndex) -> None:
    many = [passage(number) for number in range(1100)]
    await index.put(many, [EAST] * len(many))
    assert len(await index.digests()) == 1100


async def test_another_client_finds_what_was_put_before(tmp_path: Path) -> None:
    first = QdrantIndex(path=tmp_path)
    await first.start(ENCODER, 3)
    await first.put([passage(1), passage(2, language="lv")], [EAST, NORTH])
    await first.stop()
    again = QdrantIndex(path=tmp_path)
    await again.start(ENCODER, 3)
    assert [key for key, _ in await again.nearest(EAST, "lv", 9)] == [passage(2).id]
    await again.delete([passage(2).id])
    assert await again.nearest(EAST, "lv", 9) == []
    await again.stop()


async def test_wrong_length_is_refused_and_changes_nothing(index: QdrantIndex) -> None:
    with pytest.raises(IndexMismatch, match="vectors of 3, got one of 2"):
        await index.put([passage(1)], [[1.0, 0.0]])
    with pytest.raises(IndexMismatch):
        await index.nearest([1.0], "en", 1)
    assert await index.digests() == {}


async def test_encoders_do_not_mix(tmp_path: Path) -> None:
    first = QdrantIndex(path=tmp_path)
    await first.start("one", 3)
    await first.put([passage(1)], [EAST])
    await first.stop()
    second = QdrantIndex(path=tmp_path)
    await second.start("two", 2)
    assert await second.digests() == {}
    await second.stop()
    third = QdrantIndex(path=tmp_path)
    with pytest.raises(IndexMismatch, match="vectors of 3, the encoder makes 4"):
        await third.start("one", 4)
    await third.stop()


async def test_folder_keeps_what_was_put(tmp_path: Path) -> None:
    first = QdrantIndex(path=tmp_path)
    await first.start(ENCODER, 3)
    await first.put([passage(1)], [EAST])
    await first.stop()
    await first.stop()
    again = QdrantIndex(path=tmp_path)
    await again.start(ENCODER, 3)
    assert set(await again.digests()) == {passage(1).id}
    await again.stop()


async def test_folder_in_use_says_so(tmp_path: Path) -> None:
    first, second = QdrantIndex(path=tmp_path), QdrantIndex(path=tmp_path)
    await first.start(ENCODER, 3)
    with pytest.raises(IndexLocked, match="QDRANT_URL"):
        await second.start(ENCODER, 3)
    await second.stop()
    await first.stop()


async def test_server_away_is_retryable() -> None:
    index = QdrantIndex(url="http://127.0.0.1:9")
    with pytest.raises(IndexUnavailable, match=r"127\.0\.0\.1:9") as caught:
        await index.start(ENCODER, 3)
    assert caught.value.retryable
    await index.stop()


async def test_not_started_says_so() -> None:
    index = QdrantIndex()
    with pytest.raises(IndexUnavailable, match="start"):
        await index.digests()
    await index.stop()
