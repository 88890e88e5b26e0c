"""Who a person is across the sources of a lake: ids, devices, e-mail addresses and orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME, ENTITIES
from shopwright.contracts.schema import Kind
from shopwright.core.sql import quote_name
from shopwright.ingest.tombstones import id_hasher
from shopwright.lake.delta import Lake, read_sql
from shopwright.tombstones import emails_in, normalize_id
from shopwright.tombstones.texts import EMAIL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from shopwright.core.engine import Connection
    from shopwright.settings import Project

MAX_CUSTOMERS_OF_EMAIL = 3
"""Customers that may share an e-mail address and be one person; one that more share, such as that of a till, names nobody."""

MAX_STEPS = 5
"""How often ids are followed from one source to the next."""


@dataclass(slots=True)
class Identity:
    """What names one or more people in a lake."""

    ids: set[str] = field(default_factory=set)
    """Ids of users, customers and devices, and e-mail addresses."""
    orders: set[str] = field(default_factory=set)
    """Numbers of orders that are theirs alone."""
    device_times: set[str] = field(default_factory=set)
    """Anonymous moments on devices that others use too: the device, a bar and microseconds since 1970."""
    shared: dict[str, int] = field(default_factory=dict)
    """E-mail addresses that too many customers share to say who somebody is, with their number."""

    @property
    def emails(self) -> set[str]:
        """The e-mail addresses among the ids."""
        return {id_ for id_ in self.ids if emails_in(id_) == {id_}}


class LakeTables:
    """SQL of the tables of a lake as they are at one time.

    Args:
        connection: the engine.
        lake: the lake.
    """

    def __init__(self, connection: Connection, lake: Lake) -> None:
        self.connection = connection
        self.files = {entity.name: lake.files(entity.name) for entity in ENTITIES}

    def sql(self, table: str) -> str:
        """Return SQL of a table, in brackets."""
        return f"({read_sql(table, [file.path for file in self.files[table]])})"

    def has(self, table: str) -> bool:
        """Return whether a table has rows."""
        return bool(self.files[table])


def find_identity(
    project: Project,
    connection: Connection,
    persons: Iterable[str],
    *,
    follows_emails: bool = True,
) -> Identity:
    """Follow ids through the lake: customers of the same person, their e-mail addresses, devices, and orders.

    Args:
        project: the shop.
        connection: the engine; it gets temporary tables.
        persons: ids or e-mail addresses, as anybody writes them.
        follows_emails: whether customers with the same e-mail address are one person.
    """
    tables = LakeTables(connection, Lake(project.lake))
    identity = Identity({normalize_id(person) for person in persons} - {""})
    rehash = id_hasher(project)
    for _ in range(MAX_STEPS):
        before = len(identity.ids)
        if rehash:
            identity.ids |= {rehash(id_) for id_ in identity.ids}
        _write_ids(connection, "known_people", identity.ids)
        if tables.has("customers"):
            _follow_customers(tables, identity, follows_emails=follows_emails)
        if len(identity.ids) == before:
            break
    if tables.has("events"):
        _follow_devices(tables, identity, gap_minutes=project.settings.sessions.gap_minutes)
    _write_ids(connection, "known_people", identity.ids)
    _find_orders(tables, identity)
    return identity


def find_inactive(project: Project, connection: Connection, *, before: datetime) -> set[str]:
    """Return one id of each person whose latest row is older than a time.

    Rows without a time do not count: a person of whom no row has one is not among them. A device on which somebody is known
    is as old as that person.

    Args:
        project: the shop.
        connection: the engine.
        before: naive UTC.
    """
    tables = LakeTables(connection, Lake(project.lake))
    selects = []
    for entity in ENTITIES:
        columns = [column.name for column in entity.stored_columns if column.kind is Kind.PERSON_ID]
        if not columns or not tables.has(entity.name):
            continue
        times = [column.name for column in entity.stored_columns if column.kind is Kind.TIMESTAMP]
        latest = f"greatest({', '.join(map(quote_name, times))})"
        is_dated = entity.time_column or times[0]
        source = tables.sql(entity.name)
        for name in columns:
            condition = f"{quote_name(name)} is not null and {quote_name(is_dated)} is not null"
            if name == "visitor_id":
                condition += f" and {name} not in (select visitor_id from {source} where user_id is not null and visitor_id is not null)"
            selects.append(
                f"select {quote_name(name)} as id, {latest} as seen_at from {source} where {condition}"
            )
    if not selects:
        return set()
    person_sql = (
        f"(select customer_id as id, any_value(person_id) as person from {tables.sql('customers')} "
        "where person_id is not null group by customer_id)"
    )
    rows = connection.execute(
        f"select min(id) from (select id, coalesce(person, id) as person, seen_at from ({' union all '.join(selects)}) "
        f"left join {person_sql} using (id)) group by person having max(seen_at) < $before",
        {"before": before},
    ).fetchall()
    return {str(row[0]) for row in rows}


def _write_ids(connection: Connection, table: str, values: Collection[str]) -> None:
    connection.execute(f"create or replace temp table {table} (id varchar)")
    if values:
        connection.execute(
            f"insert into {table} select unnest($values::varchar[])", {"values": sorted(values)}
        )


def _follow_customers(tables: LakeTables, identity: Identity, *, follows_emails: bool) -> None:
    """Add the other ids of customers, and what their e-mail addresses lead to."""
    connection, customers = tables.connection, tables.sql("customers")
    named = "(customer_id in (from known_people) or person_id in (from known_people))"
    rows = connection.execute(
        f"select customer_id, person_id, properties from {customers} where {named}"
    ).fetchall()
    for customer, person, _ in rows:
        identity.ids |= {str(id_) for id_ in (customer, person) if id_ is not None}
    if not follows_emails:
        return
    emails = identity.emails.union(*(emails_in(properties or "") for _, _, properties in rows))
    if not emails:
        return
    _write_ids(connection, "known_emails", emails)
    owners = connection.execute(
        "select email, list(distinct customer_id), list(distinct person_id) filter (person_id is not null), "
        "count(distinct coalesce(person_id, customer_id)) from "
        f"(select customer_id, person_id, unnest(regexp_extract_all(lower(properties), '{EMAIL}')) as email "
        f"from {customers} where contains(properties, '@')) where email in (from known_emails) group by email"
    ).fetchall()
    for email, customer_ids, person_ids, count in owners:
        if count > MAX_CUSTOMERS_OF_EMAIL:
            identity.shared[email] = count
        else:
            identity.ids |= {email, *customer_ids, *(person_ids or [])}


def _follow_devices(tables: LakeTables, identity: Identity, *, gap_minutes: int) -> None:
    """Add devices on which nobody else is known; of others the moments that are stitched to the people."""
    connection, events = tables.connection, tables.sql("events")
    _write_ids(connection, "known_people", identity.ids)
    connection.execute(
        "create or replace temp table devices as select visitor_id as id, "
        "bool_and(user_id is null or user_id in (from known_people)) as is_own "
        f"from {events} where visitor_id in (select distinct visitor_id from {events} "
        "where user_id in (from known_people) and visitor_id is not null) group by visitor_id"
    )
    rows = connection.execute("select id from devices where is_own").fetchall()
    identity.ids |= {str(row[0]) for row in rows}
    rows = connection.execute(_stitched_moments(events, gap_minutes)).fetchall()
    identity.device_times |= {f"{visitor}|{at}" for visitor, at in rows}


def _stitched_moments(events: str, gap_minutes: int) -> str:
    """Return SQL of the anonymous moments on shared devices that the model ``int_visitor_users`` gives to the people."""
    device = "partition by visitor_id order by event_at"
    return f"""
        with moments as (
            select visitor_id, event_at, min(user_id) as known, count(*) > count(user_id) as has_anonymous
            from {events} where visitor_id in (select id from devices where not is_own) group by visitor_id, event_at
        ), starts as (
            select *, lag(event_at) over ({device}) as previous_at from moments
        ), visits as (
            select *,
                max(case when previous_at is null or event_at > previous_at + interval '{gap_minutes} minutes'
                    then event_at end) over ({device}) as visit_at,
                count(known) over ({device}) as known_before,
                count(known) over ({device} desc) as known_after
            from starts
        ), neighbours as (
            select *,
                max(known) over (partition by visitor_id, known_before) as previous_user,
                max(case when known is not null then visit_at end)
                    over (partition by visitor_id, known_before) as previous_visit,
                max(known) over (partition by visitor_id, known_after) as next_user,
                max(case when known is not null then visit_at end)
                    over (partition by visitor_id, known_after) as next_visit
            from visits
        )
        select visitor_id, epoch_us(event_at) from neighbours
        where has_anonymous and case
            when next_visit = visit_at then next_user
            when previous_visit = visit_at then previous_user
            else coalesce(next_user, previous_user)
        end in (from known_people)
    """


def _find_orders(tables: LakeTables, identity: Identity) -> None:
    """Add the orders that no source gives to anybody else."""
    owners = []
    for name, column in (("orders", "customer_id"), ("order_items", "customer_id"), ("events", "user_id")):
        if tables.has(name) and "order_id" in {item.name for item in BY_NAME[name].stored_columns}:
            owners.append(
                f"select order_id, {column} as owner from {tables.sql(name)} "
                f"where order_id is not null and {column} is not null"
            )
    if not owners:
        return
    rows = tables.connection.execute(
        f"select order_id from ({' union all '.join(owners)}) group by order_id "
        "having bool_and(owner in (from known_people))"
    ).fetchall()
    identity.orders |= {str(row[0]) for row in rows}
