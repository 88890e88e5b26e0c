"""What is right about an ordinary export, worked out from its files alone: Python's json, Decimal and loops."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tests.simulate.order_files import Row, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shopwright.simulate import Simulation

GAP = timedelta(minutes=30)
FOUR_PLACES = Decimal("0.0001")
ZERO = Decimal(0)


def moment(text: str) -> datetime:
    """A moment, naive UTC as truth tables have it."""
    return datetime.fromisoformat(text.removesuffix("Z"))


def latest(rows: Iterable[Row], *key: str) -> dict[tuple[Any, ...], Row]:
    """The row of each key that arrived last."""
    return {tuple(row.get(name) for name in key): row for row in rows}


@dataclass
class Event:
    at: datetime
    visitor: str | None
    user: str | None
    row: Row
    person: str = ""


def events_of(made: Simulation) -> list[Event]:
    """Every event once, in its latest version."""
    rows = latest(read(made, "events"), "event_id").values()
    return [Event(moment(row["timestamp"]), row.get("visitor_id"), row.get("user_id"), row) for row in rows]


def visits(events: list[Event]) -> list[list[Event]]:
    """Events by time, cut where nothing happens for longer than the gap."""
    result: list[list[Event]] = []
    for event in sorted(events, key=lambda event: event.at):
        if not result or event.at - result[-1][-1].at > GAP:
            result.append([])
        result[-1].append(event)
    return result


def assign_persons(events: list[Event]) -> None:
    """Say whose each event is, as the rules have it."""
    by_device: dict[str | None, list[Event]] = defaultdict(list)
    for event in events:
        by_device[event.visitor or f"user {event.user}"].append(event)
    for on_device in by_device.values():
        of_device = visits(on_device)
        for position, visit in enumerate(of_device):
            later = [event.user for other in of_device[position + 1 :] for event in other if event.user]
            earlier = [event.user for other in of_device[:position] for event in other if event.user]
            for index, event in enumerate(visit):
                following = [other.user for other in visit[index:] if other.user]
                before = [other.user for other in visit[:index] if other.user]
                candidates = [*following[:1], *before[-1:], *later[:1], *earlier[-1:], event.visitor]
                event.person = str(next(name for name in candidates if name))


def purchases(events: list[Event]) -> list[Event]:
    """Purchases without those that repeat an earlier one of the same person, order, product, price and quantity."""
    first: dict[tuple[Any, ...], datetime] = {}
    result = []
    for event in sorted(events, key=lambda event: event.at):
        if event.row["event_type"] != "purchase":
            continue
        details = event.row["properties"]
        key = (event.person, *(details[name] for name in ("order_id", "product_id", "price", "quantity")))
        if first.setdefault(key, event.at) == event.at:
            result.append(event)
    return result


def sessions(events: list[Event]) -> list[tuple[Any, ...]]:
    """Sessions of all persons: person, start, end, events, purchases and orders."""
    counted = {id(event) for event in purchases(events)}
    by_person: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_person[event.person].append(event)
    result = []
    for person, theirs in by_person.items():
        for visit in visits(theirs):
            bought = [event for event in visit if id(event) in counted]
            orders = {event.row["properties"]["order_id"] for event in bought}
            result.append((person, visit[0].at, visit[-1].at, len(visit), len(bought), len(orders)))
    return sorted(result)


class Rates:
    """Rates of exchange into the shop's currency."""

    def __init__(self, made: Simulation) -> None:
        rows = read(made, "exchange_rates") if "exchange_rates" in made.files else []
        self._rates = {(row["currency"], row["rate_date"]): row["rate"] for row in rows}

    def rate(self, currency: str, day: date) -> Decimal:
        """The latest rate on or before a day."""
        if currency == "EUR":
            return Decimal(1)
        days = (day - timedelta(days=back) for back in range(7))
        return next(
            self._rates[currency, day.isoformat()]
            for day in days
            if (currency, day.isoformat()) in self._rates
        )


def rounded(amount: Decimal) -> Decimal:
    """An amount with four decimals."""
    return amount.quantize(FOUR_PLACES, ROUND_HALF_UP)


def line_amount(line: Row) -> Decimal:
    """What a line comes to: as stated, or else price times quantity, rounded once."""
    return line["line_amount"] if "line_amount" in line else rounded(line["unit_price"] * line["quantity"])


def order_amounts(made: Simulation) -> dict[str, dict[str, Any]]:
    """The right amounts of each order, in the shop's currency."""
    rates = Rates(made)
    lines, refunds = (
        _by_order(latest(read(made, entity), *key).values()) if entity in made.files else {}
        for entity, key in (
            ("order_items", ("order_id", "line_number")),
            ("refunds", ("order_id", "refund_id", "line_number")),
        )
    )
    result = {}
    for (order_id,), order in latest(read(made, "orders"), "order_id").items():
        rate = rates.rate(order.get("currency", "EUR"), moment(order["ordered_at"]).date())
        totals: dict[str, Any] = defaultdict(Decimal)
        for line in lines.get(order_id, []):
            _add_line(totals, line, rate)
        if order_id not in lines:
            _add_totals(totals, order, rate)
        for refund in refunds.get(order_id, []):
            _add_refund(totals, refund, rate)
        merchandise = totals["gross"] - totals["discount"] - totals["return"]
        off = order["status"] in {"canceled", "unavailable", "voided"}
        totals["net"] = ZERO if off else merchandise
        extras = ("fee", "adjustment", "freight", "tax", "tip", "gift_card")
        totals["total"] = merchandise + sum((totals[name] for name in extras), ZERO)
        totals |= {"is_canceled": off, "is_test": order.get("is_test", False)}
        result[order_id] = totals
    return result


def refunds_by_day(made: Simulation) -> dict[date, dict[str, Any]]:
    """What was refunded each day, in the shop's currency."""
    rates = Rates(made)
    ordered = {row["order_id"]: moment(row["ordered_at"]).date() for row in read(made, "orders")}
    result: dict[date, dict[str, Any]] = defaultdict(lambda: defaultdict(Decimal))
    ids: dict[date, set[str]] = defaultdict(set)
    for refund in latest(read(made, "refunds"), "order_id", "refund_id", "line_number").values():
        day = moment(refund["refunded_at"]).date()
        rate = rates.rate(refund.get("currency", "EUR"), ordered[refund["order_id"]])
        ids[day].add(refund["refund_id"])
        result[day]["count"] = len(ids[day])
        for name, column in _REFUNDED.items():
            result[day][name] += rounded(refund[column] * rate)
    return result


_REFUNDED = {
    "return": "line_amount",
    "tax": "tax_amount",
    "freight": "shipping_amount",
    "adjustment": "adjustment_amount",
}


def _by_order(rows: Iterable[Row]) -> dict[str, list[Row]]:
    result: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        result[row["order_id"]].append(row)
    return result


def _add_line(totals: dict[str, Any], line: Row, rate: Decimal) -> None:
    kind = {"sale": "gross"}.get(line["kind"], line["kind"])
    tax = line.get("tax_amount", ZERO)
    included = rounded(tax * rate) if line.get("is_tax_included") else ZERO
    totals[kind] += (rounded(line_amount(line) * rate) - included) * (
        -1 if kind in {"discount", "return"} else 1
    )
    totals["tax"] += rounded(tax * rate)
    totals["freight"] += rounded(line.get("freight", ZERO) * rate)


def _add_totals(totals: dict[str, Any], order: Row, rate: Decimal) -> None:
    included = rounded(order["tax_amount"] * rate) if order["is_tax_included"] else ZERO
    totals["gross"] = rounded(order["subtotal_amount"] * rate) - included
    totals["tax"] = rounded(order["tax_amount"] * rate)
    totals["freight"] = rounded(order["shipping_amount"] * rate)


def _add_refund(totals: dict[str, Any], refund: Row, rate: Decimal) -> None:
    for name, column in _REFUNDED.items():
        totals[name] += rounded(refund[column] * rate) * (1 if name == "return" else -1)
