"""Simulated effects in the events that an experiment is read from.

A simulated effect turns cart events into purchases, so whatever is read from those days is not real: the experiment itself, every
other one that looks at the same days, and a plan that is made from them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from shopwright.core.engine import Connection
    from shopwright.settings import ExperimentDefinition


def simulated_events(
    connection: Connection, *, since: date | None = None, until: date | None = None
) -> dict[str, int]:
    """Count the events that a simulated effect changed, by the experiment whose effect it is.

    Args:
        connection: to the published warehouse.
        since: first day, a date of the shop; from the beginning where not given.
        until: last day; to the end where not given.

    Returns:
        Experiment to its changed events; without experiments that have none.
    """
    # a warehouse published by an older version has no such table, and no marked events
    exists = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'gold' and table_name = 'fct_simulated_effects'"
    ).fetchone()
    if not exists:
        return {}
    rows = connection.execute(
        "select experiment, sum(changed_event_count) as events from gold.fct_simulated_effects "
        "where ($since is null or event_date >= $since) and ($until is null or event_date <= $until) "
        "group by experiment having events > 0 order by experiment",
        {"since": since, "until": until},
    ).fetchall()
    return {name: int(events) for name, events in rows}


def simulated_for(connection: Connection, experiment: ExperimentDefinition) -> tuple[int, dict[str, int]]:
    """Count the changed events that an experiment looks at, its pre-period included.

    Returns:
        Those of its own effect, on any day; and other experiment to its changed events on this one's days.
    """
    own_events = simulated_events(connection).get(experiment.name, 0)
    first_date = experiment.start - timedelta(days=experiment.pre_period_days)
    by_experiment = simulated_events(connection, since=first_date, until=experiment.end)
    return own_events, {name: events for name, events in by_experiment.items() if name != experiment.name}
