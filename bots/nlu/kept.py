"""Trained models on disk, so that a start with unchanged examples trains nothing.

One ``.npz`` file per set of examples, named by their hash together with the encoder's identity and
``FORMAT``. It holds arrays and JSON, never code. A damaged file counts as absent; files are
replaced as a whole, so that several processes may write them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bots.nlu.fitting import Confused, Doubtful, IntentModel, Report
from bots.nlu.intents import Head, Readers
from bots.nlu.spelling import Spelling

FORMAT = 2
"""Raised with every change of features, heads or fitting: older files are then not used."""
MOST_KEPT = 64
"""Files; the ones not used for longest go."""


@dataclass(frozen=True, slots=True)
class KeptModels:
    """A folder of trained models. ``encoder`` tells one encoder's state from another's."""

    folder: Path
    encoder: str

    def find(self, phrases: Mapping[str, Sequence[str]], language: str) -> IntentModel | None:
        """The model of exactly these examples; None when there is none that can be read."""
        path = self._path(phrases, language)
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                model = _unpack(file)
            os.utime(path)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        return model

    def keep(self, phrases: Mapping[str, Sequence[str]], language: str, model: IntentModel) -> None:
        """Write it; blocks. Raises ``OSError``."""
        path = self._path(phrases, language)
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.new")
        try:
            with draft.open("wb") as file:
                np.savez(file, **_pack(model))
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        self._tidy()

    def _path(self, phrases: Mapping[str, Sequence[str]], language: str) -> Path:
        listed = [[name, list(examples)] for name, examples in phrases.items()]
        whole = json.dumps([FORMAT, self.encoder, language, listed], ensure_ascii=False)
        return self.folder / f"{hashlib.sha256(whole.encode()).hexdigest()[:32]}.npz"

    def _tidy(self) -> None:
        with contextlib.suppress(OSError):  # another process may tidy at the same time
            files = sorted(self.folder.glob("*.npz"), key=lambda file: file.stat().st_mtime)
            for file in files[:-MOST_KEPT]:
                file.unlink(missing_ok=True)


def _pack(model: IntentModel) -> dict[str, Any]:
    readers = model.readers
    rows = readers.spelled.examples
    packed = {
        "labels": np.array(readers.labels),
        "report": np.array(json.dumps(asdict(model.report), ensure_ascii=False)),
        "grams": np.array(json.dumps(readers.spelling.known, ensure_ascii=False)),
        "rarity": readers.spelling.rarity,
        "owners": readers.spelled.owners,
        "spelled_weights": readers.spelled.weights,
        "spelled_bias": readers.spelled.bias,
        "spelled_values": rows.data,
        "spelled_places": rows.indices,
        "spelled_ends": rows.indptr,
    }
    if readers.meaning is not None:
        packed["meaning_weights"] = readers.meaning.weights
        packed["meaning_bias"] = readers.meaning.bias
        packed["meaning_examples"] = readers.meaning.examples
    return packed


def _unpack(file: Any) -> IntentModel:
    from scipy.sparse import csr_matrix

    spelling = Spelling(tuple(json.loads(str(file["grams"]))), file["rarity"])
    owners = file["owners"]
    rows = csr_matrix(
        (file["spelled_values"], file["spelled_places"], file["spelled_ends"]),
        shape=(len(owners), len(spelling.known)),
    )
    spelled = Head(file["spelled_weights"], file["spelled_bias"], rows, owners)
    meaning = None
    if "meaning_weights" in file:
        meaning = Head(
            file["meaning_weights"], file["meaning_bias"], file["meaning_examples"], owners
        )
    labels = tuple(str(label) for label in file["labels"])
    return IntentModel(
        Readers(labels, spelling, spelled, meaning), _report(json.loads(str(file["report"])))
    )


def _report(known: dict[str, Any]) -> Report:
    known["confused"] = tuple(Confused(**one) for one in known["confused"])
    known["doubtful"] = tuple(Doubtful(**one) for one in known["doubtful"])
    return Report(**known)
