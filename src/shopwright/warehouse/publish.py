"""Publishing: a finished, tested build becomes what people read, in one rename."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from shopwright.core.engine import connect

if TYPE_CHECKING:
    from shopwright.settings import Project


def publish(project: Project) -> None:
    """Replace the published database by a copy of the warehouse.

    Readers keep the file they opened; whoever opens it next gets the new one. A crash before the rename leaves
    the old one in place.
    """
    with connect(project.warehouse) as connection:
        connection.execute("checkpoint")
    project.published.parent.mkdir(exist_ok=True)
    unfinished = project.published.with_suffix(".tmp")
    shutil.copyfile(project.warehouse, unfinished)
    descriptor = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(project.published)
