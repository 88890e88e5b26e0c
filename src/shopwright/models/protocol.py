"""What every room offers, and what training one gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import duckdb
    import numpy as np
    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Score
    from shopwright.evaluation.verdicts import Gate, Judgement
    from shopwright.models.claim import Claim
    from shopwright.settings import ModelSettings


Window = Literal["later", "new"]
"""Decisions that a version is judged anew on: the newest ones that nothing was learnt from, or only those of them that were not
known when it was judged in training."""
CHAMPION = "champion"
"""Its name in tables of scores."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a room may use."""

    published: Path
    """The published database; rooms only read it."""
    settings: ModelSettings
    watch: Callable[[str, float, float], None] = field(default=lambda *_: None)
    """Told what is being done, and how far it is: text, done, total."""
    champion: Path | None = None
    """Folder of the model that serves now and is to be compared with; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How good a model is on decisions that it did not learn from, beside baselines and the model that serves."""

    room: str
    kind: str
    """Which sort of model, such as ``xgboost``."""
    scores: dict[str, dict[str, Score]]
    """Candidate or baseline to its scores; the model that is judged comes first."""
    baselines: tuple[str, ...]
    """Which of them are baselines."""
    judgement: Judgement
    gate: Gate
    findings: tuple[Finding, ...]
    """What the leak audit found."""
    window: dict[str, Any]
    """Days of training, validation and test, with their numbers of rows."""
    fingerprint: str
    """Of the rows that it was trained and judged on."""
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Further results as rows: reliability curve, importance, tried settings."""
    judged_on: str = "the test window"
    """What the scores are of, in words."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores should know, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Evaluation):
    """A trained model, judged, before it is registered."""

    parameters: dict[str, Any]
    features: tuple[str, ...]
    files: Callable[[Path], dict[str, Any]]
    """Writes the artifact's files into a folder and says what the manifest should hold beside the above."""


@dataclass(frozen=True, slots=True)
class Given:
    """A version that is judged anew."""

    folder: Path
    """Its verified artifact."""
    name: str
    """As tables of scores name it."""
    window: Window = "later"


@dataclass(frozen=True, slots=True)
class Sample:
    """What each feature adds to the score of each of some decisions, drawn at random."""

    names: tuple[str, ...]
    contributions: NDArray[np.float64]
    """(rows, names)."""
    values: dict[str, NDArray[Any]]
    """Name to the feature's values, (rows,): numbers with NaN, or texts with None, where not known."""
    base: float
    """Score of nobody in particular, on the scale of the contributions."""
    scale: str
    """What the contributions add up on, such as ``log odds``."""
    drawn_from: str
    """What the rows are, in words."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one entity has its score: as numbers that add up, or in sentences."""

    entity: str
    decided_at: str
    score: float
    base: float
    """Score of nobody in particular, on the scale of the contributions."""
    scale: str
    """What the contributions add up on, such as ``log odds``."""
    contributions: dict[str, float]
    """Feature to what it adds to ``base``; the sum is the raw score."""
    values: dict[str, Any]
    """Feature to its value; None where it is not known."""
    answer: str = ""
    """The score as people read it; where empty, it is a probability."""
    reasons: tuple[str, ...] = ()
    """Sentences, where numbers do not say it; there may be no contributions then."""


class Loaded(Protocol):
    """A model as it was read from its artifact."""

    def score(self, connection: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
        """Columns of the scores' table, one entry an entity, as of the shop's last day."""

    def explain(self, connection: duckdb.DuckDBPyConnection, entity: str) -> Explanation:
        """Why an entity has its score.

        Raises:
            DataError: the shop does not know it.
        """

    def sample(self, connection: duckdb.DuckDBPyConnection, *, rows: int, seed: int) -> Sample:
        """What features add to the scores of some decisions.

        Args:
            connection: to the published database.
            rows: decisions to draw at most.
            seed: of the draw.

        Raises:
            DataError: there are no decisions.
            ConfigurationError: the model explains itself in sentences.
        """


class Room(Protocol):
    """One question that a model answers."""

    @property
    def name(self) -> str:
        """As commands know it."""

    @property
    def question(self) -> str:
        """What it answers."""

    @property
    def entity(self) -> str:
        """Who or what is scored."""

    @property
    def decision(self) -> str:
        """When it is decided, in words."""

    @property
    def outcome(self) -> str:
        """What is predicted, in words."""

    @property
    def scores_table(self) -> str:
        """Such as ``gold.scores_churn``."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Column of that table to its meaning."""

    @property
    def claim(self) -> Claim | None:
        """A recipe that looks better than it is, to be shown beside the room's model; None where there is none."""

    def missing(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """What the shop lacks for it, in words; None where nothing is missing."""

    def train(self, context: Context) -> Training:
        """Train, judge and audit.

        Raises:
            DataError: there is too little data; the message says how much is needed.
        """

    def evaluate(self, context: Context, given: Given) -> Evaluation:
        """Judge a version anew on the shop's data of now, as training judges.

        Raises:
            DataError: there are no decisions yet to judge it on.
        """

    def audit(self, context: Context) -> tuple[tuple[Finding, ...], int]:
        """What speaks for a leak, and how many decisions were compared after their future was rewritten."""

    def load(self, folder: Path) -> Loaded:
        """Read a model from its verified artifact."""
