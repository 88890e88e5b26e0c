"""Stamps of formats: a newer project is refused by every door in one line, and an older one is brought up step by step."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from shopwright import migrations
from shopwright.cli.main import app
from shopwright.core import formats
from shopwright.core.errors import ConfigurationError
from shopwright.core.formats import STORES, outdated_stores, read_format, write_format
from shopwright.migrations import MIGRATIONS, Migration, check_steps, migrate
from shopwright.testing import Shop

SOURCE = '[[sources]]\nname = "clicks"\nadapter = "event_stream"\npath = "raw"\n'
EVENT = '{"user_id": "u1", "timestamp": "2024-03-10", "event_type": "page_view", "event_id": "1"}\n'
COMMANDS = (
    ["ingest"],
    ["build"],
    ["run"],
    ["status"],
    ["quarantine", "list"],
    ["quarantine", "replay"],
    ["report"],
    ["models", "list"],
    ["serve"],
)


@pytest.fixture
def shop(tmp_path):
    """A shop of one event, taken in."""
    shop = Shop.make(tmp_path, SOURCE)
    shop.write("a.jsonl", EVENT)
    shop.ingest()
    return shop


def test_what_an_ingest_writes_is_stamped(shop):
    formats_of_stores = {store.name: read_format(shop.root, store) for store in STORES}
    assert formats_of_stores == {"project": 1, "lake": 1, "segments": 0}
    assert list(outdated_stores(shop.root)) == [], "nothing was ever collected"


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_newer_store_is_refused_by_every_command_in_one_line(shop, store):
    (shop.root / store.stamp).parent.mkdir(exist_ok=True)
    write_format(shop.root, store, number=store.format + 1, version="9.8.7")
    before = {file: file.read_bytes() for file in shop.root.rglob("*") if file.is_file()}
    for command in COMMANDS:
        result = CliRunner().invoke(app, [*command, "--project", str(shop.root)])
        assert isinstance(result.exception, ConfigurationError), command
        assert "\n" not in str(result.exception)
        assert f"the {store.name} of" in str(result.exception)
        assert "Shopwright 9.8.7" in str(result.exception)
        assert "update Shopwright" in str(result.exception)
    assert {file: file.read_bytes() for file in shop.root.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "two"}', '{"format": null}'])
def test_a_damaged_stamp_is_said(shop, content):
    (shop.root / "lake" / "_format.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"_format\.json is damaged"):
        shop.ingest()


def test_steps_run_in_order_and_go_on_after_an_interruption(shop, monkeypatch):
    done = []

    def interrupt(_):
        raise KeyboardInterrupt

    lake = next(store for store in STORES if store.name == "lake")
    monkeypatch.setattr(formats, "STORES", (replace(lake, format=3),))
    second = Migration("lake", 2, "second", lambda _: done.append(2))
    steps = (*MIGRATIONS, second, Migration("lake", 3, "third", interrupt))
    with pytest.raises(KeyboardInterrupt):
        migrate(shop.project, steps)
    assert (done, read_format(shop.root, lake)) == ([2], 2)
    steps = (*MIGRATIONS, second, Migration("lake", 3, "third", lambda _: done.append(3)))
    assert [step.to for step in migrate(shop.project, steps)] == [3]
    assert (done, read_format(shop.root, lake)) == ([2, 3], 3)
    assert json.loads((shop.root / lake.stamp).read_text())["shopwright"]


def test_every_format_has_its_step(monkeypatch):
    check_steps()
    monkeypatch.setattr(migrations, "STORES", (replace(STORES[0], format=2),))
    with pytest.raises(ValueError, match="migrations lead to"):
        check_steps()
