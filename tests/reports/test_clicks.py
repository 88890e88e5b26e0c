"""Reports of a shop of clicks, beside what its few visits add up to by hand."""

from __future__ import annotations

from datetime import date

import pytest

from shopwright.core.errors import ConfigurationError, MissingDataError
from shopwright.reports import Filters, PublishedWarehouse, find_report, read_filter_values

SIXTH, SEVENTH = date(2025, 1, 6), date(2025, 1, 7)


def _values(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def test_visits_leave_bots_out(clicks, read):
    assert read(clicks, "session_summary") == [
        {
            "session_count": 4,
            "bot_session_count": 1,
            "purchase_session_count": 2,
            "session_conversion_rate": 0.5,
            "cart_rate": 0.75,
            "cart_abandonment_rate": pytest.approx(1 / 3),
        }
    ]


@pytest.mark.parametrize(
    ("filters", "sessions"),
    [
        ({"first": SIXTH}, 3),
        ({"last": date(2025, 1, 5)}, 1),
        ({"first": SIXTH, "last": SIXTH}, 1),
        ({"device": "mobile"}, 2),
        ({"channel": "email"}, 2),
        ({"device": "mobile", "channel": "email"}, 1),
        ({"experiment": "control"}, 2),
        ({"experiment": "banner:treatment"}, 2),
        ({"experiment": "banner:control", "first": SEVENTH}, 1),
    ],
)
def test_filters_narrow_and_both_dates_are_included_in_the_zone_of_the_shop(clicks, read, filters, sessions):
    assert read(clicks, "session_summary", **filters)[0]["session_count"] == sessions


def test_over_nothing_counts_are_zero_and_rates_undefined(clicks, read):
    no_sessions = {"last": date(2025, 1, 1)}
    (row,) = read(clicks, "session_summary", **no_sessions)
    assert row["session_count"] == row["purchase_session_count"] == 0
    assert row["session_conversion_rate"] is row["cart_rate"] is row["cart_abandonment_rate"] is None
    (row,) = read(clicks, "sales_summary", **no_sessions)
    assert (row["order_count"], row["net_amount"], row["average_order_value"]) == (0, 0, None)
    (row,) = read(clicks, "behavior_summary", **no_sessions)
    assert set(row.values()) == {None}
    steps = read(clicks, "funnel", **no_sessions)
    assert _values(steps, "session_count", "share_of_sessions") == [(0, None)] * len(steps)


@pytest.mark.parametrize(
    "text", ["' or true --", "'; drop table gold.fct_sessions; --", "{0}", "$1", "a:b:c"]
)
def test_code_as_the_value_of_a_filter_is_refused(clicks, read, text):
    for name in ("device", "channel", "experiment"):
        with pytest.raises(ConfigurationError, match="the shop has no"):
            read(clicks, "session_summary", **{name: text})
    with pytest.raises(ConfigurationError, match="the shop has no category"):
        read(clicks, "funnel", category=text)
    assert read(clicks, "session_summary")[0]["session_count"] == 4


def test_active_users_are_counted_in_their_windows(clicks, read):
    columns = (
        "activity_date",
        "daily_active_users",
        "monthly_active_users",
        "new_users",
        "bot_session_count",
    )
    assert _values(read(clicks, "engagement"), *columns) == [
        ("2025-01-05", 1, 1, 1, 0),
        ("2025-01-06", 1, 2, 1, 1),
        ("2025-01-07", 2, 3, 1, 0),
    ]
    (row,) = read(clicks, "engagement_latest", last=SIXTH)
    assert (row["activity_date"], row["stickiness_rate"]) == ("2025-01-06", 0.5)


def test_each_step_of_the_funnel_loses_whom_it_loses(clicks, read):
    columns = ("step", "session_count", "share_of_sessions", "lost_session_count", "drop_off_rate")
    assert _values(read(clicks, "funnel"), *columns) == [
        ("Session", 4, 1.0, None, None),
        ("Product view", 3, 0.75, 1, 0.25),
        ("Cart", 3, 0.75, 0, 0.0),
        ("Checkout", 2, 0.5, 1, pytest.approx(1 / 3)),
        ("Purchase", 2, 0.5, 0, 0.0),
    ]
    assert _values(read(clicks, "funnel", category="toys"), "session_count") == [(1,)] * 5
    by_device = read(clicks, "funnel_by_device")
    assert _values(by_device, "device", "session_count", "purchase_session_count") == [
        ("desktop", 2, 1),
        ("mobile", 2, 1),
    ]
    by_category = read(clicks, "funnel_by_category")
    assert _values(by_category, "category", "view_session_count", "view_to_purchase_rate") == [
        ("books", 2, 0.5),
        ("toys", 1, 1.0),
    ]
    assert len(read(clicks, "funnel_by_day", first=SIXTH)) == 2


def test_hours_and_weekdays_are_those_of_the_shop(clicks, read):
    grid = read(clicks, "sessions_by_hour")
    assert [(row["weekday_number"], row["hour"]) for row in grid] == [
        (day, hour) for day in range(1, 8) for hour in range(24)
    ]
    assert {row["session_conversion_rate"] for row in grid if not row["session_count"]} == {None}
    observed = [row for row in grid if row["session_count"]]
    assert _values(observed, "weekday", "hour", "session_count", "purchase_session_count") == [
        ("Monday", 0, 1, 0),
        ("Tuesday", 11, 1, 0),
        ("Tuesday", 13, 1, 1),
        ("Sunday", 23, 1, 1),
    ]


def test_lengths_and_times_to_purchase_fall_into_their_spans(clicks, read):
    (row,) = read(clicks, "behavior_summary")
    assert row == {
        "median_duration_seconds": 135,
        "average_duration_seconds": 142.5,
        "events_per_session": 3,
        "bounce_rate": 0.25,
        "median_time_to_purchase_seconds": 270,
    }
    (row,) = read(clicks, "behavior_summary", device="desktop", channel="email")
    assert row["median_duration_seconds"] == 300
    spans = [
        (span, count)
        for span, count in _values(read(clicks, "session_duration"), "duration", "session_count")
        if count
    ]
    assert spans == [("0 s", 1), ("30 s to 1 min", 1), ("3 to 5 min", 1), ("5 to 10 min", 1)]
    times = read(clicks, "time_to_purchase")
    assert [row["duration"] for row in times if row["session_count"]] == ["3 to 5 min", "5 to 10 min"]
    assert times[-1]["cumulative_share"] == 1


def test_purchases_are_sales(clicks, read):
    (row,) = read(clicks, "sales_summary")
    names = (
        "order_count",
        "customer_count",
        "net_amount",
        "average_order_value",
        "return_rate",
        "on_time_rate",
    )
    assert tuple(row[name] for name in names) == (2, 2, 25, 12.5, None, None)
    assert read(clicks, "sales_summary", first=SIXTH)[0]["net_amount"] == 5
    categories = read(clicks, "category_sales")
    assert _values(categories, "category", "net_amount", "net_share") == [
        ("toys", 20, 0.8),
        ("books", 5, 0.2),
    ]
    assert _values(read(clicks, "top_products"), "product_id", "unit_count") == [("p1", 2), ("=1+1", 1)]
    assert _values(read(clicks, "top_products", category="books"), "product_id") == [("=1+1",)]
    assert _values(read(clicks, "product_interest"), "product_id", "product_view_count") == [
        ("=1+1", 2),
        ("p1", 1),
    ]


def test_what_a_report_cannot_be_filtered_by_is_refused(clicks, read):
    with pytest.raises(
        ConfigurationError, match="'engagement' cannot be filtered by device: it accepts first, last"
    ):
        read(clicks, "engagement", device="mobile")
    with pytest.raises(ConfigurationError, match="after the last"):
        Filters(first=SEVENTH, last=SIXTH)
    with pytest.raises(ConfigurationError, match="did you mean 'funnel'"):
        find_report("funel")


def test_what_the_shop_lacks_is_said(clicks, read):
    for name in ("delivery_by_month", "reviews_by_month", "sellers", "payments"):
        with pytest.raises(MissingDataError):
            read(clicks, name)


def test_there_is_to_choose_from_what_there_is(clicks):
    with PublishedWarehouse(clicks.published).connection() as connection:
        values = read_filter_values(connection)
    assert (values.first, values.last) == (date(2025, 1, 5), date(2025, 1, 7))
    assert (values.devices, values.channels) == (("desktop", "mobile"), ("direct", "email"))
    assert {"books", "toys"} <= set(values.categories)
    assert values.experiments == ("control", "treatment", "banner:control", "banner:treatment")


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"device": "mobil"}, "device 'mobil'; did you mean 'mobile'"),
        ({"channel": "e-mail"}, "channel 'e-mail'; did you mean 'email'"),
        ({"experiment": "controll"}, "did you mean 'control'"),
        ({"experiment": "banner:treatmnt"}, "did you mean 'banner:treatment'"),
    ],
)
def test_a_value_that_nothing_has_is_refused_instead_of_answered_with_nothing(clicks, read, filters, message):
    with pytest.raises(ConfigurationError, match=message):
        read(clicks, "session_summary", **filters)
    with pytest.raises(ConfigurationError, match="did you mean 'books'"):
        read(clicks, "funnel", category="bookss")


def test_dates_on_which_nothing_happened_count_nothing(clicks, read):
    narrowed = {"device": "mobile"}
    assert _values(
        read(clicks, "sessions_by_day", **narrowed),
        "session_date",
        "session_count",
        "session_conversion_rate",
    ) == [
        ("2025-01-05", 1, 1),
        ("2025-01-06", 0, None),
        ("2025-01-07", 1, 0),
    ]
    columns = ("session_date", "session_count", "checkout_session_count", "view_to_cart_rate")
    assert _values(read(clicks, "funnel_by_day", **narrowed), *columns)[1] == ("2025-01-06", 0, 0, None)
    assert _values(
        read(clicks, "sales_by_day"), "order_date", "order_count", "net_amount", "average_order_value"
    ) == [
        ("2025-01-05", 1, 20, 20),
        ("2025-01-06", 0, 0, None),
        ("2025-01-07", 1, 5, 5),
    ]
