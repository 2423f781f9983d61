"""Keeps private data out of the log, whoever writes it there."""

from __future__ import annotations

import logging
from typing import Protocol

from router.redaction.policy import Policy
from router.redaction.redact import redact

_PLAIN = logging.Formatter()


class Decider(Protocol):
    """Who decides what is private: the company, as it is now."""

    @property
    def redaction(self) -> Policy:
        """Its policy."""
        ...


class LogGuard(logging.Filter):
    """Rewrites each record's message and traceback before a handler sees it."""

    def __init__(self, decider: Decider) -> None:
        super().__init__()
        self._decider = decider

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: nothing is left out, only replaced."""
        policy = self._decider.redaction
        try:
            told = record.getMessage()
        except (TypeError, ValueError):
            # A wrong call: logging itself reports it, with the place.
            return True
        kept = redact(told, policy)
        if kept != told:
            record.msg, record.args = kept, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = _PLAIN.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text, policy)
        return True


def guard_logs(decider: Decider) -> None:
    """From now on all handlers of the process write what ``decider`` allows."""
    for handler in logging.getLogger().handlers:
        for guard in [each for each in handler.filters if isinstance(each, LogGuard)]:
            handler.removeFilter(guard)
        handler.addFilter(LogGuard(decider))
