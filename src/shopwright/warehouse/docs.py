"""The documentation of the dbt models as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.errors import BuildError
from shopwright.core.lock import exclusive_lock
from shopwright.warehouse.dbt_runner import run_dbt

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project


def write_docs(project: Project) -> Path:
    """Write dbt's documentation as one self-contained HTML file.

    Returns:
        The path of the file.

    Raises:
        BuildError: dbt could not write it.
        BusyError: another process writes to the project.
    """
    with exclusive_lock(project.work / "lock", "docs"):
        run_dbt(project, ["docs", "generate", "--static"])
    page = project.work / "target" / "static_index.html"
    if not page.exists():
        raise BuildError(f"dbt wrote no documentation; see {project.work / 'logs' / 'dbt.log'}")
    target = project.root / "docs.html"
    target.write_bytes(page.read_bytes())
    return target
