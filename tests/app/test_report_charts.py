"""Charts of reports: only the text on an axis is shortened, never the categories themselves."""

from __future__ import annotations

import pytest

from shopwright.app import report_charts
from shopwright.reports import Column, DataTestCounts, Filters, Freshness, Report, Table

COLUMNS = (Column("category", "", "text"), Column("session_count", "", "count"), Column("rate", "", "share"))
LONG = "electronics.audio.headphones."
NAMES = [f"{LONG}wired", f"{LONG}wireless", "toys"]


def _table(names):
    report = Report(name="named", title="", definition="", columns=COLUMNS, sql="", requires=())
    return Table(
        report=report,
        filters=Filters(),
        rows=[(name, index + 1, 0.5) for index, name in enumerate(names)],
        currency="EUR",
        freshness=Freshness(data_until=None, built_at=None),
        data_tests=DataTestCounts(passed=0, warned=0),
    )


@pytest.mark.parametrize(
    "draw",
    [
        report_charts.bars("category", "session_count"),
        report_charts.bars_and_line("category", "session_count", "rate"),
    ],
)
def test_names_shortened_to_the_same_text_remain_two_bars(draw):
    fig = draw(_table(NAMES))
    for series in fig.data:
        assert list(series.x) == NAMES
    axis = fig.layout.xaxis
    assert (axis.type, axis.tickmode, list(axis.tickvals)) == ("category", "array", NAMES)
    assert list(axis.ticktext) == ["electronics.audio.headphone…"] * 2 + ["toys"]


def test_only_displayed_categories_are_labeled():
    fig = report_charts.bars_and_line("category", "session_count", "rate", max_rows=1)(_table(NAMES))
    assert list(fig.layout.xaxis.tickvals) == NAMES[:1]


def test_short_names_are_not_shortened():
    assert (
        report_charts.bars("category", "session_count")(_table(["toys", "books"])).layout.xaxis.tickvals
        is None
    )
