"""Any text, for property tests.

Hypothesis' own ``text()`` first makes a table of all characters, three seconds in every process
of a fresh clone. These are the blocks in which letters, marks, digits, controls, right-to-left
and joining signs, ideographs and emoji stand.
"""

from __future__ import annotations

from hypothesis import strategies as st

BLOCKS = (
    (0x0000, 0x3100),
    (0x4E00, 0x5000),
    (0xFE00, 0xFE10),
    (0xFFF0, 0xFFFE),
    (0x1F600, 0x1F650),
)
CHARACTERS = "".join(chr(code) for first, end in BLOCKS for code in range(first, end))


def any_text(max_size: int | None = None) -> st.SearchStrategy[str]:
    """Text of up to ``max_size`` characters."""
    return st.text(CHARACTERS, max_size=max_size)
