"""Formats of what a project stores: a stamp in each store says how it is laid out, and which version laid it out.

A store without a stamp is of the versions before stamps, format 0. A store whose format is newer than this version knows is
refused before anything of it is read: what an older version does not know of, it could take for rubbish.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Store:
    """One part of a project that has a format of its own."""

    name: str
    stamp: str
    """Path of its stamp below the project's folder."""
    format: int
    """Newest format that this version knows, which is the one that it writes."""


STORES = (
    Store("project", ".shopwright/format.json", 1),
    Store("lake", "lake/_format.json", 1),
    Store("segments", "collector/format.json", 1),
)
"""Everything with a stamp; artifacts of models have theirs in their manifest (``registry.manifest``)."""


def read_format(root: Path, store: Store) -> int:
    """Return the format of a store; 0 without a stamp.

    Args:
        root: the project's folder.
        store: one of ``STORES``.

    Raises:
        ConfigurationError: the stamp cannot be read.
    """
    return _read(root, store)[0]


def check_formats(root: Path) -> None:
    """Refuse a project with a store that a newer version wrote.

    Raises:
        ConfigurationError: there is one, or a stamp cannot be read; one line with the next step.
    """
    for store in STORES:
        number, version = _read(root, store)
        if number > store.format:
            raise ConfigurationError(
                f"the {store.name} of {root} has format {number}, written by Shopwright {version}; this version knows "
                f"{store.format} at most: update Shopwright, or restore a backup of before the update"
            )


def outdated_stores(root: Path) -> Iterator[tuple[Store, int]]:
    """Yield the stores that exist and have an older format, with that format."""
    for store in STORES:
        folder = (root / store.stamp).parent
        number = _read(root, store)[0]
        if folder.is_dir() and number < store.format:
            yield store, number


def write_format(root: Path, store: Store, *, number: int, version: str) -> None:
    """Stamp a store; on disk when this returns, and a crash leaves the stamp before it.

    Args:
        root: the project's folder.
        store: one of ``STORES``.
        number: its format from now on.
        version: of Shopwright.
    """
    file = root / store.stamp
    unfinished = file.with_suffix(".tmp")
    with unfinished.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps({"format": number, "shopwright": version}) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def _read(root: Path, store: Store) -> tuple[int, str]:
    file = root / store.stamp
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return 0, ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{file} cannot be read ({error}); it says which format the project has"
        ) from None
    try:
        document = json.loads(text)
        return int(document["format"]), str(document.get("shopwright", "of an unknown version"))
    except (ValueError, TypeError, KeyError):
        raise ConfigurationError(
            f"{file} is damaged; delete it if no newer version of Shopwright wrote this project, or restore a backup"
        ) from None
