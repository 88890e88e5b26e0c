"""A power cut at any moment: what a command said is taken in is there, nothing is doubled, and the next run reads the rest."""

from __future__ import annotations

import random

import pytest
from tests.power_cut import Disk

from shopwright.lake.checks import find_problems
from shopwright.lake.delta import Lake
from shopwright.testing import Shop

SETTINGS = """
[[sources]]
name = "clicks"
adapter = "event_stream"
path = "{raw}/*.jsonl"
"""


def write_day(raw, day):
    lines = [
        f'{{"timestamp": "2025-03-{day:02d}T10:{number:02d}:00Z", "user_id": "u{number}", "event_type": "page_view"}}\n'
        for number in range(20)
    ]
    (raw / f"day-{day}.jsonl").write_text(
        "".join(lines) + '{"timestamp": "soon", "user_id": "u", "event_type": "page_view"}\n'
    )


def check(shop, days, *, can_lack_last):
    """Run the next ingest on what was left; all days are in once."""
    lake = Lake(shop.project.lake)
    assert list(find_problems(lake, lake.pending())) == []
    before = {row.file.rsplit("/", 1)[-1] for row in shop.ledger()}
    assert {f"day-{day}.jsonl" for day in (days[:-1] if can_lack_last else days)} <= before | (
        # an interrupted commit is finished by the next run
        {f"day-{day}.jsonl" for day in days} if lake.pending() else set()
    )
    shop.ingest()
    assert len(shop.rows("event_at", "user_id")) == 20 * len(days)
    assert len(set(shop.rows("event_at", "user_id"))) == 20 * len(days)
    assert len(shop.quarantine()) == len(days)
    assert list(find_problems(lake)) == []


@pytest.mark.parametrize(
    "cuts", [pytest.param(6, id="some"), pytest.param(50, marks=pytest.mark.long, id="fifty")]
)
def test_a_power_cut_at_any_sync_loses_and_doubles_nothing(tmp_path, monkeypatch, cuts):
    raw = tmp_path / "raw"
    raw.mkdir()
    shop = Shop.make(tmp_path / "shop", SETTINGS.format(raw=raw))
    chance = random.Random(cuts)
    with monkeypatch.context() as patch:
        disk = Disk(patch, shop.root)
        images = []
        moments = 0

        def cut():
            nonlocal moments
            moments += 1
            if chance.random() < 0.5 and len(images) < cuts:
                images.append((disk.image(tmp_path / f"cut-{moments}"), days, True))

        disk.before_sync = cut
        days = []
        for day in range(1, 4 if cuts < 10 else 20):
            write_day(raw, day)
            days = [*days, day]
            if day == 3:
                assert shop.read_again("clicks").rows  # files that are replaced in one commit
            shop.ingest()
            images.append((disk.image(tmp_path / f"after-{day}"), days, False))
    for image, known, can_lack_last in images:
        for file in raw.iterdir():
            if int(file.stem.removeprefix("day-")) not in known:
                file.rename(tmp_path / file.name)
        check(Shop(image), known, can_lack_last=can_lack_last)
        for file in tmp_path.glob("day-*.jsonl"):
            file.rename(raw / file.name)
    assert moments > cuts
