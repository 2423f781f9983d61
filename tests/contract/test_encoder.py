"""The encoder: meanings as vectors, and questions can be asked at once."""

from __future__ import annotations

import asyncio
import math
import sys
from pathlib import Path

import pytest

from knowledge.embed import MiniLmEncoder
from knowledge.errors import ModelUnavailable
from knowledge.sentence_models import DEFAULT_MODEL

TEXTS = ["Where is my parcel?", "a", "包裹在哪里？", "Kur ir mana paka?", "long text " * 300]


async def test_vectors_have_unit_length_and_like_meanings_are_near() -> None:
    encoder = MiniLmEncoder(threads=1)
    vectors = await encoder.embed([*TEXTS, "Where has my package got to?"])
    assert encoder.dimensions == 384
    for vector in vectors:
        assert math.fsum(value * value for value in vector) == pytest.approx(1.0, abs=1e-5)
    near = sum(a * b for a, b in zip(vectors[0], vectors[-1], strict=True))
    far = sum(a * b for a, b in zip(vectors[0], vectors[4], strict=True))
    assert near > 0.6 > far
    await encoder.stop()


async def test_embed_asked_at_once_each_gets_its_own() -> None:
    encoder = MiniLmEncoder(threads=1)
    await encoder.start()
    alone = await encoder.embed(["one"])
    groups = [encoder.embed(["one", f"text {number}"]) for number in range(30)]
    answers = await asyncio.gather(*groups)
    assert all(answer[0] == alone[0] for answer in answers)
    assert len({tuple(answer[1]) for answer in answers}) == 30
    assert await encoder.embed([]) == []
    await encoder.stop()


async def test_many_texts_on_two_cores_come_in_their_order() -> None:
    one, two = MiniLmEncoder(threads=1), MiniLmEncoder(threads=2)
    texts = [f"text {number} " * (1 + number % 7) for number in range(60)]
    for alone, shared in zip(await one.embed(texts), await two.embed(texts), strict=True):
        assert shared == pytest.approx(alone, abs=1e-5)
    await one.stop()
    await two.stop()


async def test_the_default_encoder_needs_no_torch() -> None:
    program = (
        "import asyncio, sys; from knowledge.embed import MiniLmEncoder\n"
        "assert len(asyncio.run(MiniLmEncoder().embed(['one']))[0]) == 384\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await process.wait() == 0


async def test_embed_caller_gives_up_others_still_get_theirs() -> None:
    encoder = MiniLmEncoder(threads=1)
    await encoder.start()
    impatient = asyncio.create_task(encoder.embed(["shared"]))
    patient = asyncio.create_task(encoder.embed(["shared"]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert len((await patient)[0]) == 384
    await encoder.stop()


async def test_unknown_folder_names_what_is_missing() -> None:
    encoder = MiniLmEncoder("/nowhere/at/all", threads=1)
    with pytest.raises(ModelUnavailable, match="/nowhere/at/all"):
        await encoder.start()
    await encoder.stop()


async def test_kept_vectors_need_no_model_and_no_customers_words_are_kept(tmp_path: Path) -> None:
    first = MiniLmEncoder(threads=1, kept=tmp_path)
    await first.recall()
    await first.embed(["what a customer wrote"])
    await first.keep(TEXTS)
    vectors = await first.embed(TEXTS)
    await first.stop()

    second = MiniLmEncoder(threads=1, kept=tmp_path)
    await second.recall()
    second.start = _must_not_start  # type: ignore[method-assign]
    assert second.dimensions == 384
    for kept, computed in zip(await second.embed(TEXTS), vectors, strict=True):
        assert kept == pytest.approx(computed, abs=1e-7)
    with pytest.raises(AssertionError, match="needs the model"):
        await second.embed(["what a customer wrote"])
    await second.stop()


async def _must_not_start() -> None:
    raise AssertionError("this text needs the model")


async def test_damaged_file_of_vectors_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / f"{DEFAULT_MODEL}.npz").write_bytes(b"PK no vectors here")
    encoder = MiniLmEncoder(threads=1, kept=tmp_path)
    await encoder.recall()
    await encoder.keep(TEXTS)
    await encoder.stop()
    again = MiniLmEncoder(threads=1, kept=tmp_path)
    await again.recall()
    assert again.dimensions == 384
    await again.stop()
