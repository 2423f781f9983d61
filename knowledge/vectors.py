"""Vectors of the texts that an installation knows beforehand, kept on disk.

Articles and examples seldom change, and embedding them takes minutes of CPU time: whoever did it
once writes them here, and every process that starts later reads them in a moment. What customers
write is never kept.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

DIGEST_BYTES = 16


class VectorFile:
    """One ``.npz`` file: digests of texts and their vectors, all made by one model.

    ``model`` identifies it to the byte; a file of another model counts as empty, and so
    does one that is damaged. The file is replaced as a whole, so that several processes
    may write it.
    """

    def __init__(self, path: Path, model: str) -> None:
        self._path = path
        self._model = model
        self._places: Mapping[bytes, int] = {}
        self._rows: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)

    @property
    def dimensions(self) -> int:
        """Length of a vector; 0 while nothing is kept."""
        return int(self._rows.shape[1])

    def read(self) -> None:
        """Take in what is on disk; blocks."""
        try:
            with np.load(self._path, allow_pickle=False) as file:
                if str(file["model"]) != self._model:
                    return
                digests, rows = file["digests"], file["rows"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return
        if rows.ndim == 2 and digests.shape == (len(rows), DIGEST_BYTES):
            self._places = {bytes(digest): place for place, digest in enumerate(digests)}
            self._rows = rows

    def get(self, text: str) -> list[float] | None:
        """The vector of a text; None when it is not kept."""
        place = self._places.get(_digest(text))
        if place is None:
            return None
        row: list[float] = self._rows[place].tolist()
        return row

    def keeps_exactly(self, texts: Sequence[str]) -> bool:
        """Whether it has these texts and no others."""
        return {_digest(text) for text in texts} == set(self._places)

    def write(self, texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> None:
        """Keep these instead; blocks. Raises ``OSError``."""
        rows = np.asarray(vectors, np.float32)
        digests = [_digest(text) for text in texts]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}.new")
        try:
            with draft.open("wb") as file:
                as_bytes = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST_BYTES)
                np.savez(file, model=np.array(self._model), digests=as_bytes, rows=rows)
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)
        self._places = {digest: place for place, digest in enumerate(digests)}
        self._rows = rows


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:DIGEST_BYTES]
