"""Markdown article → passages → sentences. Pure.

Rules:
1. A heading begins a passage and is carried by every passage below it.
2. Paragraphs are joined up to ``TARGET_WORDS`` and never split below it;
   one longer than ``LIMIT_WORDS`` is split between sentences.
3. A list belongs to the paragraph before it; a table row becomes a sentence.
4. Each phrasing in which customers ask for the article is a passage to be found by.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.model import Article, Passage

TARGET_WORDS = 90
LIMIT_WORDS = 140
NAMESPACE = uuid.UUID("6f1f3c1e-6a0f-5d0e-9b6a-50a51ab1e001")
"""Makes passage ids ours (RFC 4122 version 5)."""

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w))")
_LATIN_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)]))\s+(?=[\"'“‘«(]*[^\Wa-zāčēģīķļņšūž])")
_CJK_END = re.compile(r"(?<=[。！？；])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|no|nr|st|mr|mrs|ms|dr|piem|utt|u\.c|plkst|\d))\.$", re.I
)
_CJK = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class _Block:
    heading: str
    text: str


def split_article(article: Article) -> list[Passage]:
    """The article's passages in reading order; an empty body gives none."""
    pieces: list[_Block] = []
    for block in _blocks(article.body):
        last = pieces[-1] if pieces else None
        joined = f"{last.text} {block.text}" if last and last.heading == block.heading else ""
        if last and joined and count_words(joined) <= TARGET_WORDS:
            pieces[-1] = _Block(last.heading, joined)
        else:
            pieces.extend(_Block(block.heading, part) for part in _split_long(block.text))
    passages = [_passage(article, piece, position) for position, piece in enumerate(pieces)]
    return passages + [
        Passage(
            id=_passage_id(article, f"asked/{number}"),
            article_id=article.id,
            language=article.language,
            title=article.title,
            heading="",
            text=phrase,
            position=len(passages) + number,
        )
        for number, phrase in enumerate(article.asked)
    ]


def split_sentences(text: str) -> list[str]:
    """Sentences in order. Latin script splits before a capital, Chinese at its full stops."""
    parts: list[str] = []
    for line in text.split("\n"):
        for stretch in _CJK_END.split(line):
            parts.extend(part.strip() for part in _LATIN_END.split(stretch))
    sentences: list[str] = []
    for part in parts:
        if not part:
            continue
        if sentences and _ABBREVIATION.search(sentences[-1]):
            sentences[-1] = f"{sentences[-1]} {part}"
        else:
            sentences.append(part)
    return sentences


def plain_text(markdown: str) -> str:
    """One line of Markdown without its marks."""
    return _EMPHASIS.sub("", _LINK.sub(r"\1", markdown)).strip()


def count_words(text: str) -> int:
    """Words of a text; two Chinese characters count as one."""
    characters = len(_CJK.findall(text))
    return len(_CJK.sub(" ", text).split()) + (characters + 1) // 2


def _passage(article: Article, piece: _Block, position: int) -> Passage:
    return Passage(
        id=_passage_id(article, str(position)),
        article_id=article.id,
        language=article.language,
        title=article.title,
        heading=piece.heading,
        text=piece.text.replace("\n", " "),
        position=position,
        sentences=tuple(split_sentences(piece.text)),
    )


def _passage_id(article: Article, place: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{article.language}/{article.id}/{place}"))


def _split_long(text: str) -> Iterator[str]:
    """A paragraph as it is, or in runs of whole sentences below the limit."""
    if count_words(text) <= LIMIT_WORDS:
        yield text
        return
    run: list[str] = []
    for sentence in split_sentences(text):
        if run and count_words(" ".join([*run, sentence])) > TARGET_WORDS:
            yield "\n".join(run)
            run = []
        run.append(sentence)
    if run:
        yield "\n".join(run)


def _blocks(body: str) -> Iterator[_Block]:
    """Paragraphs with the heading above each; lists are joined to what leads them in."""
    heading = ""
    held = ""
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        lines = paragraph.splitlines()
        while lines and (match := _HEADING.match(lines[0].strip())):
            if held:
                yield _Block(heading, held)
                held = ""
            heading = plain_text(match.group(1))
            lines = lines[1:]
        text = _flatten(lines)
        if not text:
            continue
        is_list = bool(_ITEM.match(lines[0])) or lines[0].lstrip().startswith("|")
        if held and is_list:
            held = f"{held}\n{text}"
            continue
        if held:
            yield _Block(heading, held)
        held = text
    if held:
        yield _Block(heading, held)


def _flatten(lines: list[str]) -> str:
    """Wrapped lines joined; list items and table rows on a line each, ended like sentences."""
    rows: list[str] = []
    for line in lines:
        if line.lstrip().startswith("|"):
            row = _table_row(line)
            if row:
                rows.append(row)
        elif _ITEM.match(line):
            rows.append(plain_text(_ITEM.sub("", line, count=1)))
        elif line.strip():
            if rows and not lines[0].lstrip().startswith("|"):
                gap = "" if _CJK.match(rows[-1][-1:]) or rows[-1][-1:] in "，。；：、" else " "
                rows[-1] += gap + plain_text(line)
            else:
                rows.append(plain_text(line))
    listed = any(_ITEM.match(line) or line.lstrip().startswith("|") for line in lines)
    return "\n".join(_ended(row) if listed else row for row in rows if row)


def _table_row(line: str) -> str:
    cells = [plain_text(cell) for cell in line.strip().strip("|").split("|")]
    if all(set(cell) <= set("-: ") for cell in cells):
        return ""
    return ": ".join(cells[:2]) + "".join(f", {cell}" for cell in cells[2:] if cell)


def _ended(row: str) -> str:
    if row[-1] in ".!?:;…。！？；：":
        return row
    return row + ("。" if _CJK.match(row[-1]) else ".")
