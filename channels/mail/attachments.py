"""Files that came with a mail, kept in a folder under the hash of their content.

A repeat of the same mail writes the same file, so storing is idempotent. The
sender's file name is only ever shown, never used as a path.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from channels.mail.parsing import Attachment

ATTACHMENT_MAX = 10 * 1024 * 1024
"""Bytes of one file; a larger one is noted but not kept."""
ATTACHMENTS_MAX = 20


class AttachmentFolder:
    """Keeps attachments in ``folder``; ``max_bytes`` is the limit for one file."""

    def __init__(self, folder: Path, max_bytes: int = ATTACHMENT_MAX) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    async def keep(self, files: Sequence[Attachment]) -> list[dict[str, Any]]:
        """Write the files; returns what ``Message.meta["attachments"]`` says of each.

        ``kept`` is the path inside the folder, or "" when the file was too large.
        """
        return await asyncio.to_thread(self._keep, files)

    def path(self, kept: str) -> Path | None:
        """The file that ``kept`` names, None when there is none (or it points outside)."""
        path = (self._folder / kept).resolve()
        inside = path.is_relative_to(self._folder.resolve())
        return path if kept and inside and path.is_file() else None

    def _keep(self, files: Sequence[Attachment]) -> list[dict[str, Any]]:
        return [self._keep_one(file, at < ATTACHMENTS_MAX) for at, file in enumerate(files)]

    def _keep_one(self, file: Attachment, wanted: bool) -> dict[str, Any]:
        kept = ""
        if wanted and len(file.content) <= self._max_bytes:
            digest = hashlib.sha256(file.content).hexdigest()
            kept = f"{digest[:2]}/{digest}"
            path = self._folder / kept
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_suffix(".part")
                part.write_bytes(file.content)
                part.replace(path)
        return {
            "name": file.name,
            "type": file.media_type,
            "size": len(file.content),
            "content_id": file.content_id,
            "kept": kept,
        }
