"""The ledger remembers with which settings a file was read, and a change of them is said."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.contracts import BY_NAME
from shopwright.ingest.adapters import ADAPTERS, Mapping
from shopwright.ingest.adapters.mapping import CsvShape, Field, FileKind
from shopwright.ingest.fingerprint import fingerprint
from shopwright.ingest.ledger import LedgerRow
from shopwright.settings import Project, Settings, SourceSettings
from shopwright.testing import Shop

LINES = "order,when,customer,sku,qty,price\nA1,2025-03-10 10:00:00,k1,MUG,2,20.00\n"


def settings(*, timezone="UTC", sku=False, name="lines"):
    return f"""
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
{'product_id = "sku"' if sku else 'product_id = { value = "unknown" }'}
"""


def say(shop, *command):
    result = CliRunner().invoke(app, [*command, "--project", str(shop.root)], catch_exceptions=False)
    return " ".join(result.output.split())


def test_a_change_is_said_with_the_number_of_files(tmp_path):
    shop = Shop.make(tmp_path, settings())
    shop.write("a.csv", LINES)
    shop.write("b.csv", LINES.replace("A1", "A2"))
    assert shop.ingest().changed_sources == []
    Shop.make(tmp_path, settings(timezone="Europe/Berlin"))
    message = "settings of source lines changed since 2 files were read: `shopwright ingest --again lines`"
    for command in ("ingest", "status", "doctor"):
        assert message in say(shop, command)
    (shop.raw / "a.csv").unlink()
    assert f"{message} (1 of them no longer on disk, whose rows stay as they are)" in say(shop, "status")
    Shop.make(tmp_path, settings())
    for command in ("ingest", "status", "doctor"):
        assert "changed since" not in say(shop, command)


def test_files_of_versions_without_fingerprints_are_not_nagged_about(tmp_path, monkeypatch):
    shop = Shop.make(tmp_path, settings())
    shop.write("a.csv", LINES)
    with monkeypatch.context() as patch:
        patch.setattr("shopwright.ingest.ingest_run.fingerprint", lambda *_: None)
        shop.ingest()
    Shop.make(tmp_path, settings(timezone="Europe/Berlin"))
    assert shop.ingest().changed_sources == []


def test_no_two_rows_of_the_ledger_share_a_column_by_mistake():
    assert {"mapping", "notes"} <= {item.name for item in fields(LedgerRow)}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("shop"), Settings())


@pytest.mark.parametrize("adapter", [item for item in ADAPTERS if item.name not in ("mapped", "postgres")])
def test_every_adapter_has_one_fingerprint_for_each_kind_of_file(adapter, project):
    source = SourceSettings(name="s", adapter=adapter.name, path="raw")
    for name in ("a.csv", "olist_orders_dataset.csv"):
        try:
            mapping = adapter.mapping_for(source, name)
        except Exception:  # noqa: BLE001  # not a file of this adapter
            continue
        assert fingerprint(mapping, source, project) == fingerprint(
            adapter.mapping_for(source, name), source, project
        )


COLUMNS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True)
MAPPINGS = st.builds(
    Mapping,
    entity=st.sampled_from([BY_NAME["events"], BY_NAME["order_items"]]),
    kind=st.sampled_from(list(FileKind)),
    fields=st.dictionaries(
        st.sampled_from(["product_id", "product_name"]),
        st.builds(
            Field, columns=st.tuples(st.sampled_from("ab")), values=st.dictionaries(st.text(), st.text())
        ),
    ),
    csv=st.builds(CsvShape, delimiter=st.sampled_from(",;"), null=st.sampled_from(["", "NULL"])),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
    required_columns=COLUMNS.map(tuple),
    optional=COLUMNS.map(frozenset),
    counts_copies=st.booleans(),
)


@given(one=MAPPINGS, two=MAPPINGS)
def test_two_mappings_have_one_fingerprint_only_if_they_are_equal(one, two, project):
    source = SourceSettings(name="s", adapter="mapped", path="raw", entity="events")
    same = fingerprint(one, source, project) == fingerprint(two, source, project)
    assert same == (one == two)
    turned = replace(one, fields=dict(reversed(one.fields.items())))
    assert fingerprint(turned, source, project) == fingerprint(one, source, project)
