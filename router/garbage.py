"""When Python looks for garbage in a process that serves people all the time."""

from __future__ import annotations

import gc

YOUNG = 20_000
"""Objects made before the youngest are looked through; Python's own 700 is some 20 times a second
at 50 interactions a second."""
MIDDLE, OLD = 20, 50


def collect_rarely() -> None:
    """Call once everything is loaded: it stays, and no collection looks through it again.

    A full collection stops every call and every offer of the process: a tenth of a second with a
    few thousand agents. Nearly all objects here go without one, by their reference counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
