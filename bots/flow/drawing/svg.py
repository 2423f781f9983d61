"""The picture of a flow: boxes with their exits, lines to the next, as one SVG. Pure.

It follows the light or dark setting of whoever looks, or of the page that it is part of, needs no
script and no font of its own, and says each step's whole text as its title. A label that names
another step is a link to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from bots.flow.drawing.card import COLUMNS, TARGET_COLUMNS, Card, Exit, cards, cut, width
from bots.flow.drawing.layout import Box, Layout, Place, Spacing, arrange
from bots.flow.graph import roots
from bots.flow.model import Flow

WIDTH = 250.0
HEADER, LINE, ROW, PAD, TAG = 28.0, 16.0, 19.0, 9.0, 20.0
LETTER = 6.9
"""Pixels of a letter at the size of the tags."""
MARGIN, TITLE = 28.0, 46.0
MOST_LINES = 4
"""Lines into one box; who is reached from more places is named there."""
COLOURS: Mapping[str, tuple[str, str]] = {
    "say": ("#1d5fa8", "#7fb7f5"),
    "ask": ("#6a3fa0", "#c3a1f2"),
    "answer": ("#0b6b60", "#63cfc0"),
    "do": ("#8a5300", "#f0b45c"),
    "call": ("#8a5300", "#f0b45c"),
    "branch": ("#555c66", "#aab3bf"),
    "set": ("#555c66", "#aab3bf"),
    "end": ("#33383f", "#d3d8df"),
}
"""Verb → the colour in light and in dark; what brings a person has ``PERSON``."""
PERSON = ("#a3283c", "#ff9aa8")

STYLE = """
svg.flow:root{color-scheme:light dark}
.flow{--ground:light-dark(#fbfaf8,#16181c);--box:light-dark(#fff,#202329);\
--edge:light-dark(#d8d4cd,#3b4048);--ink:light-dark(#1f2328,#e8eaed);\
--soft:light-dark(#5b626b,#a5adb8);--line:light-dark(#8b929b,#7d8591);\
font:13px system-ui,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif}
.flow .ground{fill:var(--ground)}.flow .box{fill:var(--box);stroke:var(--edge)}
.flow text{fill:var(--ink)}.flow .soft{fill:var(--soft);font-size:11.5px}
.flow .words{font-size:12px}.flow .name{font-weight:600}.flow h1,.flow .title{font-size:19px;\
font-weight:600}
.flow .rule{stroke:var(--edge)}.flow .line{fill:none;stroke:var(--line);stroke-width:1.4}
.flow .tip{fill:var(--line)}.flow .to{fill:var(--soft);font-size:11.5px}
.flow .label{font-size:11.5px}.flow a{cursor:pointer}.flow a:hover .to,.flow a:focus .to\
{fill:var(--ink);text-decoration:underline}
.flow .tag{fill:var(--ink)}.flow .tagged{fill:var(--ground);font-size:11px;font-weight:600}
.flow .note{fill:light-dark(#b25e00,#ffb454);font-weight:700}
.flow :target .box{stroke:var(--ink);stroke-width:2.5}
"""


def draw(flow: Flow, language: str = "", notes: Mapping[str, Sequence[str]] | None = None) -> str:
    """The flow as an SVG document. ``notes`` are remarks by step, shown with a mark."""
    listed = cards(flow, language or flow.languages[0])
    boxes = {name: _box(card) for name, card in listed.items()}
    entries = [target for _, target in roots(flow)]
    spacing = Spacing(column=WIDTH + 76, entry=HEADER / 2)
    layout = arrange(boxes, entries, MOST_LINES, spacing)
    wide = max((place.x for place in layout.places.values()), default=0.0) + WIDTH + 2 * MARGIN
    high = layout.height + TITLE + 2 * MARGIN
    body = "".join(_body(listed, boxes, layout, notes or {}))
    about = (
        f"{len(flow.steps)} steps, {len(flow.intents)} intents, "
        f"{', '.join(flow.languages)}, version {flow.version}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow" role="group" '
        f'aria-labelledby="flow-title flow-about" viewBox="0 0 {wide:.0f} {high:.0f}" '
        f'width="{wide:.0f}" height="{high:.0f}">'
        f'<title id="flow-title">Flow {escape(flow.name)}</title>'
        f'<desc id="flow-about">{escape(about)}</desc><style>{STYLE}{_verb_style()}</style>'
        f'<rect class="ground" width="100%" height="100%"/>'
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 8}">{escape(flow.name)}</text>'
        f'<text class="soft" x="{MARGIN}" y="{MARGIN + 26}">{escape(about)}</text>'
        f'<g transform="translate({MARGIN} {MARGIN + TITLE})">{body}</g></svg>\n'
    )


def _verb_style() -> str:
    colours = {"": PERSON} | {f".{verb} ": pair for verb, pair in COLOURS.items()}
    return "".join(
        f".flow {verb}.verb{{fill:light-dark({light},{dark})}}"
        for verb, (light, dark) in colours.items()
    )


def _box(card: Card) -> Box:
    begin = _rows_from(card)
    ports = {way.target: begin + index * ROW + ROW / 2 for index, way in enumerate(card.exits)}
    height = begin + len(card.exits) * ROW + (PAD / 2 if card.exits else 0)
    tags = TAG if card.entries else 0.0
    return Box(card.name, height + tags, {target: y + tags for target, y in ports.items()})


def _rows_from(card: Card) -> float:
    """How far below its header's top a box's exits begin."""
    lines = len(card.lines) * LINE + (LINE if card.note else 0)
    return HEADER + (lines + PAD if lines else 2)


def _body(
    listed: Mapping[str, Card],
    boxes: Mapping[str, Box],
    layout: Layout,
    notes: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    for source, target in layout.lines:
        tags = TAG if listed[target].entries else 0.0
        yield _line(layout.places[source], boxes[source].ports[target], layout.places[target], tags)
    drawn = set(layout.lines)
    for name, place in layout.places.items():
        joined = {target for source, target in drawn if source == name}
        yield _step(listed[name], boxes[name], place, joined, notes.get(name, ()))


def _line(source: Place, port: float, target: Place, tags: float) -> str:
    x, y = source.x + WIDTH, source.y + port
    to_x, to_y = target.x, target.y + tags + HEADER / 2
    bend = (to_x - x) / 2
    return (
        f'<path class="line" d="M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} '
        f'{to_y:.1f} {to_x - 6:.1f} {to_y:.1f}"/>'
        f'<path class="tip" d="M{to_x - 7:.1f} {to_y - 4:.1f}L{to_x:.1f} {to_y:.1f}'
        f'L{to_x - 7:.1f} {to_y + 4:.1f}z"/>'
    )


def _step(card: Card, box: Box, place: Place, joined: set[str], notes: Sequence[str]) -> str:
    tags = TAG if card.entries else 0.0
    parts = [
        f'<g id="step-{escape(card.name)}" class="{escape(card.verb)}" '
        f'transform="translate({place.x:.1f} {place.y:.1f})">',
        f"<title>{escape(_title(card, notes))}</title>",
        *_tags(card),
        f'<g transform="translate(0 {tags:.0f})">',
        f'<rect class="box" width="{WIDTH:.0f}" height="{box.height - tags:.1f}" rx="7"/>',
        f'<text class="name" x="12" y="19">{escape(cut(card.name, 22))}</text>',
        f'<text class="verb name" x="{WIDTH - 12:.0f}" y="19" text-anchor="end">'
        f"{escape(card.verb)}</text>",
    ]
    if notes:
        parts.append(f'<text class="note" x="{WIDTH - 4:.0f}" y="-4" text-anchor="end">▲</text>')
    y = HEADER + 11.0
    for line in card.lines:
        parts.append(f'<text class="words" x="12" y="{y:.1f}">{escape(line)}</text>')
        y += LINE
    if card.note:
        parts.append(
            f'<text class="soft" x="12" y="{y:.1f}">{escape(cut(card.note, COLUMNS + 1))}</text>'
        )
    parts += _rows(card, joined)
    return "".join([*parts, "</g></g>"])


def _title(card: Card, notes: Sequence[str]) -> str:
    ways = [f"{way.label or 'then'} → {way.target}" for way in card.exits]
    return "\n".join([f"{card.name} ({card.verb})", card.whole, *ways, *notes])


def _tags(card: Card) -> Iterator[str]:
    x = 0.0
    for index, entry in enumerate(card.entries):
        left = len(card.entries) - index
        label = entry if x + width(entry) * LETTER < WIDTH - 60 or left == 1 else f"+{left}"
        label = cut(label, int((WIDTH - x) / LETTER) - 2)
        wide = width(label) * LETTER + 14
        yield (
            f'<rect class="tag" x="{x:.1f}" width="{wide:.1f}" height="16" rx="8"/>'
            f'<text class="tagged" x="{x + 7:.1f}" y="12">{escape(label)}</text>'
        )
        x += wide + 5
        if label.startswith("+"):
            return


def _rows(card: Card, joined: set[str]) -> Iterator[str]:
    begin = _rows_from(card)
    if card.exits:
        yield f'<path class="rule" d="M0 {begin - 1:.1f}H{WIDTH:.0f}"/>'
    for index, way in enumerate(card.exits):
        yield _row(way, begin + index * ROW, way.target in joined)


def _row(way: Exit, top: float, drawn: bool) -> str:
    shown = cut(way.target, TARGET_COLUMNS)
    label = escape(cut(way.label, int(COLUMNS - width(shown) - (1 if drawn else 3))))
    target, shown = escape(way.target), escape(shown)
    arrow = "" if drawn else " ↗"
    return (
        f'<text class="label" x="12" y="{top + 13.5:.1f}">{label}</text>'
        f'<a href="#step-{target}"><text class="to" x="{WIDTH - 10:.0f}" y="{top + 13.5:.1f}" '
        f'text-anchor="end">{shown}{arrow}</text></a>'
    )
