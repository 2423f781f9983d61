"""The second reading of a flow, all rules together.

A comment ``# accepted: RULE`` on the line of a finding, or on the line above it, is the author's
word that it is meant so. Errors cannot be accepted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bots.errors import BadFlow
from bots.flow.document import load
from bots.flow.model import INSIDE, Flow
from bots.flow.review import matters, paths, promises, unused, wording
from bots.flow.review.finding import Finding, Level, read_problem
from bots.flow.review.subject import Subject
from bots.flow.schema import parse_flow, read_flow, read_texts

_ACCEPTED = re.compile(r"#\s*accepted:\s*(?P<rules>[a-z, -]+)")
RULES = (paths.rules, promises.rules, wording.rules, matters.rules, unused.rules)


@dataclass(frozen=True)
class Review:
    """What was found in one flow. ``flow`` is None when it cannot run."""

    path: str
    source: str
    flow: Flow | None
    findings: tuple[Finding, ...] = field(default=())

    def count(self, level: Level) -> int:
        """How many findings of this level there are."""
        return Counter(finding.level for finding in self.findings)[level]

    @property
    def can_run(self) -> bool:
        """Whether there is no error."""
        return not self.count(Level.ERROR)


def review_file(path: Path) -> Review:
    """Review a flow file, with those beside it that it calls. Raises ``OSError``."""
    return _review(path.read_text(encoding="utf-8"), str(path), lambda: read_flow(path))


def review_texts(name: str, texts: Mapping[str, str]) -> Review:
    """Review one of these texts, with those among them that it calls, as ``read_texts``."""
    return _review(texts[name], f"{name}.yaml", lambda: read_texts(name, texts))


def review(source: str, path: str = "flow", called: Mapping[str, Flow] | None = None) -> Review:
    """Review a flow's YAML; never raises for what is in it. ``called`` as in ``parse_flow``."""
    return _review(source, path, lambda: parse_flow(source, path, called))


def _review(source: str, path: str, read: Callable[[], Flow]) -> Review:
    try:
        flow = read()
    except BadFlow as error:
        problems = tuple(read_problem(problem, path) for problem in error.problems)
        return Review(path, source, None, problems)
    subject = Subject(flow, load(source, path))
    everywhere = [finding for rule in RULES for finding in rule(subject)]
    # What a called flow says is told where it is written: at its own file.
    found = [finding for finding in everywhere if INSIDE not in finding.place]
    kept = [each for each in found if not _accepted(each, source.splitlines())]
    ordered = sorted(dict.fromkeys(kept), key=lambda each: (each.level.rank, each.line))
    return Review(path, source, flow, tuple(ordered))


def _accepted(finding: Finding, source: Sequence[str]) -> bool:
    if finding.level is Level.ERROR:
        return False
    near = source[max(finding.line - 2, 0) : finding.line]
    return any(
        finding.rule in re.split(r"[ ,]+", match["rules"])
        for line in near
        for match in _ACCEPTED.finditer(line)
    )
