"""BERT sentence encoders in CTranslate2: the same vectors as torch's, sooner.

1. The weights are read from ``model.safetensors`` and handed over in memory, in the form that
   CTranslate2's own converters write (binary version 6, ``TransformerEncoderSpec``). Neither torch
   nor transformers is imported, which saves every start some seconds and memory.
2. Numbers stay 32-bit floats: where a processor has no VNNI, 8-bit ones are as slow for all but the
   shortest texts, and less exact.
3. A batch uses one core and several batches run side by side. Threads that share one sentence wait
   for each other in a loop, which on a busy machine costs ten times what it saves.
"""

from __future__ import annotations

import importlib
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.pooling import MAX_TOKENS, POOLING, by_first

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
ACTIVATIONS = {"relu": 0, "gelu_new": 1, "gelu": 3}
"""A model's ``hidden_act`` as CTranslate2 numbers it."""
ADDED_EMBEDDINGS = 1
BINARY_VERSION, REVISION = 6, 1
SPECIFICATION = "TransformerEncoderSpec"
NUMBERS = ("float32", "int8", "int16")
"""Types of values, by their numbers in the file."""

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


def readable(folder: Path) -> bool:
    """Whether the folder holds a BERT encoder that ``BertModel`` computes."""
    if not all((folder / name).is_file() for name in (CONFIG, WEIGHTS, TOKENIZER)):
        return False
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") in ACTIVATIONS
        and config.get("position_embedding_type", "absolute") == "absolute"
        and config.get("dtype", config.get("torch_dtype", "float32")) in {"float32", "float16"}
    )


class BertModel:
    """An encoder of a folder that is ``readable``; blocks for half a second while it loads.

    ``at_once`` batches may be computed at the same time, each on one core. Raises ``OSError``,
    ``KeyError`` for a tensor that is not there, ``ValueError``, and ``RuntimeError`` for what
    CTranslate2 refuses.
    """

    def __init__(self, folder: Path, at_once: int) -> None:
        runtime: Any = importlib.import_module("ctranslate2")
        tokenizers: Any = importlib.import_module("tokenizers")
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        pooling = folder / POOLING
        self._by_first = by_first(pooling if pooling.is_file() else None)
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(MAX_TOKENS, config["max_position_embeddings"]))
        self._encoder: Any = runtime.Encoder(
            str(folder),
            device="cpu",
            compute_type="float32",
            inter_threads=at_once,
            intra_threads=1,
            files=_files(folder, config),
        )
        self.at_once = at_once
        self.dimensions: int = config["hidden_size"]

    def encode(self, texts: Sequence[str]) -> Floats:
        """Unit-length rows, one per text; blocks."""
        tokens = [encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]
        hidden = np.asarray(self._encoder.forward_batch(tokens).last_hidden_state)
        if self._by_first:
            pooled = hidden[:, 0]
        else:
            lengths = np.array([len(ids) for ids in tokens])
            meant = np.arange(hidden.shape[1]) < lengths[:, None]
            pooled = np.einsum("tsd,ts->td", hidden, meant.astype(np.float32))
        rows: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return rows


def _files(folder: Path, config: Mapping[str, Any]) -> dict[str, BytesIO]:
    """The model as a folder of CTranslate2's would hold it."""
    safetensors: Any = importlib.import_module("safetensors.numpy")
    tensors = _Tensors(safetensors.load_file(folder / WEIGHTS))
    # Texts come as numbers, so nobody looks a word up; but the runtime wants them named.
    words = [str(number) for number in range(config["vocab_size"])]
    special = dict.fromkeys(("unk_token", "bos_token", "eos_token"), words[0])
    settings = {**special, "layer_norm_epsilon": config["layer_norm_eps"]}
    return {
        "model.bin": BytesIO(serialize(dict(_variables(tensors, config)))),
        "config.json": BytesIO(json.dumps(settings).encode()),
        "vocabulary.json": BytesIO(json.dumps(words).encode()),
    }


def serialize(variables: Mapping[str, Array]) -> bytes:
    """Values by name in CTranslate2's binary form, little-endian, without aliases."""
    parts = [struct.pack("<I", BINARY_VERSION), _string(SPECIFICATION)]
    parts.append(struct.pack("<II", REVISION, len(variables)))
    for name, value in sorted(variables.items()):
        kind = NUMBERS.index(str(value.dtype))
        parts += [_string(name), struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)]
        parts += [struct.pack("<BI", kind, value.nbytes), value.tobytes()]
    return b"".join([*parts, struct.pack("<I", 0)])


def _string(text: str) -> bytes:
    encoded = text.encode() + b"\0"
    return struct.pack("<H", len(encoded)) + encoded


@dataclass(frozen=True, slots=True)
class _Tensors:
    """What the file holds; some files put "bert." before every name."""

    held: Mapping[str, Array]

    def of(self, name: str) -> Array:
        found = self.held[name] if name in self.held else self.held[f"bert.{name}"]
        return np.ascontiguousarray(found, np.float32)

    def linear(self, ours: str, *theirs: str) -> Iterator[tuple[str, Array]]:
        """Several linear layers of the same input become one."""
        for part in ("weight", "bias"):
            yield f"{ours}/{part}", np.concatenate([self.of(f"{name}.{part}") for name in theirs])

    def norm(self, ours: str, theirs: str) -> Iterator[tuple[str, Array]]:
        yield f"{ours}/gamma", self.of(f"{theirs}.weight")
        yield f"{ours}/beta", self.of(f"{theirs}.bias")


def _variables(tensors: _Tensors, config: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    for name, number in (
        ("activation", ACTIVATIONS[config["hidden_act"]]),
        ("embeddings_merge", ADDED_EMBEDDINGS),
        ("multi_query_attention", 0),
        ("pre_norm", 0),
        ("scale_embeddings", 0),
    ):
        yield f"encoder/{name}", np.array(number, np.int8)
    yield "encoder/num_heads", np.array(config["num_attention_heads"], np.int16)
    for ours, theirs in (
        ("embeddings_0/weight", "word"),
        ("embeddings_1/weight", "token_type"),
        ("position_encodings/encodings", "position"),
    ):
        yield f"encoder/{ours}", tensors.of(f"embeddings.{theirs}_embeddings.weight")
    yield from tensors.norm("encoder/layernorm_embedding", "embeddings.LayerNorm")
    for number in range(config["num_hidden_layers"]):
        yield from _layer(tensors, f"encoder/layer_{number}", f"encoder.layer.{number}")


def _layer(tensors: _Tensors, ours: str, theirs: str) -> Iterator[tuple[str, Array]]:
    attention = f"{theirs}.attention"
    inputs = [f"{attention}.self.{name}" for name in ("query", "key", "value")]
    yield from tensors.linear(f"{ours}/self_attention/linear_0", *inputs)
    yield from tensors.linear(f"{ours}/self_attention/linear_1", f"{attention}.output.dense")
    yield from tensors.norm(f"{ours}/self_attention/layer_norm", f"{attention}.output.LayerNorm")
    yield from tensors.linear(f"{ours}/ffn/linear_0", f"{theirs}.intermediate.dense")
    yield from tensors.linear(f"{ours}/ffn/linear_1", f"{theirs}.output.dense")
    yield from tensors.norm(f"{ours}/ffn/layer_norm", f"{theirs}.output.LayerNorm")
