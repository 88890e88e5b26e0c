"""A shop with an experiment, and exports of its clicks to simulate an effect on, for tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shopwright.assignment import assign
from shopwright.simulate.effects import EffectReport, simulate_effect
from shopwright.testing import Shop

if TYPE_CHECKING:
    from pathlib import Path

EXPERIMENT = """
[[experiments]]
name = "checkout"
hypothesis = "It sells more."
start = 2024-03-01
end = 2024-03-31
"""
STREAM = '[[sources]]\nname = "clicks"\nadapter = "event_stream"\npath = "raw"\n'
MAPPED = """
[[sources]]
name = "clicks"
adapter = "mapped"
path = "raw"
[sources.map]
event_at = "at"
event_type = "type"
user_id = "user"
product_id = "product"
price = "price"
"""


def event(user, at="2024-03-10 10:00:00", kind="add_to_cart", **more):
    return {
        "user_id": user,
        "timestamp": f"{at}Z",
        "event_type": kind,
        "product_id": "17",
        "price": "5",
    } | more


def lines(events):
    return "".join(json.dumps(item) + "\n" for item in events)


def users(project, variant, count):
    """Return as many users who see a variant."""
    experiment = project.settings.experiments[0]
    names = (f"u{number}" for number in range(100_000))
    seen = (name for name in names if assign(experiment, name).variant == variant)
    return [next(seen) for _ in range(count)]


def make(folder, source=STREAM, *, experiment=EXPERIMENT, extra=""):
    return Shop.make(folder, source + experiment + extra)


def export(shop, name, content) -> Path:
    """Write a file of the shop's original export, which no source reads."""
    return shop.write(f"../export/{name}", content)


def simulate(shop, *, share=1.0, seed=1, folder="copy", **options) -> EffectReport:
    """Write a changed copy of the export to where the source reads it."""
    return simulate_effect(
        shop.project,
        shop.root / "export",
        shop.raw / folder,
        experiment="checkout",
        share=share,
        seed=seed,
        **options,
    )
