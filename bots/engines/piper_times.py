"""When a Piper voice says each word: the durations that its network works with.

A voice as it is published gives sound only. Its durations (in frames, one per phoneme) are what
goes into the one ``Ceil`` of its graph, so that output is named as one of the graph's own. No
ONNX library is needed: in protobuf a second ``graph`` field is merged into the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from bots.ports import Mark

_GRAPH = 7  # ModelProto.graph, onnx.proto
_NODE, _OUTPUT = 1, 12  # GraphProto
_NODE_OUTPUT, _NODE_TYPE = 2, 4  # NodeProto
_NAME = 1  # ValueInfoProto.name
_LENGTH_DELIMITED = 2
_WIDTHS = {1: 8, 5: 4}
_WORD = re.compile(r"\S+")
_BOUNDS = frozenset({"^", "$", "_"})
_QUIET = frozenset(",.;:!?…—–-\"'“”‘’()¿¡ ")
"""Phonemes that stand for pauses."""


class Aligned(Protocol):
    """One phoneme and how long it sounds; ``piper.voice.PhonemeAlignment``."""

    phoneme: str
    num_samples: int


def with_durations(model: bytes, output: str = "") -> bytes:
    """The ONNX model with the durations as one more output; as it was where it has none.

    ``output`` names the tensor; by default that of the only ``Ceil``. A model that gives more
    than its sound already stays as it is too.
    """
    graph = b"".join(value for field, value in _fields(model) if field == _GRAPH)
    outputs = sum(field == _OUTPUT for field, _ in _fields(graph))
    if not output:
        ceils = [name for kind, name in _nodes(graph) if kind == b"Ceil"]
        output = ceils[0].decode() if len(ceils) == 1 else ""
    if outputs != 1 or not output:
        return model
    info = _packed(_OUTPUT, _packed(_NAME, output.encode()))
    return model + _packed(_GRAPH, info)


class WordTimes:
    """Gathers the words' times of a text that is made sentence by sentence."""

    def __init__(self, text: str) -> None:
        self._words = [found.end() for found in _WORD.finditer(text) if _spoken(found.group())]
        self._ends_ms: list[float] = []
        self._begun_ms = 0.0
        self._known = True

    def add(self, alignments: Sequence[Aligned] | None, rate: int, samples: int) -> None:
        """One sentence: its phonemes, and how many ``samples`` of sound at ``rate`` it is."""
        self._known = self._known and bool(alignments)
        place, end, sounds = 0, 0, False
        for each in (*(alignments or ()),):
            place += each.num_samples
            if each.phoneme == " " and sounds:
                self._ends_ms.append(self._begun_ms + end * 1000 / rate)
                sounds = False
            elif each.phoneme not in _BOUNDS | _QUIET:
                end, sounds = place, True
        if sounds:
            self._ends_ms.append(self._begun_ms + end * 1000 / rate)
        self._begun_ms += samples * 1000 / rate

    @property
    def marks(self) -> tuple[Mark, ...]:
        """One per word; none unless the phonemes have as many words as the text."""
        if not self._known or len(self._ends_ms) != len(self._words):
            return ()
        return tuple(Mark(*each) for each in zip(self._words, self._ends_ms, strict=True))


def _spoken(word: str) -> bool:
    return any(char.isalnum() for char in word)


def _nodes(graph: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and first output of each node."""
    for field, node in _fields(graph):
        if field == _NODE:
            parts = dict(reversed(list(_fields(node))))
            yield parts.get(_NODE_TYPE, b""), parts.get(_NODE_OUTPUT, b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The number and content of each length-delimited field; the others are passed over."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == 0:
            _, place = _varint(message, place)
            continue
        size, place = (
            _varint(message, place) if kind == _LENGTH_DELIMITED else (_WIDTHS[kind], place)
        )
        if kind == _LENGTH_DELIMITED:
            yield key >> 3, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


def _packed(field: int, content: bytes) -> bytes:
    return _number(field << 3 | _LENGTH_DELIMITED) + _number(len(content)) + content


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
