"""The company file as YAML text: read with the line of every place, written to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from router.errors import BadConfiguration, Flaw

MOST_NODES = 200_000
"""More values than any company has; aliases of aliases could make billions."""
WIDTH = 86


class _Loader(yaml.SafeLoader):
    """Dates stay texts: a wrong one is then told with its place."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own way to say it
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data, the line (from 1) of every place in it, and what makes it no document."""

    raw: Any
    lines: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Flaw, ...] = ()

    def line_of(self, place: str) -> int | None:
        """Where the place is, or the nearest thing around it."""
        while place:
            if place in self.lines:
                return self.lines[place]
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return None


def read_text(text: str) -> Document:
    """Read YAML (or JSON, which is YAML); syntax errors and double keys are its problems."""
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:
        return Document(None, problems=(_syntax(error),))
    try:
        root = loader.get_single_node()
        if root is None:
            return Document(None)
        walk = _Walk({}, [])
        walk.visit(root, "")
        if not walk.flaws:
            return Document(loader.construct_document(root), walk.lines)
        return Document(None, walk.lines, tuple(walk.flaws))
    except (yaml.YAMLError, ValueError) as error:
        return Document(None, problems=(_syntax(error),))
    except RecursionError:
        return Document(None, problems=(Flaw("", "it is nested too deep, or within itself"),))
    finally:
        loader.dispose()


def read_file(path: Path) -> Document:
    """Read a company file. Raises ``BadConfiguration`` when there is none or it is no YAML."""
    try:
        document = read_text(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"cannot read the company file {path}: {error}") from None
    if document.problems:
        raise BadConfiguration(f"{path} {document.problems[0]}", document.problems)
    return document


def write_text(body: Mapping[str, Any]) -> str:
    """YAML with the smallest lists and mappings on one line and air between the sections."""
    text = ""
    wide = False
    for key, value in body.items():
        part = _dumped(key, value)
        if key == "queues":
            first, *others = part.split("\n- ")
            part = f"{first}\n- " + "\n\n- ".join(others)
        was_wide, wide = wide, part.count("\n") > 1
        text += ("\n" if text and (wide or was_wide) else "") + part
    return text


def _dumped(key: str, value: object) -> str:
    root = yaml.representer.SafeRepresenter(sort_keys=False).represent_data({key: value})
    _lay_out(root)
    assert isinstance(root, yaml.MappingNode)
    root.flow_style = False
    return str(yaml.serialize(root, Dumper=yaml.SafeDumper, allow_unicode=True, width=WIDTH))


def _lay_out(node: yaml.Node) -> bool:
    """One line for what holds only single values; whether the node is one itself."""
    if isinstance(node, yaml.MappingNode):
        below = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        below = node.value
    else:
        return True
    single = [_lay_out(each) for each in below]
    node.flow_style = all(single)
    return False


@dataclass(slots=True)
class _Walk:
    """Notes the line of every value, and keys that stand twice."""

    lines: dict[str, int]
    flaws: list[Flaw]
    nodes: int = 0

    def visit(self, node: yaml.Node, place: str) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise ValueError(f"it has more than {MOST_NODES} values")
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, place)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                below = f"{place}[{index}]"
                self.lines[below] = item.start_mark.line + 1
                self.visit(item, below)

    def _mapping(self, node: yaml.MappingNode, place: str) -> None:
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            below = f"{place}.{name}" if place else name
            if name in seen:
                first = seen[name]
                self.flaws.append(Flaw(below, f"stands twice, in line {first} and in line {line}"))
            seen[name] = line
            self.lines[below] = line
            self.visit(value, below)


def _syntax(error: Exception) -> Flaw:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return Flaw("", f"is not YAML: {error}")
    told = getattr(error, "problem", "") or "cannot be read"
    return Flaw(f"line {mark.line + 1}, column {mark.column + 1}", f"is not YAML: {told}")
