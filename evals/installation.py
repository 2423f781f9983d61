"""An installation of its own for a run: embedded, on free ports, in a folder that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
import yaml

import gateway.demo
from router.errors import ParleyError
from router.store.sql import SqlStore

HOST = "127.0.0.1"
READY_WITHIN_S = 180.0
STOP_WITHIN_S = 15.0
LOOK_EVERY_S = 0.05
LOG_TAIL = 4000
RTP_PORTS = 200
DEMO_COMPANY = Path(gateway.demo.__file__).parent / "company.yaml"


class InstallationFailed(ParleyError):
    """The installation did not come up; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where its doors are, all on loopback."""

    http: int
    sip: int
    smtp: int
    rtp_first: int


class Installation:
    """A running ``python -m gateway up``."""

    def __init__(
        self, data: Path, ports: Ports, process: asyncio.subprocess.Process, start_s: float
    ) -> None:
        self.data = data
        self.ports = ports
        self.start_s = start_s
        self._process = process

    @property
    def url(self) -> str:
        """Base of its web pages."""
        return f"http://{HOST}:{self.ports.http}"

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def sip_uri(self) -> str:
        """Whom to call."""
        return f"sip:frontdesk@{HOST}:{self.ports.sip}"

    @classmethod
    async def start(
        cls,
        data: Path,
        ports: Ports | None = None,
        env: Mapping[str, str] | None = None,
        role: str = "",
    ) -> Installation:
        """Start and wait until ``/healthz`` is well; all roles, or one. Raises
        ``InstallationFailed``.
        """
        ports = ports or free_ports()
        began = time.perf_counter()
        with _log_file(data) as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "gateway", *(("run", role) if role else ("up",))),
                *("--host", HOST, "--port", str(ports.http)),
                *("--data", str(data)),
                env={**os.environ, **_environment(data, ports), **(env or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running = cls(data, ports, process, 0.0)
        try:
            await running._ready()
        except BaseException:
            await running.stop()
            raise
        running.start_s = time.perf_counter() - began
        return running

    async def stop(self) -> None:
        """Ask it to stop as Ctrl-C does; kill it when it does not. Safe to call twice."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[SqlStore]:
        """Its database, for reading what the record says."""
        store = SqlStore(f"sqlite+aiosqlite:///{self.data / 'parley.db'}")
        try:
            yield store
        finally:
            await store.stop()

    async def settled(self) -> None:
        """Return when nothing is embedded ahead of the questions any more: vectors are kept.

        Raises ``InstallationFailed``.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        while not list((self.data / "vectors").glob("*.npz")):
            if time.monotonic() > deadline:
                raise InstallationFailed(f"no vectors were kept:\n{self.log_tail()}")
            await asyncio.sleep(LOOK_EVERY_S)

    def log_tail(self) -> str:
        """The end of what it wrote."""
        text = (self.data / "evals.log").read_text(encoding="utf-8", errors="replace")
        return text[-LOG_TAIL:]

    async def _ready(self) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=2.0) as http:
            deadline = time.monotonic() + READY_WITHIN_S
            while time.monotonic() < deadline:
                if self._process.returncode is not None:
                    raise InstallationFailed(
                        f"it stopped with {self._process.returncode}:\n{self.log_tail()}"
                    )
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get("/healthz")).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(LOOK_EVERY_S)
        raise InstallationFailed(f"not ready within {READY_WITHIN_S:g} s:\n{self.log_tail()}")


@contextlib.asynccontextmanager
async def installation(env: Mapping[str, str] | None = None) -> AsyncIterator[Installation]:
    """A fresh one for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="parley-evals-") as folder:
        running = await Installation.start(Path(folder), env=env)
        try:
            yield running
        finally:
            await running.stop()


def _log_file(data: Path) -> BinaryIO:
    data.mkdir(parents=True, exist_ok=True)
    return (data / "evals.log").open("ab")


def free_ports() -> Ports:
    """Ports nobody holds at this moment."""
    tcp = [_free(socket.SOCK_STREAM) for _ in range(2)]
    return Ports(tcp[0], _free(socket.SOCK_DGRAM), tcp[1], _free_range())


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _free_range() -> int:
    # Below the ports that the kernel hands out itself, by process so that runs differ.
    return 17000 + (os.getpid() % 60) * RTP_PORTS


def always_open(company: Path, data: Path) -> Path:
    """A copy of the company file without opening hours: the same result at any hour."""
    raw = yaml.safe_load(company.read_text(encoding="utf-8"))
    for queue in raw["queues"]:
        queue.pop("hours", None)
    copy = data / "company.yaml"
    copy.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return copy


def _environment(data: Path, ports: Ports) -> dict[str, str]:
    last = ports.rtp_first + RTP_PORTS - 1
    return {
        "PARLEY_COMPANY": str(always_open(DEMO_COMPANY, data)),
        "PARLEY_SIP_PORT": str(ports.sip),
        "PARLEY_SMTP_IN_PORT": str(ports.smtp),
        "PARLEY_RTP_PORTS": f"{ports.rtp_first}-{last}",
        "PARLEY_PUBLIC": "0",
        "PARLEY_DEMO_STAFF": "0",
        "PARLEY_SPEECH": "offline",
        "RABBIT_URL": "",
        "DATABASE_URL": "",
        "QDRANT_URL": "",
    }
