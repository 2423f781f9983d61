"""What ``python -m gateway config`` takes. Light, so that ``--help`` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add_config_parser(commands: Any) -> None:
    """The sub-command's own parser."""
    config = commands.add_parser("config", help="check, export, import or roll back the company")
    acts = config.add_subparsers(dest="act", required=True)
    check = acts.add_parser("check", help="say everything that is wrong in a company file")
    check.add_argument("file", type=Path)
    export = acts.add_parser("export", help="write what is in force as YAML, without passwords")
    export.add_argument("--version", type=int, help="an earlier version instead")
    take = acts.add_parser("import", help="put a company file in force")
    take.add_argument("file", type=Path)
    back = acts.add_parser("roll-back", help="put an earlier version in force again")
    back.add_argument("number", type=int)
    acts.add_parser("versions", help="list all versions")
    for act in (take, back):
        act.add_argument("--note", default="", help="why, for the history")
        act.add_argument("--author", default="", help="who (default: your login here)")
        act.add_argument(
            "--move-waiting-to",
            default="",
            metavar="QUEUE",
            help="for whoever is in a queue that goes",
        )
        act.add_argument("--dry-run", action="store_true", help="only say what would change")
    for act in acts.choices.values():
        act.add_argument("--data", type=Path, help="folder of all that is kept (PARLEY_DATA)")
