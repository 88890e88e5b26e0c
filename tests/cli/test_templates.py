"""A project for a public data set starts from its template, and ingest says what its rules made of the lines."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from shopwright.cli.templates import TEMPLATES, find_template
from shopwright.core.errors import ConfigurationError
from shopwright.ingest.adapters import find_adapter
from shopwright.ingest.adapters.olist import FILES
from shopwright.settings import load_project

INVOICES = (
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    "536365,85123A,LIGHT,6,2011-07-01 00:30:00,2.55,17850.0,United Kingdom\n"
    "536365,85123A,LIGHT,6,2011-07-01 00:30:00,2.55,17850.0,United Kingdom\n"
    "536370,POST,POSTAGE,3,2011-07-01 00:30:00,18.0,12583.0,France\n"
)


def shopwright(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "shopwright.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def init(folder, template, raw):
    process = shopwright("init", folder, "--template", template, "--source-path", raw, "--json")
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout), process.stderr


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_templates_adapter_is_one_there_is(template):
    assert template.adapter is None or find_adapter(template.adapter).name == template.adapter


def test_an_unknown_template_is_named_with_its_near_match():
    with pytest.raises(ConfigurationError, match="no template 'olst'; did you mean 'olist'"):
        find_template("olst")


@pytest.mark.parametrize(
    ("template", "currency", "zone"),
    [("olist", "BRL", "America/Sao_Paulo"), ("online-retail", "GBP", "Europe/London")],
)
def test_a_data_set_settles_currency_and_zone_and_warns_where_its_files_are_not(
    tmp_path, template, currency, zone
):
    document, err = init(tmp_path / "shop", template, tmp_path / "nowhere")
    assert "does not exist" in document["warnings"][0]
    assert err == f"warning: {document['warnings'][0]}\n"
    settings = load_project(tmp_path / "shop").settings
    assert (settings.shop.currency, settings.shop.timezone) == (currency, zone)
    assert [source.timezone for source in settings.sources] == [zone]


def test_what_lacks_of_the_nine_files_is_listed(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    first, *remaining_files = FILES
    (raw / f"{first}.zst").write_bytes(b"")
    document, _ = init(tmp_path / "shop", "olist", raw)
    (warning,) = document["warnings"]
    assert first not in warning
    assert all(name in warning for name in remaining_files)


def test_the_report_counts_order_lines_by_rule(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "data.csv").write_text(INVOICES, encoding="utf-8")
    document, err = init(tmp_path / "shop", "online-retail", raw)
    assert (document["adapter"], document["warnings"], err) == ("online_retail", [], "")
    output = shopwright("ingest", "--project", tmp_path / "shop").stdout
    assert "Accepted order lines by rule" in output
    lines = [line.split() for line in output.splitlines()]
    assert ["data.csv", "sale", "2"] in lines
    assert ["data.csv", "postage", "1"] in lines


def test_machines_get_the_counts_as_an_object(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "data.csv").write_text(INVOICES, encoding="utf-8")
    init(tmp_path / "shop", "online-retail", raw)
    (file,) = json.loads(shopwright("ingest", "--project", tmp_path / "shop", "--json").stdout)["files"]
    assert file["rules"] == {"sale": 2, "postage": 1}
    assert file["first_at"] == "2011-06-30T23:30:00Z"
