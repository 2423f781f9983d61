"""Files that came with a mail, kept in a folder under the hash of their content.

A repeat of the same mail writes the same file, so storing is idempotent. The
sender's file name is only ever shown, never used as a path. Text files are redacted before
they are kept: whoever reads one later, a person or a program, reads what may be known.
"""

from __future__ import annotations

import asyncio
import codecs
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from channels.mail.parsing import Attachment

ATTACHMENT_MAX = 10 * 1024 * 1024
"""Bytes of one file; a larger one is noted but not kept."""
ATTACHMENTS_MAX = 20
TEXT_MAX = 256 * 1024
"""Bytes of a text file that is redacted; a longer one is kept as it came."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""How a text file says what it is written in."""


def _as_it_is(text: str) -> str:
    return text


class AttachmentFolder:
    """Keeps attachments in ``folder``; ``max_bytes`` is the limit for one file.

    ``redact`` is what every text passes before it is kept.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int = ATTACHMENT_MAX,
        redact: Callable[[str], str] = _as_it_is,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._redact = redact

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
            content = self._private(file)
            digest = hashlib.sha256(content).hexdigest()
            kept = f"{digest[:2]}/{digest}"
            path = self._folder / kept
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_suffix(".part")
                part.write_bytes(content)
                part.replace(path)
        return {
            "name": self._redact(file.name),
            "type": file.media_type,
            "size": len(file.content),
            "content_id": file.content_id,
            "kept": kept,
        }

    def _private(self, file: Attachment) -> bytes:
        """The content as it may be kept; what holds nothing private is not touched."""
        if not file.media_type.startswith("text/") or len(file.content) > TEXT_MAX:
            return file.content
        text = _decoded(file.content)
        redacted = self._redact(text)
        return file.content if redacted == text else redacted.encode()


def _decoded(content: bytes) -> str:
    """By its mark, else UTF-8, else Windows' Latin: its digits are the same in all of them."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
