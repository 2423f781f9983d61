"""An SMS provider that speaks Twilio's wire format over real HTTP.

It takes texts of ours at the Messages resource, and sends signed webhooks to
us. It runs in a thread, so that tests of any kind can use it.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import httpx

from channels.twilio_api import sign


@dataclass(frozen=True, slots=True)
class SentText:
    """A text that we handed to the provider."""

    sid: str
    to: str
    sender: str
    body: str
    status_url: str


@dataclass
class FakeTwilio:
    """``refusals`` are (status, code, message) given to the next sends, one each."""

    sid: str = "ACdemo"
    token: str = "demo-token"
    texts: list[SentText] = field(default_factory=list)
    refusals: list[tuple[int, int, str]] = field(default_factory=list)
    down: bool = False
    attempts: int = 0
    _numbers: Any = field(default_factory=lambda: count(1))
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """The base URL of its REST interface."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Listen on a free port."""
        fake = self

        class Handler(_Handler):
            provider = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def next_sid(self) -> str:
        """A fresh MessageSid."""
        return f"SM{next(self._numbers):032x}"

    def take(self, path: str, authorization: str, form: dict[str, str]) -> tuple[int, Any]:
        """What ``POST Messages.json`` answers."""
        self.attempts += 1
        expected = base64.b64encode(f"{self.sid}:{self.token}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        if path != f"/2010-04-01/Accounts/{self.sid}/Messages.json":
            return 404, {"code": 20404, "message": "Not found", "status": 404}
        if self.down:
            return 503, {"code": 20503, "message": "Service unavailable", "status": 503}
        if self.refusals:
            status, code, text = self.refusals.pop(0)
            return status, {"code": code, "message": text, "status": status}
        if not form.get("To") or not form.get("Body"):
            return 400, {"code": 21604, "message": "'To' and 'Body' are required", "status": 400}
        sid = self.next_sid()
        status_url = form.get("StatusCallback", "")
        self.texts.append(SentText(sid, form["To"], form.get("From", ""), form["Body"], status_url))
        return 201, {
            "sid": sid,
            "status": "queued",
            "to": form["To"],
            "from": form.get("From"),
            "body": form["Body"],
            "account_sid": self.sid,
            "error_code": None,
        }

    async def text(
        self, url: str, sender: str, body: str, *, sid: str = "", signed_for: str = ""
    ) -> httpx.Response:
        """A customer's text arrives: the signed webhook. ``signed_for``: another URL."""
        form = {
            "MessageSid": sid or self.next_sid(),
            "AccountSid": self.sid,
            "From": sender,
            "To": "+37160000200",
            "Body": body,
            "NumMedia": "0",
        }
        return await self.post(url, form, signed_for)

    async def receipt(
        self, text: SentText, status: str, base_url: str = "", error: str = ""
    ) -> httpx.Response:
        """The provider reports what became of a text, at the address we gave with it."""
        form = {"MessageSid": text.sid, "MessageStatus": status, "To": text.to}
        if error:
            form["ErrorCode"] = error
        return await self.post(base_url or text.status_url, form, text.status_url)

    async def post(self, url: str, form: dict[str, str], signed_for: str = "") -> httpx.Response:
        """A webhook with its signature."""
        signature = sign(self.token, signed_for or url, list(form.items()))
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            return await client.post(url, data=form, headers={"X-Twilio-Signature": signature})


class _Handler(BaseHTTPRequestHandler):
    provider: FakeTwilio

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        status, answer = self.provider.take(self.path, self.headers.get("Authorization", ""), form)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Keep quiet."""
