"""The company at the start of a process: from the store, or for the first time from its file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bots.flow.model import Flow, HandOffStep, SetStep
from bots.flow.outcome import named_queues
from bots.flow.schema import read_flow
from gateway.company_text import Document, read_file
from gateway.exposure import DEMO_COMPANY, refuse_known_secrets
from gateway.settings import Settings
from router.company import Company
from router.configuration.check import Named, Wish
from router.configuration.export import differences
from router.configuration.file import Reading, read_company
from router.configuration.versions import Versions
from router.errors import BadConfiguration
from router.model import Channel

log = logging.getLogger(__name__)


class Entry(Mapping[Channel, str]):
    """The flow that answers each channel, as the company in force says."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def __getitem__(self, channel: Channel) -> str:
        return self._company.entry[channel]

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._company.entry)

    def __len__(self) -> int:
        return len(self._company.entry)


async def open_company(versions: Versions, company: Company, settings: Settings) -> None:
    """Put the newest version in force; when there is none, make the first of the file.

    Raises ``BadConfiguration`` with every problem of the file, ``KnownSecret`` when it is the
    demo's and others can reach us.
    """
    if await versions.load():
        await asyncio.to_thread(_compare, company, settings.company)
        return
    if settings.company == DEMO_COMPANY:
        refuse_known_secrets(replace(settings, demo=True), takes_webhooks=False)
    document = await asyncio.to_thread(read_file, settings.company)
    flows = await asyncio.to_thread(flows_in, settings.flows)
    reading = read_company(document.raw, flows=flows)
    if reading.problems:
        raise BadConfiguration(told(document, reading, settings.company), reading.problems)
    for flaw in reading.warnings:
        log.warning("%s: %s", settings.company, flaw)
    await versions.seed(document.raw, f"from {settings.company.name}")


def sign_ins(settings: Settings, company: Company) -> dict[str, str]:
    """The company file's passwords of people who are still there, for the demo's welcome."""
    try:
        people = read_company(read_file(settings.company).raw).company.people
    except BadConfiguration:
        return {}
    there = {person.login for person in company.people}
    return {each.login: each.password for each in people if each.password and each.login in there}


def flows_in(folder: Path) -> dict[str, Named]:
    """The flows of a folder with what each names of the company. Raises ``BadFlow``."""
    return named_by(read_flow(path) for path in sorted(folder.glob("*.yaml")))


def named_by(flows: Iterable[Flow]) -> dict[str, Named]:
    """By flow, the queues and skills that it names, as far as its text says."""
    return {flow.name: Named(frozenset(_queues(flow)), frozenset(_wishes(flow))) for flow in flows}


def _queues(flow: Flow) -> Iterator[str]:
    named = [flow.queue]
    for step in flow.steps.values():
        if isinstance(step, HandOffStep):
            named.append(step.queue)
        elif isinstance(step, SetStep):
            named.append(step.values.get("queue", ""))
    plain = (text for text in named if "{" not in text)
    return (name for text in plain for name in named_queues(text))


def _wishes(flow: Flow) -> Iterator[Wish]:
    """What it asks for where the queue is known; a skill filled in later is not."""
    for step in flow.steps.values():
        if isinstance(step, HandOffStep):
            queues = step.queue or flow.queue
            for skill, level in step.skills.items():
                if "{" not in queues + skill:
                    for queue in named_queues(queues):
                        yield Wish(queue, skill, level)


def told(document: Document, reading: Reading, path: Path) -> str:
    """Every problem of a file on a line of its own, with the line in the file."""
    lines = []
    for flaw in reading.problems:
        line = document.line_of(flaw.place)
        lines.append(f"{path}:{line}: {flaw}" if line else f"{path}: {flaw}")
    return "\n".join(lines)


def _compare(company: Company, path: Path) -> None:
    """Say so when the file is not what is in force: somebody may expect that it is."""
    try:
        in_file = read_company(read_file(path).raw).company
    except BadConfiguration:
        return
    quiet = replace_passwords(in_file)
    different = len(differences(company, quiet))
    if different:
        log.info(
            "version %d of the configuration is in force; %s differs from it in %d places "
            "(it seeds the first start only: python -m gateway config import FILE)",
            company.version,
            path,
            different,
        )


def replace_passwords(company: Company, passwords: Mapping[str, str] | None = None) -> Company:
    """The same company with these passwords instead; without any by default."""
    known = passwords or {}
    people = tuple(replace(each, password=known.get(each.login, "")) for each in company.people)
    return replace(company, people=people)
