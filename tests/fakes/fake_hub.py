"""A model hub on loopback: files by repository, behind a redirect and with a checksum."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FakeHub:
    """``files`` are bytes by ``owner/name/path``; ``damaged`` ones come with a byte changed."""

    files: Mapping[str, bytes]
    damaged: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of ``GET path``."""
        if path.startswith("/store/"):
            name = path.removeprefix("/store/")
            body = self.files[name]
            return 200, {}, body[:-1] + b"?" if name in self.damaged else body
        name = path[1:].replace("/resolve/main/", "/", 1)
        self.asked.append(name)
        if name not in self.files:
            return 404, {}, b"Entry not found"
        digest = hashlib.sha256(self.files[name]).hexdigest()
        return 302, {"Location": f"{self.url}/store/{name}", "X-Linked-Etag": f'"{digest}"'}, b""


@contextmanager
def hub_with(files: Mapping[str, bytes]) -> Iterator[FakeHub]:
    """A running hub that has ``files``."""
    hub = FakeHub(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = hub.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
