"""The parts of Twilio's HTTP interface that SMS needs: webhook signatures and sending.

Signature: Base64 of HMAC-SHA1, keyed by the account's token, over the URL as
the provider called it and then every form field, name and value joined, in
order of name. Vector: tests/unit/test_sms.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import httpx
import msgspec

from channels.text_errors import BadSignature, SendDelayed, SendRefused

API_VERSION = "2010-04-01"
TIMEOUT_S = 15.0

Fields = Sequence[tuple[str, str]]


def sign(token: str, url: str, fields: Fields) -> str:
    """The ``X-Twilio-Signature`` of a form post to ``url``."""
    joined = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.new(token.encode(), joined.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def check_signature(token: str, url: str, fields: Fields, signature: str) -> None:
    """Raises ``BadSignature`` unless ``signature`` was made with ``token``."""
    expected = sign(token, url, fields).encode()
    if not hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
        raise BadSignature(
            f"X-Twilio-Signature does not fit {url}: check the public URL and the auth token"
        )


class SmsProvider(Protocol):
    """Takes a text message. Raises ``SendDelayed`` or ``SendRefused``."""

    async def send(self, to: str, text: str, status_url: str) -> str:
        """Returns the provider's id of the message."""
        ...


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Where and as whom we send. ``number`` is ours, in E.164."""

    base_url: str
    sid: str
    token: str
    number: str


class _Answer(msgspec.Struct):
    sid: str = ""
    message: str = ""
    code: int | None = None


class TwilioRest:
    """``POST {base}/2010-04-01/Accounts/{sid}/Messages.json`` with basic authentication."""

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        self._client = httpx.AsyncClient(
            base_url=account.base_url.rstrip("/"),
            auth=(account.sid, account.token),
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections. Safe to call twice."""
        await self._client.aclose()

    async def send(self, to: str, text: str, status_url: str) -> str:
        """Send one text; returns its MessageSid."""
        form = {"To": to, "From": self._account.number, "Body": text}
        if status_url:
            form["StatusCallback"] = status_url
        path = f"/{API_VERSION}/Accounts/{self._account.sid}/Messages.json"
        try:
            response = await self._client.post(path, data=form)
        except httpx.HTTPError as error:
            raise SendDelayed(f"{self._account.base_url}: {error!r}") from error
        return _sid(response)


def _sid(response: httpx.Response) -> str:
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except msgspec.DecodeError:
        answer = _Answer()
    status = response.status_code
    if response.is_success and answer.sid:
        return answer.sid
    words = f"{status} {answer.code or ''} {answer.message}".strip()
    ours = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    busy = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and (
        status not in ours and status not in busy
    ):
        raise SendRefused(words)
    raise SendDelayed(words)


@dataclass(frozen=True, slots=True)
class FolderSms:
    """Keeps texts as lines of ``sms.jsonl``, for a demo without a provider."""

    folder: Path
    number: str

    async def send(self, to: str, text: str, status_url: str) -> str:
        """Append the text; the id counts the lines."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = msgspec.json.encode({"from": self.number, "to": to, "text": text})
        with (self.folder / "sms.jsonl").open("ab") as file:
            file.write(line + b"\n")
            return f"file-{file.tell()}"
