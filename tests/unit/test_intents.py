"""Intents: spelling, fitting on the examples, what is kept on disk, two close ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from bots.flow.schema import parse_flow
from bots.nlu.fitting import LEAST_SPELLING, UNDECIDED, IntentModel, learn
from bots.nlu.kept import MOST_KEPT, KeptModels
from bots.nlu.spelling import Spelling, grams
from bots.nlu.understanding import IntentUnderstanding
from tests.talking import WordEncoder

PHRASES = {
    "refund": (
        "refund please",
        "i want a refund",
        "refund my money",
        "when is my refund coming",
        "the refund has not come",
        "how do i get a refund",
    ),
    "delivery": (
        "where is my parcel",
        "the parcel is late",
        "when does the parcel come",
        "my parcel is lost",
        "track my parcel",
        "parcel not delivered",
    ),
    "hours": (
        "when do you open",
        "opening hours",
        "are you open on sunday",
        "how long are you open",
        "do you open at noon",
        "open today",
    ),
    "password": (
        "reset my password",
        "password forgotten",
        "new password please",
        "my password does not work",
        "change password",
        "wrong password",
    ),
}


def shape(model: IntentModel, text: str) -> list[tuple[str, float]]:
    return [(found.intent, found.score) for found in model.readers.rank(text, None)]


def test_typing_mistakes_and_endings_share_most_of_their_grams() -> None:
    spelling = Spelling.of(["when will i receive my parcel", "rēķins nav saņemts", "opening hours"])
    rows = spelling.rows(["when wil i recieve my parcel", "rekinu", "zzz"]).toarray()
    near = rows @ spelling.rows(["when will i receive my parcel", "rēķins nav saņemts"]).T.toarray()
    assert near[0, 0] > 0.6 > near[0, 1]
    assert near[1, 1] > 0.3 > near[1, 0]
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 0], abs=1e-6)


def test_chinese_is_taken_by_characters_and_pairs_of_them() -> None:
    assert sorted(grams("查账单")) == sorted(["查", "账", "单", "查账", "账单"])


def test_the_threshold_comes_from_the_examples_and_refuses_what_is_like_none() -> None:
    model = learn(PHRASES, None, "en")
    best = model.readers.rank("the refund is late, refund it", None)[0]
    assert best.intent == "refund"
    assert best.score >= model.accept >= LEAST_SPELLING
    assert model.readers.rank("xylophone quartz", None)[0].score < model.accept
    assert model.report.examples == {"refund": 6, "delivery": 6, "hours": 6, "password": 6}
    # Of four intents one is away in each of four rounds; the fifth round keeps examples only.
    assert 15 <= model.report.tried <= 24
    assert model.report.accuracy > 0.8


def test_learning_twice_gives_the_same_to_the_last_bit() -> None:
    first, second = learn(PHRASES, None, "en"), learn(PHRASES, None, "en")
    assert first.report == second.report
    assert shape(first, "where is my refund") == shape(second, "where is my refund")


def test_a_phrase_under_the_wrong_intent_is_reported_with_the_one_it_looks_like() -> None:
    wrong = {**PHRASES, "hours": (*PHRASES["hours"], "my parcel is late, track the parcel")}
    report = learn(wrong, None, "en").report
    found = {(one.phrase, one.intent, one.rather) for one in report.doubtful}
    assert ("my parcel is late, track the parcel", "hours", "delivery") in found


def test_intents_with_the_same_words_are_reported_as_confused() -> None:
    alike = {
        **PHRASES,
        "courier": (
            "the parcel is late today",
            "where is the parcel now",
            "parcel lost",
            "when does my parcel come",
            "track the parcel",
            "is the parcel delivered",
        ),
    }
    confused = learn(alike, None, "en").report.confused
    assert {confused[0].first, confused[0].second} == {"delivery", "courier"}
    assert confused[0].times >= 2


@pytest.mark.parametrize(
    "phrases",
    [{"only": ("one phrase",)}, {"a": ("hello there",), "b": ("good bye",)}],
    ids=["one intent", "one example each"],
)
def test_hardly_any_examples_still_make_a_model(phrases: Mapping[str, Sequence[str]]) -> None:
    model = learn(phrases, None, "en")
    first = next(iter(phrases))
    assert model.readers.rank(phrases[first][0], None)[0].intent == first
    assert model.clear == UNDECIDED


def test_a_kept_model_is_the_same_one(tmp_path: Path) -> None:
    kept = KeptModels(tmp_path, "encoder 1")
    vectors = np.eye(24, 30, dtype=np.float32)
    model = learn(PHRASES, vectors, "en")
    kept.keep(PHRASES, "en", model)
    again = kept.find(PHRASES, "en")
    assert again is not None
    assert again.report == model.report
    asked = vectors[3]
    assert again.readers.rank("refund", asked) == model.readers.rank("refund", asked)


def test_other_examples_another_language_or_encoder_find_nothing(tmp_path: Path) -> None:
    kept = KeptModels(tmp_path, "encoder 1")
    kept.keep(PHRASES, "en", learn(PHRASES, None, "en"))
    more = {**PHRASES, "hours": (*PHRASES["hours"], "open now")}
    assert kept.find(more, "en") is None
    assert kept.find(PHRASES, "lv") is None
    assert KeptModels(tmp_path, "encoder 2").find(PHRASES, "en") is None


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nonsense", None], ids=["empty", "bad", "cut"])
def test_a_damaged_file_counts_as_absent(tmp_path: Path, damage: bytes | None) -> None:
    kept = KeptModels(tmp_path, "encoder 1")
    kept.keep(PHRASES, "en", learn(PHRASES, None, "en"))
    (file,) = tmp_path.glob("*.npz")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert kept.find(PHRASES, "en") is None


def test_only_the_models_used_last_stay_on_disk(tmp_path: Path) -> None:
    kept = KeptModels(tmp_path, "encoder 1")
    for number in range(MOST_KEPT + 3):
        phrases = {"only": (f"phrase {number}",)}
        kept.keep(phrases, "en", learn(phrases, None, "en"))
    assert len(list(tmp_path.glob("*.npz"))) == MOST_KEPT
    assert kept.find({"only": (f"phrase {MOST_KEPT + 2}",)}, "en") is not None


FLOW = """
flow: shop
languages: [en]
queue: orders
start: ask
intents:
  refund_shoes:
    label: money back for shoes
    go: shoes
    examples: {en: [refund for shoes, money back for my shoes, i want the shoes refunded,
      refund the shoes please, shoes refund]}
  refund_books:
    label: money back for books
    go: books
    examples: {en: [refund for books, money back for my books, i want the books refunded,
      refund the books please, books refund]}
  hours:
    label: opening hours
    go: books
    examples: {en: [when do you open, opening hours, are you open on sunday, open at noon]}
  gift:
    label: a gift card
    go: shoes
steps:
  ask: {ask: "What can I do?", otherwise: shoes}
  shoes: {say: Shoes., next: over}
  books: {say: Books., next: over}
  over: {end: done}
"""


class CountingEncoder(WordEncoder):
    """Counts the sentences it was given."""

    def __init__(self) -> None:
        self.asked = 0

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += len(texts)
        return await super().embed(texts)


class ScriptedLabels:
    """Reads a label into every text that has one of its words."""

    async def read(self, text: str, labels: Sequence[str]) -> Mapping[str, float]:
        words = set(text.split())
        return {label: 0.9 if words & set(label.split()[1:]) else 0.1 for label in labels}


async def test_two_close_intents_are_named_and_a_clear_one_is_not() -> None:
    flow = parse_flow(FLOW)
    understanding = IntentUnderstanding(WordEncoder())
    await understanding.prepare(flow)
    unclear = await understanding.understand(flow, "refund please", "en")
    assert set(unclear.between) == {"refund_shoes", "refund_books"}
    clear = await understanding.understand(flow, "i want a refund for the shoes", "en")
    assert (clear.intent, clear.between) == ("refund_shoes", ())
    nothing = await understanding.understand(flow, "quartz xylophone", "en")
    assert (nothing.intent, nothing.between) == (None, ())


async def test_a_second_start_with_the_same_examples_embeds_and_trains_nothing(
    tmp_path: Path,
) -> None:
    flow = parse_flow(FLOW)
    kept = KeptModels(tmp_path, "words")
    first = IntentUnderstanding(WordEncoder(), kept=kept)
    await first.prepare(flow)
    encoder = CountingEncoder()
    second = IntentUnderstanding(encoder, kept=kept)
    # A text of the flow that is no example changes its version and not its model.
    changed = parse_flow(FLOW.replace("What can I do?", "How can I help?"))
    assert changed.version != flow.version
    await second.prepare(changed)
    assert encoder.asked == 0
    assert second.reports(changed) == first.reports(flow)


async def test_an_intent_without_examples_is_found_by_its_label_when_nothing_else_fits() -> None:
    flow = parse_flow(FLOW)
    understanding = IntentUnderstanding(WordEncoder(), labels=ScriptedLabels())
    await understanding.prepare(flow)
    found = await understanding.understand(flow, "voucher card", "en")
    assert (found.intent, found.confidence) == ("gift", 0.9)
    assert (await understanding.understand(flow, "quartz xylophone", "en")).intent is None
    known = await understanding.understand(flow, "refund the shoes please", "en")
    assert known.intent == "refund_shoes"
    without = IntentUnderstanding(WordEncoder())
    await without.prepare(flow)
    assert (await without.understand(flow, "voucher card", "en")).intent is None
