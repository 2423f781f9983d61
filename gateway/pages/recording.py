"""Plays a call's WAV from the data folder, in ranges so that a player can seek (RFC 9110 §14)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from litestar import Response

from router.errors import ParleyError

RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
SLICE = 1 << 20


class NoRecording(ParleyError):
    """There is no recording of this interaction (any more)."""


def inside(data_dir: Path, relative: str) -> Path:
    """The file below ``data_dir``. Raises ``NoRecording`` for any other place."""
    path = (data_dir / relative).resolve()
    if not path.is_relative_to(data_dir.resolve()) or not path.is_file():
        raise NoRecording
    return path


async def audio_response(path: Path, wanted: str | None) -> Response[bytes]:
    """The whole file, or the part that the ``Range`` header asks for (at most 1 MiB)."""
    size = (await asyncio.to_thread(path.stat)).st_size
    part = byte_range(wanted, size) if wanted else None
    headers: dict[str, Any] = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=300"}
    if part is None:
        body = await asyncio.to_thread(path.read_bytes)
        return Response(body, media_type="audio/wav", headers=headers)
    begin, end = part
    body = await asyncio.to_thread(_read_part, path, begin, end)
    headers["Content-Range"] = f"bytes {begin}-{end}/{size}"
    return Response(body, media_type="audio/wav", status_code=206, headers=headers)


def byte_range(wanted: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range; None when it makes no sense."""
    match = RANGE.match(wanted.strip())
    if match is None or match.groups() == ("", "") or size == 0:
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    begin = int(first)
    end = min(int(last) if last else size - 1, size - 1, begin + SLICE - 1)
    return (begin, end) if begin <= end else None


def _read_part(path: Path, begin: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(end - begin + 1)
