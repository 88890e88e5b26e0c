"""A shop whose clickstream carries a simulated effect, for tests."""

from __future__ import annotations

import json

from shopwright.assignment import assign
from shopwright.testing import Shop

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


def effect(share=0.05, seed=1, experiment="checkout"):
    return f'[sources.effect]\nexperiment = "{experiment}"\nshare = {share}\nseed = {seed}\n'


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
    """As many users as asked that see a variant."""
    tried = project.settings.experiments[0]
    found = (f"u{number}" for number in range(100_000) if assign(tried, f"u{number}").variant == variant)
    return [next(found) for _ in range(count)]


def make(folder, source=STREAM, *, experiment=EXPERIMENT, extra="", **asked):
    return Shop.make(folder, source + effect(**asked) + experiment + extra)
