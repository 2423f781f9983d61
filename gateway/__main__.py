"""The command line: ``python -m gateway up``, ``run ROLE…``, ``prepare`` and ``config``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from gateway.config_options import add_config_parser
from gateway.roles import ROLES
from gateway.settings import Settings
from router.errors import ParleyError
from router.garbage import collect_rarely

STOP_S = 15.0
NOISY = (
    *("httpx", "httpcore", "aioice", "aiormq", "aio_pika", "mail.log", "alembic", "uvicorn"),
    "faster_whisper",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    quiet = options.command == "config"
    roles = tuple(dict.fromkeys(options.role)) if options.command == "run" else ROLES
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING if quiet else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        settings = Settings.from_env(
            os.environ,
            host=getattr(options, "host", None),
            port=getattr(options, "port", None),
            data=getattr(options, "data", None),
        )
        if options.command == "config":
            return _configure(options, settings)
        if options.command == "prepare":
            uvloop.run(_prepare(settings))
        else:
            uvloop.run(_run(settings, roles))
    except (ParleyError, OSError) as error:
        print(f"parley: {error}", file=sys.stderr)
        return 2
    return 0


def _configure(options: argparse.Namespace, settings: Settings) -> int:
    from gateway.config_command import run

    return run(options, settings)


async def _prepare(settings: Settings) -> None:
    from gateway.compose import Installation

    await Installation(settings).prepare()
    print(f"prepared {settings.data}")


async def _run(settings: Settings, roles: Sequence[str]) -> None:
    # Imported late: `--help` and a wrong setting should answer at once.
    from gateway.compose import Installation

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    installation = Installation(settings, roles)
    starting = asyncio.create_task(installation.start())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        else:
            starting.result()
            collect_rarely()
            print(installation.welcome(), flush=True)
            await stopping.wait()
            print("\nstopping …", flush=True)
    finally:
        stopped.cancel()
        await asyncio.wait_for(installation.stop(), STOP_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="all roles in this process")
    run = commands.add_parser("run", help="only these roles in this process")
    run.add_argument("role", nargs="+", choices=ROLES, help="one of %(choices)s")
    prepare = commands.add_parser("prepare", help="make the data folder ready and stop")
    add_config_parser(commands)
    for command in (up, run, prepare):
        command.add_argument("--host", help="address of the web pages (PARLEY_HOST)")
        command.add_argument("--port", type=int, help="port of the web pages (PARLEY_PORT)")
        command.add_argument("--data", type=Path, help="folder of all that is kept (PARLEY_DATA)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
