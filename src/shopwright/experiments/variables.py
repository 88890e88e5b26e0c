"""What the warehouse's models are told about the experiments."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shopwright.experiments.assignment import layer_of, layer_salt_of, salt_of, slices_of

if TYPE_CHECKING:
    from shopwright.settings import ExperimentDefinition


def experiment_variables(
    experiments: tuple[ExperimentDefinition, ...], timezone: str
) -> list[dict[str, Any]]:
    """The experiments as dbt variables; times in UTC, shares as buckets.

    Args:
        timezone: the shop's, in which its days begin.
    """
    return [_variables(experiment, ZoneInfo(timezone)) for experiment in experiments]


def fingerprint(experiment: ExperimentDefinition, timezone: str) -> str:
    """What tells two plans apart whose units are not the same ones; how units are judged is no part of it."""
    plan = [_variables(experiment, ZoneInfo(timezone)), list(experiment.variants.items())]
    return sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]


def _variables(experiment: ExperimentDefinition, zone: ZoneInfo) -> dict[str, Any]:
    layer = layer_of(experiment)
    return {
        "name": experiment.name,
        "unit": experiment.unit,
        "assignment": experiment.assignment,
        "exposure": experiment.exposure,
        "variants": [
            {"name": name, "from": places.start, "to": places.end}
            for name, places in slices_of(experiment).items()
        ],
        "salt": salt_of(experiment),
        "layer": layer_salt_of(experiment),
        "layer_from": layer.start,
        "layer_to": layer.end,
        "start_at": _begin_of(experiment.start, zone),
        "end_at": _begin_of(experiment.end + timedelta(days=1), zone) if experiment.end else "",
        "pre_period_days": experiment.pre_period_days,
    }


def _begin_of(day: date, zone: ZoneInfo) -> str:
    begin = datetime.combine(day, time(), zone).astimezone(UTC)
    return begin.strftime("%Y-%m-%d %H:%M:%S")
