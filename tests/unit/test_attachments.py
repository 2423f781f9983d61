"""Files that came with a mail: what of them is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.mail.attachments import TEXT_MAX, AttachmentFolder
from channels.mail.parsing import Attachment
from router.redaction.redact import redact

CARD = "4111 1111 1111 1111"


async def kept(folder: Path, content: bytes, kind: str = "text/plain", name: str = "a.txt") -> str:
    """The file as it lies in the folder."""
    attachments = AttachmentFolder(folder, redact=redact)
    [noted] = await attachments.keep([Attachment(name, kind, content, "")])
    path = attachments.path(noted["kept"])
    assert path is not None
    return f"{noted['name']}: {path.read_bytes().decode('latin-1')}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
async def test_card_in_a_text_file_is_not_kept(tmp_path: Path, encoding: str) -> None:
    file = await kept(tmp_path, f"café, card {CARD}\n".encode(encoding))
    assert "[card" in file
    assert "4111" not in file


async def test_card_in_a_file_name_is_not_kept(tmp_path: Path) -> None:
    assert "4111" not in await kept(tmp_path, b"see above", name=f"card {CARD}.txt")


async def test_what_holds_nothing_private_or_is_no_text_stays_to_the_byte(tmp_path: Path) -> None:
    assert await kept(tmp_path, b"caf\xe9 12.50\r\n") == "a.txt: café 12.50\r\n"
    image = await kept(tmp_path, f"\x89PNG {CARD}".encode("latin-1"), "image/png", "a.png")
    assert CARD in image
    long = await kept(tmp_path, CARD.encode() + b"\n" * TEXT_MAX)
    assert CARD in long
