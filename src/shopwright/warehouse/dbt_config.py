"""The dbt configuration of a project: profile, variables and command-line arguments."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shopwright.assignment.dbt_variables import experiment_variables

if TYPE_CHECKING:
    from shopwright.settings import Project

DBT_PROJECT = Path(__file__).parent.parent / "dbt"
"""The folder of the dbt project, inside the package."""


def dbt_variables(project: Project) -> dict[str, Any]:
    """Return the project's settings as dbt variables."""
    settings = project.settings
    return {
        "shop_timezone": settings.shop.timezone,
        "shop_currency": settings.shop.currency,
        "publish_unmapped": settings.shop.publish_unmapped,
        "session_gap_minutes": settings.sessions.gap_minutes,
        "bot_min_events": settings.bots.min_events,
        "bot_max_mean_gap_seconds": settings.bots.max_mean_gap_seconds,
        "bot_min_idle_views": settings.bots.min_views_without_cart,
        "canceled_statuses": list(settings.orders.canceled_statuses),
        "orders_complete_through": str(settings.orders.complete_through or ""),
        "churn_active_days": settings.models.churn.active_days,
        "churn_horizon_days": settings.models.churn.horizon_days,
        "seller_churn_active_days": settings.models.seller_churn.active_days,
        "seller_churn_horizon_days": settings.models.seller_churn.horizon_days,
        "lifetime_value_horizon_days": settings.models.lifetime_value.horizon_days,
        "lifetime_value_long_horizon_days": settings.models.lifetime_value.long_horizon_days,
        "experiment_assignment": settings.experiment.assignment,
        "experiments": experiment_variables(settings.experiments, settings.shop.timezone),
    }


def write_profile(project: Project) -> Path:
    """Write ``profiles.yml`` into the project's work folder.

    Returns:
        The folder of the file, for dbt's ``--profiles-dir``.
    """
    engine = project.settings.engine
    threads = engine.threads or os.cpu_count() or 1
    output = {
        "type": "duckdb",
        "path": str(project.warehouse),
        "schema": "main",
        "threads": 1 if threads == 1 else 2,
        # Applied once, on opening; dbt-duckdb would run `settings` again for each model and test.
        "config_options": {
            "temp_directory": str(project.work / "spill"),
            "threads": threads,
            "memory_limit": engine.memory_limit,
            "preserve_insertion_order": False,
            # One checkpoint at the end instead of one after every 16 MB written.
            "checkpoint_threshold": "1GB",
            # Keep memory between queries: returning it and asking for it again takes time.
            "allocator_flush_threshold": "64GB",
            "allocator_bulk_deallocation_flush_threshold": "64GB",
        },
        "plugins": [
            {
                "module": "shopwright.warehouse.bronze",
                "config": {
                    "lake": str(project.lake),
                    "publish_unmapped": project.settings.shop.publish_unmapped,
                },
            }
        ],
    }
    # JSON is valid YAML and needs no escaping by hand.
    text = json.dumps({"shopwright": {"target": "duckdb", "outputs": {"duckdb": output}}}, indent=2)
    project.work.mkdir(parents=True, exist_ok=True)
    (project.work / "profiles.yml").write_text(text + "\n", encoding="utf-8")
    return project.work


def dbt_arguments(project: Project) -> list[str]:
    """Return the arguments that every dbt command of this project needs."""
    return [
        "--project-dir",
        str(DBT_PROJECT),
        "--profiles-dir",
        str(write_profile(project)),
        "--target-path",
        str(project.work / "target"),
        "--log-path",
        str(project.work / "logs"),
        "--vars",
        json.dumps(dbt_variables(project)),
    ]
