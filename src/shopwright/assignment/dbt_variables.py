"""The experiments as dbt variables: what the warehouse's models need to know of the settings."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shopwright.assignment.rule import hash_salt, layer_buckets, layer_salt, variant_buckets

if TYPE_CHECKING:
    from shopwright.settings import ExperimentDefinition


def experiment_variables(
    experiments: tuple[ExperimentDefinition, ...], timezone: str
) -> list[dict[str, Any]]:
    """Return the experiments as dbt variables; times in UTC, shares as buckets.

    Args:
        experiments: all of the shop's.
        timezone: the shop's time zone, in which its days begin.
    """
    return [_variables(experiment, ZoneInfo(timezone)) for experiment in experiments]


def plan_fingerprint(experiment: ExperimentDefinition, timezone: str) -> str:
    """Return a digest of the settings that decide which units take part, and in which variant.

    Metrics, levels and guardrails are not part of it: changing those needs no new build.

    Args:
        experiment: the experiment.
        timezone: the shop's time zone, in which its days begin.

    Returns:
        16 hexadecimal digits.
    """
    plan = [_variables(experiment, ZoneInfo(timezone)), list(experiment.variants.items())]
    return sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]


def _variables(experiment: ExperimentDefinition, zone: ZoneInfo) -> dict[str, Any]:
    layer = layer_buckets(experiment)
    return {
        "name": experiment.name,
        "unit": experiment.unit,
        "assignment": experiment.assignment,
        "exposure": experiment.exposure,
        "variants": [
            {"name": name, "from": buckets.start, "to": buckets.end}
            for name, buckets in variant_buckets(experiment).items()
        ],
        "salt": hash_salt(experiment),
        "layer": layer_salt(experiment),
        "layer_from": layer.start,
        "layer_to": layer.end,
        "start_at": _start_of_day(experiment.start, zone),
        "end_at": _start_of_day(experiment.end + timedelta(days=1), zone) if experiment.end else "",
        "pre_period_days": experiment.pre_period_days,
    }


def _start_of_day(day: date, zone: ZoneInfo) -> str:
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    return start.strftime("%Y-%m-%d %H:%M:%S")
