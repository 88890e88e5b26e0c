"""Migrations: what brings a project of an earlier version to today's formats, one step after the other.

Belongs here: one migration for each new format of a store, and what runs them. Formats and their stamps are in
``core.formats``. What can be computed again, such as the warehouse, has no migration: a build sees that another version made
it, and makes it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright import __version__
from shopwright.core.formats import STORES, check_formats, outdated_stores, write_format

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.settings import Project


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of one store."""

    store: str
    to: int
    """Format after it; the step before it led to the one below."""
    meaning: str
    apply: Callable[[Project], None] | None = None
    """Changes the store; runs again if it was interrupted. None where the stamp is all that is new."""


MIGRATIONS: tuple[Migration, ...] = (
    Migration("project", 1, "the project has a stamp"),
    Migration("lake", 1, "the lake has a stamp; its tables are those of 0.1.0"),
    Migration("segments", 1, "collected events have a stamp"),
)
"""All steps, in the order in which they run; never change one that was released."""


def migrate(project: Project, migrations: tuple[Migration, ...] = MIGRATIONS) -> list[Migration]:
    """Bring all stores of a project to today's formats. The caller holds the project's lock.

    Each step is followed by its stamp, so that an interrupted migration goes on where it was.

    Args:
        project: the shop.
        migrations: all steps, in order.

    Returns:
        The steps that ran; none for a project of today.

    Raises:
        ConfigurationError: a newer version wrote the project.
    """
    check_formats(project.root)
    outdated = {store.name: (store, number) for store, number in outdated_stores(project.root)}
    steps = [step for step in migrations if step.store in outdated and step.to > outdated[step.store][1]]
    for step in steps:
        if step.apply:
            step.apply(project)
        write_format(project.root, outdated[step.store][0], number=step.to, version=__version__)
    return steps


def check_steps(migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Check that the steps of each store lead from format 0 to today's without a gap.

    Raises:
        ValueError: they do not.
    """
    for store in STORES:
        numbers = [step.to for step in migrations if step.store == store.name]
        if numbers != list(range(1, store.format + 1)):
            raise ValueError(f"{store.name}: migrations lead to {numbers}, and the format is {store.format}")
