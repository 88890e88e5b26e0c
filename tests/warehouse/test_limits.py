"""What the contract accepts can be built: rows drawn from it are published, replaced by a rule, or quarantined under one."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from shopwright.contracts import BY_NAME
from shopwright.contracts.schema import Kind
from shopwright.core.errors import ShopwrightError
from shopwright.ingest.quarantine import list_open
from shopwright.ingest.run import ingest
from shopwright.settings import load_project
from shopwright.warehouse.build import build
from tests.contracts.generated import COUNTS, MARK, DrawnRow, ShopSettings, draw_shop
from tests.contracts.restated import broken_rules, rules_of_rows
from tests.warehouse.shops import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project

pytestmark = pytest.mark.slow

EXPERIMENT = """
[[experiments]]
name = "x1"
hypothesis = "It sells more."
assignment = "exposures"
start = 2024-02-20
end = 2024-03-20
"""
CLICKS = ("events", "products", "customers", "exchange_rates", "payments", "reviews", "categories")
SHOPS: dict[str, tuple[ShopSettings, tuple[str, ...], str, int]] = {
    "dollars": (ShopSettings("USD"), tuple(COUNTS), EXPERIMENT, 1),
    "dong": (ShopSettings("VND", "Pacific/Kiritimati"), tuple(COUNTS), "", 1),
    "clicks": (ShopSettings("IRR", "America/St_Johns"), CLICKS, "", 2),
}
"""Settings, entities and deliveries: currencies of other magnitudes, zones on both sides of UTC, orders stated or derived from
purchase events, and a build that adds to another."""

_MARKS = "select properties ->> '$.mark' from silver."
COUNTED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "orders": (f"{_MARKS}stg_orders", ("order_id",), "valid_from"),
    "order_items": (f"{_MARKS}stg_order_items", ("order_id", "line_number"), ""),
    "payments": (f"{_MARKS}stg_payments", ("order_id", "sequence"), ""),
    "refunds": (f"{_MARKS}stg_refunds", ("order_id", "refund_id", "line_number"), ""),
    "reviews": (f"{_MARKS}stg_reviews", ("review_id", "order_id"), ""),
    "customers": (f"{_MARKS}stg_users", ("customer_id", "valid_from"), ""),
    "consents": ("select count(*) from silver.stg_consents", ("customer_id", "channel", "changed_at"), ""),
    "products": (f"{_MARKS}stg_products", ("product_id", "valid_from"), ""),
    "sellers": (f"{_MARKS}stg_sellers", ("seller_id",), "valid_from"),
    "events": ("select sum(event_count)::bigint from gold.fct_sessions", ("source_event_id",), ""),
    "exchange_rates": ("select count(*) from silver.stg_exchange_rates", ("currency", "rate_date"), ""),
    "categories": ("select count(*) from silver.stg_categories", ("category",), ""),
    "exposures": (
        "select count(*) from silver.stg_exposures",
        ("experiment", "unit_id", "variant", "exposed_at"),
        "",
    ),
}
"""By entity: the marks of the rows that count, or their number; the key by which a later row replaces an earlier one; and the
column whose time, where it is stated, says which is later."""

MARKLESS = {
    entity.name
    for entity in BY_NAME.values()
    if all(column.name != "properties" for column in entity.columns)
}
REPEAT_EVERY = 9
"""Every so many rows, one is written twice."""


def make_shop(root: Path, shop: ShopSettings, entities: list[str], extra: str) -> Project:
    """Return a shop with a source for each entity, mapped column by column."""
    text = f'[shop]\ncurrency = "{shop.currency}"\ntimezone = "{shop.timezone}"\npublish_unmapped = true\n[engine]\nthreads = 2\n{extra}'
    for name in entities:
        columns = [column.name for column in BY_NAME[name].stored_columns if column.kind is not Kind.JSON]
        mapped = "\n".join(f'{column} = "{column}"' for column in columns)
        text += f'[[sources]]\nname = "{name}"\nadapter = "mapped"\nentity = "{name}"\npath = "raw/{name}"\n[sources.map]\n{mapped}\n'
    (root / "shopwright.toml").write_text(text, encoding="utf-8")
    return load_project(root)


def deliver(project: Project, rows: list[DrawnRow], number: int) -> list[DrawnRow]:
    """Write rows to a file of their entity, some of them twice; return those."""
    entity = BY_NAME[rows[0].entity]
    names = dict.fromkeys(column.name for column in entity.stored_columns if column.kind is not Kind.JSON)
    repeated = rows[::REPEAT_EVERY]
    lines = [json.dumps(row.values, ensure_ascii=False) for row in rows for _ in range(1 + (row in repeated))]
    if not number:  # a file without a column that is mapped is another fault
        lines.append(json.dumps({**names, MARK: "nothing"}))
    file = project.root / "raw" / entity.name / f"{number}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return repeated


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "dollars" else pytest.mark.long) for name in SHOPS]
)
def test_what_the_contract_accepts_is_built_and_the_rest_is_refused_by_name(
    name: str, tmp_path: Path
) -> None:
    shop, entities, extra, deliveries = SHOPS[name]
    rows = draw_shop(shop, counts={entity: COUNTS[entity] for entity in entities})
    project = make_shop(tmp_path, shop, list(rows), extra)
    repeats: list[DrawnRow] = []
    duplicates: Counter[str] = Counter()
    for number in range(deliveries):
        for part in rows.values():
            first, end = (len(part) * index // deliveries for index in (number, number + 1))
            repeats += deliver(project, part[first:end], number)
        for row in ingest(project, now=NOW).rows:
            assert row.outcome == "loaded", row
            duplicates[row.entity] += row.rows_duplicate
        refused = {json.loads(row.raw)[MARK]: set(row.rules) for row in list_open(project)}
        if number == deliveries - 1:
            for part in rows.values():
                check_refusals(part, refused, shop)
        build_or_fail(project)
    accepted = {entity: [row for row in part if row.mark not in refused] for entity, part in rows.items()}
    assert all(accepted.values()), "too few rows are accepted to prove anything"
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        for entity, part in accepted.items():
            repeated = sum(row.entity == entity and row.mark not in refused for row in repeats)
            # rows of an entity without properties do not have their mark, and may be equal without being repeated
            assert duplicates[entity] >= repeated if entity in MARKLESS else duplicates[entity] == repeated
            loaded = connection.execute(f"select count(*) from bronze.{entity}").fetchone()
            assert loaded == (len(part) + repeated - duplicates[entity],), entity
            check_counted(connection, entity, part, shop)
        if "orders" in rows:
            check_orders(connection, accepted)


def build_or_fail(project: Project) -> None:
    try:
        build(project)
    except ShopwrightError as error:
        pytest.fail(f"{error}\nThe rows are in {project.root / 'raw'}")


def check_refusals(rows: list[DrawnRow], refused: dict[str, set[str]], shop: ShopSettings) -> None:
    """Assert that a row is in quarantine if something is wrong with it, and only under rules that say what."""
    for row in rows:
        rules = refused.get(row.mark, set())
        if row.faults:
            assert row.faults <= rules, row
            assert rules - row.faults <= rules_of_rows(row.entity), row
        else:
            assert rules == broken_rules(row, shop), row


def check_counted(connection: Any, entity: str, accepted: list[DrawnRow], shop: ShopSettings) -> None:
    """Assert that accepted rows are in the warehouse, but for earlier ones with the key of a later one."""
    if entity not in COUNTED:
        return
    query, key, own_time = COUNTED[entity]
    accepted = [row for row in accepted if is_counted(row, shop)]
    latest: dict[tuple[Any, ...], DrawnRow] = {}
    for row in accepted:
        identity = tuple(read_value(row, name, shop) for name in key)
        if identity[-1] is None and BY_NAME[entity].optional_key:
            identity = (row.mark,)
        times = [read_value(other, own_time, shop) for other in (row, latest.get(identity, row)) if own_time]
        if not own_time or (times[0] or datetime.min) >= (times[1] or datetime.min):  # noqa: DTZ901  # naive UTC
            latest[identity] = row
    rows = connection.execute(query).fetchall()
    if rows and isinstance(rows[0][0], int):
        assert rows == [(len(latest),)], entity
    else:
        assert Counter(mark for (mark,) in rows) == Counter(row.mark for row in latest.values()), entity


def is_counted(row: DrawnRow, shop: ShopSettings) -> bool:
    """Return whether a row is about something that the warehouse has: a user, not a copy of one, or a foreign currency."""
    if row.entity == "exchange_rates":
        return read_value(row, "currency", shop) != shop.currency
    return row.entity != "customers" or not row.values.get("person_id")


def check_orders(connection: Any, accepted: dict[str, list[DrawnRow]]) -> None:
    """Assert that each order is published, with each of its lines: those that it states itself, and its lines do."""
    stated = {row.values["order_id"] for row in accepted["orders"]}
    tests = "select order_id from silver.stg_orders where is_test"
    left_out = {order for (order,) in connection.execute(tests).fetchall()}
    dated = "select distinct order_id from silver.stg_order_items where ordered_at is not null"
    on_lines = {order for (order,) in connection.execute(dated).fetchall()}
    published = connection.execute("select order_id from gold.fct_orders").fetchall()
    assert Counter(order for (order,) in published) == Counter((stated | on_lines) - left_out)
    lines = (
        "select count(*) from silver.stg_order_items where order_id in (select order_id from gold.fct_orders)"
    )
    published_lines = "select count(*) from silver.int_order_lines where not is_derived_line"
    assert connection.execute(lines).fetchone() == connection.execute(published_lines).fetchone()


def read_value(row: DrawnRow, column: str, shop: ShopSettings) -> Any:
    """Return what a column of an accepted row means."""
    text = row.values.get(column) or None
    kind = BY_NAME[row.entity].column(column).kind
    if text is None or kind is Kind.TEXT or kind.is_id:
        return text
    if kind is Kind.CURRENCY:
        return text.upper()
    if kind is Kind.INTEGER:
        return int(text)
    if text.startswith("0000"):
        return None
    zone = ZoneInfo(shop.timezone)
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if row.entity == "exchange_rates":
        return moment.astimezone(zone).date()
    return moment.astimezone(UTC).replace(tzinfo=None)
