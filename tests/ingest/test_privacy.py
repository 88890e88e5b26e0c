"""What a source drops or hashes never reaches the lake in clear, and hashes of one value are equal everywhere."""

from __future__ import annotations

import json
import stat

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.contracts import BY_NAME
from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError
from shopwright.ingest.adapters.privacy import FieldChoices
from shopwright.ingest.privacy import protect_fields, without_paths
from shopwright.testing import Shop

ENGINE = connect(threads=1)
ENGINE.execute("set variable privacy_key = 'k'")
CLEAR = "Grace"
"""A word in every value that is to be dropped or hashed."""


def customers(privacy="", *, name="crm", path="raw", user='"email"', extra="", more=""):
    return f"""
[[sources]]
name = "{name}"
adapter = "mapped"
entity = "customers"
path = "{path}"
{extra}
[sources.map]
customer_id = {user}
city = "town"
{more}
[sources.privacy]
{privacy}
"""


HASHED = 'customer_id = "hash"\ncity = "drop"\n'


def protect(value, **privacy):
    other = privacy.pop("other", "keep")
    sql = protect_fields("t", FieldChoices(other, privacy))
    return ENGINE.execute(f"select {sql} from (select ? as t)", [value]).fetchone()[0]


def every_value(shop, *, but=("quarantine",)):
    """Return every text in the Parquet files of the lake."""
    files = [str(file) for file in shop.project.lake.glob("*/*.parquet") if file.parent.name not in but]
    with duckdb.connect() as connection:
        rows = [
            row
            for file in files
            for row in connection.execute("select * from read_parquet(?)", [file]).fetchall()
        ]
    return [str(value) for row in rows for value in row if value is not None]


def ingested(shop):
    result = CliRunner().invoke(app, ["ingest", "--project", str(shop.root)], catch_exceptions=False)
    return result.exit_code, " ".join(result.output.split())


def test_fields_are_dropped_hashed_and_kept_by_name():
    text = '{"b": {"c": 1}, "a": "x", "d~/\\"e": [2]}'
    assert json.loads(protect(text, a="drop")) == {"b": {"c": 1}, 'd~/"e': [2]}
    hashed = json.loads(protect(text, a="hash", b="hash"))
    assert len(hashed["a"]) == len(hashed["b"]) == 32
    assert hashed['d~/"e'] == [2]
    assert json.loads(protect(text, other="drop", b="keep")) == {"b": {"c": 1}}
    assert list(json.loads(protect(text, other="hash", b="drop"))) == ["a", 'd~/"e']
    assert protect('{"a": 1}', a="drop") is protect(None, a="drop") is None
    assert protect(text) == text


@pytest.mark.parametrize("text", ["no object", "[1]", "{", '"x"', "null"])
def test_a_text_that_is_no_object_is_what_has_no_name(text):
    assert protect(text, a="drop") == text
    assert protect(text, other="drop", a="keep") is None
    assert len(protect(text, other="hash")) == 32


def test_a_repeated_key_hides_nothing():
    assert protect('{"a": "Grace", "a": "Grace", "b": 1}', a="drop") == '{"b":1}'
    assert "Grace" not in protect('{"a": "Grace", "a": "Grace", "b": 1}', a="hash")


def test_an_id_has_one_hash_however_it_is_written():
    hashes = [
        json.loads(protect(json.dumps({"a": value}), a="hash"))["a"] for value in ("17850", 17850, "17850.0 ")
    ]
    assert len(set(hashes)) == 1


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ('{"who": {"mail": "Grace", "age": 3}, "n": 1}', '{"n":1,"who":{"age":3}}'),
        ('{"who": {"age": 3}}', '{"who":{"age":3}}'),
        ('{"who": "{\\"mail\\": \\"Grace\\"}", "n": 1}', '{"n":1}'),
        ('{"who": [{"mail": "Grace"}]}', None),
        ('{"n": 1}', '{"n":1}'),
        (None, None),
    ],
)
def test_a_field_within_a_field_is_taken_out(text, rest):
    (value,) = ENGINE.execute(
        f"select {without_paths('t', ['who.mail'])} from (select ? as t)", [text]
    ).fetchone()
    assert (value and json.loads(value)) == (rest and json.loads(rest))


def test_dropped_and_hashed_columns_are_not_in_the_lake(tmp_path):
    privacy = HASHED + '"properties.phone" = "drop"\n"properties.vat" = "hash"\n'
    shop = Shop.make(tmp_path, customers(privacy))
    shop.write("a.csv", "email,town,phone,vat,shelf\nGrace@shop.test,GraceTown,+Grace,Grace7,3\n")
    code, output = ingested(shop)
    assert code == 0
    assert (
        "Privacy: source crm: city, properties.phone dropped; customer_id, properties.vat hashed; quarantined records are"
        in output
    )
    assert not [value for value in every_value(shop) if CLEAR.lower() in value.lower()]
    ((customer, city, properties),) = shop.rows("customer_id", "city", "properties", entity="customers")
    assert (len(customer), city) == (32, None)
    assert set(json.loads(properties)) == {"vat", "shelf"}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("choice", ["drop", "hash"])
def test_nothing_clear_is_stored_of_any_format(ending, choice, tmp_path):
    shop = Shop.make(
        tmp_path,
        customers(
            f'customer_id = "hash"\ncity = "{choice}"\nproperties = "{choice}"',
            user='["id", "email", "who.mail"]' if ending.startswith("json") else '["id", "email"]',
        ),
    )
    record = {"id": "Grace1", "email": "Grace@shop.test", "town": "Graceville", "phone": "Grace-1", "n": 5}
    if ending.startswith("json"):
        record["who"] = {"mail": "x@Grace.test", "age": 4}
    write(shop, ending, [record])
    assert ingested(shop)[0] == 0
    assert len(shop.rows("city", entity="customers")) == 1
    assert not [value for value in every_value(shop) if CLEAR.lower() in value.lower()]


def write(shop, ending, records):
    if ending == "parquet":
        with duckdb.connect() as connection:
            connection.execute(
                "create table t as select * from read_json(?)",
                [str(shop.write("../x.json", json.dumps(records)))],
            )
            connection.execute(f"copy t to '{shop.raw / 'a.parquet'}'")
    elif ending == "csv":
        lines = [",".join(records[0]), *(",".join(map(str, record.values())) for record in records)]
        shop.write("a.csv", "\n".join(lines) + "\n")
    else:
        text = json.dumps(records) if ending == "json" else "\n".join(map(json.dumps, records))
        shop.write(f"a.{ending}", text)


def test_a_mapped_field_within_another_is_not_left_there(tmp_path):
    shop = Shop.make(tmp_path, customers(HASHED, user='"who.mail"'))
    write(shop, "jsonl", [{"who": {"mail": "Grace@x.test", "age": 4}, "town": "Grace"}])
    ingested(shop)
    assert json.loads(shop.rows("properties", entity="customers")[0][0]) == {"who": {"age": 4}}
    assert not [value for value in every_value(shop) if CLEAR.lower() in value.lower()]


def test_an_id_that_lost_is_hashed_like_the_one_that_won(tmp_path):
    shop = Shop.make(tmp_path, customers(HASHED, user='["id", "email"]'))
    shop.write("a.csv", "id,email,town\n7.0,GRACE@x.test,a\ngrace@x.test,,b\n")
    ingested(shop)
    rows = dict(shop.rows("properties", "customer_id", entity="customers"))
    ((properties, _), (_, customer)) = sorted(rows.items(), key=lambda row: row[0] is None)
    assert json.loads(properties) == {"email": customer}


@pytest.mark.parametrize("choice", ["drop", "keep"])
def test_an_id_that_lost_follows_its_own_name(choice, tmp_path):
    privacy = f'properties = "drop"\n"properties.email" = "{choice}"'
    shop = Shop.make(tmp_path, customers(privacy, user='["id", "email"]'))
    shop.write("a.csv", "id,email,town,n\n7,g@x.test,a,1\n")
    ingested(shop)
    ((text,),) = shop.rows("properties", entity="customers")
    assert text == ('{"email":"g@x.test"}' if choice == "keep" else None)


def test_hashed_ids_of_two_sources_are_equal(tmp_path):
    hashed = 'customer_id = "hash"'
    settings_text = customers(hashed, path="a") + customers(hashed, name="shop", path="b", user='"mail"')
    shop = Shop.make(tmp_path, settings_text)
    for folder, text in (
        ("a", "email,town\nADA@x.test,a\n17850.0,b\n"),
        ("b", "mail,town\nada@x.test,c\n17850,d\n"),
    ):
        (shop.root / folder).mkdir()
        (shop.root / folder / "a.csv").write_text(text)
    ingested(shop)
    rows = shop.rows("customer_id", entity="customers")
    assert len(rows) == 4
    assert len(set(rows)) == 2


def test_the_key_is_made_once_and_said_nowhere(tmp_path):
    shop = Shop.make(tmp_path, customers(HASHED))
    shop.write("a.csv", "email,town\na,b\n")
    outputs = [ingested(shop)[1]]
    key = shop.project.privacy_key.read_text().strip()
    assert stat.S_IMODE(shop.project.privacy_key.stat().st_mode) == 0o600
    shop.write("b.csv", "email,town\na,c\nx\n")
    outputs.append(ingested(shop)[1])
    assert shop.project.privacy_key.read_text().strip() == key
    assert not [text for text in outputs + every_value(shop, but=()) if key in text]
    assert len(set(shop.rows("customer_id", entity="customers"))) == 1


def test_another_key_means_reading_again(tmp_path):
    shop = Shop.make(tmp_path, customers(HASHED))
    shop.write("a.csv", "email,town\na,b\n")
    assert "--again" not in ingested(shop)[1]
    assert "--again" not in ingested(shop)[1]
    shop.project.privacy_key.write_text("f" * 64)
    assert "shopwright ingest --again crm" in ingested(shop)[1]


def test_a_key_from_the_environment(tmp_path, monkeypatch):
    shop = Shop.make(tmp_path, '[ingest]\nprivacy_key = "SHOP_KEY"\n' + customers(HASHED))
    shop.write("a.csv", "email,town\na,b\n")
    monkeypatch.setenv("SHOP_KEY", "short secret")
    for reason in ("holds no key", "is not set"):
        with pytest.raises(ConfigurationError, match=reason) as error:
            shop.ingest()
        assert "short secret" not in str(error.value)
        monkeypatch.delenv("SHOP_KEY", raising=False)
    monkeypatch.setenv("SHOP_KEY", "k" * 32)
    assert ingested(shop)[0] == 0
    assert not shop.project.privacy_key.exists()


def test_settings_of_those_who_keep_everything_are_the_same(tmp_path):
    unchanged = 'customer_id = "keep"\nproperties = "keep"\n"properties.phone" = "keep"\n'
    marks = []
    for number, privacy in enumerate(["", unchanged, HASHED]):
        folder = tmp_path / str(number)
        folder.mkdir()
        shop = Shop.make(folder, customers(privacy))
        shop.write("a.csv", "email,town\na,b\n")
        ingested(shop)
        marks.append(shop.ledger()[0].mapping)
    assert marks[0] == marks[1] != marks[2]


@pytest.mark.parametrize(
    ("privacy", "reason"),
    [
        ('cty = "drop"', "did you mean 'city'"),
        ('phone = "drop"', "properties.phone"),
        ('customer_id = "drop"', "without which there is no row of customers"),
        ('signed_up_at = "hash"', "no text but a timestamp"),
        ('"properties.town" = "drop"', "name city instead"),
        ('city = "forget"', "'drop', 'hash' or 'keep'"),
    ],
)
def test_what_cannot_be_done_is_one_line(privacy, reason, tmp_path):
    shop = Shop.make(tmp_path, customers(privacy))
    with pytest.raises(ConfigurationError, match=reason) as error:
        shop.ingest()
    assert "\n" not in str(error.value)


def test_events_need_somebody(tmp_path):
    shop = Shop.make(
        tmp_path,
        '[[sources]]\nname = "web"\nadapter = "rees46"\npath = "raw"\n[sources.privacy]\nuser_id = "drop"\nvisitor_id = "drop"\n',
    )
    with pytest.raises(ConfigurationError, match="a row of events needs one of user_id, visitor_id"):
        shop.ingest()


def test_what_an_expression_reads_has_to_be_decided(tmp_path):
    more = 'region = { sql = "left(phone, 3)" }'
    shop = Shop.make(tmp_path, customers('region = "hash"', more=more))
    with pytest.raises(ConfigurationError, match="'region' is computed by sql"):
        shop.ingest()


def test_a_replay_hashes_too(tmp_path):
    shop = Shop.make(tmp_path, customers(HASHED, more='signed_up_at = "at"'))
    shop.write("a.csv", "email,town,at\nGrace@x.test,Grace,soon\n")
    ingested(shop)
    assert [row.raw for row in shop.quarantine()] == ["Grace@x.test,Grace,soon"]
    (shop.root / "shopwright.toml").write_text(customers(HASHED, more='region = "at"'))
    assert shop.replay().accepted == 1
    assert len(shop.rows("customer_id", entity="customers")[0][0]) == 32
    assert not [value for value in every_value(shop) if CLEAR.lower() in value.lower()]


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("abcXYZ019@.é-", min_size=1, max_size=12), st.text("abc \"'{}\\", max_size=12)),
        min_size=1,
        max_size=5,
    )
)
def test_no_clear_value_is_in_any_file_of_the_lake(tmp_path_factory, values):
    shop = Shop.make(tmp_path_factory.mktemp("shop"), customers(HASHED + 'properties = "hash"'))
    records = [
        {"email": f"#{name}#", "town": f"#{text}#", "note": {f"k{number}": f"#{text}#"}}
        for number, (name, text) in enumerate(values)
    ]
    write(shop, "jsonl", records)
    ingested(shop)
    assert shop.rows("city", entity="customers")
    assert not [value for value in every_value(shop) if "#" in value]


def test_personal_columns_are_marked():
    people = {
        (entity.name, column.name)
        for entity in BY_NAME.values()
        for column in entity.stored_columns
        if column.kind == "person id" or column.name == "properties"
    }
    marked = {
        (entity.name, column.name)
        for entity in BY_NAME.values()
        for column in entity.columns
        if column.is_personal
    }
    assert people <= marked
    assert {("events", "page_url"), ("orders", "ship_city"), ("customers", "zip_prefix")} <= marked
    assert ("products", "name") not in marked
