"""Who gets what: the pure decision. ``core`` has the class `Acd`; the others are its parts."""

from router.acd.core import Acd, Match, Waiting, waiting_from

__all__ = ["Acd", "Match", "Waiting", "waiting_from"]
