"""The golden calls: what is heard, what is written down, and how it ends.

The scripts of ``evals/calls`` are also played over SIP, with sound (``tests/journeys``).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.call_script import CallScript, judge_call, load_scripts
from tests.golden.rules import check
from tests.golden.stage import GOLDEN, performed

SHARED = Path(__file__).parents[2] / "evals" / "calls"
SCRIPTS = [
    pytest.param(script, id=f"{path.stem}-{script.name}")
    for path in sorted([*(GOLDEN / "calls").glob("*.yaml"), *SHARED.glob("*.yaml")])
    for script in load_scripts(path)
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_call_goes_as_written(script: CallScript) -> None:
    stage = performed(script)
    failed = [one for one in judge_call(script, stage.played) if not one.passed]
    assert not failed, f"{failed}\n{stage}"
    check(stage)
