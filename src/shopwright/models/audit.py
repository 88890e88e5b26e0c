"""Leak audit of features: the same decisions again, after everything later was rewritten.

A feature that differs has looked ahead. The proof runs on the shop's own rows: a few cutoffs are drawn, the tables below the
features are replaced by copies in which everything after the cutoff is changed, and the features of decisions up to
it must come out identical, byte for byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.engine import connect
from shopwright.evaluation.leaks import find_changed_features
from shopwright.models.replay import replay
from shopwright.models.training_set import read_training_set

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.training_set import FeatureView, TrainingSet

CUTOFFS = 3
"""Number of times at which the future is rewritten."""
MAX_ROWS = 20_000
"""Maximum number of decisions to compare; above it, a sample of whole entities."""


def find_look_ahead(
    published: Path,
    view: FeatureView,
    rewrites: Callable[[str], Mapping[str, str]],
    *,
    where: str = "",
    seed: int,
    cutoffs: int = CUTOFFS,
    max_rows: int = MAX_ROWS,
) -> tuple[list[Finding], int]:
    """Find features that change when what comes after the decision changes.

    Args:
        published: the published database.
        view: the features.
        rewrites: function of a cutoff (SQL literal) that returns the tables below the features with everything later
            rewritten.
        where: SQL condition for the decisions to learn from, which must not look ahead either.
        seed: of the choice of cutoffs.
        cutoffs: number of cutoffs.
        max_rows: maximum number of decisions to compare.

    Returns:
        The findings, and the number of (entity, time) pairs compared.
    """
    with connect(published, read_only=True) as connection:
        original = read_training_set(connection, view, where=where, max_rows=max_rows)
    times = np.unique(original.decided_at)
    if not len(times):
        return [], 0
    rng = np.random.default_rng(seed)
    findings: dict[str, Finding] = {}
    compared = 0
    for cutoff in np.unique(rng.choice(times, size=min(cutoffs, len(times)), replace=False)):
        literal = f"timestamp '{str(cutoff).replace('T', ' ')}'"
        conditions = (f"{view.decided_at} <= {literal}", where, original.sampling_condition)
        until = " and ".join(f"({condition})" for condition in conditions if condition)
        with replay(published, view.table, rewrites(literal)) as connection:
            after = read_training_set(connection, view, where=until)
        before = original.take(original.decided_at <= cutoff)
        compared += len(before)
        names = [feature.name for feature in view.features]
        old, new = ([data.columns[name] for name in names] for data in (before, after))
        for finding in find_changed_features(old, new, names, _decision_keys(before)):
            findings.setdefault(finding.feature, finding)
    return list(findings.values()), compared


def _decision_keys(data: TrainingSet) -> NDArray[np.object_]:
    """Return entity, keys and time of each decision, (rows, keys)."""
    columns = [data.entity, *data.keys.values(), data.decided_at]
    return np.column_stack([column.astype(object) for column in columns])
