"""A room whose question is answered with yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.models.classifiers.judging import evaluate_classifier
from shopwright.models.classifiers.predictor import Predictor
from shopwright.models.classifiers.training import audit_classifier, train_classifier
from shopwright.models.frame import draw, lacks, of_entity, read_frame
from shopwright.models.protocol import Explanation, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.claim import Claim
    from shopwright.models.classifiers.question import Question
    from shopwright.models.frame import Frame
    from shopwright.models.protocol import Context, Evaluation, Given, Training

SCALE = "log odds before calibration"
"""What contributions add up on."""
DRAWN_FROM = 10
"""Decisions of whole entities that a sample is drawn from, for each that is drawn."""


@dataclass(frozen=True, slots=True)
class ClassifierRoom:
    """A question with its words; training, scoring and explaining are the same for all of them."""

    ask: Question
    question: str
    entity: str
    decision: str
    outcome: str
    columns: Mapping[str, str]
    """Column of the table of scores to its meaning."""
    needs: str
    """What the shop must have, in words."""
    evidence: str = ""
    """SQL after ``from``: rows that a shop has if it has that; empty: the features themselves, which must be quick to read."""

    @property
    def name(self) -> str:
        """The room's name."""
        return self.ask.name

    @property
    def scores_table(self) -> str:
        """Where scores go."""
        return f"gold.scores_{self.ask.name}"

    @property
    def claim(self) -> Claim | None:
        """The usual recipe, to be shown beside the model."""
        return self.ask.claim

    def missing(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """What the shop lacks for it, in words; None where nothing is missing."""
        return lacks(
            connection,
            self.ask.source.table,
            needs=self.needs,
            evidence=self.evidence or self.ask.source.table,
        )

    def train(self, context: Context) -> Training:
        """Train, judge and audit."""
        return train_classifier(self.ask, context)

    def evaluate(self, context: Context, given: Given) -> Evaluation:
        """Judge a version anew on the shop's data of now."""
        return evaluate_classifier(self.ask, context, given)

    def audit(self, context: Context) -> tuple[tuple[Finding, ...], int]:
        """What speaks for a leak, and how many decisions were compared after their future was rewritten."""
        return audit_classifier(self.ask, context)

    def load(self, folder: Path) -> LoadedClassifier:
        """Read a model from its verified artifact."""
        return LoadedClassifier(self.ask, Predictor.load(folder))


@dataclass(frozen=True, slots=True)
class LoadedClassifier:
    """A classifier that scores what is decided now."""

    ask: Question
    predictor: Predictor

    def score(self, connection: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
        """Entity, keys, moment and probability of all decisions of now."""
        frame = read_frame(connection, self.ask.source, where=self.ask.now)
        return {
            self.ask.source.entity: frame.entity,
            **frame.keys,
            "decided_at": frame.decided_at,
            "probability": self.predictor.probability(frame.columns),
        }

    def explain(self, connection: duckdb.DuckDBPyConnection, entity: str) -> Explanation:
        """Why an entity has its score at its last decision.

        Raises:
            DataError: the shop does not know it.
        """
        source = self.ask.source
        frame = read_frame(connection, source, where=of_entity(source, entity))
        if not len(frame):
            raise DataError(f"{source.table} has no {source.entity} '{entity}'")
        return self._explained(frame.only(frame.decided_at == frame.decided_at.max()))

    def sample(self, connection: duckdb.DuckDBPyConnection, *, rows: int, seed: int) -> Sample:
        """What features add to the log odds of some of all decisions.

        Raises:
            DataError: there are none.
        """
        source = self.ask.source
        frame = read_frame(connection, source, where=self.ask.where, most_rows=rows * DRAWN_FROM)
        if not len(frame):
            raise DataError(f"{source.table} has no decisions")
        found = draw(frame, rows, seed=seed)
        parts, base = self.predictor.contributions(found.columns)
        names = tuple(feature.name for feature in self.predictor.encoder.features)
        return Sample(
            names=names,
            contributions=parts,
            values={name: _values(found, name) for name in names},
            base=float(base[0]),
            scale=SCALE,
            drawn_from=f"decisions up to {str(frame.decided_at[-1])[:10]}",
        )

    def _explained(self, frame: Frame) -> Explanation:
        parts, base = self.predictor.contributions(frame.columns)
        last = len(frame) - 1
        # Those of the version, which may be older than the features of now.
        names = [feature.name for feature in self.predictor.encoder.features]
        return Explanation(
            entity=str(frame.entity[last]),
            decided_at=str(frame.decided_at[last]),
            score=float(self.predictor.probability(frame.columns)[last]),
            base=float(base[last]),
            scale=SCALE,
            contributions=dict(zip(names, map(float, parts[last]), strict=True)),
            values={name: _plain(_values(frame, name)[last]) for name in names},
        )


def _values(frame: Frame, name: str) -> NDArray[Any]:
    """A feature's values, (rows,); not known of any row where the shop's features of now have no such one."""
    return frame.columns[name] if name in frame.columns else np.full(len(frame), np.nan)


def _plain(value: Any) -> Any:
    """A value of a feature for JSON; None where it is not known."""
    if value is None or value != value:  # noqa: PLR0124  # NaN
        return None
    return value if isinstance(value, str) else float(value)
