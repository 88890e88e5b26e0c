"""Fingerprints of mappings: whether a file was read with the settings of today."""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingABC
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from shopwright.contracts import Entity
from shopwright.core.errors import ConfigurationError
from shopwright.ingest.adapters import find_adapter
from shopwright.ingest.contents import OTHER_COLUMNS
from shopwright.ingest.files import data_name, path_of
from shopwright.ingest.privacy import key_digest
from shopwright.ingest.segments import all_sources

if TYPE_CHECKING:
    from shopwright.ingest.adapters import Mapping
    from shopwright.ingest.ledger import LedgerIndex
    from shopwright.settings import Project, SourceSettings

LIMITS = {"earliest_date", "latest_date"}
"""Settings of `[ingest]` that decide which rows are accepted."""

LENGTH = 16
"""Hexadecimal digits of a fingerprint."""


def fingerprint(mapping: Mapping, source: SourceSettings, project: Project) -> str:
    """Return a fingerprint of everything in the settings that decides what a file's rows become.

    Options that have their default are left out, so that an option that a later version adds changes no fingerprint.

    Example:
        >>> from pathlib import Path
        >>> from shopwright.settings import Project, Settings, SourceSettings
        >>> source = SourceSettings(name="clicks", adapter="rees46", path="raw")
        >>> mapping = find_adapter("rees46").mapping_for(source, "a.csv")
        >>> project = Project(Path(), Settings())
        >>> fingerprint(mapping, source, project) == fingerprint(mapping, source, project)
        True
    """
    document = {
        "mapping": _canonical(mapping),
        "encoding": source.encoding,
        "table": source.table,
        "query": source.query,
        "shop_timezone": project.settings.shop.timezone,
        "limits": _canonical(project.settings.ingest.model_dump(include=LIMITS, exclude_defaults=True))
        or None,
        "privacy_key": key_digest(project) if mapping.needs_key else None,
    }
    stated = {name: value for name, value in document.items() if value is not None}
    return sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:LENGTH]


def _canonical(value: Any) -> Any:
    """Return a value as JSON that does not depend on the order in which settings were written."""
    match value:
        case Entity():
            result: Any = value.name
        case MappingABC():
            result = {str(name): _canonical(item) for name, item in value.items()}
        case AbstractSet():
            result = sorted(_canonical(item) for item in value)
        case tuple() | list():
            result = [_canonical(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            result = {
                field.name: _canonical(getattr(value, field.name))
                for field in fields(value)
                if getattr(value, field.name) != _default(field)
            }
        case _:
            result = value if isinstance(value, str | int | float | None) else str(value)
    return result


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


@dataclass(frozen=True, slots=True)
class ChangedSource:
    """A source whose settings are other ones now than when some of its files were read."""

    source: str
    files: int
    """Such files that are still there and can be read again."""
    gone: int
    """Such files that are not; their rows stay as they were read."""

    @property
    def message(self) -> str:
        """What to do about it, in one line."""
        files = f"{self.files + self.gone:,} file{' was' if self.files + self.gone == 1 else 's were'}"
        changed = f"settings of source {self.source} changed since {files} read"
        gone = f"{self.gone:,} of them no longer on disk, whose rows stay as they are" if self.gone else ""
        if not self.files:
            return f"{changed}: {gone}"
        return f"{changed}: `shopwright ingest --again {self.source}`" + (f" ({gone})" if gone else "")


def find_changed_sources(project: Project, ledger: LedgerIndex) -> list[ChangedSource]:
    """Return the sources with files in the lake that were read with other settings than those of today.

    Files that a version without fingerprints read are not counted, since nobody knows how they were read.
    """
    changed_sources = []
    for source in all_sources(project):
        labels = _changed_files(project, source, ledger)
        files = sum(source.is_database or path_of(label).exists() for label in labels)
        if labels:
            changed_sources.append(ChangedSource(source.name, files, len(labels) - files))
    return changed_sources


def _changed_files(project: Project, source: SourceSettings, ledger: LedgerIndex) -> set[str]:
    current: dict[str, str | None] = {}
    changed = set()
    for row in ledger.rows:
        was_read = row.outcome in ("loaded", "identical") or row.reason == OTHER_COLUMNS
        if row.source != source.name or row.mapping is None or not was_read:
            continue
        name = data_name(row.file)
        if name not in current:
            current[name] = _current(project, source, name)
        if current[name] not in (None, row.mapping):
            changed.add(row.file)
    return changed


def _current(project: Project, source: SourceSettings, name: str) -> str | None:
    """Return the fingerprint with which a file would be read now; None where its source cannot be read at all."""
    try:
        return fingerprint(find_adapter(source.adapter).mapping_for(source, name), source, project)
    except ConfigurationError:
        return None
