"""Finding a report by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError, near_match

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shopwright.reports.model import Report


def find(name: str, reports: Iterable[Report]) -> Report:
    """The report of a name.

    Raises:
        ConfigurationError: there is none.
    """
    known = {report.name: report for report in reports}
    if name not in known:
        raise ConfigurationError(f"no report '{name}'{near_match(name, known)}")
    return known[name]
