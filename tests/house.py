"""A whole Parley for a test: the real processes, on ports and a folder of their own.

``embedded`` is one ``gateway up``; ``apart`` is RabbitMQ, PostgreSQL and each role in
its own process. Tests talk to it only through its doors, and read its database.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx

from router.events import Fact
from router.model import Interaction, Message
from router.store.sql import SqlStore
from tests import services

ROOT = Path(__file__).resolve().parents[1]
WAIT_S = 90.0
"""For anything at all that is to happen: the machine may be busy."""
READY_S = 180.0
PREPARE_S = 600.0
STOP_S = 20.0
THINKING = ("web", "voice", "text", "outbound")
APART = (("web",), ("router",), ("voice",), ("text",), ("mail",), ("outbound",))


@dataclass
class House:
    """Addresses of its doors and the processes behind them."""

    data: Path
    env: dict[str, str]
    http_port: int
    sip_port: int
    smtp_port: int
    commands: dict[str, list[str]]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The web pages."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def store_url(self) -> str:
        """Its database."""
        url = self.env.get("DATABASE_URL", "")
        return url or f"sqlite+aiosqlite:///{self.data / 'parley.db'}"

    @property
    def sip(self) -> str:
        """Whom to call."""
        return f"sip:frontdesk@127.0.0.1:{self.sip_port}"

    def start(self, *names: str) -> None:
        """Start the named processes (default: all) and wait until all are ready, bots too."""
        for name in names or tuple(self.commands):
            log = (self.data / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                self.commands[name],
                env=self.env | self._port_of(name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                start_new_session=True,
            )
            log.close()
        for name in names or tuple(self.commands):
            self._wait_ready(name)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End one process as a crash does."""
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait(STOP_S)

    @contextmanager
    def stalled(self, role: str) -> Iterator[None]:
        """The process that plays this role does not get the processor for a while."""
        process = self.processes[role if role in self.processes else "embedded"]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop all, politely first."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def log(self, name: str) -> str:
        """What a process has written."""
        return (self.data / f"{name}.log").read_text(errors="replace")

    async def facts(self, interaction_id: str) -> list[Fact]:
        """The event log of one interaction."""
        store = SqlStore(self.store_url)
        try:
            async with store.transaction() as tx:
                return await tx.log.facts(interaction_id=interaction_id)
        finally:
            await store.stop()

    async def newest(self, limit: int = 50) -> list[Interaction]:
        """The newest interactions."""
        store = SqlStore(self.store_url)
        try:
            async with store.transaction() as tx:
                return await tx.interactions.recent(limit)
        finally:
            await store.stop()

    async def lines(self, interaction_id: str) -> list[Message]:
        """The transcript of one interaction."""
        store = SqlStore(self.store_url)
        try:
            async with store.transaction() as tx:
                return await tx.interactions.messages(interaction_id)
        finally:
            await store.stop()

    def _port_of(self, name: str) -> dict[str, str]:
        if name in ("embedded", "web"):
            return {"PARLEY_PORT": str(self.http_port)}
        return {"PARLEY_PORT": self.env[f"TEST_PORT_{name}"]}

    def _wait_ready(self, name: str) -> None:
        port = self._port_of(name)["PARLEY_PORT"]
        deadline = time.monotonic() + READY_S
        while True:
            process = self.processes[name]
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.log(name)}")
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} is not ready after {READY_S:g} s:\n{self.log(name)}")
            time.sleep(0.1)


@cache
def prepared() -> Path:
    """A data folder with search index and vectors, made once for all workers of the run.

    Embedding all articles takes half a minute of a core. ``TESTS_PREPARED`` names a folder
    that several runs share; whoever made it removes it.
    """
    if shared := os.environ.get("TESTS_PREPARED"):
        folder = Path(shared)
        with _locked(folder):
            if not (folder / "vectors").is_dir():
                _prepare(folder)
        return folder
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"parley-prepared-{run}"
    users = folder / "users"
    users.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        (users / str(os.getpid())).touch()
        atexit.register(_leave, folder)
        if not (folder / "vectors").is_dir():
            _prepare(folder)
    return folder


def _prepare(folder: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    command = [sys.executable, "-m", "gateway", "prepare", "--data", str(folder)]
    result = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, timeout=PREPARE_S)
    if result.returncode:
        raise RuntimeError(f"could not prepare {folder}:\n{result.stderr.decode()}")


def _leave(folder: Path) -> None:
    """The last worker that used it removes it."""
    with _locked(folder):
        (folder / "users" / str(os.getpid())).unlink(missing_ok=True)
        last = not any((folder / "users").iterdir())
    if last:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _give_prepared(data: Path, mode: str) -> None:
    source = prepared()
    shutil.copytree(source / "vectors", data / "vectors", dirs_exist_ok=True)
    thinking = [names[0] for names in APART if names[0] in THINKING] if mode == "apart" else [""]
    for name in thinking:
        shutil.copytree(source / "qdrant", data / "qdrant" / name, dirs_exist_ok=True)


@contextmanager
def house(data: Path, mode: str, extra: Mapping[str, str] | None = None) -> Iterator[House]:
    """A started house, stopped afterwards. ``mode`` is ``embedded`` or ``apart``."""
    with ExitStack() as stack:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
        http_port, smtp_port = services.free_port(), services.free_port()
        sip_port = services.free_udp_port()
        rtp = services.free_udp_port()
        env |= {
            "PARLEY_HOST": "127.0.0.1",
            "PARLEY_PUBLIC_URL": f"http://127.0.0.1:{http_port}",
            "PARLEY_DATA": str(data),
            "PARLEY_SIP_PORT": str(sip_port),
            "PARLEY_RTP_PORTS": f"{rtp}-{rtp + 400}",
            "PARLEY_SMTP_IN_PORT": str(smtp_port),
            "PARLEY_SPEECH": "offline",
            "OMP_NUM_THREADS": "1",
            **(extra or {}),
        }
        _give_prepared(data, mode)
        made = House(data, env, http_port, sip_port, smtp_port, _commands(mode))
        if mode == "apart":
            env["RABBIT_URL"] = stack.enter_context(services.rabbit()).fresh_vhost()
            env["DATABASE_URL"] = stack.enter_context(services.postgres()).fresh_database()
            for name in made.commands:
                env[f"TEST_PORT_{name}"] = str(services.free_port())
        stack.callback(made.stop)
        made.start()
        yield made


def _commands(mode: str) -> dict[str, list[str]]:
    gateway = [sys.executable, "-m", "gateway"]
    if mode == "embedded":
        return {"embedded": [*gateway, "up"]}
    return {"-".join(names): [*gateway, "run", *names] for names in APART}


def wait_until(look: Callable[[], bool], seconds: float = WAIT_S, what: str = "it") -> None:
    """Look again and again until it is true; a clear failure when it never is."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.05)


def names_of(facts: Sequence[Fact]) -> list[str]:
    """Just the kinds, for comparing with a golden log."""
    return [type(fact).__name__ for fact in facts]
