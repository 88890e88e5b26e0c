"""A backup is all of a shop or nothing, whatever happens to it, and what is restored is what was there."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from shopwright.backup import create_backup, restore, verify
from shopwright.backup.files import MARGIN_BYTES
from shopwright.backup.manifest import MANIFEST, SEAL
from shopwright.cli.main import app
from shopwright.core.engine import connect
from shopwright.core.errors import BackupError, BusyError
from shopwright.core.lock import exclusive_lock
from shopwright.ingest.segments import Segments
from shopwright.lake.delta import Lake
from shopwright.settings import load_project
from shopwright.testing import Shop
from tests.backup.shops import HEADER, NOW, assert_balances, collect, lake_rows, line, make_full_shop

FORMS = ["backup", "backup.tar.zst", "backup.tar.gz"]


def say(*command):
    result = CliRunner().invoke(app, [str(item) for item in command], catch_exceptions=False)
    return result.exit_code, " ".join(result.output.split())


def contents(root):
    """Return the SHA-256 of every file that belongs in a backup and is copied as it is."""
    return {
        str(file.relative_to(root)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file()
        and file.relative_to(root).parts[0]
        in ("lake", "collector", "service", "privacy", "published", "shopwright.toml")
        and file.name not in ("lock", "keys.lock")
    }


@pytest.mark.parametrize("form", FORMS)
def test_what_is_restored_is_what_was_there(shop, tmp_path, form):
    code, output = say("backup", tmp_path / form, "--project", shop.root)
    assert code == 0, output
    assert "5 events, 2 order_items" in output
    code, output = say("restore", tmp_path / form, "--verify")
    assert code == 0, output
    assert "is whole" in output
    assert not (tmp_path / "again").exists()
    code, output = say("restore", tmp_path / form, tmp_path / "again", "--verify")
    assert code == 0, output
    assert contents(tmp_path / "again") == contents(shop.root)
    assert_balances(tmp_path / "again")
    for entity in ("order_items", "events"):
        assert lake_rows(tmp_path / "again", entity) == lake_rows(shop.root, entity)
    with connect(tmp_path / "again" / "warehouse.duckdb", read_only=True) as connection:
        assert connection.execute("select count(*) from gold.orders").fetchone() == (3,)
    assert (tmp_path / "again" / "models" / "artifacts" / "1" / "model.json").exists()
    # times too: files that were loaded are not read again where the shop is restored to its own place
    file = next((shop.root / "collector" / "closed").glob("*.jsonl"))
    again = tmp_path / "again" / "collector" / "closed" / file.name
    assert again.stat().st_mtime_ns == file.stat().st_mtime_ns
    report = Shop(tmp_path / "again").ingest  # its sources are elsewhere, which is told
    with pytest.raises(Exception, match="does not exist"):
        report()
    assert not (shop.root / ".shopwright" / "backup").exists()
    assert {item.name for item in tmp_path.iterdir()} == {"shop", form, "again"}


def test_keys_are_for_their_owner_only(shop, tmp_path):
    (shop.root / "service" / "keys.json").chmod(0o644)
    (shop.root / "privacy" / "key").chmod(0o664)
    for form in FORMS:
        create_backup(shop.project, tmp_path / form, now=NOW)
        restore(tmp_path / form, tmp_path / f"{form}-again", now=NOW)
        for name in ("service/keys.json", "privacy/key"):
            file = tmp_path / f"{form}-again" / name
            assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert (tmp_path / form).stat().st_mode & 0o077 == 0


def test_a_restore_without_keys_says_beside_the_settings_that_the_shop_has_some(shop, tmp_path):
    code, output = say("backup", tmp_path / "open.tar.gz", "--no-keys", "--project", shop.root)
    assert code == 0
    assert "keys of the service and of hashed values were left out" in output
    restore(tmp_path / "open.tar.gz", tmp_path / "again", now=NOW)
    assert not (tmp_path / "again" / "service").exists()
    assert "does not answer" in (tmp_path / "again" / "keys-required.txt").read_text()
    keys = (shop.root / "service" / "keys.json").read_bytes()
    restore(tmp_path / "open.tar.gz", shop.root, now=NOW, replaces=True)
    assert (shop.root / "service" / "keys.json").read_bytes() == keys


@pytest.mark.parametrize("name", ["keys-required.txt", "password-required.txt"])
def test_a_shop_whose_service_or_app_asks_for_a_key_is_replaced_and_still_asks(shop, backup, tmp_path, name):
    (shop.root / name).write_text("asks")
    create_backup(shop.project, tmp_path / "new", now=NOW)
    # one that has the file too, and one that was taken before there was a password
    for number, taken in enumerate((tmp_path / "new", backup)):
        report = restore(taken, shop.root, now=NOW + timedelta(seconds=number), replaces=True)
        assert (shop.root / name).is_file()
        assert report.passed_on.other_files == 2  # the two exports, and nothing of Shopwright's


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("there", "exists already; a backup overwrites nothing"),
        ("there.tar.gz", "exists already; a backup overwrites nothing"),
        ("shop/copies", "is in the project's own folder"),
        ("absent/backup", "is not a folder; create it"),
    ],
)
def test_a_backup_overwrites_nothing_and_is_refused_where_it_would_be_of_no_use(shop, tmp_path, to, message):
    (tmp_path / "there").mkdir()
    (tmp_path / "there.tar.gz").touch()
    code = CliRunner().invoke(app, ["backup", str(tmp_path / to), "--project", str(shop.root)])
    assert code.exit_code == 1
    assert message in str(code.exception)
    assert (tmp_path / "there.tar.gz").stat().st_size == 0


def test_free_space_is_looked_at_first(shop, backup, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=MARGIN_BYTES + 1000))
    with pytest.raises(BackupError, match=r"the backup needs .* free; nothing was written"):
        create_backup(shop.project, tmp_path / "new", now=NOW)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(BackupError, match=r"the restored project needs .* free; nothing was written"):
        restore(backup, tmp_path / "again", now=NOW)
    assert {item.name for item in tmp_path.iterdir()} == {"shop", "backup"}


def test_only_one_backup_is_taken_at_a_time_and_others_may_hold_the_project(shop, tmp_path):
    with exclusive_lock(shop.project.work / "lock", "build"):
        create_backup(shop.project, tmp_path / "one", now=NOW)
    with exclusive_lock(shop.project.work / "backup.lock", "backup"), pytest.raises(BusyError):
        create_backup(shop.project, tmp_path / "two", now=NOW)


FILES = {
    "log": "shop/lake/order_items/_delta_log/*0.json",
    "part": "shop/lake/order_items/part-*.parquet",
    "ledger": "shop/lake/ledger/part-*.parquet",
    "quarantine": "shop/lake/quarantine/part-*.parquet",
    "segment": "shop/collector/closed/*.jsonl",
    "settings": "shop/shopwright.toml",
    "keys": "shop/service/keys.json",
    "privacy key": "shop/privacy/key",
    "registry": "shop/models/mlflow.db",
    "artifact": "shop/models/artifacts/1/model.json",
    "published": "shop/published/warehouse.duckdb",
    "manifest": MANIFEST,
    "seal": SEAL,
}


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_is_found_and_the_file_named(made_backup, tmp_path_factory, kind, where, bit):
    folder = tmp_path_factory.mktemp("flipped")
    backup = Path(shutil.copytree(made_backup, folder / "backup"))
    file = next(backup.glob(FILES[kind]))
    content = bytearray(file.read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    file.write_bytes(content)
    name = file.name if kind in ("manifest", "seal") else str(file.relative_to(backup / "shop"))
    with pytest.raises(BackupError, match="damaged") as verified:
        verify(backup)
    assert name in str(verified.value)
    with pytest.raises(BackupError, match="damaged") as restored:
        restore(backup, folder / "again", now=NOW)
    assert name in str(restored.value)
    assert [item.name for item in folder.iterdir()] == ["backup"]
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_gone_or_shorter_is_found_and_named(backup, kind):
    file = next(backup.glob(FILES[kind]))
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    with pytest.raises(BackupError, match=file.name):
        verify(backup)
    file.unlink()
    with pytest.raises(BackupError, match=file.name):
        verify(backup)
    file.write_bytes(content)
    verify(backup)
    (backup / "shop" / "lake" / "stray.json").touch()
    with pytest.raises(BackupError, match=r"stray.json is in it, and not in its manifest"):
        verify(backup)


@pytest.mark.parametrize("form", FORMS[1:])
def test_damage_of_an_archive_is_found_or_changes_nothing(made_shop, tmp_path_factory, form):
    folder = tmp_path_factory.mktemp("archive")
    create_backup(load_project(made_shop), folder / form, now=NOW)
    content = (folder / form).read_bytes()
    expected = contents(made_shop)

    @settings(max_examples=25)
    @given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cuts=st.booleans())
    def damaged(where, bit, cuts):
        file = folder / f"damaged-{form}"
        shutil.rmtree(folder / "again", ignore_errors=True)
        position = int(where * len(content))
        changed = bytearray(content[:position] if cuts else content)
        if not cuts:
            changed[position] ^= 1 << bit
        file.write_bytes(changed)
        try:
            restore(file, folder / "again", now=NOW)
        except BackupError:
            assert not (folder / "again").exists()
        else:  # such as in what gzip says of the time
            assert not cuts
            assert contents(folder / "again") == expected

    damaged()


def test_a_link_or_a_path_out_of_the_folder_in_an_archive_is_refused(tmp_path):
    import io
    import tarfile

    for name, kind in (
        ("shop/../../out", tarfile.REGTYPE),
        ("shop/link", tarfile.SYMTYPE),
        ("out", tarfile.REGTYPE),
    ):
        file = tmp_path / "evil.tar.gz"
        with tarfile.open(file, "w:gz") as archive:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member, io.BytesIO())
        with pytest.raises(BackupError, match="damaged"):
            restore(file, tmp_path / "again", now=NOW)
        assert [item.name for item in tmp_path.iterdir()] == ["evil.tar.gz"]


def test_an_increment_shares_what_is_the_same_and_no_damage(shop, backup, tmp_path):
    shop.write("2.csv", HEADER + line("A2", day=12))
    shop.ingest()
    victim = next(backup.glob(FILES["part"]))
    (backup / "shop" / "collector").rename(tmp_path / "gone")
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    # files of the shop that the backup was taken of have the same names, sizes and times in this copy
    code, output = say("backup", tmp_path / "next", "--since", backup, "--project", shop.root)
    assert code == 0, output
    assert "are shared with the earlier backup" in output
    verify(tmp_path / "next")
    shared = [
        file
        for file in (tmp_path / "next").rglob("part-*.parquet")
        if file.stat().st_nlink > 1 and (backup / file.relative_to(tmp_path / "next")).samefile(file)
    ]
    parts = list((tmp_path / "next").rglob("part-*.parquet"))
    assert len(shared) == len(list(backup.rglob("part-*.parquet"))) - 1
    assert len(parts) > len(shared)
    restore(tmp_path / "next", tmp_path / "again", now=NOW)
    assert lake_rows(tmp_path / "again", "order_items") == lake_rows(shop.root, "order_items")


def test_a_damaged_project_is_not_backed_up(shop, tmp_path):
    part = next((shop.root / "lake" / "order_items").glob("part-*.parquet"))
    content = part.read_bytes()
    part.unlink()
    with pytest.raises(BackupError, match=f"no backup was made: lake/order_items/{part.name} is gone"):
        create_backup(shop.project, tmp_path / "new", now=NOW)
    part.write_bytes(content[: len(content) // 2])
    with pytest.raises(BackupError, match="no backup was made: lake/order_items cannot be read"):
        create_backup(shop.project, tmp_path / "new", now=NOW)
    part.write_bytes(content)
    shutil.rmtree(shop.root / "lake" / "ledger")
    with pytest.raises(
        BackupError, match=r"has 2 rows, and the ledger says 0|has 5 rows, and the ledger says 0"
    ):
        create_backup(shop.project, tmp_path / "new", now=NOW)
    assert {item.name for item in tmp_path.iterdir()} == {"shop"}


def test_a_project_in_use_or_not_empty_is_replaced_only_on_request(shop, backup, tmp_path):
    code = CliRunner().invoke(app, ["restore", str(backup), str(shop.root)])
    assert code.exit_code == 1
    assert "is not empty" in str(code.exception)
    with exclusive_lock(shop.project.work / "lock", "ingest"), pytest.raises(BusyError):
        restore(backup, shop.root, now=NOW, replaces=True)
    assert {item.name for item in tmp_path.iterdir()} == {"shop", "backup"}
    assert say("restore", backup)[0] == 2


def test_a_replaced_project_is_put_aside_and_passes_on_what_the_backup_cannot_have(tmp_path):
    shop, backup = make_full_shop(tmp_path / "shop"), tmp_path / "backup"
    create_backup(shop.project, backup, now=NOW)
    before = contents(shop.root)
    shop.write("2.csv", HEADER + line("A2", day=12))
    shop.ingest()
    collect(shop.root, range(8, 12))
    (shop.root / "notes").symlink_to("raw")
    code, output = say("restore", backup, shop.root, "--replace")
    assert code == 0, output
    assert "1 segment of events collected since the backup came along" in output
    aside = next(tmp_path.glob("shop.before-*"))
    assert f"The project that was there is in {aside}" in output
    assert (shop.raw / "2.csv").read_text() == (aside / "raw" / "2.csv").read_text()
    assert (shop.root / "notes").is_symlink()
    assert {name: digest for name, digest in contents(shop.root).items() if name in before} == before
    assert shop.ingest().total("rows_accepted") == 1 + 3 + 4
    assert_balances(shop.root)
    assert len(shop.rows("order_id", entity="order_items")) == 3
    assert len(shop.rows("source_event_id")) == 12
    assert len(Lake(aside / "lake").files("order_items")) == 3


def erasure(number, *, finished=True):
    return {"erasure_id": f"20260101T00000{number}-aa", "is_finished": finished, "hashes": [f"h{number}"]}


def test_who_was_erased_in_the_present_project_stays_erased(shop, tmp_path):
    file = shop.root / "erasure" / "tombstones.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"format": 1, "key": "k", "erasures": [erasure(1)]}))
    create_backup(shop.project, tmp_path / "old", now=NOW)
    file.write_text(json.dumps({"format": 1, "key": "k", "erasures": [erasure(1), erasure(2)]}))
    (file.parent / "receipt-2.json").write_text("{}")
    restore(tmp_path / "old", shop.root, now=NOW, replaces=True)
    merged = json.loads(file.read_text())["erasures"]
    # the lake that was restored has the second person's rows: whoever writes next must erase them again
    assert merged == [erasure(1), erasure(2, finished=False)]
    assert (file.parent / "receipt-2.json").exists()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(json.dumps({"format": 1, "key": "other", "erasures": [erasure(3)]}))
    with pytest.raises(BackupError, match="of two shops"):
        restore(tmp_path / "old", shop.root, now=NOW, replaces=True)
    assert json.loads(file.read_text())["key"] == "other"
    file.write_text("{")
    with pytest.raises(BackupError, match="says who was erased"):
        restore(tmp_path / "old", shop.root, now=NOW, replaces=True)


def test_relative_paths_of_sources_lead_to_the_same_files_afterwards(shop, tmp_path):
    shop.raw.rename(tmp_path / "exports")
    settings_file = shop.root / "shopwright.toml"
    settings_file.write_text(
        settings_file.read_text().replace('path = "raw"', "path = ['../exports', '../exports/*.x']")
    )
    create_backup(shop.project, tmp_path / "backup", now=NOW)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    report = restore(tmp_path / "backup", tmp_path / "elsewhere" / "deep" / "shop", now=NOW)
    assert (
        f"source 'lines': path '../exports' is now '{tmp_path / 'exports'}', where it led before"
        in report.notes
    )
    restored = Shop(tmp_path / "elsewhere" / "deep" / "shop")
    assert restored.project.settings.sources[0].paths == (f"{tmp_path}/exports", f"{tmp_path}/exports/*.x")
    restored.ingest()
    assert_balances(restored.root)
    assert len(restored.rows("source_event_id")) == 8
    assert set(restored.rows("order_id", entity="order_items")) == {("A0",), ("A1",)}


def test_a_backup_of_a_newer_version_is_refused(backup):
    from shopwright.backup.manifest import seal_of

    document = json.loads((backup / MANIFEST).read_text()) | {"format": 99, "shopwright": "9.9"}
    (backup / MANIFEST).write_text(json.dumps(document))
    (backup / SEAL).write_bytes(seal_of((backup / MANIFEST).read_bytes()))
    with pytest.raises(BackupError, match=r"made by Shopwright 9\.9, and this version cannot read it"):
        verify(backup)


def test_json_says_what_was_taken_and_restored(shop, tmp_path):
    result = CliRunner().invoke(app, ["backup", str(tmp_path / "b"), "--project", str(shop.root), "--json"])
    taken = json.loads(result.output)
    assert (taken["rows"], taken["ledger_rows"]) == ({"events": 5, "order_items": 2}, 3)
    result = CliRunner().invoke(app, ["restore", str(tmp_path / "b"), str(tmp_path / "again"), "--json"])
    restored = json.loads(result.output)
    assert (restored["into"], restored["published_tables"]) == (str(tmp_path / "again"), 1)


def test_an_empty_project_can_be_backed_up(tmp_path):
    shop = Shop.make(tmp_path / "shop", "")
    create_backup(shop.project, tmp_path / "backup.tar.zst", now=NOW)
    restore(tmp_path / "backup.tar.zst", tmp_path / "again", now=NOW)
    assert load_project(tmp_path / "again").settings == shop.project.settings


def test_open_segments_are_closed_so_that_everything_acknowledged_is_in_the_backup(shop, tmp_path):
    file = collect(shop.root, range(20, 30))
    create_backup(shop.project, tmp_path / "backup", now=NOW)
    assert (tmp_path / "backup" / "shop" / "collector" / "closed" / file.name).exists()
    assert file.name in {closed.name for closed in Segments(shop.project.collector).closed_files()}
