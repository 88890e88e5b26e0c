"""Routes of the HTTP API, one module per subject. A new one is added to ``ROUTERS``."""

from __future__ import annotations

from shopwright.service.routes import bulk, customers, events, experiments, health, models, predict, reports

ROUTERS = (
    health.router,
    predict.router,
    bulk.router,
    customers.router,
    experiments.router,
    reports.router,
    models.router,
    events.router,
)
"""All routers, in the order of the API documentation."""
