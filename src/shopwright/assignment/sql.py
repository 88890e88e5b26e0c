"""The assignment rule as DuckDB SQL, for queries outside the dbt models.

The expressions come from the project's own dbt macros, rendered here with Jinja: a bucket has one definition in SQL.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shopwright.assignment.rule import hash_salt, layer_buckets, layer_salt, variant_buckets
from shopwright.core.sql import quote_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.assignment.rule import BucketRange
    from shopwright.settings import ExperimentDefinition

_MACROS = Path(__file__).parent.parent / "dbt" / "macros"


def variant_sql(experiment: ExperimentDefinition, unit_column: str, stated_column: str) -> str:
    """Return SQL of the variant that a unit sees; null where it takes no part, as with ``assign``.

    Args:
        experiment: the experiment.
        unit_column: SQL of the unit's id, a text.
        stated_column: SQL of the variant that the row itself states, a text; read only where events assign. A name
            that the experiment does not know is none of its variants.
    """
    if (
        experiment.assignment == "exposures"
    ):  # the other tool's rows decide, and a query of one row has none of them
        return "null::varchar"
    if experiment.assignment == "stated":
        names = map(quote_text, experiment.variants)
        return f"case {stated_column} {' '.join(f'when {name} then {name}' for name in names)} end"
    if experiment.assignment == "md5_parity":
        variant = _parity_case(experiment, unit_column)
    else:
        variant = _bucket_case(variant_buckets(experiment), bucket_sql(hash_salt(experiment), unit_column))
    if not experiment.layer:
        return variant
    is_in_layer = _is_within(layer_buckets(experiment), bucket_sql(layer_salt(experiment), unit_column))
    return f"case when {is_in_layer} then {variant} end"


def bucket_sql(salt: str, unit_column: str) -> str:
    """Return SQL of a unit's bucket under a salt, from 0 to 9,999."""
    return _assignment_macro("assignment_bucket")(quote_text(salt), unit_column)


def stable_number_sql(text: str) -> str:
    """Return SQL of the first 60 bits of a text's MD5, as a number."""
    return _macro("engine/stable_number.sql", "duckdb__stable_number")(text)


def _bucket_case(ranges: dict[str, BucketRange], bucket: str) -> str:
    cases = " ".join(
        f"when {_is_within(buckets, bucket)} then {quote_text(name)}" for name, buckets in ranges.items()
    )
    return f"case {cases} end"


def _is_within(buckets: BucketRange, bucket: str) -> str:
    return f"{bucket} between {buckets.start} and {buckets.end - 1}"


def _parity_case(experiment: ExperimentDefinition, unit_column: str) -> str:
    even, odd = experiment.variants
    is_odd = _assignment_macro("has_odd_md5")(unit_column)
    return f"case {is_odd} when true then {quote_text(odd)} when false then {quote_text(even)} end"


def _assignment_macro(name: str) -> Callable[..., str]:
    return _macro("experiments/assignment.sql", name, stable_number=stable_number_sql)


@cache
def _macro(file: str, name: str, **functions: Callable[[str], str]) -> Callable[..., str]:
    """Load a dbt macro that calls nothing of dbt's but the given functions."""
    from jinja2 import Environment  # noqa: PLC0415  # few commands need it, and it takes a while to import

    template = Environment(autoescape=False).from_string((_MACROS / file).read_text("utf-8"))  # noqa: S701  # SQL, no HTML
    macro: Callable[..., str] = getattr(template.make_module(dict(functions)), name)
    return macro
