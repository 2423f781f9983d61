"""What every fact carries; the facts themselves are in ``router.events``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from router.model import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every event carries."""

    at: datetime
    interaction_id: str = ""
    id: str = field(default_factory=new_id)
