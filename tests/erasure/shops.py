"""A shop in which people are everywhere, and a scan of every byte of it."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

from shopwright.collector.parsing import parse_json, parse_json_lines
from shopwright.collector.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from shopwright.testing import Shop

SETTINGS = """\
[shop]
name = "erasure"
currency = "EUR"

[[sources]]
name = "shop"
adapter = "event_stream"
path = "raw/shop"

[[sources]]
name = "crm"
adapter = "mapped"
entity = "customers"
path = "raw/crm"
[sources.map]
customer_id = "id"
city = "town"

[[experiments]]
name = "button"
hypothesis = "A larger button sells more."
start = 2025-03-01
end = 2025-04-30
"""
PEOPLE = 40
FORGOTTEN = range(20)
START = datetime(2025, 3, 10)  # noqa: DTZ001  # naive UTC, as everywhere


def user(number: int) -> str:
    """Return the id of a person in the shop."""
    return f"user-{number:04d}x"


def email(number: int) -> str:
    """Return the e-mail address of a person."""
    return f"person{number}@mail-{number}.example"


def needles(numbers: Iterable[int]) -> list[str]:
    """Return everything by which people can be known: ids of all sources, devices, orders, addresses and names."""
    return [
        text
        for n in numbers
        for text in (
            user(n),
            f"crm-{n:05d}",
            f"phone-{n:04d}z",
            email(n),
            f"Ada{n} Lovelace{n}",
            f"order-{n:04d}q",
        )
    ]


def events(n: int, *, day: int = 0) -> Iterator[dict[str, object]]:
    """Yield the events of a person on a day: anonymous on an own phone, then known, and on a device of the household."""
    at = START + timedelta(days=day, minutes=7 * n)
    phone, tablet = f"phone-{n:04d}z", f"tablet-{n // 2:04d}"  # two people share a tablet

    def event(minutes: int, kind: str, **fields: object) -> dict[str, object]:
        time = (at + timedelta(minutes=minutes)).isoformat() + "Z"
        return {"event_id": f"{day}-{n}-{minutes}", "time": time, "type": kind, "product_id": "MUG", **fields}

    yield event(0, "product_view", visitor_id=phone)
    yield event(1, "add_to_cart", visitor_id=phone, user_id=user(n), price=9)
    yield event(
        2,
        "purchase",
        user_id=user(n),
        price=9,
        order_id=f"order-{n:04d}q" if not day else f"order-{n:04d}q-{day}",
    )
    yield event(3, "page_view", visitor_id=phone, page_url=f"/welcome?mail={email(n).replace('@', '%40')}")
    late = START + timedelta(days=day, hours=10 + 12 * (n % 2), minutes=n)
    for minutes, known in ((0, None), (1, user(n))):
        yield {
            "event_id": f"{day}-{n}-t{minutes}",
            "time": (late + timedelta(minutes=minutes)).isoformat() + "Z",
            "type": "product_view",
            "product_id": "POT",
            "visitor_id": tablet,
            **({"user_id": known} if known else {}),
        }


def lines(documents: Iterable[object]) -> str:
    """Return documents as JSON lines."""
    return "".join(json.dumps(document) + "\n" for document in documents)


def export(shop: Shop, *, day: int = 0) -> None:
    """Write the exports of a day: events, profiles of two systems, payments, and records that cannot be read."""
    rows = [event for n in range(PEOPLE) for event in events(n, day=day)]
    shop.write(f"shop/events-{day}.jsonl", lines(rows))
    broken = [
        {"time": "never", "type": "purchase", "user_id": user(n), "mail": email(n)} for n in range(PEOPLE)
    ]
    shop.write(f"shop/events-broken-{day}.jsonl", lines([*broken, {"day": day}]))
    profiles = [
        {"customer_id": user(n), "email": email(n).upper(), "country": "DE", "day": day}
        for n in range(PEOPLE)
    ]
    shop.write(f"shop/customers-{day}.jsonl", lines(profiles))
    crm = [f"crm-{n:05d},Ulm,Ada{n} Lovelace{n},{email(n)},{day}" for n in range(PEOPLE)]
    shop.write(f"crm/crm-{day}.csv", "id,town,name,mail,day\n" + "\n".join(crm) + "\n")


def collect(shop: Shop, *, day: int) -> None:
    """Collect events of everybody, good and bad ones."""
    spool = Spool(shop.project)
    good = [event for n in range(PEOPLE) for event in events(n, day=day)]
    spool.submit(parse_json(json.dumps(good).encode(), max_bytes=1 << 20)).result(timeout=60)
    bad = "\n".join(
        f'{{"event_at": "never", "user_id": "{user(n)}", "name": "Ada{n} Lovelace{n}"}}'
        for n in range(PEOPLE)
    )
    spool.submit(parse_json_lines(bad.encode(), max_bytes=1 << 20)).result(timeout=60)
    spool.close()


def texts(root: Path, *, but: Iterable[Path] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each file of a folder with all that can be read in it: bytes, unpacked bytes, and values."""
    left_out = list(but)
    for file in sorted(root.rglob("*")):
        if not file.is_file() or any(folder in file.parents for folder in left_out):
            continue
        name = str(file.relative_to(root))
        content = file.read_bytes()
        yield name, content
        if file.suffix == ".gz":
            yield name, gzip.decompress(content)
        if file.suffix == ".parquet":
            with duckdb.connect() as connection:
                yield (
                    name,
                    repr(
                        connection.execute("select * from read_parquet(?)", [str(file)]).fetchall()
                    ).encode(),
                )
        if file.suffix == ".duckdb":
            yield from ((f"{name}/{table}", text) for table, text in tables(file))


def tables(database: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the rows of each table and view of a database."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
        for schema, table in names:
            rows = connection.execute(f'select * from "{schema}"."{table}"').fetchall()
            yield f"{schema}.{table}", repr(rows).encode()


def traces(root: Path, people: Iterable[int], *, but: Iterable[Path] = ()) -> set[tuple[str, str]]:
    """Return file and needle wherever a person is named below a folder."""
    searched = [(needle, needle.lower().encode()) for needle in needles(people)]
    return {
        (name, needle)
        for name, content in texts(root, but=but)
        for lowered in [content.lower().replace(b"%40", b"@")]
        for needle, text in searched
        if text in lowered
    }
