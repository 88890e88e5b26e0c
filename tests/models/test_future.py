"""Features of a decision do not change when what comes after it does."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.evaluation.leaks import find_changed_features
from shopwright.models import abandonment, churn
from shopwright.models.audit import find_look_ahead
from shopwright.models.replay import replay
from shopwright.models.training_set import read_training_set
from shopwright.warehouse.build import build
from tests.warehouse.shops import make_shop, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.models.classifiers.spec import ClassifierSpec
    from shopwright.models.training_set import TrainingSet
    from shopwright.settings import Project
    from shopwright.simulate import Simulation

SPECS = (abandonment.MODEL, churn.MODEL, churn.SELLER_MODEL)
CUTOFFS = 9
PAIRS = 10_000


def test_ten_thousand_decisions_keep_their_features_when_the_future_is_rewritten(market: Project) -> None:
    compared = {}
    for spec in SPECS:
        findings, compared[spec.name] = find_look_ahead(
            market.published,
            spec.task.view,
            spec.task.rewrites,
            where=spec.task.where,
            seed=5,
            cutoffs=CUTOFFS,
        )
        assert findings == [], spec.name
    assert min(compared.values()) > 100
    assert sum(compared.values()) >= PAIRS


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_rewriting_changes_the_future_itself(market: Project, spec: ClassifierSpec) -> None:
    """Else the proof above would prove nothing."""
    view = spec.task.view
    with connect(market.published, read_only=True) as connection:
        before = read_training_set(connection, view)
    times = np.unique(before.decided_at)
    cutoff = times[len(times) // 2]
    literal = f"timestamp '{str(cutoff).replace('T', ' ')}'"
    with replay(market.published, view.table, spec.task.rewrites(literal)) as connection:
        after = read_training_set(connection, view)
    later_before, later_after = (frame.take(frame.decided_at > cutoff) for frame in (before, after))
    assert fingerprint(later_before) != fingerprint(later_after)


def fingerprint(frame: TrainingSet) -> list[tuple[int, str]]:
    return [(len(frame), repr(sorted(map(str, values.tolist())))) for values in frame.columns.values()]


def test_rewriting_what_a_view_does_not_stand_on_is_refused(market: Project) -> None:
    rewrites = {"silver.int_order_lines": "select * from original.silver.int_order_lines"}
    with (
        pytest.raises(DataError, match=r"feat_abandonment .* does not depend on silver\.int_order_lines"),
        replay(market.published, "gold.feat_abandonment", rewrites),
    ):
        pass


def test_a_view_that_is_not_there_is_told(market: Project) -> None:
    with (
        pytest.raises(DataError, match=r"no gold\.feat_weather"),
        replay(market.published, "gold.feat_weather", {}),
    ):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("month", ["2025-07", "2025-10"])
def test_the_warehouse_of_an_earlier_day_has_the_same_features(
    market: Project, simulation: Simulation, tmp_path: Path, month: str
) -> None:
    """All files of later months are left out, and everything is built anew."""
    earlier = make_shop(tmp_path / "shop", raw=take_earlier(simulation, tmp_path / "raw", month))
    take_in(earlier)
    build(earlier)
    until = np.datetime64(datetime.fromisoformat(f"{month}-01"), "us")
    for spec in (abandonment.MODEL, churn.MODEL):
        view = spec.task.view
        frames = []
        for project in (market, earlier):
            with connect(project.published, read_only=True) as connection:
                frames.append(read_training_set(connection, view))
        last_time = min(until, frames[1].decided_at.max())
        complete, part = (frame.take(select_decisions(frame, last_time, spec)) for frame in frames)
        assert len(complete) == len(part) > 100
        names = list(complete.columns)
        keys = np.column_stack([complete.entity, complete.decided_at.astype(object)])
        columns = [[frame.columns[name] for name in names] for frame in (complete, part)]
        assert find_changed_features(*columns, names, keys) == [], spec.name


def take_earlier(simulation: Simulation, into: Path, month: str) -> Path:
    """Link the files of the months before one, and what has no month."""
    for file in simulation.out.rglob("*.jsonl"):
        if not file.stem[-7:].startswith("20") or file.stem[-7:] < month:
            target = into / file.relative_to(simulation.out)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(file)
    return into


def select_decisions(frame: TrainingSet, last_time: np.datetime64, spec: ClassifierSpec) -> np.ndarray:
    """Decisions up to a moment; of snapshots the firsts of months, which both shops have."""
    selected = frame.decided_at <= last_time
    if spec.name == "churn":
        selected &= frame.decided_at == frame.decided_at.astype("datetime64[M]")
    return selected
