"""Tombstones for one kind of file: which of its fields name people."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from shopwright.contracts.schema import Kind
from shopwright.ingest.adapters.privacy import HASH
from shopwright.ingest.privacy import HASH_DIGITS, read_key
from shopwright.tombstones import TextMatcher, emails_in, normalize_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.ingest.adapters import Mapping
    from shopwright.ingest.ledger import LedgerRow
    from shopwright.settings import Project
    from shopwright.tombstones import Tombstones

REDACTED = "the reason named somebody who was forgotten, and is not stored; check the header and the form of the file"

_SEPARATORS = re.compile(r"[\s,;:'\"()\[\]{}|]+")


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


def redactor_for(project: Project, tombstones: Tombstones) -> Callable[[LedgerRow], LedgerRow]:
    """Return what takes texts that name erased people out of rows of the ledger.

    The reason of a file that failed repeats what is in it, and the columns of one without a header are its first record.

    Args:
        project: the shop.
        tombstones: of the project.
    """
    rehash = id_hasher(project)

    def names_erased(text: str) -> bool:
        values = {normalize_id(token.strip(".")) for token in _SEPARATORS.split(text)} | emails_in(text)
        return any(
            tombstones.names(value) or (rehash is not None and tombstones.names(rehash(value)))
            for value in values - {""}
        )

    def redact(row: LedgerRow) -> LedgerRow:
        if row.outcome == "failed" and row.reason and names_erased(row.reason):
            row = replace(row, reason=REDACTED)
        if any(map(names_erased, row.column_names)) or names_erased(row.new_columns or ""):
            columns = [f"column_{number + 1}" for number in range(len(row.column_names))]
            return replace(row, columns=json.dumps(columns) if columns else None, new_columns=None)
        return row

    return redact
