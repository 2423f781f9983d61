"""The desk's texts in English, 简体中文 and latviešu: one JSON file for pages and scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

LANGUAGES = {"en": "English", "zh": "简体中文", "lv": "Latviešu"}
DEFAULT = "en"
COOKIE = "parley_language"
WORDS_FILE = Path(__file__).parent / "static" / "desk" / "words.json"


class Words:
    """Texts by language and key; a text that is missing in a language is English."""

    def __init__(self, path: Path = WORDS_FILE) -> None:
        self._texts: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8"))

    def all(self, language: str) -> Mapping[str, str]:
        """Every text in one language, English where there is none."""
        return {**self._texts[DEFAULT], **self._texts.get(language, {})}

    def text(self, language: str, key: str, **values: object) -> str:
        """One text with its ``{places}`` filled; the key itself when nobody wrote it."""
        texts = self._texts.get(language, {})
        text = texts.get(key) or self._texts[DEFAULT].get(key) or key
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text


def chosen_language(cookie: str | None, accept: str) -> str:
    """The cookie's language, else the first of ``Accept-Language`` we speak, else English."""
    if cookie in LANGUAGES:
        return str(cookie)
    for part in accept.split(","):
        language = part.split(";")[0].strip().split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return DEFAULT
