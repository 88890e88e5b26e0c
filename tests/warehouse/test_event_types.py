"""Events of other types are actions of a session, and no step of the funnel."""

from __future__ import annotations

import json

import pytest

from shopwright.settings import load_project
from shopwright.warehouse.build import build
from tests.warehouse.deliveries import query_gold
from tests.warehouse.shops import make_shop, take_in

OWN = 'ignore_event_types = ["heartbeat"]\n'


def _event(user, minute, event_type, **more):
    return {"timestamp": f"2025-03-01T10:{minute:02}:00Z", "user_id": user, "event_type": event_type} | more


@pytest.mark.slow
def test_a_session_of_other_events_alone_is_a_session_and_no_step(tmp_path):
    make_shop(tmp_path)
    settings = tmp_path / "shopwright.toml"
    settings.write_text(settings.read_text("utf-8") + OWN, "utf-8")
    events = [
        _event("anna", 0, "scroll_depth"),
        _event("anna", 1, "wishlist", product_id="17"),
        _event("bert", 0, "product_view", product_id="17"),
        _event("bert", 0, "wishlist", product_id="17"),
        _event("bert", 1, "add_to_cart", product_id="17", price=5),
        _event("bert", 2, "heartbeat"),
        _event("carl", 2, "heartbeat"),
    ]
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.jsonl").write_text("".join(json.dumps(item) + "\n" for item in events), "utf-8")
    project = load_project(tmp_path)
    take_in(project)
    build(project)
    funnel = "select {} from gold.fct_funnel where category = '(all)'".format(
        ", ".join(f"sum({name})" for name in ("session_count", "view_session_count", "cart_session_count"))
    )
    assert query_gold(project, funnel) == [(2, 1, 1)]
    sessions = "select event_count, product_view_count, other_count from gold.fct_sessions order by user_id"
    assert query_gold(project, sessions) == [(2, 0, 2), (3, 1, 1)]
    steps = "select event_type from silver.int_user_journey where user_id = 'bert' order by step_number"
    assert query_gold(project, steps) == [("product_view",), ("other",), ("add_to_cart",)]
    names = "select event_name from silver.stg_events where event_type = 'other' order by event_name"
    assert query_gold(project, names) == [("scroll_depth",), ("wishlist",), ("wishlist",)]
    ledger = "select rows_read, rows_accepted, rows_ignored, is_balanced from gold.fct_ingest_ledger"
    assert query_gold(project, ledger) == [(7, 5, 2, True)]
