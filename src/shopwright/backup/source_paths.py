"""Paths of sources in the settings of a project that was restored into another folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from shopwright.settings import load_project

if TYPE_CHECKING:
    from shopwright.settings import SourceSettings


def adapt_paths(file: Path, *, before: Path, after: Path) -> list[str]:
    """Let relative paths of sources that lead out of the project lead to the same files as before.

    Paths within the project's folder stay as they are: the files belong to it, and come along or not.

    Args:
        file: the restored settings.
        before: folder of the project that the backup is of.
        after: folder that the restored project will have.

    Returns:
        What was changed, and which paths lead nowhere, a sentence each.
    """
    notes = []
    for source in load_project(file.parent).settings.sources:
        for path in source.paths:
            notes += _adapt(file, source, path, before=before, after=after)
    return notes


def _adapt(file: Path, source: SourceSettings, path: str, *, before: Path, after: Path) -> list[str]:
    if (
        before != after
        and _leads_out(path)
        and (absolute := (before / path).resolve()) != (after / path).resolve()
    ):
        if _replace(file, path, str(absolute)):
            return [f"source '{source.name}': path '{path}' is now '{absolute}', where it led before"]
        return [f"source '{source.name}': path '{path}' led to {absolute} before; change it in {file.name}"]
    root = file.parent if _is_inside(path) else after
    if not _exists(root, path):
        note = f"source '{source.name}': no file at {after / path}; files of sources are not part of a backup"
        return [f"{note}. What was read of them is in the lake"]
    return []


def _leads_out(path: str) -> bool:
    return not _is_absolute(path) and ".." in Path(path).parts


def _is_inside(path: str) -> bool:
    return not _is_absolute(path) and ".." not in Path(path).parts


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "~"))


def _exists(root: Path, path: str) -> bool:
    location = Path(path).expanduser()
    location = location if location.is_absolute() else root / location
    if not any(mark in path for mark in "*?["):
        return location.exists()
    base = Path(location.anchor)
    return next(base.glob(str(location.relative_to(base))), None) is not None


def _replace(file: Path, path: str, absolute: str) -> bool:
    """Replace a path in the settings where it is a text of its own; return whether it was found."""
    text = file.read_text(encoding="utf-8")
    replacement = '"' + absolute.replace("\\", "\\\\").replace('"', '\\"') + '"'
    quoted = re.compile(rf"""(["']){re.escape(path)}\1""")
    edited = "".join(
        quoted.sub(lambda _: replacement, line) if re.match(r"\s*(path\s*=|[\"'\]])", line) else line
        for line in text.splitlines(keepends=True)
    )
    if edited == text:
        return False
    file.write_text(edited, encoding="utf-8")
    return True
