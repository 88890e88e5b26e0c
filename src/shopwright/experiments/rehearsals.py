"""Which experiments' effects are made up in the shop's clicks, by what the ledger of files says.

A simulated effect turns cart events into purchases, so whatever is read from those clicks is a rehearsal: the experiment
itself, every other one that looks at the same days, and a plan that is made by them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from shopwright.settings import ExperimentDefinition


def simulated_events(
    connection: duckdb.DuckDBPyConnection, *, since: date | None = None, until: date | None = None
) -> dict[str, int]:
    """Count the events that carry a simulated effect, by the experiment whose effect it is.

    Files tell their first and last moment and no more, so all events of a file count that has one within the days asked
    for; a day more on either side, since a shop's days are not those of UTC.

    Args:
        connection: to the published warehouse.
        since: first day; from the beginning where not given.
        until: last day; to the end where not given.
    """
    conditions = ["simulated_effect is not null"]
    if since is not None:
        conditions.append(f"(last_at is null or last_at >= date '{since - timedelta(days=1)}')")
    if until is not None:
        conditions.append(f"(first_at is null or first_at < date '{until + timedelta(days=2)}')")
    rows = connection.execute(
        "select json_extract_string(simulated_effect, '$.experiment') as name, "
        "sum(cast(json_extract(simulated_effect, '$.rows_changed') as bigint)) as events "
        f"from gold.fct_ingest_ledger where {' and '.join(conditions)} "
        "group by name having events > 0 order by name"
    ).fetchall()
    return {name: int(events) for name, events in rows}


def simulated_in(
    connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition
) -> tuple[int, dict[str, int]]:
    """Simulated events that an experiment looks at: those of its own effect, and those of other experiments.

    Its pre-period is looked at too.
    """
    own = simulated_events(connection).get(experiment.name, 0)
    begin = experiment.start - timedelta(days=experiment.pre_period_days)
    others = simulated_events(connection, since=begin, until=experiment.end)
    return own, {name: events for name, events in others.items() if name != experiment.name}
