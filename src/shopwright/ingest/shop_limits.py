"""What a shop's settings say about values, in one place for all that read them: an ingest, a collector, a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shopwright.contracts.events import MAX_PRICE, MIN_TIMESTAMP
from shopwright.core.currencies import magnitude
from shopwright.ingest.adapters.mapping import Mapping, ShopContext
from shopwright.tombstones import load_tombstones, scope_of

if TYPE_CHECKING:
    from shopwright.settings import Project


def shop_context(project: Project) -> ShopContext:
    """Return what a project's settings say about the meaning of values: limits are days of the shop's zone."""
    zone, limits = ZoneInfo(project.settings.shop.timezone), project.settings.ingest
    first = datetime.combine(limits.earliest_date, time(), zone)
    last = datetime.combine(limits.latest_date, time(23, 59, 59), zone)
    # the first moment of 1970 means that a time is not set
    return ShopContext(
        timezone=zone.key,
        earliest=max(_literal(first), MIN_TIMESTAMP),
        latest=_literal(last),
        erasures=scope_of(load_tombstones(project.tombstones)),
    )


def for_shop(mapping: Mapping, project: Project) -> Mapping:
    """Return a mapping that reads values as a project's settings say."""
    return replace(mapping, shop=shop_context(project), currency=project.settings.shop.currency)


def max_price(project: Project) -> Decimal:
    """Return the limit of a price in the shop's currency."""
    return Decimal(MAX_PRICE) * magnitude(project.settings.shop.currency)


def _literal(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
