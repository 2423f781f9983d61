"""Model files from a model hub, one by one, over plain HTTPS.

The hub is Hugging Face's, or the one in ``HF_ENDPOINT``; ``HF_HUB_OFFLINE=1`` forbids to ask.
Its own client has no time limit on its first question and asks again many times, so behind
a firewall that swallows packets the start would hang for minutes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from router.errors import ParleyError

HUB = "https://huggingface.co"
TIMEOUT_S = 10.0
"""To connect, and between two pieces of a file."""
PROGRESS_S = 3.0
"""Between two lines of the log about a file that takes long."""
CHECKSUM_HEADER = "x-linked-etag"
MB = 1_000_000
_NOT_FOUND = 404
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?')

log = logging.getLogger(__name__)


class HubFailed(ParleyError):
    """The hub did not give a file: it cannot be reached, or what came was not whole."""


class HubLacks(HubFailed):
    """The hub has no file of that name."""


def download(repository: str, path: str, target: Path) -> None:
    """One file of the repository's main branch; ``target`` appears when it is whole.

    The log tells how far a large one is. Raises ``HubFailed`` and ``HubLacks``.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "on", "yes", "true"):
        raise HubFailed("HF_HUB_OFFLINE forbids to ask the hub")
    hub = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    url = f"{hub}/{repository}/resolve/main/{path}"
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        _fetch(url, part)
        part.replace(target)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise (HubLacks if status == _NOT_FOUND else HubFailed)(f"{url}: {status}") from None
    except (httpx.HTTPError, OSError) as error:
        raise HubFailed(f"{url}: {type(error).__name__}: {error}") from None
    finally:
        part.unlink(missing_ok=True)


def download_first(repository: str, names: Sequence[str], folder: Path) -> None:
    """The first of ``names`` that the repository has.

    Raises ``HubFailed``, and ``HubLacks`` when it has none of them.
    """
    for name in names:
        with contextlib.suppress(HubLacks):
            return download(repository, name, folder / name)
    raise HubLacks(f"{repository} has none of {', '.join(names)}")


def _fetch(url: str, part: Path) -> None:
    digest, wanted = hashlib.sha256(), ""
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(httpx.Client(timeout=TIMEOUT_S, follow_redirects=True))
        answer = stack.enter_context(client.stream("GET", url))
        answer.raise_for_status()
        for hop in (*answer.history, answer):
            found = _SHA256.fullmatch(hop.headers.get(CHECKSUM_HEADER, ""))
            wanted = found[1] if found else wanted
        file = stack.enter_context(part.open("wb"))
        progress = Progress(url, int(answer.headers.get("Content-Length", 0)))
        for piece in answer.iter_bytes():
            digest.update(piece)
            file.write(piece)
            progress.came(len(piece))
    if wanted and digest.hexdigest() != wanted:
        raise HubFailed(f"{url}: its checksum is {digest.hexdigest()}, expected {wanted}")


class Progress:
    """Tells the log how far a file is, now and then."""

    def __init__(self, url: str, whole: int, seconds: Callable[[], float] = time.monotonic) -> None:
        """``whole`` is its size in bytes, 0 for not known."""
        self._name = url.rpartition("/")[2]
        self._whole = whole
        self._seconds = seconds
        self._began = self._told = seconds()
        self._came = 0

    def came(self, size: int) -> None:
        """So many bytes more."""
        self._came += size
        now = self._seconds()
        if now - self._told < PROGRESS_S:
            return
        self._told = now
        speed = self._came / MB / (now - self._began)
        if self._whole:
            share = f" of {self._whole / MB:.0f} MB ({self._came / self._whole:.0%})"
        else:
            share = " MB"
        log.info("%s: %.0f%s, %.1f MB/s", self._name, self._came / MB, share, speed)
