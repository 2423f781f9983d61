"""Which kinds of private data are replaced, as the company decides. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache


class Kind(StrEnum):
    """What can be found in a text."""

    CARD = "card"
    IBAN = "iban"
    PERSONAL_CODE = "personal_code"
    SOCIAL_SECURITY = "social_security"
    SECURITY_CODE = "security_code"
    EMAIL = "email"
    PHONE = "phone"


class Treatment(StrEnum):
    """What becomes of it: it stays, it goes, or it goes but for its last four characters."""

    KEEP = "keep"
    HIDE = "hide"
    LAST4 = "last4"


TELLING_ITS_END = frozenset({Kind.CARD, Kind.IBAN, Kind.PHONE})
"""Kinds of which the last four say something to an agent and nothing to a thief."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A treatment per kind. Agents need addresses and numbers, so these stay unless told."""

    card: Treatment = Treatment.LAST4
    iban: Treatment = Treatment.LAST4
    personal_code: Treatment = Treatment.HIDE
    social_security: Treatment = Treatment.KEEP
    security_code: Treatment = Treatment.HIDE
    email: Treatment = Treatment.KEEP
    phone: Treatment = Treatment.KEEP

    def of(self, kind: Kind) -> Treatment:
        """What becomes of a kind."""
        found: Treatment = getattr(self, kind.value)
        return found

    def kinds(self) -> frozenset[Kind]:
        """The kinds that are replaced."""
        return _replaced(self)

    def only(self, *kinds: Kind) -> Policy:
        """The same for these kinds; all others stay."""
        return Policy(
            **{
                each.name: self.of(Kind(each.name)) if each.name in kinds else Treatment.KEEP
                for each in fields(self)
            }
        )

    def plain(self) -> Mapping[str, str]:
        """As the company file writes it."""
        return {kind.value: self.of(kind).value for kind in Kind}


@cache
def _replaced(policy: Policy) -> frozenset[Kind]:
    return frozenset(kind for kind in Kind if policy.of(kind) is not Treatment.KEEP)


DEFAULT_POLICY = Policy()
