"""Variant assignment: which variant of an experiment a unit (a user or a session) sees.

Here belong the hash, the buckets of variants and layers, the same rule as SQL, and the dbt variables that describe it.
``hashing`` is the only place in Python that hashes units, the dbt macros in ``dbt/macros/experiments/assignment.sql`` are
the only place in SQL: ``sql`` renders those macros. What units did, and what may be concluded from it, belongs in
``experiments``; the settings of an experiment are ``settings.ExperimentDefinition``.
"""

from shopwright.assignment.hashing import BUCKET_COUNT, assign_bucket, has_odd_md5
from shopwright.assignment.rule import (
    Assignment,
    BucketRange,
    assign,
    expected_weights,
    hash_salt,
    layer_buckets,
    layer_salt,
    variant_buckets,
)

__all__ = [
    "BUCKET_COUNT",
    "Assignment",
    "BucketRange",
    "assign",
    "assign_bucket",
    "expected_weights",
    "has_odd_md5",
    "hash_salt",
    "layer_buckets",
    "layer_salt",
    "variant_buckets",
]
