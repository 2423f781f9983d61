"""Typed values out of a flow file's plain data, with every problem named by its line.

What the readers of steps (``bots.flow.verbs``), of slots and intents (``bots.flow.declared``)
and of the file (``bots.flow.schema``) share.
"""

from __future__ import annotations

from typing import Any

from bots.flow.document import Section
from bots.flow.model import ANY, CHANNELS, FAMILIES, LANGUAGES, Text


class Reader:
    """Reads values and collects problems on the way.

    ``where`` and ``line`` are of what is being read; a problem is told with them.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []
        self.where = ""
        self.line = 0
        self.languages: tuple[str, ...] = LANGUAGES

    # texts

    def text(self, raw: Section, key: str) -> Text:
        """The text under ``key``, which is there."""
        variants: dict[tuple[str, str], str] = {}
        self._collect(raw[key], key, ANY, ANY, variants)
        text = Text(variants)
        for channel in FAMILIES:
            if not text.find(self.languages[0], channel, self.languages[0]):
                self.bad(f"{key}: no text for {channel} in {self.languages[0]!r}; add one")
        return text

    def _collect(
        self, raw: Any, key: str, language: str, channel: str, into: dict[tuple[str, str], str]
    ) -> None:
        if not isinstance(raw, Section):
            into[language, channel] = str(raw).strip()
            return
        for name, inner in raw.items():
            if name in self.languages and not language:
                self._collect(inner, key, name, channel, into)
            elif name in CHANNELS + FAMILIES and not channel:
                self._collect(inner, key, language, name, into)
            else:
                usable = [*self.languages, *FAMILIES, *CHANNELS[1:]]
                self.bad(f"{key}: {name!r} is not a language or channel; use some of {usable}")

    def optional_text(self, raw: Section, key: str) -> Text | None:
        """The same, or None."""
        return self.text(raw, key) if key in raw else None

    def texts(self, raw: Section, key: str) -> tuple[Text, ...]:
        """A list of texts, one per repetition."""
        listed = raw.get(key, [])
        if not isinstance(listed, list):
            self.bad(f"{key}: expected a list of texts, one per repetition")
            return ()
        return tuple(self.text(_wrap(key, item), key) for item in listed)

    def examples(self, raw: Section, key: str) -> dict[str, tuple[str, ...]]:
        """Phrases by language."""
        found = {}
        for language, phrases in self.section(raw, key).items():
            if language not in self.languages:
                self.bad(f"{key}: language {language!r} is not in {list(self.languages)}")
            elif not isinstance(phrases, list) or not phrases:
                self.bad(f"{key}.{language}: expected a list of phrases")
            else:
                found[language] = tuple(str(phrase) for phrase in phrases)
        return found

    # plain values

    def section(self, raw: Section, key: str) -> Section:
        """The mapping under ``key``; empty when there is none."""
        found = raw.get(key)
        if isinstance(found, Section):
            return found
        if found is not None:
            self.bad(f"{key}: expected a mapping, found {found!r}")
        return Section()

    def names(self, raw: Section, key: str) -> dict[str, str]:
        """Names and what they stand for, as text."""
        return {name: str(value) for name, value in self.section(raw, key).items()}

    def queue(self, raw: Section) -> str:
        """One queue or a list of them, as the text of ``outcome.named_queues``."""
        found = raw.get("queue", "")
        return ", ".join(self.words(raw, "queue")) if isinstance(found, list) else str(found)

    def words(self, raw: Section, key: str) -> list[str]:
        """A list of words."""
        found = raw.get(key, [])
        if not isinstance(found, list):
            self.bad(f"{key}: expected a list, found {found!r}")
            return []
        return [str(word) for word in found]

    def needed(self, raw: Section, key: str) -> str:
        """A value that has to be there."""
        value = raw.get(key)
        if value is None or isinstance(value, Section | list) or str(value) == "":
            self.bad(f"missing {key!r}; add '{key}: …'")
            return ""
        return str(value)

    def one_of(self, raw: Section, key: str, allowed: tuple[str, ...], default: str) -> str:
        """One of the ``allowed`` words."""
        value = str(raw.get(key, default))
        if value not in allowed:
            self.bad(f"{key} {value!r} is not one of {list(allowed)}")
        return value

    def flag(self, raw: Section, key: str) -> bool:
        """True or false."""
        value = raw.get(key, False)
        if not isinstance(value, bool):
            self.bad(f"{key}: expected true or false, found {value!r}")
        return bool(value)

    def number(self, raw: Section, key: str) -> int | None:
        """A whole number, or None."""
        value = raw.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.bad(f"{key}: expected a whole number, found {value!r}")
        return None

    def known(self, raw: Section, keys: frozenset[str]) -> None:
        """Name every key that is none of these."""
        for key in raw:
            if key not in keys:
                self.bad(f"unknown key {key!r}; known are {sorted(keys)}", raw.lines[key])

    def bad(self, problem: str, line: int = 0) -> None:
        """One more problem, at this line or that of what is being read."""
        self.problems.append(f"{self.path}:{line or self.line}: {self.where}{problem}")


def _wrap(key: str, item: Any) -> Section:
    section = Section()
    section[key] = item
    return section
