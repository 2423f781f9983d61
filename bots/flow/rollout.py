"""Which version of a flow a new conversation gets. Pure.

1. Whoever has begun with a version finishes on it.
2. New conversations get the version that is ``live``; while another one is on trial, the named
   percentage of them get that. Chance is the interaction's own id, so every process decides alike.
3. A trial ends by going live or by being taken back. What was live before can be put back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from bots.errors import BadRollout

ALL = 100


@dataclass(frozen=True, slots=True)
class Rollout:
    """``percent`` of new conversations get ``trial``; ``before`` was live before ``live``."""

    live: str
    trial: str = ""
    percent: int = 0
    before: str = ""

    def version_for(self, interaction_id: str) -> str:
        """Rule 2."""
        drawn = int.from_bytes(hashlib.sha256(interaction_id.encode()).digest()[:4]) % ALL
        return self.trial if self.trial and drawn < self.percent else self.live

    @property
    def versions(self) -> tuple[str, ...]:
        """Those that new conversations may get, the live one first."""
        return (self.live, self.trial) if self.trial else (self.live,)

    def publish(self, version: str, percent: int = ALL) -> Rollout:
        """Let ``version`` have so many of the new conversations; all makes it live.

        Raises ``BadRollout``.
        """
        if not 1 <= percent <= ALL:
            raise BadRollout(f"expected 1 to {ALL} percent of the new conversations, not {percent}")
        if version == self.live:
            if percent < ALL:
                raise BadRollout(f"version {version} is live; it cannot be tried out as well")
            return replace(self, trial="", percent=0)
        if percent < ALL:
            return replace(self, trial=version, percent=percent)
        return Rollout(version, before=self.live)

    def roll_back(self) -> Rollout:
        """Take back the trial, or else put back what was live before. Raises ``BadRollout``."""
        if self.trial:
            return replace(self, trial="", percent=0)
        if not self.before:
            raise BadRollout(f"nothing was live before {self.live}")
        return Rollout(self.before, before=self.live)
