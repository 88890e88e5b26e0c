"""The leak audit of features: the same decisions again, after everything that came later was rewritten.

A feature that differs has looked ahead. The proof runs on the shop's own rows: a few moments are drawn, the tables below the
features are exchanged for copies in which all that happened after the moment is changed, and the features of decisions up to
it must come out the same, byte for byte.
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

MOMENTS = 3
"""Moments at which the future is rewritten."""
MOST_ROWS = 20_000
"""Decisions compared; of more, whole entities are drawn."""


def find_look_ahead(
    published: Path,
    view: FeatureView,
    rewrites: Callable[[str], Mapping[str, str]],
    *,
    where: str = "",
    seed: int,
    moments: int = MOMENTS,
    max_rows: int = MOST_ROWS,
) -> tuple[list[Finding], int]:
    """Features that change when what comes after the decision does.

    Args:
        published: the published database.
        view: the features.
        rewrites: of a moment as a SQL literal, the tables below them with everything after it rewritten.
        where: SQL condition of the decisions that are learnt from, which must not look ahead either.
        seed: of the moments drawn.
        moments: how many.
        max_rows: decisions compared.

    Returns:
        What was found, and how many (entity, time) pairs were compared.
    """
    with connect(published, read_only=True) as connection:
        known = read_training_set(connection, view, where=where, max_rows=max_rows)
    times = np.unique(known.decided_at)
    if not len(times):
        return [], 0
    rng = np.random.default_rng(seed)
    drawn = np.unique(rng.choice(times, size=min(moments, len(times)), replace=False))
    findings: dict[str, Finding] = {}
    compared = 0
    for moment in drawn:
        literal = f"timestamp '{str(moment).replace('T', ' ')}'"
        conditions = (f"{view.decided_at} <= {literal}", where, known.sampling_condition)
        until = " and ".join(f"({each})" for each in conditions if each)
        with replay(published, view.table, rewrites(literal)) as connection:
            after = read_training_set(connection, view, where=until)
        before = known.take(known.decided_at <= moment)
        compared += len(before)
        names = [each.name for each in view.features]
        old, new = ([frame.columns[name] for name in names] for frame in (before, after))
        for finding in find_changed_features(old, new, names, _keys(before)):
            findings.setdefault(finding.feature, finding)
    return list(findings.values()), compared


def _keys(frame: TrainingSet) -> NDArray[np.object_]:
    """Who and when, (rows, parts)."""
    parts = [frame.entity, *frame.keys.values(), frame.decided_at]
    return np.column_stack([part.astype(object) for part in parts])
