"""The same configuration gives the same bytes, in every format."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from shopwright.core.errors import ConfigurationError
from shopwright.simulate import SimulationConfig, simulate

if TYPE_CHECKING:
    from pathlib import Path

DIRT = {"duplicate_rate": 0.02, "late_file_rate": 0.02, "bad_timestamp_rate": 0.02}
TEXT_DIRT = {"torn_line_rate": 0.02, "wrong_encoding_rate": 0.02}


def hashes(out: Path) -> dict[str, str]:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    "options",
    [
        {"format": "rees46"},
        {"format": "rees46", "compression": "gz", "dirt": {**DIRT, **TEXT_DIRT}},
        {"compression": "zst", "dirt": {**DIRT, **TEXT_DIRT}},
        {"compression": "gz"},
        {"files": "parquet", "dirt": DIRT},
    ],
    ids=["csv", "dirty-csv-gz", "dirty-jsonl-zst", "jsonl-gz", "dirty-parquet"],
)
def test_same_seed_same_bytes_and_other_seed_other_bytes(tmp_path: Path, options: dict[str, Any]) -> None:
    runs = {}
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        simulate(SimulationConfig(events=4_000, seed=seed, **options), tmp_path / name)
        runs[name] = hashes(tmp_path / name)
    assert runs["one"] == runs["again"]
    assert runs["one"].keys() == runs["other"].keys()
    assert not set(runs["one"].values()) & set(runs["other"].values())


def test_the_first_line_of_a_click_export_is_its_header_and_lines_end_in_lf(tmp_path: Path) -> None:
    made = simulate(SimulationConfig(events=2_000, format="rees46", months=1), tmp_path)
    text = made.files["events"][0].read_bytes()
    header = b"event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
    assert made.files["events"][0].name == "2025-Jan.csv"
    assert text.startswith(header)
    assert text.endswith(b"\n")
    assert b"\r" not in text
    assert b'"' not in text
    assert text.count(b"\n") == made.rows + 1


def test_compression_changes_the_file_and_not_the_lines(tmp_path: Path) -> None:
    options: dict[str, Any] = {"events": 3_000, "dirt": {**DIRT, **TEXT_DIRT}}
    plain = simulate(SimulationConfig(**options), tmp_path / "plain")
    packed = simulate(SimulationConfig(**options, compression="gz"), tmp_path / "gz")
    for one, other in zip(plain.files["events"], packed.files["events"], strict=True):
        assert gzip.decompress(other.read_bytes()) == one.read_bytes()


def test_parquet_says_what_json_says(tmp_path: Path) -> None:
    lines = simulate(SimulationConfig(events=3_000), tmp_path / "jsonl")
    typed = simulate(SimulationConfig(events=3_000, files="parquet"), tmp_path / "parquet")
    for entity, order in (("events", "event_id"), ("products", "all"), ("customers", "all")):
        one, other = (
            duckdb.sql(f"SELECT * FROM '{made.files[entity][0].as_posix()}' ORDER BY {order}")
            for made in (lines, typed)
        )
        assert one.columns == other.columns
        if entity == "events":
            text = [json.loads(row[-1]) for row in other.fetchall()]
            kept = [{k: v for k, v in row[-1].items() if v is not None} for row in one.fetchall()]
            assert text == kept
        else:
            assert [tuple(map(str, row[:2])) for row in one.fetchall()] == [
                tuple(map(str, row[:2])) for row in other.fetchall()
            ]


def test_a_second_run_replaces_the_first_and_nothing_else(tmp_path: Path) -> None:
    simulate(SimulationConfig(events=2_000, months=3), tmp_path)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    simulate(SimulationConfig(events=2_000, months=1, format="rees46"), tmp_path)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"2025-Jan.csv", "decisions.parquet", "truth.json", "notes.txt"}


def test_a_real_export_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "2025-Jan.csv").write_text("real", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not written by a simulation"):
        simulate(SimulationConfig(events=2_000, format="rees46"), tmp_path)
    assert (tmp_path / "2025-Jan.csv").read_text(encoding="utf-8") == "real"


def test_progress_grows_up_to_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    made = simulate(SimulationConfig(events=3_000), tmp_path, progress=lambda *done: seen.append(done))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == made.rows <= seen[-1][1]
