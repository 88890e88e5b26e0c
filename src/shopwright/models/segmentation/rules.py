"""Segments restated as readable rules on the customers' features, equal in SQL and in Python."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

from shopwright.core.sql import quote_name, quote_text
from shopwright.models.segmentation.customers import find_features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shopwright.models.segmentation.clustering import Clustering
    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.customers import Customers, Floats, Labels

FOLDS = 5

NEAR = 0.005
"""A smaller tree is preferred if its agreement is at most this much below the best one's."""


@dataclass(frozen=True, slots=True)
class Bound:
    """``above < value <= at_most``; None is no limit."""

    feature: str
    above: float | None
    at_most: float | None

    def holds(self, values: Floats) -> NDArray[np.bool_]:
        """Return where the bound holds, (n,)."""
        low = -np.inf if self.above is None else self.above
        high = np.inf if self.at_most is None else self.at_most
        return (values > low) & (values <= high)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: customers who meet all bounds belong to a segment. Every customer meets exactly one rule."""

    bounds: tuple[Bound, ...]
    segment: int
    customers: int
    """Training customers who meet the rule."""
    purity: float
    """Share of these who belong to the segment, 0 to 1."""

    @property
    def text(self) -> str:
        """The bounds as text."""
        return " and ".join(map(_format_bound, self.bounds)) or "all customers"


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules that restate segments, with their agreement on held-out customers."""

    fill_values: dict[str, float]
    """Feature to the value that replaces a missing one, in the feature's unit."""
    rules: tuple[Rule, ...]
    agreement: float
    """Share of the held-out customers whom the rules put into the right segment, 0 to 1."""
    macro_f1: float
    """Mean F1 over segments on the held-out customers, 0 to 1."""
    held_out: int
    """Number of held-out customers."""

    def label(self, customers: Customers) -> Labels:
        """Return each customer's segment by the rules, (n,)."""
        return np.array([rule.segment for rule in self.rules], dtype=np.int64)[self.matching_rule(customers)]

    def matching_rule(self, customers: Customers) -> Labels:
        """Return the position of the rule that each customer meets, (n,)."""
        columns = _columns(self.fill_values, customers)
        positions = np.full(len(customers), len(self.rules) - 1, dtype=np.int64)
        for position, rule in enumerate(self.rules):
            holds = [bound.holds(columns[bound.feature]) for bound in rule.bounds]
            positions[np.logical_and.reduce(holds, axis=0) if holds else slice(None)] = position
        return positions

    def measure(self, customers: Customers, clustering: Clustering) -> Rules:
        """Return the same rules with their agreement on other customers."""
        predicted, actual = self.label(customers), clustering.label(customers)
        return replace(
            self,
            agreement=float(np.mean(predicted == actual)),
            macro_f1=float(f1_score(actual, predicted, average="macro")),
            held_out=len(customers),
        )

    def to_sql(self, names: Sequence[str] | None = None) -> str:
        """Return a SQL expression over the columns of ``feat_segmentation`` with the same labels as :meth:`label`.

        Args:
            names: names of the segments; if given, the expression returns a segment's name instead of its number.
        """
        *leading, last = self.rules
        if not leading:
            return _result(last, names)
        lines = [
            f"    when {_condition(rule, self.fill_values)} then {_result(rule, names)}" for rule in leading
        ]
        return "\n".join(["case", *lines, f"    else {_result(last, names)}", "end"])

    def to_text(self, names: Sequence[str] | None = None) -> str:
        """Return the rules as text, one per line, by segment, those of most customers first."""
        ordered = sorted(self.rules, key=lambda rule: (rule.segment, -rule.customers))
        return "\n".join(
            f"{names[rule.segment] if names else f'segment {rule.segment}'}: "
            f"{rule.text} ({rule.customers:,} customers, {rule.purity:.0%} correct)"
            for rule in ordered
        )

    def to_dict(self) -> dict[str, Any]:
        """Return values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rules:
        """Restore rules from ``to_dict``."""
        rules = tuple(
            Rule(**{**rule, "bounds": tuple(Bound(**bound) for bound in rule["bounds"])})
            for rule in data["rules"]
        )
        return cls(**{**data, "rules": rules})


def fit_rules(
    customers: Customers,
    clustering: Clustering,
    *,
    learned_on: Labels,
    measured_on: Labels,
    config: SegmentationConfig,
) -> Rules:
    """Find rules that restate the segments of a clustering, by a small decision tree.

    The tree is the smallest that agrees, in cross-validation, as well as the best one. Each threshold is moved to the
    roundest number that splits the training customers in the same way.

    Source: L. Breiman and others, "Classification and regression trees", 1984, in the
    implementation of scikit-learn.

    Args:
        customers: all customers.
        clustering: the segments.
        learned_on: positions of the training customers.
        measured_on: positions of the test customers.
        config: limits of the tree.
    """
    fill_values = {scale.name: scale.fill_value for scale in clustering.scales}
    columns, labels = _columns(fill_values, customers), clustering.label(customers)
    values = np.column_stack(list(columns.values()))
    tree = _tree(values[learned_on], labels[learned_on], config)
    rules = _Reader(tree, clustering.features, values[learned_on], labels[learned_on]).rules()
    unmeasured = Rules(
        fill_values=fill_values, rules=rules, agreement=0.0, macro_f1=0.0, held_out=len(measured_on)
    )
    return unmeasured.measure(customers.take(measured_on), clustering)


def _columns(fill_values: Mapping[str, float], customers: Customers) -> dict[str, Floats]:
    columns = {name: customers.column(name) for name in fill_values}
    return {name: np.where(np.isnan(values), fill_values[name], values) for name, values in columns.items()}


def _tree(values: Floats, labels: Labels, config: SegmentationConfig) -> DecisionTreeClassifier:
    segments = len(np.unique(labels))
    sizes = [size for size in (4, 6, 8, 12, 16, 24, 32, 48, 64) if segments <= size <= config.max_leaves]
    trees = [_unfitted(size, len(labels), config) for size in sizes or [config.max_leaves]]
    folds = KFold(FOLDS, shuffle=True, random_state=config.seed)
    agreements = [cross_val_score(tree, values, labels, cv=folds).mean() for tree in trees]
    smallest = next(
        position for position, agreement in enumerate(agreements) if agreement >= max(agreements) - NEAR
    )
    return trees[smallest].fit(values, labels)


def _unfitted(leaves: int, rows: int, config: SegmentationConfig) -> DecisionTreeClassifier:
    min_rows = max(5, round(rows * config.min_leaf_share))
    return DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=min_rows, random_state=config.seed)


class _Reader:
    """Converter of a fitted tree into rules with round thresholds."""

    def __init__(
        self, tree: DecisionTreeClassifier, features: Sequence[str], values: Floats, labels: Labels
    ) -> None:
        self._nodes = tree.tree_
        self._features = features
        self._values = values
        self._labels = labels

    def rules(self) -> tuple[Rule, ...]:
        """Return one rule for each leaf; leaves of one segment with the same parent are merged."""
        return tuple(self._below(0, np.arange(len(self._labels)), {}))

    def _below(self, node: int, rows: Labels, bounds: dict[int, tuple[float, float]]) -> list[Rule]:
        if self._nodes.children_left[node] < 0:
            return [self._leaf(rows, bounds)]
        column = int(self._nodes.feature[node])
        values = self._values[rows, column]
        is_low = values <= self._nodes.threshold[node]
        threshold = roundest_between(float(values[is_low].max()), float(values[~is_low].min()))
        low, high = bounds.get(column, (-np.inf, np.inf))
        left, right = self._nodes.children_left[node], self._nodes.children_right[node]
        below = self._below(left, rows[is_low], {**bounds, column: (low, min(high, threshold))})
        above = self._below(right, rows[~is_low], {**bounds, column: (max(low, threshold), high)})
        if len(below) == len(above) == 1 and below[0].segment == above[0].segment:
            return [self._leaf(rows, bounds)]
        return below + above

    def _leaf(self, rows: Labels, bounds: Mapping[int, tuple[float, float]]) -> Rule:
        counts = np.bincount(self._labels[rows])
        return Rule(
            bounds=tuple(self._bound(column, *bounds[column]) for column in sorted(bounds)),
            segment=int(counts.argmax()),
            customers=len(rows),
            purity=float(counts.max() / len(rows)),
        )

    def _bound(self, column: int, low: float, high: float) -> Bound:
        return Bound(
            feature=self._features[column],
            above=None if np.isinf(low) else low,
            at_most=None if np.isinf(high) else high,
        )


def roundest_between(low: float, high: float) -> float:
    """Return the middle of two numbers, rounded as much as it stays at least ``low`` and less than ``high``.

    Example:
        >>> roundest_between(57.2, 61.9), roundest_between(0.123, 0.125), roundest_between(96.0, 104.0)
        (60.0, 0.124, 100.0)
    """
    middle = low + (high - low) / 2
    for digits in range(-15, 18):
        number = round(middle, digits)
        if low <= number < high:
            return float(number) + 0.0  # turns -0.0 into 0.0
    return low


def _condition(rule: Rule, fill_values: Mapping[str, float]) -> str:
    comparisons = [
        comparison for bound in rule.bounds for comparison in _comparisons(bound, fill_values[bound.feature])
    ]
    return " and ".join(comparisons)


def _comparisons(bound: Bound, fill_value: float) -> list[str]:
    value = f"coalesce({_as_double(bound.feature)}, {double_literal(fill_value)})"
    above = [] if bound.above is None else [f"{value} > {double_literal(bound.above)}"]
    at_most = [] if bound.at_most is None else [f"{value} <= {double_literal(bound.at_most)}"]
    return above + at_most


def _as_double(feature: str) -> str:
    column = quote_name(feature)
    if find_features([feature])[0].kind == "flag":
        column = f"cast({column} as integer)"
    return f"cast({column} as double precision)"


def double_literal(value: float) -> str:
    """Return SQL of a double, exact to the last bit: its shortest decimal, with an exponent so that it is not a DECIMAL.

    Example:
        >>> double_literal(0.1), double_literal(-1e-07), double_literal(57.0)
        ('0.1e0', '-1e-07', '57.0e0')
    """
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def _result(rule: Rule, names: Sequence[str] | None) -> str:
    return quote_text(names[rule.segment]) if names else str(rule.segment)


def _format_bound(bound: Bound) -> str:
    feature = find_features([bound.feature])[0]
    if feature.kind == "flag":
        return feature.labels[0] if bound.above is None else feature.labels[1]
    if bound.above is None:
        return f"{bound.feature} at most {bound.at_most:,.6g}"
    if bound.at_most is None:
        return f"{bound.feature} above {bound.above:,.6g}"
    return f"{bound.feature} above {bound.above:,.6g} up to {bound.at_most:,.6g}"
