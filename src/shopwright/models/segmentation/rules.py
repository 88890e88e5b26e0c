"""Segments restated as rules on the customers' own figures: readable, and the same in SQL and in Python."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

from shopwright.core.sql import quote_name, quote_text
from shopwright.models.segmentation.data import features_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shopwright.models.segmentation.clustering import Clustering
    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.data import Customers, Floats, Labels

FOLDS = 5

NEAR = 0.005
"""A tree that agrees this much less than the best one does as well."""


@dataclass(frozen=True, slots=True)
class Bound:
    """``above < value <= at_most``; None is no limit."""

    feature: str
    above: float | None
    at_most: float | None

    def holds(self, values: Floats) -> NDArray[np.bool_]:
        """Where it holds, (n,)."""
        low = -np.inf if self.above is None else self.above
        high = np.inf if self.at_most is None else self.at_most
        return (values > low) & (values <= high)


@dataclass(frozen=True, slots=True)
class Rule:
    """Customers who meet all bounds are of a segment; each customer meets one rule only."""

    bounds: tuple[Bound, ...]
    segment: int
    customers: int
    """How many it was learned from."""
    purity: float
    """Share of these that are of the segment."""

    @property
    def words(self) -> str:
        """The bounds in words."""
        return " and ".join(map(_words, self.bounds)) or "everybody"


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules that restate segments, and how well they do for customers they did not learn from."""

    fillings: dict[str, float]
    """Feature to what is taken where a customer has no value, in the feature's unit."""
    rules: tuple[Rule, ...]
    agreement: float
    """Share of the held-out customers whose segment the rules tell."""
    macro_f1: float
    """F1 of the held-out customers' segments, the mean over segments."""
    held_out: int
    """Customers that both were measured on."""

    def label(self, customers: Customers) -> Labels:
        """Each customer's segment by the rules, (n,)."""
        return np.array([rule.segment for rule in self.rules], dtype=np.int64)[self.met(customers)]

    def met(self, customers: Customers) -> Labels:
        """Position of the rule that each customer meets, (n,)."""
        columns = _columns(self.fillings, customers)
        found = np.full(len(customers), len(self.rules) - 1, dtype=np.int64)
        for place, rule in enumerate(self.rules):
            holds = [bound.holds(columns[bound.feature]) for bound in rule.bounds]
            found[np.logical_and.reduce(holds, axis=0) if holds else slice(None)] = place
        return found

    def measured(self, customers: Customers, clustering: Clustering) -> Rules:
        """The same rules, with how well they tell the segments of these customers."""
        told, true = self.label(customers), clustering.label(customers)
        return replace(
            self,
            agreement=float(np.mean(told == true)),
            macro_f1=float(f1_score(true, told, average="macro")),
            held_out=len(customers),
        )

    def to_sql(self, names: Sequence[str] | None = None) -> str:
        """A SQL expression over the columns of ``feat_segmentation`` that gives the same labels as :meth:`label`.

        Args:
            names: given these, the expression gives a segment's name, else its number.
        """
        *others, last = self.rules
        if not others:
            return _result(last, names)
        lines = [f"    when {_condition(rule, self.fillings)} then {_result(rule, names)}" for rule in others]
        return "\n".join(["case", *lines, f"    else {_result(last, names)}", "end"])

    def to_text(self, names: Sequence[str] | None = None) -> str:
        """The rules in words, one a line, by segment, the one that speaks of most customers first."""
        ordered = sorted(self.rules, key=lambda rule: (rule.segment, -rule.customers))
        return "\n".join(
            f"{names[rule.segment] if names else f'segment {rule.segment}'}: "
            f"{rule.words} ({rule.customers:,} customers, {rule.purity:.0%} of them rightly)"
            for rule in ordered
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Rules:
        """What :meth:`to_dict` gave."""
        rules = tuple(
            Rule(**{**rule, "bounds": tuple(Bound(**bound) for bound in rule["bounds"])})
            for rule in kept["rules"]
        )
        return cls(**{**kept, "rules": rules})


def restate(
    customers: Customers,
    clustering: Clustering,
    *,
    learned_on: Labels,
    measured_on: Labels,
    config: SegmentationConfig,
) -> Rules:
    """Find rules that tell the segments of a clustering, by a small decision tree.

    The tree has as few leaves as agree, in cross-validation, as well as the best one. Each threshold is moved to the
    roundest number that parts the customers it was learned from in the same way.

    Source: L. Breiman and others, "Classification and regression trees", 1984, as scikit-learn has it.

    Args:
        customers: all.
        clustering: gives the segments.
        learned_on: positions of customers that rules are learned from.
        measured_on: positions of customers that they are measured on.
        config: limits of the tree.
    """
    fillings = {scale.name: scale.filling for scale in clustering.scales}
    columns, labels = _columns(fillings, customers), clustering.label(customers)
    values = np.column_stack(list(columns.values()))
    tree = _tree(values[learned_on], labels[learned_on], config)
    rules = _Reader(tree, clustering.features, values[learned_on], labels[learned_on]).rules()
    found = Rules(fillings=fillings, rules=rules, agreement=0.0, macro_f1=0.0, held_out=len(measured_on))
    return found.measured(customers.only(measured_on), clustering)


def _columns(fillings: Mapping[str, float], customers: Customers) -> dict[str, Floats]:
    columns = {name: customers.column(name) for name in fillings}
    return {name: np.where(np.isnan(values), fillings[name], values) for name, values in columns.items()}


def _tree(values: Floats, labels: Labels, config: SegmentationConfig) -> DecisionTreeClassifier:
    segments = len(np.unique(labels))
    sizes = [size for size in (4, 6, 8, 12, 16, 24, 32, 48, 64) if segments <= size <= config.most_leaves]
    trees = [_unfitted(size, len(labels), config) for size in sizes or [config.most_leaves]]
    folds = KFold(FOLDS, shuffle=True, random_state=config.seed)
    agreements = [cross_val_score(tree, values, labels, cv=folds).mean() for tree in trees]
    first = next(place for place, agreement in enumerate(agreements) if agreement >= max(agreements) - NEAR)
    return trees[first].fit(values, labels)


def _unfitted(leaves: int, rows: int, config: SegmentationConfig) -> DecisionTreeClassifier:
    least = max(5, round(rows * config.least_leaf_share))
    return DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=least, random_state=config.seed)


class _Reader:
    """Turns a fitted tree into rules with round thresholds."""

    def __init__(
        self, tree: DecisionTreeClassifier, features: Sequence[str], values: Floats, labels: Labels
    ) -> None:
        self._nodes = tree.tree_
        self._features = features
        self._values = values
        self._labels = labels

    def rules(self) -> tuple[Rule, ...]:
        """One for each leaf."""
        return tuple(self._below(0, np.arange(len(self._labels)), {}))

    def _below(self, node: int, rows: Labels, bounds: dict[int, tuple[float, float]]) -> list[Rule]:
        if self._nodes.children_left[node] < 0:
            return [self._leaf(rows, bounds)]
        place = int(self._nodes.feature[node])
        values = self._values[rows, place]
        is_low = values <= self._nodes.threshold[node]
        threshold = roundest_between(float(values[is_low].max()), float(values[~is_low].min()))
        low, high = bounds.get(place, (-np.inf, np.inf))
        left, right = self._nodes.children_left[node], self._nodes.children_right[node]
        below = self._below(left, rows[is_low], {**bounds, place: (low, min(high, threshold))})
        above = self._below(right, rows[~is_low], {**bounds, place: (max(low, threshold), high)})
        if len(below) == len(above) == 1 and below[0].segment == above[0].segment:
            return [self._leaf(rows, bounds)]
        return below + above

    def _leaf(self, rows: Labels, bounds: Mapping[int, tuple[float, float]]) -> Rule:
        counts = np.bincount(self._labels[rows])
        return Rule(
            bounds=tuple(self._bound(place, *bounds[place]) for place in sorted(bounds)),
            segment=int(counts.argmax()),
            customers=len(rows),
            purity=float(counts.max() / len(rows)),
        )

    def _bound(self, place: int, low: float, high: float) -> Bound:
        return Bound(
            feature=self._features[place],
            above=None if np.isinf(low) else low,
            at_most=None if np.isinf(high) else high,
        )


def roundest_between(low: float, high: float) -> float:
    """The middle of two numbers, rounded as far as it stays at least ``low`` and less than ``high``.

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


def _condition(rule: Rule, fillings: Mapping[str, float]) -> str:
    parts = [part for bound in rule.bounds for part in _comparisons(bound, fillings[bound.feature])]
    return " and ".join(parts)


def _comparisons(bound: Bound, filling: float) -> list[str]:
    value = f"coalesce({_as_double(bound.feature)}, {double_literal(filling)})"
    above = [] if bound.above is None else [f"{value} > {double_literal(bound.above)}"]
    at_most = [] if bound.at_most is None else [f"{value} <= {double_literal(bound.at_most)}"]
    return above + at_most


def _as_double(feature: str) -> str:
    column = quote_name(feature)
    if features_of([feature])[0].kind == "flag":
        column = f"cast({column} as integer)"
    return f"cast({column} as double precision)"


def double_literal(value: float) -> str:
    """SQL of a double, to the last bit: its shortest exact decimal with an exponent, which makes it no DECIMAL.

    Example:
        >>> double_literal(0.1), double_literal(-1e-07), double_literal(57.0)
        ('0.1e0', '-1e-07', '57.0e0')
    """
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def _result(rule: Rule, names: Sequence[str] | None) -> str:
    return quote_text(names[rule.segment]) if names else str(rule.segment)


def _words(bound: Bound) -> str:
    feature = features_of([bound.feature])[0]
    if feature.kind == "flag":
        return feature.words[0] if bound.above is None else feature.words[1]
    if bound.above is None:
        return f"{bound.feature} at most {bound.at_most:,.6g}"
    if bound.at_most is None:
        return f"{bound.feature} above {bound.above:,.6g}"
    return f"{bound.feature} above {bound.above:,.6g} up to {bound.at_most:,.6g}"
