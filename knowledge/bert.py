"""BERT sentence encoders in CTranslate2: the same vectors as torch's, sooner.

1. CTranslate2's own converter reads the model with transformers, once for a machine: what it makes
   is kept in the user's cache, so that a start needs neither torch nor transformers and takes
   half a second instead of several. Deleting the cache is safe.
2. Numbers stay 32-bit floats: where a processor has no VNNI, 8-bit ones are as slow for all but the
   shortest texts, and less exact.
3. The cores share a lone sentence, and several batches run side by side. Threads that wait for each
   other sleep: by default they would loop, which on a busy machine costs ten times what it saves.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.pooling import MAX_TOKENS, POOLING, by_first

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
# Read when the runtime is first loaded: by GNU's OpenMP, and by Intel's.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

ACTIVATIONS = frozenset({"relu", "gelu_new", "gelu"})
CONVERTED = "model.bin"
"""In a folder of CTranslate2's."""

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]


def cache_folder() -> Path:
    """Where converted models are kept (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "parley" / "encoders"


def readable(folder: Path) -> bool:
    """Whether the folder holds a BERT encoder that ``BertModel`` computes."""
    if not all((folder / name).is_file() for name in (CONFIG, WEIGHTS, TOKENIZER)):
        return False
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") in ACTIVATIONS
        # The converter asks for it; a folder that does not say is left to transformers.
        and config.get("position_embedding_type") == "absolute"
        and config.get("dtype", config.get("torch_dtype", "float32")) in {"float32", "float16"}
    )


class BertModel:
    """An encoder of a folder that is ``readable``; blocks for half a second while it loads, for
    several the first time.

    ``at_once`` batches may be computed at the same time, on as many cores in all. ``cache`` is
    where what was converted is kept. Raises ``OSError``, ``KeyError`` for a tensor that is not
    there, ``ValueError``, and ``RuntimeError`` for what CTranslate2 refuses.
    """

    def __init__(self, folder: Path, at_once: int, cache: Path | None = None) -> None:
        runtime: Any = importlib.import_module("ctranslate2")
        tokenizers: Any = importlib.import_module("tokenizers")
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        pooling = folder / POOLING
        self._by_first = by_first(pooling if pooling.is_file() else None)
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(MAX_TOKENS, config["max_position_embeddings"]))
        with tempfile.TemporaryDirectory(prefix="parley-encoder-") as spare:
            # Once loaded the files are not needed any more.
            self._encoder: Any = runtime.Encoder(
                str(_converted(folder, cache or cache_folder(), Path(spare))),
                device="cpu",
                compute_type="float32",
                inter_threads=at_once,
                intra_threads=at_once,
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


def _converted(folder: Path, cache: Path, spare: Path) -> Path:
    """The model as CTranslate2 wants it: from the cache, or made now; in ``spare`` where the cache
    cannot be written."""
    runtime: Any = importlib.import_module("ctranslate2")
    state = (folder / WEIGHTS).stat()
    known = f"{folder.resolve()} {state.st_size} {state.st_mtime_ns} {runtime.__version__}"
    kept = cache / hashlib.sha256(known.encode()).hexdigest()[:16]
    if (kept / CONVERTED).is_file():
        return kept
    log.info("%s is converted for CTranslate2, once for this machine", folder)
    converters: Any = importlib.import_module("ctranslate2.converters")
    made = converters.TransformersConverter(str(folder)).convert(str(spare / "model"))
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # Elsewhere first: whoever finds the folder finds all of it.
        whole = Path(tempfile.mkdtemp(dir=cache))
        shutil.copytree(made, whole, dirs_exist_ok=True)
    except OSError as error:
        log.warning("%s cannot be kept in %s, so each start converts it: %s", folder, cache, error)
        return Path(made)
    try:
        whole.replace(kept)
    except OSError:
        # Another process was sooner.
        shutil.rmtree(whole)
    return kept
