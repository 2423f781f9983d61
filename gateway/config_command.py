"""``python -m gateway config``: check a file, export, import, list versions, roll back.

Exit codes: 0 done, 1 the configuration has problems, 2 it could not be tried.
Changes are written to the store; running processes adopt them within seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.auth.passwords import PASSWORDS
from gateway.company_text import Document, read_file, write_text
from gateway.configuration import flows_in
from gateway.settings import Settings
from router.clock import SystemClock
from router.company import CompanyVersion, no_company
from router.configuration.export import Difference, serialize_company
from router.configuration.file import read_company
from router.configuration.versions import Edit, Proposal, Versions
from router.errors import BadConfiguration, Flaw
from router.events import Fact
from router.store.sql import SqlStore

FINE, PROBLEMS = 0, 1
SHOWN = 60
"""Letters of a value in a list of differences."""


class Outbox:
    """Leaves facts in the outbox of the store: the running router sends them."""

    def push(self, facts: Sequence[Fact]) -> None:
        """Nothing to do."""


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Do it and say so. Raises ``ParleyError`` when it cannot be tried."""
    if options.act == "check":
        return _check(options.file, settings)
    return asyncio.run(_with_versions(settings, options))


def _check(path: Path, settings: Settings) -> int:
    document = read_document(path)
    reading = read_company(document.raw, flows=flows_in(settings.flows))
    problems = document.problems or reading.problems
    _tell_flaws(path, document, problems, reading.warnings)
    if problems:
        return PROBLEMS
    company = reading.company
    print(f"{path} is fine: {len(company.queues)} queues, {len(company.people)} people")
    return FINE


def read_document(path: Path) -> Document:
    """A file, also one that is no YAML. Raises ``BadConfiguration`` when there is none."""
    try:
        return read_file(path)
    except BadConfiguration as error:
        if error.problems:
            return Document(None, problems=error.problems)
        raise


async def _with_versions(settings: Settings, options: argparse.Namespace) -> int:
    database = settings.data / "parley.db"
    writes = options.act == "import"
    if not settings.database_url and not database.exists() and not writes:
        raise BadConfiguration(f"there is no {database}; name the folder with --data")
    settings.data.mkdir(parents=True, exist_ok=True)
    store = SqlStore(settings.store_url)
    await store.start()
    try:
        versions = Versions(store, no_company(), SystemClock(), Outbox(), PASSWORDS)
        return await ACTS[options.act](versions, settings, options)
    finally:
        await store.stop()


async def _export(versions: Versions, _: Settings, options: argparse.Namespace) -> int:
    number = options.version
    version = await (versions.version(number) if number else versions.current())
    sys.stdout.write(write_text(serialize_company(read_company(version.body).company)))
    return FINE


async def _import(versions: Versions, settings: Settings, options: argparse.Namespace) -> int:
    versions.flows = flows_in(settings.flows)
    document = read_document(options.file)
    if document.problems:
        _tell_flaws(options.file, document, document.problems, ())
        return PROBLEMS
    proposal = await versions.propose(document.raw, options.move_waiting_to)
    _tell_flaws(options.file, document, proposal.problems, proposal.warnings)
    return await _do(proposal, options, lambda edit: versions.apply(document.raw, edit))


async def _roll_back(versions: Versions, settings: Settings, options: argparse.Namespace) -> int:
    versions.flows = flows_in(settings.flows)
    old = await versions.version(options.number)
    proposal = await versions.propose(old.body, options.move_waiting_to)
    _tell_flaws(f"version {options.number}", Document(None), proposal.problems, ())
    return await _do(proposal, options, lambda edit: versions.roll_back(options.number, edit))


async def _do(
    proposal: Proposal,
    options: argparse.Namespace,
    act: Callable[[Edit], Awaitable[CompanyVersion]],
) -> int:
    """Tell what changes, and do it unless it is a rehearsal or has problems."""
    if proposal.problems:
        return PROBLEMS
    if not proposal.differences:
        print(f"nothing differs from version {proposal.base}, which is in force")
        return FINE
    for difference in proposal.differences:
        print(f"  {told(difference)}")
    if options.dry_run:
        print(f"{len(proposal.differences)} differences from version {proposal.base}; not applied")
        return FINE
    author = options.author or getpass.getuser()
    edit = Edit(author, options.note, proposal.base, options.move_waiting_to)
    version = await act(edit)
    print(f"version {version.number} is in force; running processes adopt it within seconds")
    return FINE


async def _versions(versions: Versions, _: Settings, __: argparse.Namespace) -> int:
    for index, version in enumerate(await versions.history(10_000)):
        mark = "*" if index == 0 else " "
        print(
            f"{mark} {version.number:>4}  {_minute(version.at)}  {version.author:<16} "
            f"{version.note}".rstrip()
        )
    return FINE


ACTS: dict[str, Callable[[Versions, Settings, argparse.Namespace], Awaitable[int]]] = {
    "export": _export,
    "import": _import,
    "roll-back": _roll_back,
    "versions": _versions,
}


def told(difference: Difference) -> str:
    """One line: the place, what was, what would be."""
    if difference.was is None or difference.now is None:
        what = "is new" if difference.was is None else "goes"
        value = difference.now if difference.was is None else difference.was
        return f"{difference.place or 'everything'} {what}: {_short(value)}"
    return f"{difference.place}: {_short(difference.was)} → {_short(difference.now)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _minute(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def _tell_flaws(
    source: Path | str, document: Document, problems: Sequence[Flaw], warnings: Sequence[Flaw]
) -> None:
    """Problems and warnings on the error stream, each with its line."""
    for kind, flaws in (("problem", problems), ("warning", warnings)):
        for flaw in flaws:
            line = document.line_of(flaw.place)
            where = f"{source}:{line}" if line else str(source)
            print(f"{where}: {kind}: {flaw}", file=sys.stderr)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        print(f"{source}: {count}; nothing was changed", file=sys.stderr)
