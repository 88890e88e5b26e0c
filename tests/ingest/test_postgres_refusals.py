"""What a source in Postgres cannot be: each refusal says why, and no secret is shown whatever goes wrong."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from postgres_shop import BY_TABLE, SOURCE, VARIABLE, WATERMARKED, counts, failure
from tests.postgres import PASSWORD

from shopwright.core.errors import ConfigurationError
from shopwright.testing import Shop


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            'table = "public.ordrs"',
            "no table 'public.ordrs' that the database user can read; did you mean 'public.orders'?",
        ),
        ('table = "Orders"', "no table 'Orders' that the database user can read; did you mean 'orders'?"),
        (
            'table = "orders"\nwatermark = "update_at"',
            "watermark column 'update_at' is missing; did you mean 'updated_at'? (available: order_id, ",
        ),
        ('table = "wide"\nwatermark = "ready"', "watermark column 'ready' is of type bool"),
        ('table = "wide"\nwatermark = "data"', "watermark column 'data' is of type json"),
        (
            'table = "orders"\n[sources.map]\ncustomer_id = "statsu"',
            "column 'statsu' is missing; did you mean 'status'?",
        ),
        ('table = "nothing"', "column 'ordered_at' is missing; did you mean 'orderedat'?"),
        ('query = "select * from ordrs"', 'relation "ordrs" does not exist'),
        ('query = "select statsu from orders"', 'column "statsu" does not exist (Perhaps you meant'),
        ('query = "select 1 as a, 2 as a"', "column 'a' appears twice; rename one of them"),
        ('query = "select 1; drop table orders"', "syntax error"),
        ('query = "select 1) as source; drop table orders; --"', 'syntax error at or near ")"'),
        (
            'query = "with gone as (delete from orders returning *) select * from gone"',
            "WITH clause containing",
        ),
        ("query = \"select setval('counter', 5) as order_id, now() as ordered_at\"", "read-only transaction"),
        ('query = "select order_id, 1 / 0 as ordered_at from orders"', "division by zero"),
    ],
)
def test_what_cannot_be_read_says_why_and_changes_nothing(tmp_path, database, settings, says):
    database.run("create table wide (ready boolean, data json)")
    database.run("create table nothing (order_id text, orderedat timestamptz)")
    database.run("create sequence counter")
    database.fill(1, 2)
    assert says in failure(Shop.make(tmp_path, f"{SOURCE}{settings}\n"))
    assert database.run("select count(*), nextval('counter') from orders") == [(2, 1)]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ('table = "a"\nquery = "select 1"', "one of them"),
        ("", "one of them"),
        ('query = "delete from orders"', "query must begin with select"),
        ('query = "commit; drop table orders"', "query must begin with select"),
        ('table = "a"\npath = "raw"', "reads no path"),
        ('table = "a"\nlookback_seconds = -1', "lookback_seconds"),
        ('table = "a"\npassword = "hunter2"', "no setting 'sources.0.password'"),
        ('table = "a"\n[sources.map]\nstatsu = "status"', "no column 'statsu'; did you mean 'status'?"),
    ],
)
def test_wrong_settings_are_refused_with_a_reason(tmp_path, monkeypatch, database, settings, says):
    with pytest.raises(ConfigurationError) as raised:
        Shop.make(tmp_path, f"{SOURCE}{settings}\n").ingest()
    assert says in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("key", ["table", "query", "watermark", "connection", "lookback_seconds"])
def test_settings_of_a_database_are_refused_for_files(tmp_path, key):
    value = 5 if key == "lookback_seconds" else '"x"'
    shop = Shop.make(
        tmp_path, f'[[sources]]\nname = "a"\nadapter = "rees46"\npath = "raw"\n{key} = {value}\n'
    )
    with pytest.raises(
        ConfigurationError, match=f"{key} works only with adapter postgres; this source uses rees46"
    ):
        shop.ingest()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://shop:hunter2@localhost/shop",
        "host=localhost password=hunter2",
        "SHOP DATABASE hunter2",
    ],
)
def test_a_secret_in_the_settings_is_refused_and_not_repeated(tmp_path, address):
    text = BY_TABLE.replace(f'"{VARIABLE}"', f'"{address}"')
    with pytest.raises(ConfigurationError, match="name of an environment variable") as raised:
        Shop.make(tmp_path, text).ingest()
    assert "hunter2" not in str(raised.value)


def test_a_variable_that_is_not_set_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigurationError, match=f"environment variable {VARIABLE} is not set"):
        Shop.make(tmp_path, BY_TABLE).ingest()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://shop:hunter2@hunter2@localhost/shop",
        "postgresql://shop:hunter2/hunter2@localhost/shop",
        "postgresql://shop:hunter2?hunter2@localhost/shop",
        "postgresql://shop:hunter2%zz@localhost/shop",
        "host=localhost password='hunter2",
        "hunter2",
    ],
)
def test_a_broken_url_is_refused_and_not_repeated(tmp_path, monkeypatch, address):
    monkeypatch.setenv(VARIABLE, address)
    with pytest.raises(
        ConfigurationError, match=f"value of {VARIABLE} is not a Postgres URL or DSN"
    ) as raised:
        Shop.make(tmp_path, BY_TABLE).ingest()
    assert "hunter2" not in str(raised.value)


def test_no_secret_is_shown_whatever_goes_wrong(tmp_path, database, monkeypatch, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    shop = Shop.make(tmp_path, WATERMARKED)
    right, port = database.url, database.server.port
    reasons = []
    for url in (
        f"postgresql://shop:hunter2@127.0.0.1:{port}/{database.name}",  # wrong password
        f"postgresql://nobody:hunter2@127.0.0.1:{port}/{database.name}",
        f"host=127.0.0.1 port={port} user=shop password=hunter2 dbname=hunter2",
        "postgresql://shop:hunter2@127.0.0.1:1/shop",  # nobody there
        "postgresql://shop:hunter2@127.0.0.1:hunter2/shop",
        "postgresql://shop:hunter2@no-such-host.invalid/shop",
        right.replace(database.name, "elsewhere"),
    ):
        monkeypatch.setenv(VARIABLE, url)
        [row] = shop.ingest().rows
        reasons.append(row.reason)
    assert "password authentication failed" in reasons[0]
    assert "refused" in reasons[3]
    assert 'database "elsewhere" does not exist' in reasons[-1]
    output = json.dumps([reasons, caplog.text, *capfd.readouterr(), [str(row) for row in shop.ledger()]])
    assert "hunter2" not in output
    assert PASSWORD not in output
    monkeypatch.setenv(VARIABLE, right)
    assert shop.ingest().failed == []


def test_a_source_that_fails_does_not_keep_others_from_landing(tmp_path, database, monkeypatch):
    database.fill(1, 3)
    files = '[[sources]]\nname = "clicks"\nadapter = "event_stream"\npath = "raw"\n'
    down = BY_TABLE.replace('name = "orders"', 'name = "down"').replace(VARIABLE, "NOBODY_THERE")
    monkeypatch.setenv("NOBODY_THERE", "postgresql://shop@127.0.0.1:1/shop")
    shop = Shop.make(tmp_path, down + files + WATERMARKED)
    shop.write("catalog.jsonl", '{"product_id": "17", "name": "Soap"}\n')
    report = shop.ingest()
    assert [(row.source, row.outcome) for row in report.rows] == [
        ("clicks", "loaded"),
        ("down", "failed"),
        ("orders", "loaded"),
    ]


def test_what_libpq_finds_by_itself_is_enough(tmp_path, database, monkeypatch):
    database.fill(1, 3)
    files = tmp_path / "libpq"
    files.mkdir()
    (files / "pass").write_text(f"127.0.0.1:*:*:shop:{PASSWORD}\n")
    (files / "pass").chmod(0o600)
    (files / "services").write_text(
        f"[shop]\nhost=127.0.0.1\nport={database.server.port}\ndbname={database.name}\nuser=shop\n"
    )
    monkeypatch.setenv("PGPASSFILE", str(files / "pass"))
    monkeypatch.setenv("PGSERVICEFILE", str(files / "services"))
    monkeypatch.setenv("PGSERVICE", "shop")
    shop = Shop.make(tmp_path, BY_TABLE.replace(f'connection = "{VARIABLE}"\n', ""))
    assert counts(shop.ingest()) == (3, 3, 0, 0)


def test_a_reader_needs_no_more_than_to_select(tmp_path, database, monkeypatch):
    database.fill(1, 3)
    database.run("create role reader login password 'reader'")
    monkeypatch.setenv(
        VARIABLE, f"postgresql://reader:reader@127.0.0.1:{database.server.port}/{database.name}"
    )
    shop = Shop.make(tmp_path, WATERMARKED)
    assert failure(shop) == "permission denied for table orders"
    database.run("grant select on orders to reader")
    assert counts(shop.ingest()) == (3, 3, 0, 0)
    database.run("drop owned by reader; drop role reader")


def test_a_missing_driver_is_named_with_the_extra_that_brings_it(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "postgresql://127.0.0.1/shop")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'shopwright\[postgres\]'"):
        Shop.make(tmp_path, BY_TABLE).ingest()
