"""``python -m evals run SUITE``, ``call NAME``, ``bench NAME``, ``simulate NAME`` and ``staff``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvloop

from evals import (
    acd_bench,
    assist_bench,
    bots_bench,
    call,
    first,
    nlu_bench,
    packets,
    planning,
    recognition_bench,
    reports_bench,
    routing_bench,
    simulate_bench,
    voice_bench,
    whisper_bench,
)
from evals.bench import Entry, Registry, measure, missed, table, write_json
from evals.play import play_suite
from evals.report import html_report, junit_report, text_report
from evals.suite import load_suite
from router.errors import ParleyError

BENCHES: Registry = {
    "acd": Entry(
        acd_bench.run, acd_bench.AT_MOST, "what one routing decision costs", acd_bench.AT_LEAST
    ),
    "assist": Entry(
        assist_bench.run,
        assist_bench.AT_MOST,
        "what an agent waits for suggestions, and how often they are right",
        assist_bench.AT_LEAST,
    ),
    "bots": Entry(
        bots_bench.run,
        bots_bench.AT_MOST,
        "fifty chats with the bot at once, without a language model",
        bots_bench.AT_LEAST,
        bots_bench.run,
    ),
    "first": Entry(first.run, first.TARGETS, "start, answers by chat and voice, offers"),
    "nlu": Entry(
        nlu_bench.run,
        nlu_bench.AT_MOST,
        "intents: accuracy, few examples, out of scope, time",
        nlu_bench.AT_LEAST,
    ),
    "packets": Entry(
        packets.run,
        packets.AT_MOST,
        "how much of what customers gave a person gets with them",
        packets.AT_LEAST,
    ),
    "reports": Entry(
        reports_bench.run, reports_bench.AT_MOST, "watching the floor and reports on a busy day"
    ),
    "recognition": Entry(
        recognition_bench.run,
        recognition_bench.AT_MOST,
        "word errors of the offline recogniser, digits, bad lines, cost",
        recognition_bench.AT_LEAST,
    ),
    "routing": Entry(
        routing_bench.run,
        routing_bench.AT_MOST,
        "whole lives on RabbitMQ and PostgreSQL, offers, failover",
        routing_bench.AT_LEAST,
    ),
    "simulate": Entry(
        simulate_bench.run, {}, "customers per second of virtual time", simulate_bench.AT_LEAST
    ),
    "voice": Entry(
        voice_bench.run,
        voice_bench.AT_MOST,
        "turns, interruptions and how many calls at once, over SIP and RTP",
        voice_bench.AT_LEAST,
    ),
    "whisper": Entry(
        whisper_bench.run,
        whisper_bench.AT_MOST,
        "from the end of a turn to Whisper's text, alone and at once; what it costs",
    ),
}
FAILED, WRONG = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 well, 1 a gate or target failed, 2 it could not be run."""
    options = _parser().parse_args(arguments)
    try:
        if options.act == "run":
            return uvloop.run(_run(options))
        if options.act in ("simulate", "staff"):
            return int(options.plan(options))
        if options.act == "call":
            return uvloop.run(call.run(options, _progress))
        return uvloop.run(_bench(options))
    except ParleyError as error:
        print(f"evals: {error}", file=sys.stderr)
        return WRONG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    acts = parser.add_subparsers(dest="act", required=True)
    run = acts.add_parser("run", help="play a suite against a fresh installation")
    run.add_argument("suite", type=Path)
    run.add_argument("--html", type=Path, help="write a page")
    run.add_argument("--junit", type=Path, help="write JUnit XML")
    run.add_argument("--only", default="", help="only conversations with this in their name")
    bench = acts.add_parser("bench", help="measure, and compare with the targets")
    bench.add_argument("name", help=f"one of: {', '.join(sorted(BENCHES))}")
    bench.add_argument("--json", type=Path, help="write the figures")
    bench.add_argument("--at-once", type=int, metavar="N", help="so many chats (bots)")
    bench.add_argument("--gate", action="store_true", help="exit 1 when a target is missed")
    call.add_parser(acts)
    planning.add_parsers(acts)
    return parser


async def _run(options: argparse.Namespace) -> int:
    suite = load_suite(options.suite)
    if options.only:
        suite = suite.only(options.only)
    result = await play_suite(suite, progress=_progress)
    print(text_report(result))
    for path, body in ((options.html, html_report), (options.junit, junit_report)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body(result), encoding="utf-8")
    return FAILED if result.gates else 0


async def _bench(options: argparse.Namespace) -> int:
    bench = await measure(BENCHES, options.name, options.at_once)
    entry = BENCHES[options.name]
    print(table(bench, entry))
    if options.json is not None:
        write_json(bench, options.json)
    return FAILED if options.gate and missed(bench, entry) else 0


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="" if text else "\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
