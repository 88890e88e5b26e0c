"""What is served of a session that is going on equals what the warehouse has of it when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.evaluation.leaks import find_changed_features
from shopwright.models.abandonment.features import FEATURE_VIEW
from shopwright.models.abandonment.live_features import Event, compute_features
from shopwright.models.training_set import read_training_set

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from shopwright.models.training_set import TrainingSet
    from shopwright.settings import Project

SAMPLED = 20
START = datetime(2025, 6, 1, 12)  # noqa: DTZ001  # naive UTC, as everywhere
PREFIX = """
    select
        event_at, event_type, user_id, product_id, product_name, category, brand, price, quantity, order_id,
        source_event_id, device, country, channel, experiment_group
    from silver.stg_events
    where user_id = ? and event_at between ? and ?"""


def prefix(connection: duckdb.DuckDBPyConnection, frame: TrainingSet, row: int) -> list[Event]:
    """The events of a session up to a decision; simulated events of one user are never at the same moment."""
    decided_at = frame.decided_at[row].item()
    start = decided_at - timedelta(minutes=float(frame.columns["session_duration_minutes"][row]))
    features = connection.execute(
        PREFIX, [frame.entity[row], start - timedelta(seconds=1), decided_at]
    ).fetchall()
    events = [Event(*values) for values in features]
    assert len(events) == frame.keys["step_number"][row]
    return events


def test_served_features_equal_those_of_the_warehouse(market: Project) -> None:
    with connect(market.published, read_only=True) as connection:
        whole = read_training_set(connection, FEATURE_VIEW)
        rng = np.random.default_rng(3)
        rows = np.sort(rng.choice(len(whole), SAMPLED, replace=False))
        sessions = [prefix(connection, whole, row) for row in rows]
    served = [
        compute_features(market.published, rng.permutation(np.array(events, dtype=object)))
        for events in sessions
    ]
    names = list(whole.columns)
    columns = [np.concatenate([item[name] for item in served]) for name in names]
    wanted = [whole.columns[name][rows] for name in names]
    assert find_changed_features(wanted, columns, names, whole.entity[rows]) == []
    assert len({tuple(map(str, row)) for row in zip(*columns, strict=True)}) == SAMPLED


def served(published: Path, *events: tuple[str, dict[str, object]]) -> dict[str, object]:
    """Features of a session of a stranger, an event each ten seconds."""
    made = [
        Event(START + timedelta(seconds=10 * place), kind, **{"user_id": "a stranger", **more})  # type: ignore[arg-type]
        for place, (kind, more) in enumerate(events)
    ]
    return {name: values[0] for name, values in compute_features(published, made).items()}


def test_a_stranger_with_unseen_words_has_features(market: Project) -> None:
    viewed = {"product_id": "it's new", "brand": "Ünseen \U0001f600", "price": Decimal(10)}
    features = served(
        market.published,
        ("page_view", {"channel": "(none)"}),
        ("product_view", viewed),
        ("product_view", viewed | {"device": "fridge", "country": "XX"}),
        ("add_to_cart", viewed | {"price": Decimal(20), "quantity": 2}),
    )
    assert (
        features["total_views"],
        features["viewed_items"],
        features["total_carts"],
        features["cart_amount"],
    ) == (
        2,
        1,
        1,
        40,
    )
    assert (features["device"], features["country"], features["channel"]) == ("fridge", "XX", None)
    assert (features["past_sessions"], features["session_duration_minutes"], features["hour_of_day"]) == (
        0,
        0.5,
        12,
    )
    assert features["cart_price_log_ratio"] == pytest.approx(np.log(2), abs=1e-6)
    assert np.isnan(features["days_since_previous_session"])


def test_repeated_deliveries_of_one_event_count_once(market: Project) -> None:
    cart = ("add_to_cart", {"product_id": "p", "price": Decimal(5), "source_event_id": "e1"})
    event = Event(START, cart[0], "a stranger", **cart[1])  # type: ignore[arg-type]
    features = compute_features(market.published, [event, event])
    assert features["total_carts"].tolist() == [1]


def test_the_last_decision_counts_between_two(market: Project) -> None:
    cart = ("add_to_cart", {"product_id": "p", "price": Decimal(5)})
    one, three = (served(market.published, cart, *[("page_view", {})] * more) for more in (1, 3))
    assert (one["events_since_cart"], three["events_since_cart"]) == (0, 2)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], "one user, but these 0 events have 0"),
        ([Event(START, "add_to_cart", "a"), Event(START, "add_to_cart", "b")], "have 2"),
        ([Event(START, "product_view", "a")], "nothing was added to the cart"),
        ([Event(START, "add_to_cart", "a"), Event(START, "purchase", "a")], "already has a purchase"),
    ],
)
def test_what_is_no_decision_is_told(market: Project, events: Sequence[Event], message: str) -> None:
    with pytest.raises(DataError, match=message):
        compute_features(market.published, events)
