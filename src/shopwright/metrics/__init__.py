"""Named business metrics of experiments, defined once.

A metric is a formula over what one unit (a user or a session) did. It knows its unit, which direction is better, and its
kind, which decides how it is compared. The comparison itself belongs in ``experiments``.
"""

from shopwright.metrics.definitions import MEASURES, METRICS, Kind, Metric

__all__ = ["MEASURES", "METRICS", "Kind", "Metric"]
