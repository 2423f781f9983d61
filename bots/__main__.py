"""The command line for flows: ``python -m bots check``, ``draw``, ``talk``, ``new``, ``schema``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bots.flow.drawing.svg import draw
from bots.flow.json_schema import json_schema
from bots.flow.model import CHANNELS, LANGUAGES
from bots.flow.review.finding import Level
from bots.flow.review.report import Paint, as_data, lines, notes
from bots.flow.review.review import Review, review_file
from bots.flow.template import new_flow
from bots.trial.session import Setting
from router.errors import ParleyError
from router.model import Channel

FINE, PROBLEMS, FAILED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 done, 1 the flow has problems, 2 it could not be tried."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.act(options))
    except KeyboardInterrupt:
        print()
        return FINE
    except (ParleyError, OSError, UnicodeDecodeError) as error:
        print(f"bots: {error}", file=sys.stderr)
        return FAILED


def _check(options: argparse.Namespace) -> int:
    reviews = [review_file(path) for path in _files(options.flow)]
    if options.json:
        print(json.dumps([as_data(each) for each in reviews], ensure_ascii=False, indent=2))
    else:
        _print(reviews, Level(options.level))
    bad = [Level.ERROR, Level.WARNING] if options.strict else [Level.ERROR]
    return PROBLEMS if any(each.count(level) for each in reviews for level in bad) else FINE


def _draw(options: argparse.Namespace) -> int:
    found = review_file(options.flow)
    if found.flow is None:
        _print([found], Level.ERROR)
        return PROBLEMS
    language = options.language or found.flow.languages[0]
    if language not in found.flow.languages:
        known = ", ".join(found.flow.languages)
        print(f"bots: {options.flow} is not in {language!r}, only in {known}", file=sys.stderr)
        return FAILED
    picture = draw(found.flow, language, {} if options.plain else notes(found))
    if options.output:
        options.output.write_text(picture, encoding="utf-8")
    else:
        sys.stdout.write(picture)
    return FINE


def _talk(options: argparse.Namespace) -> int:
    found = review_file(options.flow)
    if found.flow is None or not found.can_run:
        _print([found], Level.ERROR)
        return PROBLEMS
    # The one place where a bot meets the whole house; loaded only here, as it takes seconds.
    from gateway.flow_trial import Options, try_flow

    language = options.language or found.flow.languages[0]
    fields = dict(field.split("=", 1) for field in options.field)
    setting = Setting(Channel(options.channel), language, options.name, fields)
    asyncio.run(try_flow(found.flow, Options(setting, options.why, options.fake_actions)))
    return FINE


def _new(options: argparse.Namespace) -> int:
    try:
        source = new_flow(options.name, options.queue)
    except ValueError as error:
        print(f"bots: {error}", file=sys.stderr)
        return FAILED
    path = options.folder / f"{options.name}.yaml"
    options.folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        print(f"bots: {path} is there already; take another name or --folder", file=sys.stderr)
        return FAILED
    path.write_text(source, encoding="utf-8")
    print(f"wrote {path}; next: python -m bots talk {path}")
    return FINE


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(json_schema(), ensure_ascii=False, indent=2))
    return FINE


def _field(text: str) -> str:
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found {text!r}")
    return text


def _print(reviews: Sequence[Review], least: Level) -> None:
    paint = Paint(sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    columns = min(shutil.get_terminal_size((100, 24)).columns, 110)
    for each in reviews:
        for line in lines(each, least, paint, columns):
            print(line)


def _files(paths: Sequence[Path]) -> list[Path]:
    """The flow files named, and those of the folders named."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not found:
        raise FileNotFoundError(f"no flow file in {', '.join(map(str, paths))}")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bots", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="say what is wrong in a flow, and how to mend it")
    check.add_argument("flow", nargs="+", type=Path, help="flow files, or folders of them")
    check.add_argument(
        "--level",
        choices=[str(level) for level in Level],
        default=str(Level.HINT),
        help="show nothing less than this (default: %(default)s)",
    )
    check.add_argument("--strict", action="store_true", help="warnings count as errors")
    check.add_argument("--json", action="store_true", help="for programs")
    check.set_defaults(act=_check)
    picture = commands.add_parser("draw", help="the flow as a picture (SVG)")
    picture.add_argument("flow", type=Path, help="a flow file")
    picture.add_argument("-o", "--output", type=Path, help="write it there (default: stdout)")
    picture.add_argument("--language", default="", help="whose texts to show (default: the first)")
    picture.add_argument("--plain", action="store_true", help="without marks where check warns")
    picture.set_defaults(act=_draw)
    _add_talk(commands)
    new = commands.add_parser("new", help="write a small flow that works, to begin with")
    new.add_argument("name", help="its name, like bakery")
    new.add_argument("--folder", type=Path, default=Path(), help="where to write NAME.yaml")
    new.add_argument("--queue", default="orders", help="where its people are (%(default)s)")
    new.set_defaults(act=_new)
    schema = commands.add_parser("schema", help="the language of flows as JSON Schema, for editors")
    schema.set_defaults(act=_schema)
    return parser


def _add_talk(commands: Any) -> None:
    talk = commands.add_parser("talk", help="try a flow here, with the real articles and actions")
    talk.add_argument("flow", type=Path, help="a flow file")
    talk.add_argument("--channel", choices=CHANNELS, default="chat", help="default: %(default)s")
    talk.add_argument("--language", default="", choices=["", *LANGUAGES], help="of the customer")
    talk.add_argument("--name", default="", help="the customer's name, where it is known")
    talk.add_argument(
        "--field", type=_field, action="append", default=[], help="NAME=VALUE of a campaign's list"
    )
    talk.add_argument("--why", action="store_true", help="tell intents, slots, sources, actions")
    talk.add_argument("--fake-actions", type=Path, metavar="FILE", help="answers to actions, YAML")
    talk.set_defaults(act=_talk)


if __name__ == "__main__":
    sys.exit(main())
