"""Visits and orders computed a second time, in plain Python from a simulated shop's raw events.

The rules are restated here and not imported: half an hour without an event ends a visit, machines are known by their
pace or by idle looking, and purchases under one order id of a user are one order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PAUSE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Action:
    """One event."""

    user: str
    at: datetime
    kind: str
    units: int
    amount: Decimal
    order_id: str


@dataclass(frozen=True, slots=True)
class Order:
    """What a user bought under one order id."""

    user: str
    at: datetime
    units: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Visit:
    """Actions of one user without a long pause."""

    actions: tuple[Action, ...]

    @property
    def user(self) -> str:
        """Whose it is."""
        return self.actions[0].user

    @property
    def start(self) -> datetime:
        """First action."""
        return self.actions[0].at

    @property
    def end(self) -> datetime:
        """Last action."""
        return self.actions[-1].at

    @property
    def key(self) -> str:
        """The session's key in gold."""
        return f"{self.user}-{int(self.start.replace(tzinfo=UTC).timestamp())}"

    @property
    def is_machine(self) -> bool:
        """Whether no shopper behaves like this."""
        if len(self.actions) < 60 or self.has("purchase"):
            return False
        seconds = int((self.end - self.start).total_seconds())
        views = sum(action.kind == "product_view" for action in self.actions)
        return seconds < 3 * (len(self.actions) - 1) or (views >= 200 and not self.has("add_to_cart"))

    def has(self, kind: str) -> bool:
        """Return whether the session has an action of a kind."""
        return any(action.kind == kind for action in self.actions)

    def moments(self, exposure: str) -> list[datetime]:
        """When it would expose its user: at its start, or with each action of a kind."""
        if exposure == "assigned":
            return [self.start]
        return [action.at for action in self.actions if action.kind == exposure]

    def orders(self, first: datetime, end: datetime) -> list[Order]:
        """What was bought in it from a moment on and before another."""
        bought = [action for action in self.actions if action.kind == "purchase" and first <= action.at < end]
        return _orders(bought)


@dataclass(frozen=True, slots=True)
class Visits:
    """All of a shop."""

    counted: list[Visit]
    """Without those of machines."""
    orders: list[Order]


def read_visits(raw: Path) -> Visits:
    """Read a simulated shop's events, which must be clean and state order ids.

    Args:
        raw: folder of the export, with ``events/*.jsonl``.
    """
    texts = [file.read_text(encoding="utf-8") for file in (raw / "events").glob("*.jsonl")]
    actions = [_action(json.loads(line)) for text in texts for line in text.splitlines()]
    actions.sort(key=lambda action: (action.user, action.at))
    visits: list[list[Action]] = []
    for action in actions:
        last = visits[-1][-1] if visits else None
        if last is None or last.user != action.user or action.at - last.at > PAUSE:
            visits.append([])
        visits[-1].append(action)
    events = [Visit(tuple(visit)) for visit in visits]
    bought = [action for action in actions if action.kind == "purchase"]
    return Visits([visit for visit in events if not visit.is_machine], _orders(bought))


def _action(row: dict[str, Any]) -> Action:
    statement = row.get("properties", {})
    units = int(statement.get("quantity") or 1)
    return Action(
        user=row["user_id"],
        at=datetime.fromisoformat(row["timestamp"]).replace(tzinfo=None),
        kind=row["event_type"],
        units=units,
        amount=units * Decimal(str(statement.get("price") or 0)),
        order_id=statement.get("order_id", ""),
    )


def _orders(bought: Iterable[Action]) -> list[Order]:
    def whose(action: Action) -> tuple[str, str]:
        return action.user, action.order_id

    groups = [list(group) for _, group in groupby(sorted(bought, key=whose), key=whose)]
    return [
        Order(
            user=group[0].user,
            at=min(action.at for action in group),
            units=sum(action.units for action in group),
            amount=sum((action.amount for action in group), Decimal(0)),
        )
        for group in groups
    ]
