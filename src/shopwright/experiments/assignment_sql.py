"""The rule of ``assignment`` as SQL of the engine that takes data in; the warehouse's models have macros for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.sql import quote_text
from shopwright.experiments.assignment import BUCKETS, layer_of, layer_salt_of, salt_of, slices_of

if TYPE_CHECKING:
    from shopwright.experiments.assignment import Slice
    from shopwright.settings import ExperimentDefinition

HASH_DIGITS = 15
"""Hexadecimal digits that a signed number of 64 bits holds."""


def variant_sql(experiment: ExperimentDefinition, unit_column: str, stated_column: str) -> str:
    """SQL of the variant that a unit sees; null where it takes no part, as with ``assign``.

    Args:
        experiment: the experiment.
        unit_column: SQL of the unit's id, a text.
        stated_column: SQL of the variant that the row itself states, a text; read only where events assign. A name
            that the experiment does not know is none of its variants.
    """
    if experiment.assignment == "exposures":  # another tool's rows say who sees what; they are not at hand
        return "null::varchar"
    if experiment.assignment == "stated":
        names = map(quote_text, experiment.variants)
        return f"case {stated_column} {' '.join(f'when {name} then {name}' for name in names)} end"
    if experiment.assignment == "md5_parity":
        variant = _parity(experiment, unit_column)
    else:
        variant = _first_within(slices_of(experiment), bucket_sql(salt_of(experiment), unit_column))
    if not experiment.layer:
        return variant
    within = _within(layer_of(experiment), bucket_sql(layer_salt_of(experiment), unit_column))
    return f"case when {within} then {variant} end"


def bucket_sql(salt: str, unit_column: str) -> str:
    """SQL of a unit's bucket under a salt, from 0 to 9,999."""
    salted = f"{quote_text(salt + ':')} || {unit_column}"
    return f"({number_sql(salted)} % {BUCKETS})"


def number_sql(text: str) -> str:
    """SQL of the first 60 bits of a text's MD5, as a number."""
    return f"cast('0x' || substr(md5({text}), 1, {HASH_DIGITS}) as bigint)"


def _first_within(places: dict[str, Slice], bucket: str) -> str:
    cases = " ".join(
        f"when {_within(place, bucket)} then {quote_text(name)}" for name, place in places.items()
    )
    return f"case {cases} end"


def _within(place: Slice, bucket: str) -> str:
    return f"{bucket} between {place.start} and {place.end - 1}"


def _parity(experiment: ExperimentDefinition, unit_column: str) -> str:
    even, odd = experiment.variants
    is_odd = f"contains('13579bdf', substr(md5({unit_column}), 32, 1))"
    return f"case {is_odd} when true then {quote_text(odd)} when false then {quote_text(even)} end"
