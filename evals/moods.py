"""How well a customer's mood is told, on labelled utterances (``evals/utterances/moods.yaml``).

Every second utterance of each list is held out: the words of ``bots.nlu.mood_words`` were chosen
without looking at those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from bots.nlu.sentiment import Mood, mood

UTTERANCES = Path(__file__).parent / "utterances" / "moods.yaml"


@dataclass(frozen=True, slots=True)
class Labelled:
    """An utterance and the mood a person hears in it."""

    text: str
    language: str
    label: str
    held_out: bool

    @property
    def heard(self) -> Mood:
        """What the bot makes of it."""
        return mood(self.text, self.language)

    @property
    def right(self) -> bool:
        """Whether good, bad or neither is told rightly; anger is one of the bad."""
        return _side(self.heard.name) == _side(self.label)


def _side(name: str) -> str:
    return "negative" if name == "angry" else name


def labelled() -> Iterator[Labelled]:
    """All utterances."""
    for language, moods in yaml.safe_load(UTTERANCES.read_text("utf-8")).items():
        for label, texts in moods.items():
            for place, text in enumerate(texts):
                yield Labelled(str(text), language, label, place % 2 == 1)


def mood_figures() -> dict[str, float]:
    """Accuracy of good, bad and neither, and precision and recall of anger; held out apart."""
    figures: dict[str, float] = {}
    for name, held_out in (("mood", False), ("mood_held_out", True)):
        lines = [line for line in labelled() if line.held_out is held_out]
        angry = [line for line in lines if line.label == "angry"]
        called = [line for line in lines if line.heard.name == "angry"]
        both = sum(line.heard.name == "angry" for line in angry)
        figures |= {
            f"{name}_utterances": float(len(lines)),
            f"{name}_accuracy": round(sum(line.right for line in lines) / len(lines), 3),
            f"{name}_anger_recall": round(both / len(angry), 3),
            f"{name}_anger_precision": round(both / max(1, len(called)), 3),
        }
    return figures
