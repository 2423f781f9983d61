"""Encoders and zero-shot models of the true Hugging Face formats, made small and on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bots.errors import LabelsUnread
from bots.nlu.zero_shot import HYPOTHESIS, NliReader
from knowledge.bert import CONVERTED, BertModel, cache_folder, readable
from knowledge.embed import MiniLmEncoder
from knowledge.errors import ModelUnavailable
from knowledge.pooling import POOLING
from knowledge.sentence_models import TransformersModel, load_model

pytestmark = pytest.mark.slow
WORDS = ("the", "customer", "wants", "a", "refund", "parcel", "gift", "card", "where", "is", "my")
TEXTS = ["where is my parcel", "the gift"]
SIDES = {0: "contradiction", 1: "neutral", 2: "entailment"}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def tokenizer(folder: Path) -> None:
    from transformers import BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    BertTokenizerFast(vocab_file=str(vocabulary)).save_pretrained(folder)


def small(seed: int = 1, **more: object) -> object:
    import torch
    from transformers import BertConfig

    torch.manual_seed(seed)
    return BertConfig(
        vocab_size=len(WORDS) + 5,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        position_embedding_type="absolute",
        **more,
    )


def encoder(folder: Path, pooling: dict[str, bool] | None, seed: int = 1) -> Path:
    from transformers import BertModel

    tokenizer(folder)
    BertModel(small(seed)).save_pretrained(folder)
    if pooling is not None:
        (folder / POOLING).parent.mkdir(exist_ok=True)
        (folder / POOLING).write_text(json.dumps({"word_embedding_dimension": 16, **pooling}))
    return folder


def classifier(folder: Path, sides: dict[int, str]) -> Path:
    from transformers import BertForSequenceClassification

    tokenizer(folder)
    labels = {name: place for place, name in sides.items()}
    config = small(id2label=sides, label2id=labels)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def by_hand(folder: Path, text: str) -> list[float]:
    """The first token's vector, of unit length."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        first = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state[0, 0]
    row: list[float] = (first / first.norm()).tolist()
    return row


def test_an_encoder_is_pooled_as_its_folder_says(tmp_path: Path) -> None:
    first = encoder(tmp_path / "first", {"pooling_mode_cls_token": True})
    mean = encoder(tmp_path / "mean", {"pooling_mode_mean_tokens": True})
    plain = encoder(tmp_path / "plain", None)
    rows = {folder: TransformersModel(str(folder), 1).encode(TEXTS) for folder in (first, mean)}
    assert rows[first][0] == pytest.approx(by_hand(first, TEXTS[0]), abs=1e-5)
    assert rows[mean][0] != pytest.approx(rows[first][0], abs=1e-2)
    assert TransformersModel(str(plain), 1).encode(TEXTS)[1] == pytest.approx(rows[mean][1])


@pytest.mark.parametrize("pooling", ["pooling_mode_cls_token", "pooling_mode_mean_tokens"])
def test_a_bert_encoder_has_the_vectors_that_transformers_computes(
    tmp_path: Path, pooling: str
) -> None:
    folder = encoder(tmp_path / "bert", {pooling: True})
    texts = [*TEXTS, "", "a parcel " * 20, "something unheard of"]
    model = load_model(folder, 2)
    assert isinstance(model, BertModel)
    assert (model.dimensions, model.at_once) == (16, 2)
    for row, same in zip(
        model.encode(texts), TransformersModel(str(folder), 1).encode(texts), strict=True
    ):
        assert row == pytest.approx(same, abs=1e-5)


def test_what_was_converted_is_kept_until_the_model_is_another(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "bert", None)
    row = load_model(folder, 1).encode(TEXTS)[0]
    (kept,) = cache_folder().iterdir()
    written = (kept / CONVERTED).stat().st_mtime_ns
    assert load_model(folder, 1).encode(TEXTS)[0] == pytest.approx(row)
    assert (kept / CONVERTED).stat().st_mtime_ns == written
    encoder(folder, None, seed=2)
    assert load_model(folder, 1).encode(TEXTS)[0] != pytest.approx(row, abs=1e-3)
    assert len(list(cache_folder().iterdir())) == 2


def test_without_a_cache_each_start_converts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    model = load_model(encoder(tmp_path / "bert", None), 1)
    assert isinstance(model, BertModel)
    assert len(model.encode(TEXTS)) == 2
    assert "each start converts it" in caplog.text


@pytest.mark.parametrize(
    "change",
    [{"model_type": "xlm-roberta"}, {"hidden_act": "silu"}, {"position_embedding_type": "x"}],
)
def test_another_architecture_is_not_read_as_bert(tmp_path: Path, change: dict[str, str]) -> None:
    folder = encoder(tmp_path / "other", None)
    assert readable(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    assert not readable(folder)


async def test_another_pooling_is_refused_by_name(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "max", {"pooling_mode_max_tokens": True})
    wrong = MiniLmEncoder(folder, threads=1)
    with pytest.raises(ModelUnavailable, match="pooling_mode_max_tokens"):
        await wrong.start()
    await wrong.stop()


async def test_labels_are_read_as_entailment_against_contradiction(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = classifier(tmp_path / "nli", SIDES)
    reader = NliReader(folder)
    read = await reader.read("where is my money", ["a refund", "a gift card"])
    await reader.stop()
    tokens = AutoTokenizer.from_pretrained(folder)(
        "where is my money", HYPOTHESIS.format("a refund"), return_tensors="pt"
    )
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        logits = model(**tokens).logits[0]
    no, yes = torch.exp(logits[0]).item(), torch.exp(logits[2]).item()
    assert read["a refund"] == pytest.approx(yes / (yes + no), abs=1e-4)
    assert 0 < read["a gift card"] < 1


async def test_the_places_of_the_labels_are_the_models_own(tmp_path: Path) -> None:
    usual = NliReader(classifier(tmp_path / "usual", SIDES))
    turned = NliReader(classifier(tmp_path / "turned", {0: "entailment", 1: "not_entailment"}))
    bart = {0: "ENTAILMENT", 1: "NEUTRAL", 2: "CONTRADICTION"}
    mirrored = NliReader(classifier(tmp_path / "bart", bart))
    one = (await usual.read("my parcel", ["a refund"]))["a refund"]
    other = (await mirrored.read("my parcel", ["a refund"]))["a refund"]
    assert one == pytest.approx(1 - other, abs=1e-5)
    assert 0 < (await turned.read("my parcel", ["a refund"]))["a refund"] < 1
    for reader in (usual, turned, mirrored):
        await reader.stop()


async def test_a_model_that_was_not_trained_on_entailment_is_refused(tmp_path: Path) -> None:
    reader = NliReader(classifier(tmp_path / "stars", {0: "1 star", 1: "5 stars"}))
    with pytest.raises(LabelsUnread, match="1 star"):
        await reader.start()
    await reader.stop()


async def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    reader = NliReader(tmp_path)
    with pytest.raises(LabelsUnread, match=str(tmp_path)):
        await reader.start()
    await reader.stop()
