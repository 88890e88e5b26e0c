"""A mapping that is mended later reaches every figure, once: read again, rebuilt in full, and not counted twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from shopwright.settings import load_project
from tests.warehouse.shops import run

pytestmark = pytest.mark.slow

CASE = Path(__file__).parents[1] / "cases" / "formats" / "36-mapping-mended-later"
EXPECTED = json.loads((CASE / "expected.json").read_text())


def _write_settings(root, *, name="lines", timezone="UTC", more=""):
    (root / "shopwright.toml").write_text(
        f"""
[shop]
currency = "EUR"
timezone = "Europe/Berlin"
[[sources]]
name = "{name}"
adapter = "mapped"
entity = "order_items"
path = "raw"
timezone = "{timezone}"
[sources.map]
order_id = "order"
ordered_at = "when"
customer_id = "customer"
quantity = "qty"
unit_price = "price"
kind = {{ value = "sale" }}
{more}
"""
    )
    return load_project(root)


def _figures(project):
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(
            "select sum(gross_amount), min(ordered_at), "
            "(select min(product_id) from gold.fct_order_items where order_id = 'A1') from gold.fct_orders"
        ).fetchone()


def test_a_mapping_mended_later_reaches_every_figure(tmp_path):
    project = _write_settings(tmp_path)
    shutil.copytree(CASE / "raw", tmp_path / "raw")
    assert run(project, "run").returncode == 0
    project = _write_settings(tmp_path, timezone="Europe/Berlin", more='product_id = "sku"')
    assert "`shopwright ingest --again lines`" in run(project, "run").stdout
    assert run(project, "ingest", "--again", "lines").returncode == 0
    assert (
        "files were read again or taken out of the lake; next: shopwright build"
        in run(project, "status").stdout
    )
    built = run(project, "run")
    assert built.returncode == 0, built.stderr
    assert "Built everything (files were read again or taken out of the lake)" in built.stdout
    gross, booked_at, product = _figures(project)
    assert float(gross) == EXPECTED["gross"]
    assert f"{booked_at.isoformat()}Z" == EXPECTED["booked_at_of_A1"]
    assert product == EXPECTED["product_of_A1"]
    assert "up to date with the lake" in run(project, "status").stdout
    project = _write_settings(tmp_path, name="renamed", timezone="Europe/Berlin", more='product_id = "sku"')
    renamed = run(project, "run")
    assert renamed.returncode == 0, renamed.stderr
    assert "of source lines" in renamed.stdout
    assert float(_figures(project)[0]) == EXPECTED["gross_still"]
    assert run(project, "doctor").returncode == 0
