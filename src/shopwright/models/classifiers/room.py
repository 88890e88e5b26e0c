"""A room whose question is answered with yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import DataError
from shopwright.models.classifiers.predictor import Predictor
from shopwright.models.classifiers.training import audit_classifier, train_classifier
from shopwright.models.frame import lacks, of_entity, read_frame
from shopwright.models.protocol import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.classifiers.question import Question
    from shopwright.models.frame import Frame
    from shopwright.models.protocol import Context, Training


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

    @property
    def name(self) -> str:
        """The room's name."""
        return self.ask.name

    @property
    def scores_table(self) -> str:
        """Where scores go."""
        return f"gold.scores_{self.ask.name}"

    def missing(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """What the shop lacks for it, in words; None where nothing is missing."""
        return lacks(connection, self.ask.source.table, self.needs)

    def train(self, context: Context) -> Training:
        """Train, judge and audit."""
        return train_classifier(self.ask, context)

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

    def _explained(self, frame: Frame) -> Explanation:
        parts, base = self.predictor.contributions(frame.columns)
        last = len(frame) - 1
        return Explanation(
            entity=str(frame.entity[last]),
            decided_at=str(frame.decided_at[last]),
            score=float(self.predictor.probability(frame.columns)[last]),
            base=float(base[last]),
            scale="log odds before calibration",
            contributions={
                feature.name: float(part) for feature, part in zip(frame.features, parts[last], strict=True)
            },
            values={feature.name: _plain(frame.columns[feature.name][last]) for feature in frame.features},
        )


def _plain(value: Any) -> Any:
    """A value of a feature for JSON; None where it is not known."""
    if value is None or value != value:  # noqa: PLR0124  # NaN
        return None
    return value if isinstance(value, str) else float(value)
