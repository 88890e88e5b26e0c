"""The build compares ledger and lake for every entity that the contract has."""

from __future__ import annotations

import re

from shopwright.contracts import ENTITIES
from shopwright.warehouse.dbt_config import DBT_PROJECT


def test_no_entity_is_left_out():
    text = (DBT_PROJECT / "tests" / "ledger_rows_are_in_the_lake.sql").read_text(encoding="utf-8")
    (listed,) = re.findall(r"set entities = \[(.*?)\]", text, re.DOTALL)
    assert sorted(re.findall(r"'(\w+)'", listed)) == sorted(entity.name for entity in ENTITIES)
