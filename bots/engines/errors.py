"""What can go wrong while a speech engine is chosen and loaded."""

from __future__ import annotations

from router.errors import ParleyError


class EngineUnavailable(ParleyError):
    """A speech engine cannot be loaded; the message says which files to put where."""
