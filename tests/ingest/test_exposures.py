"""Exposures that a shop's own tool exports are read beside its events."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

import json
from datetime import datetime

import pytest

from shopwright.testing import AdapterContract, Shop
from shopwright.testing.adapters import EXTRA

AT = datetime(2024, 3, 1, 10)
COLUMNS = ("experiment", "unit_id", "variant", "exposed_at")


class TestExposures(AdapterContract):
    settings = 'adapter = "event_stream"'
    file_name = "exposures-2024-03.jsonl"
    entity = "exposures"
    columns = COLUMNS
    expected = (("checkout", "anna", "control", AT), ("checkout", "17", "treatment", AT))

    def file(self, numbers, *, extra=False):
        records = [
            {"experiment": "checkout", "unit_id": "anna", "variant": "control", "exposed_at": f"{AT}Z"},
            {"experiment": "checkout", "unit_id": 17, "variant": "treatment", "exposed_at": 1709287200},
        ]
        more = {EXTRA: "left"} if extra else {}
        return "".join(json.dumps({**records[number], **more}) + "\n" for number in numbers).encode()


@pytest.mark.parametrize("variant", ["variant", "variation", "group"])
@pytest.mark.parametrize("unit", ["unit_id", "user_id"])
@pytest.mark.parametrize("time", ["exposed_at", "timestamp", "event_at"])
def test_common_names_of_the_columns_are_known(tmp_path, unit, variant, time):
    shop = Shop.make(tmp_path, '[[sources]]\nname = "it"\nadapter = "event_stream"\npath = "raw"\n')
    record = {"experiment": "checkout", unit: "anna", variant: "control", time: f"{AT}Z"}
    shop.write("exposures.json", json.dumps([record]))
    shop.ingest()
    assert shop.rows(*COLUMNS, entity="exposures") == [("checkout", "anna", "control", AT)]


def test_an_exposure_without_a_variant_is_put_aside(tmp_path):
    shop = Shop.make(tmp_path, '[[sources]]\nname = "it"\nadapter = "event_stream"\npath = "raw"\n')
    shop.write("exposures.jsonl", f'{{"experiment": "checkout", "unit_id": "anna", "exposed_at": "{AT}Z"}}\n')
    shop.ingest()
    assert [row.rules for row in shop.quarantine()] == [("variant_missing",)]
