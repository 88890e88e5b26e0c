"""Exchange rates that the published warehouse has applied to events, so that a late or corrected one is noticed."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.lake.delta import Lake, read_sql

if TYPE_CHECKING:
    from shopwright.settings import Project


def digest_applied_rates(project: Project) -> str:
    """Return a hash of the rates up to the last day of published events in a foreign currency; empty without any.

    Builds convert an event once, when it arrives. The rate of a later day changes none of them, so that a daily rate costs no
    full build.
    """
    lake, shop = Lake(project.lake), project.settings.shop
    rates = [file.path for file in lake.files("exchange_rates")]
    if not rates or not project.published.exists():
        return ""
    with connect(project.published, read_only=True) as connection:
        row = connection.execute("select coalesce(max(batch_seq), 0) from gold.fct_ingest_ledger").fetchone()
    events = [file.path for file in lake.files("events") if file.batch_seq <= (row[0] if row else 0)]
    zone = quote_text(shop.timezone)
    with connect() as connection:
        applied = connection.execute(
            f"with foreign_events as (select event_at from ({read_sql('events', events)}) "
            f"where currency <> {quote_text(shop.currency)}), "
            f"last_days as (select max((event_at at time zone 'UTC' at time zone {zone})::date) as last_date "
            "from foreign_events) "
            "select currency, rate_date, rate, _batch_seq, _row_number "
            f"from ({read_sql('exchange_rates', rates)}) cross join last_days "
            f"where (rate_date at time zone 'UTC' at time zone {zone})::date <= last_date order by all"
        ).fetchall()
    return sha256(repr(applied).encode()).hexdigest() if applied else ""
