"""Tombstones for one kind of file: which of its fields name people."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from shopwright.contracts.schema import Kind
from shopwright.ingest.adapters.privacy import HASH
from shopwright.ingest.privacy import HASH_DIGITS, read_key
from shopwright.tombstones import TextMatcher

if TYPE_CHECKING:
    from shopwright.ingest.adapters import Mapping
    from shopwright.settings import Project
    from shopwright.tombstones import Tombstones


def matcher_for(
    mapping: Mapping, tombstones: Tombstones, *, project: Project, columns: tuple[str, ...] = ()
) -> TextMatcher:
    """Return what tells whether a record of a kind of file names an erased person.

    Args:
        mapping: how the file is read.
        tombstones: of the project.
        project: the shop.
        columns: columns of a delimited file, in order.
    """
    id_fields = [
        name
        for canonical, field in mapping.fields.items()
        if mapping.entity.column(canonical).kind is Kind.PERSON_ID
        for name in field.columns
    ]
    visitor, time = mapping.fields.get("visitor_id"), mapping.fields.get(str(mapping.entity.time_column))
    return TextMatcher(
        tombstones,
        frozenset(id_fields),
        columns,
        mapping.csv.delimiter,
        visitor.columns if visitor else (),
        time.columns if time else (),
        id_hasher(project),
    )


def id_hasher(project: Project) -> partial[str] | None:
    """Return what computes the hash that sources store of an id; None where no source hashes any."""
    choices = [source.privacy for source in project.settings.sources] + [project.settings.collector.privacy]
    if not any(HASH in privacy.values() for privacy in choices):
        return None
    key = read_key(project)
    return partial(hash_id, key) if key else None


def hash_id(key: str, value: str) -> str:
    """Return the hash that sources store of an id, as ``ingest.privacy.hash_text`` computes it."""
    return sha256(f"{key}{value}".encode()).hexdigest()[:HASH_DIGITS]
