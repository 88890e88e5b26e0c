"""A shop that trades in three currencies: orders, refunds, rates, visitors who log in, and a till that states whole orders."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from shopwright.simulate import SimulationConfig, simulate
from tests.warehouse.shops import make_shop

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project

SETTINGS = """
[shop]
currency = "EUR"
[[sources]]
name = "till"
adapter = "mapped"
entity = "order_items"
path = "till"
[sources.map]
order_id = "receipt"
ordered_at = "at"
customer_id = "card"
product_id = "product"
quantity = "quantity"
unit_price = "price"
kind = { value = "sale" }
"""
HEADER = "receipt,at,card,product,quantity,price\n"
STATEMENTS = ("till-1.csv", "till-2.csv")
"""Files of the till in the order in which they arrive: what the second one says of an order replaces the first."""


def trade_shop(root: Path, *, extra: str = "") -> Project:
    """Return the shop with one statement of its till; ``raw`` and ``till`` are the folders of its sources."""
    for folder in ("raw", "till"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    # a source without a file is an error
    (root / "till" / "till-0.csv").write_text(
        HEADER + "t0,2025-01-09 12:00:00,c0,till-1,1,5\n", encoding="utf-8"
    )
    (root / "raw" / "users-first.jsonl").write_text(
        '{"user_id": "c0", "updated_at": "2025-01-01"}\n', encoding="utf-8"
    )
    return make_shop(root, extra=extra + SETTINGS)


def write_trade(folder: Path) -> Path:
    """Write the files of both sources, and return the folder; those of the till are in ``till``."""
    config = SimulationConfig(
        format="marketplace",
        events=1_200,
        seed=23,
        months=2,
        products=30,
        return_rate=0.3,
        profile_changes_per_year=4.0,
        traits=("log-ins", "refunds", "currencies"),
    )
    simulate(config, folder)
    shutil.rmtree(folder / "truth")
    for file in [path for path in folder.rglob("*.jsonl") if not path.stat().st_size]:
        file.unlink()
    (folder / "till").mkdir()
    for number, name in enumerate(STATEMENTS):
        rows = [
            f"t{order},2025-01-1{order % 10} 12:00:00,c{order},till-{line},{line},{10 * order + number}.50\n"
            for order in range(8 * number, 12 + 4 * number)
            for line in range(1, 4 - number)
        ]
        (folder / "till" / name).write_text(HEADER + "".join(rows), encoding="utf-8")
    return folder
