"""What a chart shows, apart from how it is drawn: which bars, in which order, with which labels and limits.

A chart that appears in several places (terminal, app, picture files, HTTP API) is stated here once, as values computed from
plain numbers, and each place renders those values with its own library. No plotting library is imported here; colors and
sizes that only one place needs stay with its renderer. Charts that one place alone draws do not belong here.
"""

from shopwright.charts.colors import DECREASE, INCREASE, NEUTRAL
from shopwright.charts.importance import MAX_FEATURES, FeatureImportance, ImportanceBar
from shopwright.charts.reliability import ReliabilityCurve, ReliabilityPoint
from shopwright.charts.waterfall import MAX_BARS, Waterfall, WaterfallBar

__all__ = [
    "DECREASE",
    "INCREASE",
    "MAX_BARS",
    "MAX_FEATURES",
    "NEUTRAL",
    "FeatureImportance",
    "ImportanceBar",
    "ReliabilityCurve",
    "ReliabilityPoint",
    "Waterfall",
    "WaterfallBar",
]
