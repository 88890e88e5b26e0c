"""Quoting, near matches and the engine's connections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.core.engine import connect
from shopwright.core.errors import ShopwrightError, SourceFileError, near_match
from shopwright.core.sql import quote_list, quote_name, quote_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture(scope="module")
def engine():
    with connect(threads=1) as connection:
        yield connection


@given(text=TEXT.filter(lambda text: "\0" not in text))
def test_any_text_is_a_value_and_never_code(engine, text):
    assert engine.execute(f"select {quote_text(text)}").fetchone() == (text,)


@given(name=TEXT.filter(lambda name: name and "\0" not in name))
def test_any_text_is_a_name_and_never_code(engine, name):
    assert engine.execute(f"select * from (select 1 as {quote_name(name)})").description[0][0] == name


@given(values=st.lists(TEXT.filter(lambda text: "\0" not in text), min_size=1, max_size=4))
def test_a_list_holds_its_values_in_order(engine, values):
    assert engine.execute(f"select {quote_list(values)}").fetchone() == (values,)


@pytest.mark.parametrize(
    ("name", "candidates", "suggestion"),
    [
        ("evnt_type", ["event_type", "user"], "event_type"),
        ("PRICE", ["price"], "price"),
        ("x", ["price"], None),
        ("x", [], None),
    ],
)
def test_a_near_match_is_named_only_where_there_is_one(name, candidates, suggestion):
    assert near_match(name, candidates) == (f"; did you mean '{suggestion}'?" if suggestion else "")


def test_connections_read_times_as_utc_and_fetch_nothing(engine):
    assert engine.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
    assert engine.execute("select current_setting('autoinstall_known_extensions')").fetchone() == (False,)


def test_a_connection_spills_where_it_is_told(tmp_path):
    with connect(spill=tmp_path / "it's" / "spill", memory_limit="100MB", threads=1) as connection:
        assert connection.execute("select current_setting('temp_directory')").fetchone() == (
            str(tmp_path / "it's" / "spill"),
        )


def test_an_error_about_a_file_names_it_without_its_folder():
    error = SourceFileError("/a/b/day.csv", "is torn")
    assert isinstance(error, ShopwrightError)
    assert (str(error), error.file, error.reason) == ("day.csv: is torn", "/a/b/day.csv", "is torn")
