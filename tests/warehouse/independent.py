"""The marketplace's figures computed a second time, by pandas from the raw files, for comparison with gold tables.

Rules are restated here and not imported: money is whole cents, days are those of the files' texts, an order counts
if it has a line and was neither canceled nor found unavailable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

ZONE = "America/Sao_Paulo"
LAST_COMPLETE = pd.Timestamp("2018-08-31")
TIMES = {
    "order_purchase_timestamp": "ordered_at",
    "order_approved_at": "approved_at",
    "order_delivered_carrier_date": "shipped_at",
    "order_delivered_customer_date": "delivered_at",
    "order_estimated_delivery_date": "promised_at",
}


@dataclass(frozen=True, slots=True)
class Marketplace:
    """The raw files as frames; amounts are cents, times are the files' own."""

    orders: pd.DataFrame
    """One row per order, with what its lines, payments, reviews and customer say of it."""
    lines: pd.DataFrame
    payments: pd.DataFrame


def read_marketplace(folder: Path) -> Marketplace:
    """Read the files that sales figures need, and bring each to the order.

    Args:
        folder: where the nine files lie.
    """
    lines = _read(folder, "order_items", cents={"price": "goods", "freight_value": "freight"})
    payments = _read(folder, "order_payments", cents={"payment_value": "paid"})
    payments["installments"] = payments["payment_installments"].astype(int)
    orders = _read(folder, "orders").rename(columns={**TIMES, "order_status": "status"})
    for name in TIMES.values():
        orders[name] = pd.to_datetime(orders[name], format="%Y-%m-%d %H:%M:%S")
    people = _read(folder, "customers")[["customer_id", "customer_unique_id", "customer_state"]]
    orders = orders.merge(people, on="customer_id", validate="1:1")
    orders = _with_sums(orders, lines, payments).merge(_scores(folder), on="order_id", how="left")
    return Marketplace(_judge(orders), lines, payments)


def _read(folder: Path, name: str, *, cents: dict[str, str] | None = None) -> pd.DataFrame:
    frame = pd.read_csv(folder / f"olist_{name}_dataset.csv", dtype=str)
    for column, cent_name in (cents or {}).items():
        frame[cent_name] = (frame[column].astype(float) * 100).round().astype("int64")
    return frame


def _with_sums(orders: pd.DataFrame, lines: pd.DataFrame, payments: pd.DataFrame) -> pd.DataFrame:
    of_lines = lines.groupby("order_id").agg(
        line_count=("goods", "size"), goods=("goods", "sum"), freight=("freight", "sum")
    )
    of_payments = payments.groupby("order_id").agg(payment_count=("paid", "size"), paid=("paid", "sum"))
    joined = orders.merge(of_lines, on="order_id", how="left").merge(of_payments, on="order_id", how="left")
    numbers = [*of_lines.columns, *of_payments.columns]
    joined[numbers] = joined[numbers].fillna(0).astype("int64")
    return joined


def _scores(folder: Path) -> pd.DataFrame:
    """Return the mean score of each reviewed order, rounded to four decimals as in gold."""
    reviews = _read(folder, "order_reviews")
    reviews["score"] = reviews["review_score"].astype(int)
    return reviews.groupby("order_id")["score"].mean().round(4).reset_index()


def _judge(orders: pd.DataFrame) -> pd.DataFrame:
    day = {name: orders[name].dt.normalize() for name in TIMES.values()}
    is_delivered = orders["delivered_at"].notna()
    is_canceled = orders["status"].isin(["canceled", "unavailable"])
    return orders.assign(
        is_canceled=is_canceled,
        is_counted=~is_canceled & (orders["line_count"] > 0),
        day=day["ordered_at"],
        month=_month(orders["ordered_at"]),
        is_delivered=is_delivered,
        is_on_time=is_delivered & (day["delivered_at"] <= day["promised_at"]),
        days_late=(day["delivered_at"] - day["promised_at"]).dt.days,
        handling_days=_days(orders["approved_at"], orders["shipped_at"]),
        delivery_days=_days(orders["ordered_at"], orders["delivered_at"]),
    )


def _month(times: pd.Series) -> pd.Series:
    return times.dt.to_period("M").dt.to_timestamp()


def _days(earlier: pd.Series, later: pd.Series) -> pd.Series:
    """Days that passed; a night in which clocks are changed is shorter or longer."""
    return (_timestamp(later) - _timestamp(earlier)).dt.total_seconds() / 86_400


def _timestamp(times: pd.Series) -> pd.Series:
    hour = pd.Timedelta(hours=1)
    return times.dt.tz_localize(ZONE, nonexistent=hour, ambiguous=np.zeros(len(times), dtype=bool))


def utc(times: pd.Series) -> pd.Series:
    """Local times as gold keeps them."""
    return _timestamp(times).dt.tz_convert("UTC").dt.tz_localize(None)


def cohorts(market: Marketplace) -> pd.DataFrame:
    """Cohort month by period: people, orders and value of counted orders, zeros where nobody came again."""
    counted = market.orders[market.orders["is_counted"]]
    first = counted.groupby("customer_unique_id")["month"].min().rename("cohort")
    counted = counted.merge(first, on="customer_unique_id")
    totals = counted.groupby(["cohort", "month"]).agg(
        people=("customer_unique_id", "nunique"), orders=("order_id", "size"), value=("goods", "sum")
    )
    grid = totals.reindex(_grid(first, market.orders["month"].max()), fill_value=0).reset_index()
    grid["period"] = _month_number(grid["month"]) - _month_number(grid["cohort"])
    grid["size"] = grid["cohort"].map(first.value_counts())
    grid["retention"] = grid["people"] / grid["size"]
    grid["is_complete"] = grid["month"] + pd.offsets.MonthEnd(0) <= LAST_COMPLETE
    return grid


def _grid(first: pd.Series, last_month: pd.Timestamp) -> pd.MultiIndex:
    pairs = [
        (cohort, month)
        for cohort in sorted(first.unique())
        for month in pd.date_range(cohort, last_month, freq="MS")
    ]
    return pd.MultiIndex.from_tuples(pairs, names=["cohort", "month"])


def _month_number(times: pd.Series) -> pd.Series:
    return times.dt.year * 12 + times.dt.month


def sellers(market: Marketplace) -> pd.DataFrame:
    """Return one row per seller with the amounts of their lines and the orders they took part in."""
    columns = [
        "order_id",
        "ordered_at",
        "is_canceled",
        "is_delivered",
        "is_on_time",
        "handling_days",
        "score",
    ]
    lines = market.lines.merge(market.orders[columns], on="order_id")
    lines["called_off"] = lines["goods"].where(lines["is_canceled"], 0)
    money = lines.groupby("seller_id").agg(
        lines=("goods", "size"),
        goods=("goods", "sum"),
        freight=("freight", "sum"),
        called_off=("called_off", "sum"),
    )
    orders = lines.drop_duplicates(["seller_id", "order_id"])
    orders = orders.assign(handled=orders["handling_days"].where(orders["handling_days"] >= 0))
    totals = money.join(
        orders.groupby("seller_id").agg(
            first=("ordered_at", "min"),
            last=("ordered_at", "max"),
            orders=("order_id", "size"),
            canceled=("is_canceled", "sum"),
            promised=("is_delivered", "sum"),
            on_time=("is_on_time", "sum"),
            handling=("handled", "mean"),
            reviewed=("score", "count"),
            score=("score", "mean"),
        )
    ).reset_index()
    totals["net"] = totals["goods"] - totals["called_off"]
    totals["rank"] = totals["net"].rank(method="min", ascending=False).astype(int)
    return totals.assign(first=utc(totals["first"]), last=utc(totals["last"]))


def payment_behavior(market: Marketplace) -> pd.DataFrame:
    """Return one row per payment method and number of installments, with the orders paid that way.

    What an order was paid too much or too little stands once, where it paid most.
    """
    cell = ["payment_type", "installments"]
    orders = market.orders.rename(columns={"paid": "paid_in_all"})
    orders["difference"] = orders["paid_in_all"] - orders["goods"] - orders["freight"]
    orders["difference"] = orders["difference"].where(orders["line_count"] > 0, 0)
    per_order = market.payments.groupby(["order_id", *cell]).agg(
        pieces=("paid", "size"), paid=("paid", "sum")
    )
    with_orders = per_order.reset_index().merge(
        orders[["order_id", "difference", "is_canceled", "score"]], on="order_id", validate="m:1"
    )
    with_orders = with_orders.sort_values(["order_id", "paid", *cell], ascending=[True, False, True, True])
    with_orders["counted_difference"] = with_orders["difference"].where(
        ~with_orders["order_id"].duplicated(), 0
    )
    with_orders["is_wrong"] = with_orders["difference"] != 0
    with_orders["is_risky"] = with_orders["is_canceled"] | (with_orders["difference"] < 0)
    with_orders["is_bad"] = with_orders["score"] <= 2
    totals = with_orders.groupby(cell).agg(
        payments=("pieces", "sum"),
        orders=("order_id", "size"),
        paid=("paid", "sum"),
        wrong=("is_wrong", "sum"),
        difference=("counted_difference", "sum"),
        canceled=("is_canceled", "sum"),
        risky=("is_risky", "sum"),
        bad=("is_bad", "sum"),
        reviewed=("score", "count"),
    )
    return totals.reset_index()


def months(market: Marketplace) -> pd.DataFrame:
    """Return one row per month, order status and state of the customer, over complete orders."""
    orders = market.orders
    is_off = orders["is_canceled"]
    orders = orders.assign(
        called_off=orders["goods"].where(is_off, 0),
        net=orders["goods"].where(~is_off, 0),
        counted_value=orders["goods"].where(orders["is_counted"], 0),
        counted_person=orders["customer_unique_id"].where(orders["is_counted"]),
        early=(-orders["days_late"]).where(orders["days_late"] < 0),
        late=orders["days_late"].where(orders["days_late"] > 0),
    )
    return (
        orders.groupby(["month", "status", "customer_state"])
        .agg(
            orders=("order_id", "size"),
            counted=("is_counted", "sum"),
            people=("counted_person", "nunique"),
            units=("line_count", "sum"),
            goods=("goods", "sum"),
            called_off=("called_off", "sum"),
            net=("net", "sum"),
            freight=("freight", "sum"),
            value=("counted_value", "sum"),
            delivered=("is_delivered", "sum"),
            on_time=("is_on_time", "sum"),
            delivery=("delivery_days", "mean"),
            early=("early", "mean"),
            late=("late", "mean"),
            reviewed=("score", "count"),
            score=("score", "mean"),
        )
        .reset_index()
    )


def lifetime_values(market: Marketplace) -> pd.DataFrame:
    """Return one row per customer with their orders, their value, and the projection of 182 days."""
    orders = market.orders
    orders = orders.assign(
        value=orders["goods"].where(orders["is_counted"], 0),
        counted_day=orders["day"].where(orders["is_counted"]),
        net=orders["goods"].where(~orders["is_canceled"], 0),
    )
    totals = (
        orders.groupby("customer_unique_id")
        .agg(
            orders=("order_id", "size"),
            counted=("is_counted", "sum"),
            canceled=("is_canceled", "sum"),
            goods=("goods", "sum"),
            net=("net", "sum"),
            value=("value", "sum"),
            first=("counted_day", "min"),
            last=("counted_day", "max"),
        )
        .reset_index()
    )
    totals["tenure"] = (LAST_COMPLETE - totals["first"]).dt.days.clip(lower=0)
    totals["recency"] = (LAST_COMPLETE - totals["last"]).dt.days.clip(lower=0)
    totals["average"] = totals["value"] / 100 / totals["counted"].where(totals["counted"] > 0)
    repeats = (totals["counted"] >= 2) & (totals["tenure"] >= 90)
    pace = (totals["counted"] - 1) / totals["tenure"].where(repeats)
    totals["projected"] = totals["average"] * pace * 182
    return totals
