"""Purchases of a shop that sends clicks, computed a second time in Python: what each is worth, and which are reported twice."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from shopwright.warehouse.build import build
from tests.warehouse.deliveries import query_gold
from tests.warehouse.sales_recomputed import rounded
from tests.warehouse.shops import gold, make_shop, take_in

WORLDS = 300
START = datetime(2025, 3, 1)  # noqa: DTZ001  # naive UTC, as everywhere
RATES = {
    "EUR": {START.date(): "1.0837", START.date() + timedelta(days=2): "1.1"},
    "JPY": {START.date() + timedelta(days=day): f"0.0067123456{day}" for day in range(3)},
}
"""Units of the shop's currency for one unit, from a day on; there are none for GBP."""


def _random_purchases(user, rng):
    """Return purchases of one user, some of them reported again at other moments."""
    rows = []
    for number in range(rng.randint(1, 5)):
        row = {
            "event_id": f"{user}-{number}",
            "user_id": user,
            "event_type": "purchase",
            "product_id": rng.choice("pq"),
        }
        optional = {
            "order_id": ["o1", "o2"],
            "price": ["5", "9.99", "0.005678", "0.00004", "1.23455"],
            "quantity": ["1", "2", "300"],
            "value": ["7", "12.3456", "0"],
            "currency": ["USD", "EUR", "JPY", "JPY", "GBP"],
        }
        shares = {"order_id": 0.8, "price": 0.85, "quantity": 0.7, "value": 0.3, "currency": 0.6}
        row |= {name: rng.choice(values) for name, values in optional.items() if rng.random() < shares[name]}
        rows.append(row | {"timestamp": _moment(rng)})
    for number, row in enumerate(rng.choices(rows, k=rng.randint(0, 4))):
        rows.append(row | {"event_id": f"{user}-again-{number}", "timestamp": _moment(rng)})
    return rows


def _moment(rng):
    return f"{(START + timedelta(minutes=10 * rng.randrange(6 * 24 * 4))).isoformat()}Z"


def _rate(currency, day, rates):
    if currency == "USD":
        return Decimal(1)
    days = [first for first in rates.get(currency, {}) if 0 <= (day - first).days <= 7]
    return rates[currency][max(days)] if days else None


def _amount(row, rates):
    price, quantity = row.get("price"), int(row.get("quantity", 1))
    if "value" not in row and price is None:
        return None
    stated = rounded(Decimal(row["value"]) if "value" in row else Decimal(price) * quantity)
    rate = _rate(row.get("currency", "USD"), row["at"].date(), rates)
    return None if rate is None else rounded(stated * rate)


def _sessions(rows, rates):
    """Return (user, start, events, purchases, amount) of each session."""
    by_user, first = defaultdict(list), {}
    for row in sorted(rows, key=lambda item: item["at"]):
        key = tuple(row.get(name) for name in ("user_id", "order_id", "product_id"))
        price = row.get("price", row.get("value"))
        stated = None if price is None else rounded(Decimal(price))
        key = (*key, stated, row.get("currency", "USD"), int(row.get("quantity", 1)))
        moment = first.setdefault(key, row["at"]) if "order_id" in row else row["at"]
        row["is_purchase"] = moment == row["at"]
        sessions = by_user[row["user_id"]]
        if not sessions or row["at"] - sessions[-1][-1]["at"] > timedelta(minutes=30):
            sessions.append([])
        sessions[-1].append(row)
    return sorted(_session(user, session, rates) for user, theirs in by_user.items() for session in theirs)


def _session(user, events, rates):
    amounts = [_amount(row, rates) for row in events if row["is_purchase"]]
    total = "unknown" if None in amounts else str(rounded(sum(amounts, Decimal(0))))
    return user, events[0]["at"], len(events), len(amounts), total


SESSIONS = """
    select user_id, session_start_at, event_count, purchase_count, coalesce(gross_amount::varchar, 'unknown')
    from gold.fct_sessions order by all"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 6))])
def test_purchases_are_worth_what_they_state_in_any_batching(seed, tmp_path):
    """Many small shops at once: amounts, fine prices, foreign currencies, reloads, and rates that come late."""
    rng = random.Random(seed)
    batches, rates = [[] for _ in range(3)], [[] for _ in range(3)]
    for world in range(WORLDS):
        for row in _random_purchases(f"w{world}", rng):
            rng.choice(batches).append(row)
    for currency, by_day in RATES.items():
        for day, rate in by_day.items():
            stated = {"currency": currency, "rate_date": str(day), "rate": rate}
            rng.choice(rates[:2]).append(stated)
    project = make_shop(tmp_path / "parts")
    (project.root / "raw").mkdir()
    arrived, known = [], defaultdict(dict)
    for number, (rows, stated) in enumerate(zip(batches, rates, strict=True)):
        for name, items in (("events", rows), ("rates", stated)):
            text = "".join(json.dumps(row) + "\n" for row in items)
            if text:
                (project.root / "raw" / f"{name}-{number}.jsonl").write_text(text, encoding="utf-8")
        for rate in stated:
            known[rate["currency"]][date.fromisoformat(rate["rate_date"])] = Decimal(rate["rate"])
        arrived += [
            row | {"at": datetime.fromisoformat(row["timestamp"]).replace(tzinfo=None)} for row in rows
        ]
        take_in(project)
        report = build(project)
        assert query_gold(project, SESSIONS) == _sessions(arrived, known), f"batch {number}"
    assert not report.full_refresh
    whole = make_shop(tmp_path / "whole", raw=project.root / "raw")
    take_in(whole)
    build(whole)
    assert gold(whole.published) == gold(project.published)
