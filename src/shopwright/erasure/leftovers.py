"""What is left of erased people in files that no step of an erasure knows."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from shopwright.tombstones.texts import MIN_DISTINCTIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from shopwright.settings import Project
    from shopwright.tombstones import Tombstones

_CHUNK = 8 << 20
_SKIPPED = ("lake", "published", "collector")
"""Folders whose files were cleaned, and would be read in vain: what is in Parquet is compressed."""


def find_leftovers(project: Project, tombstones: Tombstones, ids: Collection[str]) -> list[str]:
    """Return files of the project that hold an id of an erased person and that nothing cleans, by their paths in it.

    Files of the sources are not among them: they belong to the shop.

    Args:
        project: the shop.
        tombstones: who was erased.
        ids: the ids, where they are known; only what says by itself whom it names is searched for.
    """
    needles = sorted({id_.encode() for id_ in ids if len(id_) >= MIN_DISTINCTIVE and tombstones.names(id_)})
    if not needles:
        return []
    return [str(file.relative_to(project.root)) for file in _other_files(project) if _holds(file, needles)]


def _other_files(project: Project) -> Iterator[Path]:
    sources = [
        (project.root / path).resolve()
        for source in project.settings.sources
        for path in ((source.path,) if isinstance(source.path, str) else source.path or ())
    ]
    known_files = {project.warehouse, project.tombstones}
    for file in sorted(project.root.rglob("*")):
        top = file.relative_to(project.root).parts[0]
        if top in _SKIPPED or file in known_files or not file.is_file() or file.is_symlink():
            continue
        if not any(_is_of_source(file, source) for source in sources):
            yield file


def _is_of_source(file: Path, source: Path) -> bool:
    return (
        file == source
        or source in file.parents
        or ("*" in source.name and file.parent == source.parent and file.match(source.name))
    )


def _holds(file: Path, needles: list[bytes]) -> bool:
    """Return whether a file holds one of the texts, also within gzip."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            before = b""
            while chunk := stream.read(_CHUNK):
                window = before + chunk
                if any(needle in window for needle in needles):
                    return True
                before = window[-256:]
    except OSError:
        return False
    return False
