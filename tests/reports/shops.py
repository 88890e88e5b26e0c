"""Three kinds of shop, small enough to be counted by hand: clicks alone, orders alone, and a simulated one with both."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build
from tests.warehouse.deliveries import deliver, line, order_shop
from tests.warehouse.shops import make_shop, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project

BERLIN = """
[shop]
currency = "EUR"
timezone = "Europe/Berlin"

[engine]
threads = 2

[[experiments]]
name = "banner"
hypothesis = "A banner helps"
assignment = "stated"
start = 2025-01-01
end = 2025-01-31
"""
TOYS = {"product_id": "p1", "category": "toys", "price": 10}
BOOKS = {"product_id": "=1+1", "product_name": "=1+1", "category": "books", "price": 5}


def _visit(user: str, start: str, device: str, channel: str, *steps: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Events of one visit; a step is seconds since its start, type, and what else it says."""
    group = "treatment" if user == "u1" else "control"
    session_fields = {"user_id": user, "device": device, "channel": channel, "experiment_group": group}
    at = datetime.fromisoformat(start)
    return [
        {
            "timestamp": f"{at + timedelta(seconds=after):%Y-%m-%dT%H:%M:%SZ}",
            "event_type": kind,
            **session_fields,
            **more,
        }
        for after, kind, more in steps
    ]


# Berlin is an hour ahead: the first visit is on Sunday the 5th at 23:30, the second on Monday the 6th at 0:30.
CLICKS = [
    *_visit(
        "u1", "2025-01-05T22:30:00", "mobile", "email",
        (0, "page_view", {}), (60, "product_view", TOYS), (120, "add_to_cart", TOYS), (180, "begin_checkout", {}),
        (240, "purchase", {**TOYS, "quantity": 2, "order_id": "o1"}),
    ),
    *_visit("u2", "2025-01-05T23:30:00", "desktop", "direct", (0, "product_view", BOOKS), (30, "add_to_cart", BOOKS)),
    *_visit("u1", "2025-01-07T10:00:00", "mobile", "direct", (0, "page_view", {})),
    *_visit(
        "u3", "2025-01-07T12:00:00", "desktop", "email",
        (0, "product_view", BOOKS), (10, "add_to_cart", BOOKS), (20, "begin_checkout", {}),
        (300, "purchase", {**BOOKS, "order_id": "o3"}),
    ),
    *_visit("bot", "2025-01-06T09:00:00", "desktop", "direct", *((second, "page_view", {}) for second in range(70))),
]  # fmt: skip


def _order(order: str, customer: str, at: str, status: str = "delivered", **more: str) -> dict[str, Any]:
    return {"order_id": order, "customer_id": customer, "ordered_at": at, "status": status, **more}


ORDERS = {
    "orders": [
        _order("o1", "c1", "2025-01-10T10:00:00Z", delivered_at="2025-01-14T10:00:00Z", promised_at="2025-01-15T00:00:00Z"),
        _order("o2", "c1", "2025-02-03T10:00:00Z", delivered_at="2025-02-12T10:00:00Z", promised_at="2025-02-10T00:00:00Z"),
        _order("o3", "c2", "2025-02-05T10:00:00Z", status="canceled"),
        _order("o4", "c3", "2025-03-31T10:00:00Z"),
    ],
    "order_items": [
        line("o1", 1, 10, product_id="p1", seller_id="s1"),
        line("o2", 1, 20, product_id="p2", seller_id="s2"),
        line("o2", 2, 4, product_id="p2", seller_id="s2", kind="return", quantity=-1),
        line("o3", 1, 7, product_id="p1", seller_id="s1"),
        line("o4", 1, 30, product_id="p1", seller_id="s1"),
    ],
    "payments": [
        {"order_id": "o1", "sequence": 1, "method": "card", "amount": 10},
        {"order_id": "o2", "sequence": 1, "method": "boleto", "amount": 16},
    ],
    "reviews": [
        {"review_id": "r1", "order_id": "o1", "score": 5, "created_at": "2025-01-16T00:00:00Z"},
        {"review_id": "r2", "order_id": "o2", "score": 2, "created_at": "2025-02-16T00:00:00Z"},
    ],
    "sellers": [{"seller_id": "s1"}, {"seller_id": "s2"}],
}  # fmt: skip


def click_shop(root: Path) -> Project:
    """Build a shop that sends clicks, in the zone of Berlin."""
    project = make_shop(root, extra=BERLIN)
    (root / "raw").mkdir()
    lines = [json.dumps({"event_id": f"e{number}", **event}) for number, event in enumerate(CLICKS)]
    (root / "raw" / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _built(project)


def orders_shop(root: Path) -> Project:
    """Build a shop that states orders and sends no clicks."""
    project = order_shop(root)
    deliver(project, 1, **ORDERS)
    build(project)
    return project


def full_shop(root: Path) -> Project:
    """A simulated marketplace with clicks and orders."""
    simulation = simulate(
        SimulationConfig(format="marketplace", events=8_000, seed=3, users=400), root / "export"
    )
    project = make_shop(
        root, raw=simulation.out, extra='[shop]\ntimezone = "America/New_York"\n[engine]\nthreads = 2\n'
    )
    return _built(project)


def _built(project: Project) -> Project:
    take_in(project)
    build(project)
    return project
