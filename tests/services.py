"""Real servers for tests, benches and suites: private, on loopback, gone afterwards.

Each is a context manager with ports, a directory and processes of its own, so
that several runs on one machine do not meet. Start them on the main thread: the
kernel ends them when the thread that started them dies.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PORTS = range(20_000, 32_000)
"""Below the ports that the kernel gives to outgoing connections."""

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.1
RECOVERING = ("starting up", "not yet accepting connections")
"""What PostgreSQL says after a crash."""

_numbers = count(1)


class MissingProgram(Exception):
    """A program is not installed; the message names its Debian package."""


class ServiceFailed(Exception):
    """A server did not start; the message has the end of its output."""


def packages() -> dict[str, str]:
    """Program to Debian package, from ``.ci/packages``."""
    lines = (ROOT / ".ci" / "packages").read_text().splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {row[0]: row[1] for row in rows}


def find_program(name: str) -> str:
    """The path of an installed program. Raises :class:`MissingProgram`."""
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *map(str, places)])
    found = shutil.which(name, path=path)
    if found is None:
        package = packages().get(name, name)
        raise MissingProgram(f"{name} is not installed: apt-get install {package}")
    return found


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A loopback port that nobody uses at the moment."""
    for port in random.sample(PORTS, 200):
        with socket.socket(socket.AF_INET, kind) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServiceFailed("no free port found in 200 tries")


def free_udp_port() -> int:
    """As :func:`free_port`, for UDP. Even, and the next one is free too (RTP and RTCP)."""
    for _ in range(200):
        port = free_port(socket.SOCK_DGRAM) & ~1
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp,
            suppress(OSError),
        ):
            rtp.bind(("127.0.0.1", port))
            rtcp.bind(("127.0.0.1", port + 1))
            return port
    raise ServiceFailed("no free pair of UDP ports found in 200 tries")


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A folder that other users may enter, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """A child process that listens on one TCP port of 127.0.0.1."""

    def __init__(self, command: list[str], port: int, log: Path, env: dict[str, str]) -> None:
        self.port = port
        self._command = command
        self._log = log
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else 0

    def start(self) -> None:
        """Return once it accepts connections. Raises :class:`ServiceFailed`."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._log.parent,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _listening(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop(signal.SIGKILL)
                tail = self._log.read_text(errors="replace")[-2000:]
                raise ServiceFailed(f"{self._command[-1]} did not start:\n{tail}")
            time.sleep(POLL_S)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Signal it and wait for its end. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def dies_with_us(command: list[str], user: str | None = None) -> list[str]:
    """``command`` through setpriv: killed when we die, and as ``user`` when given."""
    wrap = ["setpriv", "--pdeathsig", "KILL"]
    if user is not None:
        wrap += ["--reuid", user, "--regid", user, "--init-groups"]
    return [*wrap, "--", *command]


class Rabbit:
    """A private RabbitMQ node. ``url`` is its default virtual host."""

    def __init__(self, folder: Path) -> None:
        find_program("rabbitmq-server")
        self._folder = folder
        self._node = "parley@localhost"
        port, names_port = free_port(), free_port()
        (folder / "plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text(
            "disk_free_limit.absolute = 50MB\n"
            "raft.wal_max_size_bytes = 33554432\n"
            "log.file.level = warning\n"
            "loopback_users.guest = true\n"
        )
        self._env = {
            "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_START_ARGS": "-noinput",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
                " -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
        }
        names = [find_program("epmd"), "-port", str(names_port), "-address", "127.0.0.1"]
        self._names = Server(dies_with_us(names), names_port, folder / "epmd.log", self._env)
        node = dies_with_us([_rabbit_script("rabbitmq-server")])
        self._server = Server(node, port, folder / "node.log", self._env)
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/"

    @property
    def pid(self) -> int:
        """The node's process id; 0 when it does not run."""
        return self._server.pid

    def start(self) -> None:
        """Return once clients may connect. What was durable is there again."""
        if self.pid:
            return
        if not self._names.pid:
            self._names.start()
        self._server.start()

    def stop(self) -> None:
        """Shut the node down in good order."""
        self._server.stop()

    def kill(self) -> None:
        """End the node at once, as a crash would."""
        self._server.stop(signal.SIGKILL)

    def close(self) -> None:
        """Shut everything down for good."""
        self.kill()
        self._names.stop()

    def fresh_vhost(self) -> str:
        """The URL of an empty virtual host (about a second)."""
        name = f"t{next(_numbers)}"
        call = (
            f'rabbit_vhost:add(<<"{name}">>, <<"test">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{name}">>, '
            '<<".*">>, <<".*">>, <<".*">>, <<"test">>).'
        )
        self.control("eval", call)
        return self.url + name

    def control(self, *arguments: str) -> None:
        """What ``rabbitmqctl`` can do (about a second)."""
        script = _rabbit_script("rabbitmqctl")
        subprocess.run(
            [script, "-q", "-n", self._node, *arguments],
            env=self._env,
            check=True,
            capture_output=True,
            timeout=START_TIMEOUT_S,
        )


def _rabbit_script(name: str) -> str:
    """The script itself, not Debian's wrapper, which insists on its own user and folders."""
    inner = Path("/usr/lib/rabbitmq/bin") / name
    return str(inner) if inner.exists() else find_program(name)


@contextmanager
def rabbit() -> Iterator[Rabbit]:
    """A running private RabbitMQ. Raises :class:`MissingProgram`, :class:`ServiceFailed`."""
    with scratch_folder("parley-rabbit-") as folder:
        server = Rabbit(folder)
        try:
            server.start()
            yield server
        finally:
            server.close()


class Postgres:
    """A private PostgreSQL cluster; unless ``durable`` it does not care about power cuts."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._data = folder / "data"
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user, self._user)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port := free_port()),
            "unix_socket_directories": str(folder),
            "shared_buffers": "32MB",
            "max_connections": "200",
        }
        if not durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        command = [find_program("postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._env = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "HOME": str(folder)}
        log = folder / "postgres.log"
        self._server = Server(dies_with_us(command, self._user), port, log, self._env)

    @property
    def pid(self) -> int:
        """The postmaster's process id; 0 when it does not run."""
        return self._server.pid

    def prepare(self) -> None:
        """Make the cluster."""
        command = [find_program("initdb"), "-D", str(self._data), "-U", "postgres"]
        command += ["-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8"]
        command += ["--no-sync", "--no-instructions"]
        done = subprocess.run(
            dies_with_us(command, self._user),
            env=self._env,
            cwd=self._data.parent,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
        )
        if done.returncode:
            raise ServiceFailed(f"initdb failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Return once clients may connect."""
        if not self.pid:
            self._server.start()
            self.run("SELECT 1")

    def stop(self) -> None:
        """Shut down, cutting its clients off."""
        self._server.stop(signal.SIGINT)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._server.stop(signal.SIGQUIT)

    def fresh_database(self, template: str = "template1") -> str:
        """The asyncpg URL of a new database, a copy of ``template``."""
        name = f"t{next(_numbers)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self._server.port}/{database}"

    def run(self, statement: str) -> None:
        """Run one statement, waiting while the server still recovers."""
        psql = [find_program("psql"), "-h", "127.0.0.1", "-p", str(self._server.port)]
        psql += ["-U", "postgres", "-q", "-c", statement, "postgres"]
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            done = subprocess.run(psql, env=self._env, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            recovering = any(words in done.stderr for words in RECOVERING)
            if not recovering or time.monotonic() > deadline:
                raise ServiceFailed(f"{statement}: {done.stderr.strip()}")
            time.sleep(POLL_S)


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A running private PostgreSQL. Raises :class:`MissingProgram`, :class:`ServiceFailed`."""
    with scratch_folder("parley-postgres-") as folder:
        server = Postgres(folder, durable=durable)
        server.prepare()
        try:
            server.start()
            yield server
        finally:
            server.kill()
