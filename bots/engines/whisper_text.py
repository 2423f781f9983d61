"""What Whisper made of a piece of speech, and which of it nobody said.

Whisper writes down something even where nothing can be understood: words that are frequent
in its training, or one thing again and again. A text is dropped

1. when the model holds the piece for no speech and is unsure of its words, too;
2. when it repeats itself as a whole: it compresses far better than speech does;
3. when a few words come again and again in a row;
4. when it has more words than a mouth can say in the time in which somebody spoke.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from bots.engines.endings import words_of
from bots.ports import Hypothesis

NO_SPEECH = 0.6
LEAST_LOG_PROBABILITY = -1.0
MOST_COMPRESSION = 2.4
"""These three are the values that Whisper's authors use."""
MOST_TIMES, MOST_TIMES_ONE = 4, 8
"""So often in a row people say a few words, and one word: a number may have many zeros."""
LONGEST_REPEATED = 6
WORDS, WORDS_PER_S = 1, 8
"""Words people say: one, and more for each second. Fast speakers say five or six."""
NOTHING = Hypothesis("", 0.0)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A piece's text with the model's doubts; ``spoken_s`` is how long somebody spoke in it."""

    text: str
    log_probability: float
    """The mean of its tokens'."""
    no_speech: float
    """0 to 1."""
    spoken_s: float


def invented(piece: Decoded) -> str:
    """Why nobody can have said this; empty when somebody may have."""
    if piece.no_speech > NO_SPEECH and piece.log_probability < LEAST_LOG_PROBABILITY:
        return "no speech"
    if compression(piece.text) > MOST_COMPRESSION:
        return "compresses like a loop"
    words = words_of(piece.text)
    if _in_a_loop(words):
        return "the same again and again"
    if len(words) > WORDS + WORDS_PER_S * piece.spoken_s:
        return f"{len(words)} words in {piece.spoken_s:.1f} s"
    return ""


def compression(text: str) -> float:
    """How many times shorter zlib makes it."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw))


def hypothesis_of(pieces: Sequence[Decoded]) -> Hypothesis:
    """One text of all pieces; confidence from their mean log probability."""
    said = [piece for piece in pieces if piece.text.strip()]
    if not said:
        return NOTHING
    text = " ".join(piece.text.strip() for piece in said)
    mean = sum(piece.log_probability for piece in said) / len(said)
    return Hypothesis(text, round(min(1.0, math.exp(mean)), 3))


def _in_a_loop(words: Sequence[str]) -> bool:
    for size in range(1, LONGEST_REPEATED + 1):
        most = MOST_TIMES_ONE if size == 1 else MOST_TIMES
        same = 0
        for place in range(size, len(words)):
            same = same + 1 if words[place] == words[place - size] else 0
            if same >= size * most:
                return True
    return False
