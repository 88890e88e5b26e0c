"""What every room offers, and what training one gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Score
    from shopwright.evaluation.verdicts import Gate, Judgement
    from shopwright.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class Context:
    """What a room may use."""

    published: Path
    """The published database; rooms only read it."""
    settings: ModelSettings
    watch: Callable[[str, float, float], None] = field(default=lambda *_: None)
    """Told what is being done, and how far it is: text, done, total."""
    champion: Path | None = None
    """Folder of the model that serves now; None where there is none."""


@dataclass(frozen=True, slots=True)
class Training:
    """A trained model, judged, before it is registered."""

    room: str
    kind: str
    """What was chosen, such as ``xgboost``."""
    parameters: dict[str, Any]
    scores: dict[str, dict[str, Score]]
    """Candidate or baseline to its scores on the test window; the chosen one, calibrated, comes first."""
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
    features: tuple[str, ...]
    files: Callable[[Path], dict[str, Any]]
    """Writes the artifact's files into a folder and says what the manifest should hold beside the above."""
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Further results as rows: reliability curve, importance, tried settings."""
    judged_on: str = "the test window"
    """What the scores are of, in words."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores should know, a sentence each."""


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

    def missing(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """What the shop lacks for it, in words; None where nothing is missing."""

    def train(self, context: Context) -> Training:
        """Train, judge and audit.

        Raises:
            DataError: there is too little data; the message says how much is needed.
        """

    def audit(self, context: Context) -> tuple[tuple[Finding, ...], int]:
        """What speaks for a leak, and how many decisions were compared after their future was rewritten."""

    def load(self, folder: Path) -> Loaded:
        """Read a model from its verified artifact."""
