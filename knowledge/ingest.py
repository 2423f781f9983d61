"""Reads articles: Markdown files with YAML front matter, one folder per language.

::

    ---
    id: track-parcel
    title: How to track a parcel
    language: en
    tags: [parcels, tracking]
    audience: public        # optional
    expires: 2027-01-01     # optional
    asked:                  # optional: other words that customers use
      - Where is my package?
    ---
    The text in Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from knowledge.errors import BadArticle
from knowledge.model import Article

FIELDS = ("id", "title", "language", "tags", "audience", "expires", "asked")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


def read_articles(folder: Path) -> list[Article]:
    """Every ``*.md`` below the folder, by language and id.

    Raises ``BadArticle`` naming the file and line of the first mistake, also
    when two files give the same article.
    """
    if not folder.is_dir():
        raise BadArticle(f"{folder}: there is no such folder of articles")
    found: dict[tuple[str, str], Path] = {}
    articles = []
    for path in sorted(folder.rglob("*.md")):
        article = parse_article(path.read_text("utf-8"), str(path))
        key = (article.language, article.id)
        if key in found:
            raise BadArticle(f"{path}:1: {article.language}/{article.id} is already {found[key]}")
        found[key] = path
        articles.append(article)
    return sorted(articles, key=lambda article: (article.language, article.id))


def parse_article(text: str, place: str) -> Article:
    """An article from the text of its file; ``place`` is named in ``BadArticle``."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        raise BadArticle(f"{place}:1: expected front matter that begins with ---")
    try:
        end = next(i for i, line in enumerate(lines[1:], 1) if line.strip() == "---")
    except StopIteration:
        raise BadArticle(f"{place}:{len(lines)}: the front matter is never closed by ---") from None
    front = _read_front("\n".join(lines[1:end]), place)
    body = "\n".join(lines[end + 1 :]).strip()
    if not body:
        raise BadArticle(f"{place}:{end + 1}: the article has no text below its front matter")
    return _article(front, body, _Places(place, lines[:end]))


class _Places:
    """Names the line on which a front-matter field stands."""

    def __init__(self, place: str, lines: list[str]) -> None:
        self._place = place
        self._lines = {
            line.split(":", 1)[0].strip(): number
            for number, line in enumerate(lines, 1)
            if ":" in line and not line[:1].isspace()
        }

    def of(self, field: str) -> str:
        return f"{self._place}:{self._lines.get(field, 1)}"


def _read_front(text: str, place: str) -> Mapping[str, Any]:
    try:
        front = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark is not None else 2
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise BadArticle(f"{place}:{line}: the front matter is not YAML: {problem}") from None
    if not isinstance(front, dict):
        raise BadArticle(f"{place}:2: expected `field: value` lines, found {front!r}")
    return front


def _article(front: Mapping[str, Any], body: str, places: _Places) -> Article:
    for name in front:
        if name not in FIELDS:
            raise BadArticle(f"{places.of(name)}: unknown field {name!r}; known: {FIELDS}")
    return Article(
        id=_matched(front, "id", _ID, "lower-case letters, digits and hyphens", places),
        title=_matched(front, "title", re.compile(r"\S.*"), "a text", places),
        language=_matched(front, "language", _LANGUAGE, "a code such as en or lv", places),
        body=body,
        tags=_texts("tags", front.get("tags", []), places),
        audience=str(front.get("audience", "public")),
        expires=_expires(front.get("expires"), places),
        asked=_texts("asked", front.get("asked", []), places),
    )


def _matched(
    front: Mapping[str, Any], field: str, pattern: re.Pattern[str], wanted: str, places: _Places
) -> str:
    value = front.get(field)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadArticle(f"{places.of(field)}: {field}: expected {wanted}, found {value!r}")
    return value


def _texts(field: str, value: Any, places: _Places) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise BadArticle(f"{places.of(field)}: {field}: expected a list of texts, found {value!r}")
    return tuple(value)


def _expires(value: Any, places: _Places) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise BadArticle(f"{places.of('expires')}: expires: expected YYYY-MM-DD, found {value!r}")
