#!/usr/bin/env python3
"""Print requirements.txt: what pyproject.toml asks for, and what that needs, as installed here.

Run with the project's own interpreter (``make pins``) after changing a dependency.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEADER = "# Exact versions of everything that is installed; made by `make pins`."


def wanted() -> list[Requirement]:
    """What pyproject.toml asks for, development tools included."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    return [Requirement(line) for group in groups for line in group]


def closure(roots: list[Requirement]) -> dict[str, str]:
    """Name to installed version, for ``roots`` and everything below them."""
    pins: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(each, "") for each in roots]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wish in ["", *sorted(requirement.extras)]:
            key = (canonicalize_name(requirement.name), wish)
            if key in seen:
                continue
            seen.add(key)
            try:
                found = distribution(requirement.name)
            except PackageNotFoundError:
                raise SystemExit(f"{requirement} is not installed") from None
            # A local suffix (2.1+cpu) names a build that the package index may not have.
            pins[str(key[0])] = found.version.split("+")[0]
            todo += [(Requirement(line), wish) for line in found.requires or []]
    return pins


if __name__ == "__main__":
    print(HEADER)
    for name, version in sorted(closure(wanted()).items()):
        print(f"{name}=={version}")
