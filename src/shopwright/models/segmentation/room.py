"""The room as all models have it: trained on the customers of today, served by the rules."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError, DataError
from shopwright.models.audit import find_look_ahead
from shopwright.models.protocol import EvaluationResult, Explanation, TrainingResult
from shopwright.models.segmentation import tables
from shopwright.models.segmentation.config import SegmentationConfig
from shopwright.models.segmentation.data import NAMES, TABLE, draw, read_customers, snapshot_dates
from shopwright.models.segmentation.features import FEATURE_VIEW, rewrites
from shopwright.models.segmentation.rfm import class_names
from shopwright.models.segmentation.train import Segmentation
from shopwright.models.segmentation.train import train as find_segments
from shopwright.models.segmentation.verdict import NOTES, gate_segments, judge_segments, scores_of
from shopwright.models.training_set import find_missing_requirement
from shopwright.registry.fingerprint import fingerprint
from shopwright.registry.manifest import read_window

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.protocol import Sample, TrainingContext, VersionRef
    from shopwright.models.segmentation.data import Customers

KIND = "k-means"
FILE, SQL_FILE, TEXT_FILE = "segmentation.json", "rules.sql", "rules.txt"
RFM = ("recency_days", "frequency", "monetary")
"""What scores are given for."""


@dataclass(frozen=True, slots=True)
class SegmentationRoom:
    """Which customers are alike, with its words."""

    name: str
    question: str
    entity: str
    decision: str
    outcome: str
    scores_table: str
    columns: Mapping[str, str]
    """Column of the table of scores to its meaning."""
    needs: str
    """What the shop must have, in words."""
    config: SegmentationConfig = field(default_factory=SegmentationConfig)
    """Its seed is that of the settings in training."""
    naive_recipe: None = None

    def missing_requirement(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """What the shop lacks for it, in words; None where nothing is missing."""
        return find_missing_requirement(connection, TABLE, needs=self.needs, evidence=TABLE)

    def train(self, context: TrainingContext) -> TrainingResult:
        """Find segments among the customers of today, restate them as rules, judge and audit.

        Raises:
            DataError: there are too few customers, or they differ too little.
        """
        config = self.config.model_copy(update={"seed": context.settings.seed % 2**31})
        context.on_progress("reading customers", 0, 0)
        today, before, customers = _read(context, config)
        context.on_progress("finding segments", 0, 0)
        found = find_segments(customers, config)
        judged = self._judged(context, KIND, found, today=(today, customers), before=before)
        return TrainingResult(
            **{each.name: getattr(judged, each.name) for each in fields(judged)},
            parameters=_parameters(found),
            features=inputs(found),
            files=lambda folder: _save(folder, found, customers),
        )

    def evaluate(self, context: TrainingContext, version: VersionRef) -> EvaluationResult:
        """Measure a version's segments and rules on the customers of today.

        Raises:
            DataError: there are too few customers, or none later than those it was found with.
        """
        context.on_progress("reading customers", 0, 0)
        found = LoadedSegmentation.load(version.folder).segmentation
        today, before, customers = _read(context, found.config)
        _check_later(today, version)
        context.on_progress("measuring", 0, 0)
        measured = found.measured(customers)
        return self._judged(context, version.name, measured, today=(today, customers), before=before)

    def _judged(
        self,
        context: TrainingContext,
        name: str,
        found: Segmentation,
        *,
        today: tuple[date, Customers],
        before: tuple[date, Customers] | None,
    ) -> EvaluationResult:
        """What is told of segments that were measured on the customers of a day.

        Args:
            context: the shop and the model that serves now.
            name: of the scores.
            found: the segments.
            today: the day and its customers.
            before: an earlier day, and its customers.
        """
        context.on_progress("auditing for leaks", 0, 0)
        findings, _ = self.audit(context)
        day, customers = today
        return EvaluationResult(
            model=self.name,
            kind=KIND,
            scores={name: scores_of(found)},
            baselines=(),
            verdict=judge_segments(found, findings),
            gate=gate_segments(found, findings, _likeness(context, found, customers)),
            findings=findings,
            window=_window(found, day, customers),
            fingerprint=fingerprint(
                {"customer_id": customers.ids, **{name: customers.column(name) for name in NAMES}}
            ),
            tables={
                "portraits": tables.portrait_rows(found, customers),
                "segment_importance": tables.importance_rows(found),
                "choice": tables.choice_rows(found),
                "rules": tables.rule_rows(found),
                "moves": tables.move_rows(found, before, today),
            },
            evaluated_on=f"the {len(customers):,} customers of {day}",
            notes=NOTES,
        )

    def audit(self, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
        """Features that look ahead, and how many were compared after their future was rewritten.

        No outcome is foretold, so no feature can give one away, and no split can mix times.
        """
        findings, compared = find_look_ahead(
            context.published, FEATURE_VIEW, rewrites, seed=context.settings.seed
        )
        return tuple(findings), compared

    def load(self, folder: Path) -> LoadedSegmentation:
        """Read a model from its verified artifact."""
        return LoadedSegmentation.load(folder)


@dataclass(frozen=True, slots=True)
class LoadedSegmentation:
    """Segments that customers are told by the rules."""

    segmentation: Segmentation

    @classmethod
    def load(cls, folder: Path) -> LoadedSegmentation:
        """Read what training wrote."""
        return cls(Segmentation.from_dict(json.loads((folder / FILE).read_text(encoding="utf-8"))))

    def score(self, connection: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
        """Segment, name, campaign and scores of the customers of today, and where they come from.

        Raises:
            DataError: there are no customers.
        """
        found = self.segmentation
        today, earlier = snapshot_dates(connection)
        customers = read_customers(connection, snapshot_date=today)
        labels = found.rules.label(customers)
        scores = found.scale.scores(customers)
        moments = np.full(len(customers), np.datetime64(today, "us"))
        return {
            "customer_id": customers.ids.astype(object),
            "snapshot_date": moments,
            "decided_at": moments,
            "segment": labels.astype(np.int32),
            "segment_name": np.array(found.names, dtype=object)[labels],
            "campaign": np.array([each.campaign for each in found.portraits], dtype=object)[labels],
            "rfm_class": np.array(class_names(scores), dtype=object),
            "recency_score": scores[:, 0].astype(np.int32),
            "frequency_score": scores[:, 1].astype(np.int32),
            "monetary_score": scores[:, 2].astype(np.int32),
            "moved_from": self._segments_at(connection, earlier, customers.ids),
        }

    def sample(self, connection: duckdb.DuckDBPyConnection, *, rows: int, seed: int) -> Sample:  # noqa: ARG002
        """Nothing: a rule puts a customer into a segment, no sum of parts.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(
            "customers are put into segments by rules, so no feature adds to a score; 'shopwright models show segmentation "
            "champion' shows the rules"
        )

    def _segments_at(
        self, connection: duckdb.DuckDBPyConnection, snapshot: date | None, ids: NDArray[np.str_]
    ) -> NDArray[np.object_]:
        """Segments by the rules at a snapshot, (n,); None for who was no customer then."""
        if snapshot is None:
            return np.full(len(ids), None, dtype=object)
        customers = read_customers(connection, snapshot_date=snapshot)
        labels = dict(
            zip(customers.ids.tolist(), self.segmentation.rules.label(customers).tolist(), strict=True)
        )
        return np.array([labels.get(each) for each in ids.tolist()], dtype=object)

    def explain(self, connection: duckdb.DuckDBPyConnection, entity: str) -> Explanation:
        """Which rule puts a customer of today into their segment.

        Raises:
            DataError: the shop does not know them.
        """
        found = self.segmentation
        today, earlier = snapshot_dates(connection)
        customer = read_customers(connection, snapshot_date=today, customer=entity)
        if not len(customer):
            raise DataError(f"{TABLE} has no customer_id '{entity}' today")
        before = None
        if earlier is not None:
            then = read_customers(connection, snapshot_date=earlier, customer=entity)
            before = (earlier, found.rules.label(then).tolist())
        values = {name: float(customer.column(name)[0]) for name in inputs(found)}
        segment = int(found.rules.label(customer)[0])
        return Explanation(
            entity=entity,
            decided_at=str(np.datetime64(today, "us")),
            score=float(segment),
            base=0.0,
            scale="",
            contributions={},
            values={name: None if np.isnan(value) else value for name, value in values.items()},
            score_text=found.names[segment],
            reasons=_reasons(found, customer, before),
        )


def inputs(found: Segmentation) -> tuple[str, ...]:
    """Features that a customer's segment and scores follow from."""
    return tuple(name for name in NAMES if name in {*found.clustering.features, *RFM})


def _read(
    context: TrainingContext, config: SegmentationConfig
) -> tuple[date, tuple[date, Customers] | None, Customers]:
    """Today, the snapshot a month before with its customers, and the customers of today."""
    with connect(context.published, read_only=True) as connection:
        today, earlier = snapshot_dates(connection)
        customers = read_customers(connection, snapshot_date=today)
        before = None if earlier is None else (earlier, read_customers(connection, snapshot_date=earlier))
    drawn = draw(customers, context.settings.max_rows, seed=config.seed)
    return today, before if before is None else (before[0], _before(before[1], customers, drawn)), drawn


def _check_later(today: date, given: VersionRef) -> None:
    """See that the customers are not of an earlier day than those that segments were found with."""
    found = str(read_window(given.folder)["snapshot_date"])
    if str(today) < found or (given.window == "new" and str(today) == found):
        raise DataError(
            f"{TABLE}: {given.name} has no later customers to be judged on yet: it was found with those of {found}, and the "
            f"shop's last ones are of {today}"
        )


def _before(earlier: Customers, customers: Customers, drawn: Customers) -> Customers:
    """The earlier customers without those who were left out of the later ones."""
    return earlier.only(~np.isin(earlier.ids, np.setdiff1d(customers.ids, drawn.ids)))


def _likeness(context: TrainingContext, found: Segmentation, customers: Customers) -> float | None:
    """Adjusted Rand index between the new labels and the champion's; None where there is no champion."""
    if context.champion is None:
        return None
    champion = LoadedSegmentation.load(context.champion).segmentation
    return float(adjusted_rand_score(champion.rules.label(customers), found.rules.label(customers)))


def _parameters(found: Segmentation) -> dict[str, Any]:
    """Choices that change the answer, as texts and numbers."""
    chosen = found.config.model_dump()
    return {**chosen, "features": ", ".join(found.config.features), "segments": found.clustering.segments}


def _window(found: Segmentation, today: date, customers: Customers) -> dict[str, Any]:
    held_out = found.rules.held_out
    return {
        "snapshot_date": str(today),
        "training": {"rows": len(customers) - held_out},
        "test": {"rows": held_out},
    }


def _save(folder: Path, found: Segmentation, customers: Customers) -> dict[str, Any]:
    """Write the artifact.

    Returns:
        The features with their ranges, as the manifest records them.
    """
    kept = json.dumps(found.to_dict(), indent=1, allow_nan=False)
    for name, text in (
        (FILE, kept),
        (SQL_FILE, found.rules.to_sql()),
        (TEXT_FILE, found.rules.to_text(found.names)),
    ):
        (folder / name).write_text(text + "\n", encoding="utf-8")
    names = inputs(found)
    return {
        "features": {
            "features": [{"name": name, "kind": "number"} for name in names],
            "ranges": {name: _range(customers.column(name)) for name in names},
        }
    }


def _range(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    there = values[~np.isnan(values)]
    return (float(there.min()), float(there.max())) if len(there) else (None, None)


def _reasons(
    found: Segmentation, customer: Customers, before: tuple[date, list[int]] | None
) -> tuple[str, ...]:
    """The rule, how sure it is, the scores, where one customer comes from, and what may be done.

    Args:
        found: gives segments and rules.
        customer: one.
        before: the earlier date, and the segment at it, if any.
    """
    rule = found.rules.rules[int(found.rules.met(customer)[0])]
    nearest = int(found.clustering.label(customer)[0])
    recency, frequency, monetary = found.scale.scores(customer)[0].tolist()
    reasons = [
        f"The rule: {rule.words}.",
        f"Of the {rule.customers:,} customers it was learned from, {rule.purity:.0%} are of {found.names[rule.segment]}.",
        f"Scores of 1 to 5: recency {recency}, frequency {frequency}, money {monetary}.",
        f"Campaign: {found.portraits[rule.segment].campaign}",
    ]
    if nearest != rule.segment:
        reasons.insert(
            2,
            f"The nearest centre is that of {found.names[nearest]}: this is one whom the rules tell wrongly.",
        )
    if before is not None:
        day, segments = before
        where = f"in {found.names[segments[0]]}" if segments else "no customer yet"
        reasons.append(f"At {day}, by the same rules: {where}.")
    return tuple(reasons)
