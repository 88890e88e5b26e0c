"""The protocol that every model package implements, and the values that training, evaluating and explaining return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from shopwright.core.engine import Connection
    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Score
    from shopwright.evaluation.verdicts import Gate, Verdict
    from shopwright.models.naive_recipe import NaiveRecipe
    from shopwright.settings import ModelSettings


ProgressCallback: TypeAlias = Callable[[str, float, float], None]
"""Called with what is being done, how much of it is done, and the total (0 where unknown)."""
Window = Literal["later", "new"]
"""Decisions to re-evaluate a version on: the newest ones that it did not learn from, or only those among them whose outcomes
were not known yet when it was evaluated in training."""
CHAMPION = "champion"
"""Name of the live version in tables of scores."""


def no_progress(_text: str, _completed: float, _total: float) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """What training and evaluation may use."""

    published: Path
    """The published database; models only read it."""
    settings: ModelSettings
    on_progress: ProgressCallback = field(default=no_progress)
    champion: Path | None = None
    """Artifact folder of the live model to compare with; None if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """How good a model is on decisions that it did not learn from, next to baselines and the live model."""

    model: str
    kind: str
    """Type of estimator, such as ``xgboost``."""
    scores: dict[str, dict[str, Score]]
    """Candidate or baseline to its scores; the evaluated model comes first."""
    baselines: tuple[str, ...]
    """Names in ``scores`` that are baselines."""
    verdict: Verdict
    gate: Gate
    findings: tuple[Finding, ...]
    """Findings of the leak audit."""
    window: dict[str, Any]
    """Days of training, validation and test, with their numbers of rows."""
    fingerprint: str
    """Fingerprint of the rows that the model was trained and evaluated on."""
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Further results as rows: reliability curve, feature importance, tuning trials."""
    evaluated_on: str = "the test window"
    """Description of the rows that the scores are of."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores should know, one sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult(EvaluationResult):
    """A trained and evaluated model that is not registered yet."""

    parameters: dict[str, Any]
    features: tuple[str, ...]
    files: Callable[[Path], dict[str, Any]]
    """Function that writes the artifact's files into a folder and returns what else the manifest should hold."""


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A registered version to re-evaluate."""

    folder: Path
    """Its verified artifact."""
    name: str
    """Name in tables of scores."""
    window: Window = "later"


@dataclass(frozen=True, slots=True)
class Sample:
    """Contributions of each feature to the scores of a random sample of decisions."""

    names: tuple[str, ...]
    contributions: NDArray[np.float64]
    """(rows, names)."""
    values: dict[str, NDArray[Any]]
    """Name to the feature's values, (rows,): numbers with NaN, or strings with None, where unknown."""
    base: float
    """Score before any feature is considered, on the scale of the contributions."""
    scale: str
    """Unit in which contributions add up, such as ``log odds``."""
    population: str
    """Description of the rows that the sample was drawn from."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reasons for one entity's score: contributions that add up, or sentences."""

    entity: str
    decided_at: str
    score: float
    base: float
    """Score before any feature is considered, on the scale of the contributions."""
    scale: str
    """Unit in which contributions add up, such as ``log odds``."""
    contributions: dict[str, float]
    """Feature to what it adds to ``base``; the sum is the raw score."""
    values: dict[str, Any]
    """Feature to its value; None where unknown."""
    score_text: str = ""
    """The score formatted for people; empty if the score is a probability."""
    reasons: tuple[str, ...] = ()
    """Sentences, for what numbers do not say; there may be no contributions then."""


class LoadedModel(Protocol):
    """A model read from its artifact."""

    def score(self, connection: Connection) -> dict[str, NDArray[Any]]:
        """Score all current entities as of the shop's last complete day.

        Returns:
            Columns of the scores table, (entities,) each.
        """

    def explain(self, connection: Connection, entity: str) -> Explanation:
        """Explain the score of one entity.

        Raises:
            DataError: the shop has no such entity.
        """

    def sample(self, connection: Connection, *, rows: int, seed: int) -> Sample:
        """Compute feature contributions for a random sample of decisions.

        Args:
            connection: to the published database.
            rows: maximum size of the sample.
            seed: of the sample.

        Raises:
            DataError: there are no decisions.
            ConfigurationError: the model explains itself in sentences.
        """


class ModelSpec(Protocol):
    """One question that a model answers, and how to train, evaluate and load that model."""

    @property
    def name(self) -> str:
        """Name in commands, such as ``churn``."""

    @property
    def question(self) -> str:
        """The business question, such as "Will this customer leave?"."""

    @property
    def entity(self) -> str:
        """What is scored, such as "customer with an order in the last 180 days"."""

    @property
    def decision(self) -> str:
        """Description of the times at which scores are made; features know nothing later."""

    @property
    def outcome(self) -> str:
        """Description of what is predicted."""

    @property
    def scores_table(self) -> str:
        """Table of the scores, such as ``gold.scores_churn``."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Column of the scores table to its meaning."""

    @property
    def naive_recipe(self) -> NaiveRecipe | None:
        """The usual recipe that looks better than it is, to show next to the model; None if there is none."""

    def missing_requirement(self, connection: Connection) -> str | None:
        """Return what data the shop still needs for this model; None if it has everything."""

    def train(self, context: TrainingContext) -> TrainingResult:
        """Train, evaluate and audit.

        Raises:
            DataError: there is too little data; the message says how much is needed.
        """

    def evaluate(self, context: TrainingContext, version: VersionRef) -> EvaluationResult:
        """Re-evaluate a version on current data, in the same way as training does.

        Raises:
            DataError: there are no later decisions with known outcomes yet.
        """

    def audit(self, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
        """Search the features for leaks.

        Returns:
            The findings, and the number of decisions compared after their future was rewritten.
        """

    def load(self, folder: Path) -> LoadedModel:
        """Read a model from its verified artifact."""
