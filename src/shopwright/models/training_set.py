"""Rows that a model learns from and scores: one per decision, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shopwright.core.engine import Connection


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that a model may use; the data dictionary holds its unit and meaning."""

    name: str
    kind: Literal["number", "category"] = "number"


@dataclass(frozen=True, slots=True)
class FeatureView:
    """A table or view of features, and the role of each of its columns."""

    table: str
    """Name with schema, such as ``gold.feat_churn``."""
    entity: str
    """Column that identifies who the decision is about; rows of one entity are resampled together."""
    decided_at: str
    """Column with the time of the decision: a date (its midnight) or a timestamp."""
    known_at: str
    """SQL expression for the time from which the outcome is known."""
    outcome: str
    """Column with what happened afterwards; null where it is not known yet. Empty: nothing is predicted."""
    features: tuple[Feature, ...]
    keys: tuple[str, ...] = ()
    """Further columns that distinguish the decisions of one entity."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Decisions with what was known at the time. All arrays have one entry per decision."""

    view: FeatureView
    entity: NDArray[np.object_]
    keys: dict[str, NDArray[Any]]
    decided_at: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]
    outcome: NDArray[np.float64]
    """0 or 1, or an amount; NaN where it is not known yet."""
    columns: dict[str, NDArray[Any]]
    """Feature to its values: float64 with NaN where unknown, or strings with None."""
    sampling_condition: str = ""
    """SQL condition that selected a sample of entities; empty if all were read."""

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features, in the order of the model."""
        return self.view.features

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> TrainingSet:
        """Return the decisions selected by a mask or by positions."""
        return replace(
            self,
            entity=self.entity[rows],
            keys={name: values[rows] for name, values in self.keys.items()},
            decided_at=self.decided_at[rows],
            known_at=self.known_at[rows],
            outcome=self.outcome[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
        )


def read_training_set(
    connection: Connection,
    view: FeatureView,
    *,
    where: str = "",
    max_rows: int | None = None,
) -> TrainingSet:
    """Read decisions, ordered by time, entity and keys.

    Args:
        connection: to a warehouse with the feature view.
        view: table and columns.
        where: SQL condition on its rows.
        max_rows: above about this many, read a sample of whole entities; it is the same sample each time.
    """
    conditions = [where] if where else []
    sampling = "" if max_rows is None else _sampling_condition(connection, view, conditions, max_rows)
    conditions += [sampling] if sampling else []
    arrays = connection.execute(_query(view, conditions)).fetchnumpy()
    return TrainingSet(
        view=view,
        entity=np.ma.getdata(arrays["entity"]).astype(object),
        keys={name: np.ma.getdata(arrays[f"key_{name}"]) for name in view.keys},
        decided_at=np.ma.getdata(arrays["decided_at"]).astype("datetime64[us]"),
        known_at=np.ma.getdata(arrays["known_at"]).astype("datetime64[us]"),
        outcome=_numbers(arrays["outcome"]),
        columns={feature.name: _feature_values(arrays[feature.name], feature) for feature in view.features},
        sampling_condition=sampling,
    )


def sample_rows(data: TrainingSet, rows: int, *, seed: int) -> TrainingSet:
    """Return a random sample of decisions, ordered by time, or all of them if there are fewer than ``rows``."""
    if len(data) <= rows:
        return data
    return data.take(np.sort(np.random.default_rng(seed).choice(len(data), size=rows, replace=False)))


def _sampling_condition(
    connection: Connection, view: FeatureView, conditions: Sequence[str], max_rows: int
) -> str:
    row = connection.execute(f"select count(*) from {view.table}{_where(conditions)}").fetchone()
    count = int(row[0]) if row else 0
    if count <= max_rows:
        return ""
    # By the entity's hash: whole entities stay together, and every run reads the same ones.
    buckets = 1_000
    retained = max(1, int(buckets * max_rows / count))
    return f"hash({quote_name(view.entity)}) % {buckets} < {retained}"


def _query(view: FeatureView, conditions: Sequence[str]) -> str:
    keys = "".join(f", {quote_name(name)} as {quote_name('key_' + name)}" for name in view.keys)
    columns = ", ".join(
        f"cast({quote_name(feature.name)} as {'double' if feature.kind == 'number' else 'varchar'}) "
        f"as {quote_name(feature.name)}"
        for feature in view.features
    )
    order = ", ".join(str(position) for position in range(1, 3 + len(view.keys)))
    return f"""
        select cast({quote_name(view.decided_at)} as timestamp) as decided_at,
            {quote_name(view.entity)} as entity{keys},
            cast({view.known_at} as timestamp) as known_at,
            cast({quote_name(view.outcome) if view.outcome else "null"} as double) as outcome, {columns}
        from {view.table}{_where(conditions)}
        order by {order}
    """


def _where(conditions: Sequence[str]) -> str:
    return f" where {' and '.join(f'({condition})' for condition in conditions)}" if conditions else ""


def _feature_values(values: NDArray[Any], feature: Feature) -> NDArray[Any]:
    if feature.kind == "number":
        return _numbers(values)
    texts = np.ma.getdata(values).astype(object)
    texts[np.ma.getmaskarray(values)] = None
    return texts


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


def find_missing_requirement(connection: Connection, table: str, *, needs: str, evidence: str) -> str | None:
    """Return ``needs`` if the shop has no data for a feature view; None if it has.

    Args:
        connection: to a warehouse.
        table: the view. It is not read, since that may take minutes in a large shop.
        needs: description of the required data.
        evidence: SQL that follows ``from``: a single row in it proves that the data is there.
    """
    schema, _, name = table.partition(".")
    is_built = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
    ).fetchone()
    if not is_built:
        return f"{needs}, and a build with this version (`shopwright build`)"
    return None if connection.execute(f"select 1 from {evidence} limit 1").fetchone() else needs


def outcome_is_known(view: FeatureView) -> str:
    """Return the SQL condition for decisions with a known outcome."""
    return f"{quote_name(view.outcome)} is not null"


def entity_condition(view: FeatureView, entity: str) -> str:
    """Return the SQL condition for the decisions of one entity."""
    return f"{quote_name(view.entity)} = {quote_text(entity)}"
