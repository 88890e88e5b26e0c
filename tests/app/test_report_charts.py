"""Charts of reports: what is cut to fit is what is written on an axis, never what is told apart by it."""

from __future__ import annotations

import pytest

from shopwright.app import report_charts
from shopwright.reports import Column, Filters, Freshness, Health, Report, Table

COLUMNS = (Column("category", "", "text"), Column("session_count", "", "count"), Column("rate", "", "share"))
LONG = "electronics.audio.headphones."
NAMES = [f"{LONG}wired", f"{LONG}wireless", "toys"]


def _table(names):
    report = Report(name="named", title="", definition="", columns=COLUMNS, sql="", needs=())
    return Table(
        report=report,
        filters=Filters(),
        rows=[(name, place + 1, 0.5) for place, name in enumerate(names)],
        currency="EUR",
        freshness=Freshness(data_until=None, built_at=None),
        health=Health(passed=0, warned=0),
    )


@pytest.mark.parametrize(
    "draw",
    [
        report_charts.bars("category", "session_count"),
        report_charts.bars_and_line("category", "session_count", "rate"),
    ],
)
def test_names_that_are_cut_to_the_same_text_stay_two_bars(draw):
    figure = draw(_table(NAMES))
    for series in figure.data:
        assert list(series.x) == NAMES
    axis = figure.layout.xaxis
    assert (axis.type, axis.tickmode, list(axis.tickvals)) == ("category", "array", NAMES)
    assert list(axis.ticktext) == ["electronics.audio.headphone…"] * 2 + ["toys"]


def test_only_places_that_are_shown_are_named():
    figure = report_charts.bars_and_line("category", "session_count", "rate", at_most=1)(_table(NAMES))
    assert list(figure.layout.xaxis.tickvals) == NAMES[:1]


def test_short_names_are_left_to_the_chart():
    assert (
        report_charts.bars("category", "session_count")(_table(["toys", "books"])).layout.xaxis.tickvals
        is None
    )
