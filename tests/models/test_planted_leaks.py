"""A column that looks ahead, or is the outcome, is found and told."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from shopwright.cli.main import main
from shopwright.core.engine import connect
from shopwright.models import abandonment, churn
from shopwright.models.audit import find_look_ahead

if TYPE_CHECKING:
    from shopwright.settings import Project

WHOLE_SESSION = """
    select honest.* replace (sessions.{column} as total_searches)
    from warehouse.gold.feat_honest as honest
    inner join warehouse.silver.int_user_keys as visitors
        on honest.user_id = visitors.user_id
    inner join warehouse.silver.int_sessions as sessions
        on
            visitors.user_key = sessions.user_key
            and honest.decided_at between sessions.session_start_at and sessions.session_end_at"""
LATER_ORDERS = """
    select honest.* replace (coalesce(ahead.orders, 0) as unit_count_180d)
    from warehouse.gold.feat_honest as honest
    left join (
        select customer_id, count(*) as orders
        from warehouse.silver.int_orders_as_placed
        group by customer_id
    ) as ahead
        on honest.customer_id = ahead.customer_id"""


def plant(project: Project, table: str, body: str, *, honest: str = "feat_honest") -> None:
    """Put a view over the honest one, which gets another name, in its place."""
    with connect(project.published) as connection:
        (sql,) = connection.execute(
            "select sql from duckdb_views() where view_name = ?", [table.removeprefix("gold.")]
        ).fetchone() or ("",)
        connection.execute(sql.replace(table, f"gold.{honest}", 1))
        connection.execute(f"create or replace view {table} as {body}")


@pytest.mark.parametrize(
    "column", ["product_view_count", "add_to_cart_count", "duration_seconds", "event_count", "purchase_count"]
)
def test_totals_of_the_whole_session_look_ahead(own_market: Project, column: str) -> None:
    task = abandonment.MODEL.task
    plant(own_market, task.view.table, WHOLE_SESSION.format(column=column))
    findings, compared = find_look_ahead(own_market.published, task.view, task.rewrites, seed=1)
    assert compared > 0
    assert [(finding.kind, finding.feature) for finding in findings] == [("look-ahead", "total_searches")]
    assert "uses the future" in findings[0].message


def test_orders_after_the_snapshot_look_ahead(own_market: Project) -> None:
    task = churn.MODEL.task
    plant(own_market, task.view.table, LATER_ORDERS)
    findings, _ = find_look_ahead(own_market.published, task.view, task.rewrites, seed=1)
    assert [(finding.kind, finding.feature) for finding in findings] == [("look-ahead", "unit_count_180d")]


def test_choosing_decisions_by_what_comes_looks_ahead(own_market: Project) -> None:
    """Such as leaving out sessions that turn out to be bots'."""
    task = abandonment.MODEL.task
    ahead = WHOLE_SESSION.format(column="search_count") + " where sessions.event_count % 2 = 0"
    plant(own_market, task.view.table, ahead.replace("sessions.search_count as", "honest.total_searches as"))
    findings, _ = find_look_ahead(own_market.published, task.view, task.rewrites, where=task.where, seed=1)
    assert {finding.kind for finding in findings} == {"look-ahead"}
    assert "which decisions exist depends on the future" in findings[0].message


def test_the_audit_command_tells_a_leak_and_fails(
    own_market: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = "select honest.* replace (is_abandoned::integer as past_views) from warehouse.gold.feat_honest as honest"
    code, out, _ = audited(own_market, monkeypatch, capfd, "--json")
    assert (code, json.loads(out)["findings"]) == (0, [])
    assert json.loads(out)["compared"] > 100
    plant(own_market, "gold.feat_abandonment", outcome)
    code, out, err = audited(own_market, monkeypatch, capfd)
    assert code == 1
    assert "'past_views' alone reveals the outcome almost perfectly" in out
    assert "'past_views' changed for" in out
    assert err.strip().splitlines()[-1].endswith("features leak in abandonment")
    assert "Traceback" not in err


def audited(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *more: str
) -> tuple[int, str, str]:
    command = ["shopwright", "models", "audit", "abandonment", "--project", str(project.root), *more]
    monkeypatch.setattr(sys, "argv", command)
    capfd.readouterr()
    try:
        main()
    except SystemExit as left:
        out, err = capfd.readouterr()
        return int(left.code or 0), out, err
    return 0, *capfd.readouterr()
