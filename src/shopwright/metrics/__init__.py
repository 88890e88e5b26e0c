"""Named business metrics, defined once and read by experiments, service and app.

A metric is a formula over what one unit (a user, or a session) did. It knows its unit, which direction is better, and of
which kind it is, since the kind decides how it is compared. How it is compared belongs to the rooms that do so.
"""

from shopwright.metrics.definitions import MEASURES, METRICS, Kind, Metric

__all__ = ["MEASURES", "METRICS", "Kind", "Metric"]
