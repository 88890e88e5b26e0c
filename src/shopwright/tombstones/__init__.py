"""Tombstones: keyed hashes of people who were erased, by which rows of theirs are known when they come again.

Belongs here: the file of tombstones, and what tells whether a row, a record or a text is about an erased person. What
erases people from a project is in ``erasure``; ingest, collector and restores ask here.
"""

from shopwright.tombstones.book import Erasure, Tombstones, load_tombstones, new_id, save_tombstones
from shopwright.tombstones.rows import RowScope, declare, is_erased, row_condition, scope_of
from shopwright.tombstones.texts import TextMatcher, emails_in, normalize_id

__all__ = [
    "Erasure",
    "RowScope",
    "TextMatcher",
    "Tombstones",
    "declare",
    "emails_in",
    "is_erased",
    "load_tombstones",
    "new_id",
    "normalize_id",
    "row_condition",
    "save_tombstones",
    "scope_of",
]
