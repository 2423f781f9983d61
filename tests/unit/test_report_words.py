"""Every figure that a page shows has a name and a definition in each language."""

from __future__ import annotations

import pytest

from gateway.pages.reports import CONTACTS, HANDLED, OF_BOTS, OF_QUEUES, REACHED, TIMES, value
from gateway.pages.words import LANGUAGES, Words
from gateway.pages.work import FLOOR_SHOWS
from router import kpi
from router.figures.counts import AgentFigures, BotFigures, QueueFigures

SHOWN = {*REACHED, *HANDLED, *CONTACTS, *TIMES, *OF_BOTS, *FLOOR_SHOWS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_have_names_and_definitions_in(language: str) -> None:
    texts = Words()._texts[language]
    assert {name for name in SHOWN if f"figure.{name}" not in texts} == set()
    assert {name for name in kpi.DEFINITIONS if f"definition.{name}" not in texts} == set()


def test_every_ratio_that_is_shown_is_defined() -> None:
    rates = {name for name in SHOWN if value_of(name) is None}
    assert rates <= set(kpi.DEFINITIONS)
    assert set(FLOOR_SHOWS) <= set(kpi.DEFINITIONS)


def value_of(name: str) -> float | None:
    """Of empty records: a ratio has nothing to divide there, a count is nought."""
    for figures in (QueueFigures(), AgentFigures(), BotFigures()):
        try:
            return value(figures, name)
        except KeyError:
            continue
    raise KeyError(name)


def test_columns_of_the_csv_are_figures() -> None:
    for name in OF_QUEUES:
        value(QueueFigures(), name)
    for name in (*CONTACTS, *TIMES):
        value(AgentFigures(), name)
    for name in OF_BOTS:
        value(BotFigures(), name)
