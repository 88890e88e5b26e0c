"""Every kind of dirt is there, as often as the ledger of truth.json says."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from shopwright.simulate import Simulation, SimulationConfig, simulate
from shopwright.simulate.dirt import CODE, FAULTS, corrupt_csv_line, corrupt_json_line

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {
    *("view", "cart", "purchase", "remove_from_cart"),
    *("page_view", "product_view", "search", "add_to_cart", "begin_checkout"),
}


def parse(line: bytes, is_csv: bool) -> tuple[str, str, str, str] | str:
    """Time, type, user and price of a line, or what is wrong with its text."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "wrong_encoding"
    if is_csv:
        fields = text.split(",")
        return (fields[0], fields[1], fields[7], fields[6]) if len(fields) == 9 else "torn_line"
    try:
        event = json.loads(text)
    except ValueError:
        return "torn_line"
    price = str(event["properties"].get("price", ""))
    return (event["timestamp"], event["event_type"], event.get("user_id", ""), price)


def faults_of(lines: list[bytes], month: str, is_csv: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    seen: set[bytes] = set()
    for line in lines:
        parsed = parse(line, is_csv)
        if isinstance(parsed, str):
            found[parsed] += 1
            continue
        found["duplicate"] += line in seen
        seen.add(line)
        time, kind, user, price = parsed
        found["bad_timestamp"] += not time.startswith("2025-") or time.startswith("2025-02-30")
        found["late_file"] += time.startswith("2025-") and "2025-02-30" not in time and time[:7] < month
        found["missing_event_type"] += kind not in KNOWN
        found["missing_user"] += not user
        found["negative_price"] += price.startswith("-")
    return found


def test_dirt_is_counted_to_the_row(dirty: Simulation) -> None:
    is_csv = dirty.truth["config"]["format"] == "rees46"
    for month, path in zip(("2025-01", "2025-02", "2025-03"), dirty.files["events"], strict=True):
        known = dirty.truth["files"][path.relative_to(dirty.out).as_posix()]
        lines = path.read_bytes().split(b"\n")[int(is_csv) : -1]
        assert len(lines) == known["rows"]
        assert +faults_of(lines, month, is_csv) == +Counter(known["dirt"])


def test_the_ledger_balances(dirty: Simulation) -> None:
    truth = dirty.truth
    assert truth["rows_written"] == truth["totals"]["events"] + truth["dirt"]["duplicate"] == dirty.rows
    assert sum(file["rows"] for file in truth["files"].values() if file["entity"] == "events") == dirty.rows
    assert all(truth["dirt"][fault] > 0 for fault in FAULTS)


def test_dirt_has_the_share_asked_for(dirty: Simulation) -> None:
    asked, events = dirty.truth["config"]["dirt"], dirty.truth["totals"]["events"]
    for fault in set(FAULTS) - {"late_file"}:
        assert dirty.truth["dirt"][fault] / events == pytest.approx(asked[f"{fault}_rate"], rel=0.02)


def test_dirt_changes_the_files_and_not_the_shop(dirty: Simulation, tmp_path: Path) -> None:
    config = SimulationConfig.model_validate(dirty.truth["config"] | {"dirt": {}})
    clean = simulate(config, tmp_path)
    for part in ("totals", "experiment", "bots", "churned_users", "profiles"):
        assert clean.truth[part] == dirty.truth[part]
    assert not any(clean.truth["dirt"].values())


@pytest.mark.parametrize("position", [0.0, 0.5, 0.999999])
def test_a_torn_line_is_never_whole(position: float) -> None:
    csv, line = b"t,view,1,2,a.b,brand,9.99,5,s", b'{"channel":"email","properties":{}}'
    torn = corrupt_csv_line(csv, CODE["torn_line"], position)
    assert len(torn) > 0
    assert torn.count(b",") < 8
    torn = corrupt_json_line(line, CODE["torn_line"], position)
    assert torn
    with pytest.raises(ValueError, match=r"."):
        json.loads(torn)
