"""Spoken text that knows where it came from, piece by piece. Pure.

A written text is a row of pieces; joined, their ``written`` parts are the text and
their ``spoken`` parts what a voice is given. Most pieces are the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST_SENTENCE = 160

_END = re.compile(r"(?<=[.!?。！？;；])[\"'”’)]*\s+|(?<=[。！？])|\n+")
_CLAUSE = re.compile(r"(?<=[,，:])\s+")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a text as it is written and as it is said."""

    written: str
    spoken: str

    @property
    def plain(self) -> bool:
        """True when it is said as it is written, so that it may be cut anywhere."""
        return self.written == self.spoken


Pieces = tuple[Piece, ...]


def spoken_of(pieces: Sequence[Piece]) -> str:
    """What the voice says."""
    return "".join(piece.spoken for piece in pieces)


def written_of(pieces: Sequence[Piece]) -> str:
    """What the transcript shows."""
    return "".join(piece.written for piece in pieces)


def sentences(pieces: Pieces) -> list[Pieces]:
    """The text in parts worth saying one by one; a very long one is cut at a comma.

    A place inside a piece that is said in other words is no place to cut.
    """
    parts: list[Pieces] = []
    for sentence in _split(pieces, _END):
        if len(spoken_of(sentence)) <= LONGEST_SENTENCE:
            parts.append(sentence)
        else:
            parts += _clauses(sentence)
    return [part for part in parts if any(char.isalnum() for char in spoken_of(part))]


def heard(
    pieces: Sequence[Piece], played_ms: int, total_ms: int, times: Sequence[tuple[int, float]] = ()
) -> str:
    """The written words of which all was played.

    ``times`` are the voice's: by so many milliseconds so many characters of the spoken form
    had been said. Without them it goes by proportion of the spoken length. Chinese is cut by
    character. Nothing was heard of a sentence without audio.
    """
    if total_ms <= 0:
        return ""
    if played_ms >= total_ms:
        return written_of(pieces)
    spoken = spoken_of(pieces)
    if times:
        upto: float = max((said for said, ms in times if ms <= played_ms), default=0)
    else:
        upto = len(spoken) * max(0, played_ms) / total_ms
    ends = (word.end() for word in _WORD.finditer(spoken))
    return _written_until(pieces, max((end for end in ends if end <= upto), default=0))


def _written_until(pieces: Sequence[Piece], end: int) -> str:
    written = ""
    for piece in pieces:
        if end < len(piece.spoken):
            return (written + piece.written[:end] if piece.plain else written).rstrip()
        written += piece.written
        end -= len(piece.spoken)
        if end == 0:
            break
    return written.rstrip()


def _clauses(sentence: Pieces) -> Iterator[Pieces]:
    gathered: Pieces = ()
    for clause in _split(sentence, _CLAUSE):
        joined = (*gathered, Piece(" ", " "), *clause) if gathered else clause
        if gathered and len(spoken_of(joined)) > LONGEST_SENTENCE:
            yield gathered
            gathered = clause
        else:
            gathered = joined
    yield gathered


def _split(pieces: Pieces, at: re.Pattern[str]) -> Iterator[Pieces]:
    start = 0
    text = spoken_of(pieces)
    for found in at.finditer(text):
        if _inside(pieces, found.start()) or found.end() == 0:
            continue
        yield _stripped(pieces, text, start, found.start())
        start = found.end()
    yield _stripped(pieces, text, start, len(text))


def _inside(pieces: Pieces, place: int) -> bool:
    """Whether the place is in the middle of a piece that cannot be cut."""
    begin = 0
    for piece in pieces:
        end = begin + len(piece.spoken)
        if begin < place < end:
            return not piece.plain
        begin = end
    return False


def _stripped(pieces: Pieces, text: str, start: int, end: int) -> Pieces:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return tuple(_cut(pieces, start, end))


def _cut(pieces: Pieces, start: int, end: int) -> Iterator[Piece]:
    """The pieces between two places of the spoken text; what is not plain stays whole."""
    begin = 0
    for piece in pieces:
        stop = begin + len(piece.spoken)
        if begin < end and stop > start:
            if piece.plain:
                part = piece.spoken[max(0, start - begin) : end - begin]
                yield Piece(part, part)
            else:
                yield piece
        begin = stop
