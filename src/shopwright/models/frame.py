"""What a model learns from: one row per decision, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that a model may look at; its unit and meaning stand in the data dictionary."""

    name: str
    kind: Literal["number", "category"] = "number"


@dataclass(frozen=True, slots=True)
class FrameSource:
    """Where a model's rows come from, and which column is what."""

    table: str
    """Such as ``gold.feat_churn``."""
    entity: str
    """Column of who the decision is about; rows of one entity are resampled together."""
    decided_at: str
    """Column of the moment of the decision: a date (its midnight) or a timestamp."""
    known_at: str
    """SQL of the moment from which on the outcome is known."""
    outcome: str
    """Column of what happened afterwards; null where it is not known yet. Empty: nothing is foretold."""
    features: tuple[Feature, ...]
    keys: tuple[str, ...] = ()
    """Further columns that tell the decisions of one entity apart."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Decisions with what was known at their time. All arrays have one entry a decision."""

    source: FrameSource
    entity: NDArray[np.object_]
    keys: dict[str, NDArray[Any]]
    decided_at: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]
    outcome: NDArray[np.float64]
    """NaN where it is not known yet."""
    columns: dict[str, NDArray[Any]]
    """Feature to its values: float64 with NaN where it is not known, or texts with None."""
    drawn: str = ""
    """SQL condition by which whole entities were drawn; empty where all were read."""

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features, in the order of the model."""
        return self.source.features

    def only(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> Frame:
        """The decisions of a mask or of positions."""
        return replace(
            self,
            entity=self.entity[kept],
            keys={name: values[kept] for name, values in self.keys.items()},
            decided_at=self.decided_at[kept],
            known_at=self.known_at[kept],
            outcome=self.outcome[kept],
            columns={name: values[kept] for name, values in self.columns.items()},
        )


def read_frame(
    connection: duckdb.DuckDBPyConnection,
    source: FrameSource,
    *,
    where: str = "",
    most_rows: int | None = None,
) -> Frame:
    """Read decisions in the order of their time.

    Args:
        connection: to a warehouse with the feature table.
        source: table and columns.
        where: SQL condition on its rows.
        most_rows: beyond about this many, whole entities are drawn, the same ones each time.
    """
    conditions = [where] if where else []
    drawn = "" if most_rows is None else _draw(connection, source, conditions, most_rows)
    conditions += [drawn] if drawn else []
    found = connection.execute(_query(source, conditions)).fetchnumpy()
    keys = {name: np.ma.getdata(found[f"key_{name}"]) for name in source.keys}
    return Frame(
        source=source,
        entity=np.ma.getdata(found["entity"]).astype(object),
        keys=keys,
        decided_at=np.ma.getdata(found["decided_at"]).astype("datetime64[us]"),
        known_at=np.ma.getdata(found["known_at"]).astype("datetime64[us]"),
        outcome=_numbers(found["outcome"]),
        columns={each.name: _values(found[each.name], each) for each in source.features},
        drawn=drawn,
    )


def draw(frame: Frame, rows: int, *, seed: int) -> Frame:
    """So many decisions at random, or all where there are fewer; in the order of their time."""
    if len(frame) <= rows:
        return frame
    return frame.only(np.sort(np.random.default_rng(seed).choice(len(frame), size=rows, replace=False)))


def _draw(
    connection: duckdb.DuckDBPyConnection, source: FrameSource, conditions: Sequence[str], most: int
) -> str:
    row = connection.execute(f"select count(*) from {source.table}{_where(conditions)}").fetchone()
    count = int(row[0]) if row else 0
    if count <= most:
        return ""
    parts = 1_000
    kept = max(1, int(parts * most / count))
    return f"hash({quote_name(source.entity)}) % {parts} < {kept}"


def _query(source: FrameSource, conditions: Sequence[str]) -> str:
    keys = "".join(f", {quote_name(name)} as {quote_name('key_' + name)}" for name in source.keys)
    columns = ", ".join(
        f"cast({quote_name(each.name)} as {'double' if each.kind == 'number' else 'varchar'}) "
        f"as {quote_name(each.name)}"
        for each in source.features
    )
    order = ", ".join(str(place) for place in range(1, 3 + len(source.keys)))
    return f"""
        select cast({quote_name(source.decided_at)} as timestamp) as decided_at,
            {quote_name(source.entity)} as entity{keys},
            cast({source.known_at} as timestamp) as known_at,
            cast({quote_name(source.outcome) if source.outcome else "null"} as double) as outcome, {columns}
        from {source.table}{_where(conditions)}
        order by {order}
    """


def _where(conditions: Sequence[str]) -> str:
    return f" where {' and '.join(f'({each})' for each in conditions)}" if conditions else ""


def _values(values: NDArray[Any], feature: Feature) -> NDArray[Any]:
    if feature.kind == "number":
        return _numbers(values)
    texts = np.ma.getdata(values).astype(object)
    texts[np.ma.getmaskarray(values)] = None
    return texts


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


def lacks(connection: duckdb.DuckDBPyConnection, table: str, *, needs: str, evidence: str) -> str | None:
    """What the shop lacks for a view of features, in the words of ``needs``; None where nothing is missing.

    Args:
        connection: to a warehouse.
        table: the view; it may take minutes to read in a large shop.
        needs: what to say.
        evidence: SQL after ``from``: rows of a table, one of which is enough.
    """
    schema, _, name = table.partition(".")
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
    ).fetchone()
    if not found:
        return f"{needs}, and a build by this version ('shopwright build')"
    return None if connection.execute(f"select 1 from {evidence} limit 1").fetchone() else needs


def known(source: FrameSource) -> str:
    """SQL condition of decisions whose outcome is known."""
    return f"{quote_name(source.outcome)} is not null"


def of_entity(source: FrameSource, entity: str) -> str:
    """SQL condition of one entity's decisions."""
    return f"{quote_name(source.entity)} = {quote_text(entity)}"
