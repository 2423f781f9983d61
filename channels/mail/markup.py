"""Mail HTML made harmless, and its plain text.

Sanitised when stored (and again by whoever shows it): no scripts, styles,
forms or frames, no ``javascript:`` links, and no remote images, which would
tell the sender that and where the mail was opened.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

HTML_MAX = 500_000
"""Characters of HTML looked at; the rest of a longer body is dropped."""

_TAGS = frozenset(
    re.split(
        r"\s+",
        "a b blockquote br caption center code dd div dl dt em font h1 h2 h3 h4 h5 h6 hr i "
        "img li ol p pre s small span strike strong sub sup table tbody td tfoot th thead tr "
        "tt u ul",
    )
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
}
_SCHEMES = {"http", "https", "mailto", "tel", "cid"}
_DROPPED = {"script", "style", "head", "title", "object", "iframe", "svg", "math", "template"}


def sanitise(html: str) -> str:
    """Safe HTML. Images keep only ``cid:`` sources, links open without a referrer."""
    return nh3.clean(
        html[:HTML_MAX],
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes=_SCHEMES,
        clean_content_tags=_DROPPED,
        attribute_filter=_attribute,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src" and not value.lower().startswith("cid:"):
        return None
    return value


def to_text(html: str) -> str:
    """The words of an HTML body; block quotes become ``>`` lines."""
    reader = _TextReader()
    reader.feed(html[:HTML_MAX])
    reader.close()
    return reader.text()


_BREAKS = frozenset(
    re.split(
        r"\s+",
        "br div p tr li h1 h2 h3 h4 h5 h6 table ul ol hr pre blockquote",
    )
)
_SILENT = frozenset({"script", "style", "head", "title", "template"})
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")


class _TextReader(HTMLParser):
    """Collects lines; ``_depth`` counts open block quotes, ``_silent`` unseen elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line = ""
        self._depth = 0
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if tag in _BREAKS:
            self._end_line(always=tag == "br")
        if tag == "blockquote":
            self._depth += 1
        if tag == "body":
            self._silent = 0

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self._silent:
            self._silent -= 1
        if tag in _BREAKS and tag != "br":
            self._end_line(always=tag == "p")
        if tag == "blockquote" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line += _SPACE.sub(" ", data)

    def _end_line(self, always: bool) -> None:
        line = _SPACE.sub(" ", self._line).strip()
        self._line = ""
        if line or always:
            self._lines.append("> " * self._depth + line)

    def text(self) -> str:
        """All lines so far, at most one empty line between two."""
        self._end_line(always=False)
        return re.sub(r"\n(?:\s*\n){2,}", "\n\n", "\n".join(self._lines)).strip()
