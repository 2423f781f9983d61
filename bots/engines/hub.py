"""Model files from a model hub, one by one, over plain HTTPS.

The hub is Hugging Face's, or the one in ``HF_ENDPOINT``; ``HF_HUB_OFFLINE=1`` forbids to ask.
Its own client has no time limit on its first question and asks again many times, so behind
a firewall that swallows packets the start would hang for minutes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import httpx

from router.errors import ParleyError

HUB = "https://huggingface.co"
TIMEOUT_S = 10.0
"""To connect, and between two pieces of a file."""
CHECKSUM_HEADER = "x-linked-etag"
_NOT_FOUND = 404
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?')


class HubFailed(ParleyError):
    """The hub did not give a file: it cannot be reached, or what came was not whole."""


class HubLacks(HubFailed):
    """The hub has no file of that name."""


def download(repository: str, path: str, target: Path) -> None:
    """One file of the repository's main branch; ``target`` appears when it is whole.

    Raises ``HubFailed`` and ``HubLacks``.
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
        for piece in answer.iter_bytes():
            digest.update(piece)
            file.write(piece)
    if wanted and digest.hexdigest() != wanted:
        raise HubFailed(f"{url}: its checksum is {digest.hexdigest()}, expected {wanted}")
