"""Reads a flow file's YAML into plain data, keeping the line of every key.

YAML 1.2 booleans only (``true``/``false``), so that ``yes``, ``no`` and ``on``
are ordinary words; a key written twice is an error instead of a silent loss.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from bots.errors import BadFlow


class Section(dict[str, Any]):
    """A mapping that remembers where it and its keys stand (lines from 1)."""

    line: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 the shape PyYAML expects
        first: [
            (tag, pattern) for tag, pattern in pairs if not tag.endswith((":bool", ":timestamp"))
        ]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _section(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Section:
    found = Section()
    found.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node))
        line = key_node.start_mark.line + 1
        if key in found:
            raise BadFlow((f"line {line}: {key!r} is written twice; keep one",))
        found[key] = loader.construct_object(value_node, deep=True)
        found.lines[key] = line
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _section)


def load(source: str, path: str) -> Section:
    """The file's top mapping. Raises ``BadFlow`` naming file and line."""
    try:
        # The loader is a SafeLoader: it makes plain data only.
        found = yaml.load(source, Loader=_Loader)  # noqa: S506
    except BadFlow as error:
        raise BadFlow(tuple(f"{path}: {problem}" for problem in error.problems)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise BadFlow((f"{path}:{line}: not YAML: {error.problem}",)) from None
    if not isinstance(found, Section):
        raise BadFlow((f"{path}: expected a mapping with flow, start and steps",))
    return found


Keys = tuple[str | int, ...]


class Lines:
    """Where things stand in the file, by the keys that lead to them."""

    def __init__(self, top: Section) -> None:
        self._top = top

    def of(self, keys: Keys) -> int:
        """The line of the last of ``keys`` that is in the file; 0 when none is."""
        here: Any = self._top
        line = 0
        for key in keys:
            if isinstance(here, Section) and key in here:
                line, here = here.lines[str(key)], here[str(key)]
            elif isinstance(here, list) and isinstance(key, int) and key < len(here):
                here = here[key]
                line = here.line if isinstance(here, Section) else line
        return line
