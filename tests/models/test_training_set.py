"""Reading decisions: order, types, and drawing whole entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest

from shopwright.models.classifiers.task import by_bins, constant
from shopwright.models.training_set import (
    Feature,
    FeatureView,
    TrainingSet,
    entity_condition,
    read_training_set,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FEATURE_VIEW = FeatureView(
    table="gold.feat",
    entity="user_id",
    decided_at="decided_at",
    known_at="decided_at + interval 1 day",
    outcome="bought",
    features=(Feature("views"), Feature("device", "category")),
    keys=("step",),
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """3,000 decisions of 1,000 users."""
    with duckdb.connect() as made:
        made.execute("create schema gold")
        made.execute("""
            create table gold.feat as
            select
                'u' || (number % 1000) as user_id,
                number // 1000 as step,
                timestamp '2025-01-01' + (number * 7919 % 3000) * interval 1 minute as decided_at,
                number % 3 = 0 as bought,
                case when number % 5 > 0 then number end as views,
                case when number % 4 > 0 then 'mobile' end as device
            from range(3000) as numbers(number)
        """)
        yield made


def frame_of(values: list[float], outcome: list[int]) -> TrainingSet:
    size = len(values)
    moments = np.zeros(size, dtype="datetime64[us]")
    return TrainingSet(
        view=FEATURE_VIEW,
        entity=np.arange(size).astype(object),
        keys={},
        decided_at=moments,
        known_at=moments,
        outcome=np.array(outcome, dtype=float),
        columns={"views": np.array(values)},
    )


def test_decisions_come_in_the_order_of_time_with_what_is_not_known_as_such(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    frame = read_training_set(connection, FEATURE_VIEW, where="step < 2")
    assert len(frame) == 2_000
    assert (np.diff(frame.decided_at) >= np.timedelta64(0)).all()
    assert (frame.known_at - frame.decided_at == np.timedelta64(1, "D")).all()
    assert np.isnan(frame.columns["views"]).mean() == pytest.approx(0.2)
    assert set(frame.columns["device"].tolist()) == {"mobile", None}
    assert frame.outcome.mean() == pytest.approx(1 / 3, abs=0.01)


def test_of_too_many_rows_whole_entities_are_drawn_the_same_ones_each_time(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    first, again = (read_training_set(connection, FEATURE_VIEW, max_rows=900) for _ in range(2))
    assert 600 < len(first) < 1_200
    users, counts = np.unique(first.entity.astype(str), return_counts=True)
    assert set(counts.tolist()) == {3}
    assert first.entity.tolist() == again.entity.tolist()
    neighbours = np.diff(np.sort([int(user[1:]) for user in users]))
    assert (neighbours == 1).mean() < 0.6
    assert first.sampling_condition
    narrowed = read_training_set(connection, FEATURE_VIEW, where=first.sampling_condition)
    assert narrowed.entity.tolist() == first.entity.tolist()


def test_few_rows_are_all_read(connection: duckdb.DuckDBPyConnection) -> None:
    frame = read_training_set(connection, FEATURE_VIEW, max_rows=3_000)
    assert (len(frame), frame.sampling_condition) == (3_000, "")


def test_an_entity_with_a_quote_is_no_sql(connection: duckdb.DuckDBPyConnection) -> None:
    assert len(read_training_set(connection, FEATURE_VIEW, where=entity_condition(FEATURE_VIEW, "u7"))) == 3
    assert (
        len(read_training_set(connection, FEATURE_VIEW, where=entity_condition(FEATURE_VIEW, "' or true --")))
        == 0
    )


def test_only_keeps_all_arrays_alike(connection: duckdb.DuckDBPyConnection) -> None:
    frame = read_training_set(connection, FEATURE_VIEW)
    part = frame.take(frame.outcome > 0)
    assert len(part) == len(part.entity) == len(part.keys["step"]) == len(part.columns["device"]) == 1_000


def test_the_constant_is_the_share_of_the_training_rows() -> None:
    training, rows = frame_of([1, 2, 3, 4], [1, 0, 0, 0]), frame_of([9, 9], [0, 0])
    assert constant(training, rows).tolist() == [0.25, 0.25]


def test_bins_give_the_share_among_similar_rows_and_their_own_to_the_unknown() -> None:
    values = [*range(100), *[np.nan] * 20]
    training = frame_of(values, [0] * 50 + [1] * 50 + [1, 0] * 10)
    arguments = by_bins("views", bins=10)(training, frame_of([-5, 20, 80, 900, np.nan], [0] * 5))
    assert (arguments[:2] < 0.1).all()
    assert (arguments[2:4] > 0.9).all()
    assert arguments[4] == pytest.approx(0.5, abs=0.01)
    assert ((arguments > 0) & (arguments < 1)).all()


def test_bins_of_a_feature_that_nobody_has_are_the_constant() -> None:
    training = frame_of([np.nan] * 4, [1, 0, 0, 0])
    arguments = by_bins("views")(training, frame_of([np.nan, 3.0], [0, 0]))
    assert arguments == pytest.approx([0.25, 0.25])
