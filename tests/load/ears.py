"""When the distributor heard of whom: a file to which all routers of a run write.

Somebody is *known* when he stands in the view by which a router decides: every later decision
of this router, or of one that loads after it, must respect the place. Who was only *told* of
stands in no view yet: his fact came to a router that rests or is loading, and will be loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

EARS = "ears"
KNOWN, TOLD = "known", "told"


class Ears:
    """One router's notes. They survive the process."""

    def __init__(self, folder: Path) -> None:
        # Unbuffered: what was noted before a kill is in the kernel's hands.
        self._file = (folder / EARS).open("ab", buffering=0)

    def note(self, interaction_ids: Iterable[str], at: datetime, how: str = KNOWN) -> None:
        """These are ``KNOWN`` to wait since now, or only ``TOLD`` of."""
        lines = "".join(f"{how} {one} {at.isoformat()}\n" for one in interaction_ids)
        self._file.write(lines.encode())


def read_ears(folder: Path, how: str) -> dict[str, list[datetime]]:
    """By interaction: each time that a router heard of its waiting in this way, ascending."""
    heard: dict[str, list[datetime]] = {}
    path = folder / EARS
    # A last line that was cut short does not count.
    for line in path.read_text().split("\n")[:-1] if path.exists() else ():
        kind, one, at = line.split()
        if kind == how:
            heard.setdefault(one, []).append(datetime.fromisoformat(at))
    for each in heard.values():
        each.sort()
    return heard
