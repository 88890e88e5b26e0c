"""Acknowledged means on disk, and a segment goes only when the lake on disk has its events."""

from __future__ import annotations

import os
import shutil

import pytest
from events import event, ids, send
from tests.power_cut import Disk

from shopwright.collector import Spool
from shopwright.core.errors import LakeError
from shopwright.ingest.ledger import read_ledger as read_whole_ledger
from shopwright.ingest.segments import Segments
from shopwright.testing import Shop

KEEP_NOTHING = "[collector]\nkeep_days = 0\n"


@pytest.mark.parametrize("segment_bytes", [4_096, 67_108_864])
def test_what_was_acknowledged_survives_a_power_cut_at_once(tmp_path, monkeypatch, segment_bytes):
    shop = Shop.make(tmp_path / "shop", f"[collector]\nsegment_bytes = {segment_bytes}\n")
    disk = Disk(monkeypatch, shop.root)
    spool = Spool(shop.project)
    acknowledged = []
    for number in range(5):
        assert (
            send(spool, event(number, page_url="x" * 1_500), event(f"bad {number}", event_type=None)).accepted
            == 1
        )
        acknowledged.append(str(number))
        image = Shop(disk.image(tmp_path / f"image-{number}"))
        image.ingest()
        assert ids(image) == acknowledged
        assert len(image.quarantine()) == len(acknowledged)
    spool.close()


def test_a_segment_goes_only_when_the_lake_on_disk_has_its_events(tmp_path, monkeypatch):
    shop = Shop.make(tmp_path / "shop", KEEP_NOTHING)
    disk = Disk(monkeypatch, shop.root)
    unlink, images = os.unlink, []

    def cut_the_power_before(path, *args, **options):
        if str(path).startswith(str(shop.root / "collector")) and str(path).endswith(".jsonl"):
            images.append(Shop(disk.image(tmp_path / f"image-{len(images)}")))
        return unlink(path, *args, **options)

    monkeypatch.setattr(os, "unlink", cut_the_power_before)
    for number in range(2):
        spool = Spool(shop.project)
        send(spool, event(number), event(f"bad {number}", event_type=None))
        spool.close()
        shop.ingest()
    assert len(images) == 4
    for number, image in enumerate(images):
        # the power goes right after the segments did
        shutil.rmtree(image.root / "collector" / "closed")
        (image.root / "collector" / "closed").mkdir()
        image.ingest()
        assert ids(image) == (["0"] if number < 2 else ["0", "1"])
        assert len(image.quarantine()) == (1 if number < 2 else 2)


@pytest.fixture
def ingested(tmp_path):
    """A shop whose collected events are in the lake and in old segments."""
    shop = Shop.make(tmp_path / "shop", "")
    spool = Spool(shop.project)
    send(spool, event(1), event(2), event("bad", event_type=None))
    spool.close()
    shop.ingest()
    return Shop.make(shop.root, KEEP_NOTHING)


def _part(shop, table):
    (file,) = (shop.root / "lake" / table).glob("part-*.parquet")
    return file


def _halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _blank(file):
    """Lose the bytes of a file under the same size, as a disk may."""
    file.write_bytes(bytes(file.stat().st_size))


DAMAGE = {
    "part blank": (lambda shop: _blank(_part(shop, "events")), "events", "read back"),
    "quarantine blank": (lambda shop: _blank(_part(shop, "quarantine")), "rejected", "read back"),
    "segment changed": (
        lambda shop: _overwrite(*(shop.root / "collector" / "closed").glob("events-*")),
        "events",
        "not those that the ledger lists",
    ),
}


def _overwrite(segment):
    """Change bytes of a segment under the same size and time."""
    status = segment.stat()
    segment.write_bytes(segment.read_bytes().replace(b"anna", b"hugo"))
    os.utime(segment, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(("damage", "kind", "words"), DAMAGE.values(), ids=DAMAGE)
def test_a_segment_that_the_lake_cannot_show_stays_and_the_report_says_why(ingested, damage, kind, words):
    damage(ingested)
    report = ingested.ingest()
    (line,) = report.retained_segments
    assert line.startswith(kind)
    assert words in line
    assert [file.name.partition("-")[0] for file in Segments(ingested.project.collector).closed_files()] == [
        kind
    ]


@pytest.mark.parametrize("table", ["events", "quarantine"])
@pytest.mark.parametrize("damage", [_halve, lambda file: file.unlink()], ids=["halved", "gone"])
def test_segments_stay_where_the_lake_has_lost_a_file(ingested, table, damage):
    segments = Segments(ingested.project.collector).closed_files()
    damage(_part(ingested, table))
    with pytest.raises(LakeError, match=table):
        ingested.ingest()
    assert Segments(ingested.project.collector).closed_files() == segments


def test_a_segment_stays_where_the_batch_has_fewer_rows_than_the_ledger_says(ingested, monkeypatch):
    from dataclasses import replace

    from shopwright.ingest import segment_retention

    monkeypatch.setattr(
        segment_retention,
        "read_ledger",
        lambda *args: [
            replace(row, rows_read=row.rows_read + 1, rows_accepted=row.rows_accepted + 1)
            for row in read_whole_ledger(*args)
        ],
    )
    report = ingested.ingest()
    assert sorted(line.partition(": ")[2] for line in report.retained_segments) == [
        "events in the lake has 0 of its 1 rows",
        "events in the lake has 2 of its 3 rows",
    ]


def test_where_everything_is_there_segments_go(ingested):
    report = ingested.ingest()
    assert report.retained_segments == []
    assert Segments(ingested.project.collector).closed_files() == []
    assert ids(ingested) == ["1", "2"]
