"""Simulated effects: a share of the treated users' cart events is taken in as purchases.

They prove that a read-out finds an effect whose size is known. What becomes of an event is told by the event alone and
never by its file, so that neither order nor splitting nor repetition of files changes what lands. For the same reason
a source keeps its effect: events taken in under one rule would not be recognised under another.

A cart event that thereby equals a purchase which is there already counts as a duplicate of it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.assignment import hash_salt
from shopwright.assignment.dbt_variables import experiment_variables
from shopwright.assignment.sql import stable_number_sql, variant_sql
from shopwright.contracts.events import EVENTS
from shopwright.core.errors import ConfigurationError
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.adapters import find_adapter
from shopwright.ingest.ledger import SimulatedEffect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shopwright.ingest.ledger import LedgerRow
    from shopwright.settings import ExperimentDefinition, Settings, SourceSettings

CART, PURCHASE = "add_to_cart", "purchase"

IS_CHANGED = "_is_changed"
"""Column that a batch's file has until the changed rows are counted."""

_HASH_BITS = 60


@dataclass(frozen=True, slots=True)
class Effect:
    """Which cart events become purchases."""

    experiment: ExperimentDefinition
    share: float
    seed: int
    start_at: str
    end_at: str
    """When the experiment begins and is over, UTC; no end where empty."""

    def apply(self, rows: str, filled: Iterable[str]) -> str:
        """SQL of the same rows with the chosen cart events as purchases, and the column ``IS_CHANGED``.

        Args:
            rows: SQL of typed events.
            filled: the columns they have; all others are null.
        """
        changes = f"coalesce({self._is_chosen(frozenset(filled))}, false)"
        event_type = f"case when {IS_CHANGED} then {quote_text(PURCHASE)} else event_type end as event_type"
        return f"select * replace ({event_type}) from (select *, {changes} as {IS_CHANGED} from ({rows}))"

    def _is_chosen(self, filled: frozenset[str]) -> str:
        def column(name: str) -> str:
            return quote_name(name) if name in filled else "null::varchar"

        variant = variant_sql(self.experiment, column("user_id"), column("experiment_group"))
        telling = (
            f"{quote_text(str(self.seed))}, user_id, epoch_us(event_at), "
            f"coalesce({column('product_id')}, ''), coalesce({column('source_event_id')}, '')"
        )
        cheap = [
            f"event_type = {quote_text(CART)}",
            f"{column('price')} is not null",  # a purchase has one
            f"event_at >= {quote_text(self.start_at)}::timestamp",
            *([f"event_at < {quote_text(self.end_at)}::timestamp"] if self.end_at else []),
        ]
        is_drawn = (
            f"{stable_number_sql(f'concat_ws(chr(31), {telling})')} < {round(self.share * 2**_HASH_BITS)}"
        )
        is_treated = f"({variant}) <> {quote_text(self.experiment.control)}"
        # nested, since the engine hashes every row for both sides of an "and"
        return f"case when {' and '.join(cheap)} then case when {is_drawn} then {is_treated} end end"

    def record(self, rows_changed: int) -> SimulatedEffect:
        """What the ledger says of a file."""
        return SimulatedEffect(
            experiment=self.experiment.name,
            share=self.share,
            seed=self.seed,
            fingerprint=self._fingerprint(),
            rows_changed=rows_changed,
        )

    def _fingerprint(self) -> str:
        tried = self.experiment
        rule = (
            *(tried.assignment, hash_salt(tried), list(tried.variants.items()), tried.traffic),
            *(tried.layer, tried.layer_range, self.start_at, self.end_at),
        )
        return hashlib.sha256(json.dumps(rule).encode()).hexdigest()[:12]


def effect_of(settings: Settings, source: SourceSettings) -> Effect | None:
    """The effect that is simulated on a source's events; None where there is none."""
    if source.effect is None:
        return None
    name = source.effect.experiment
    experiment = next(item for item in settings.experiments if item.name == name)
    (times,) = experiment_variables((experiment,), settings.shop.timezone)
    return Effect(experiment, source.effect.share, source.effect.seed, times["start_at"], times["end_at"])


def check_effect(settings: Settings, source: SourceSettings, ledger: Iterable[LedgerRow]) -> None:
    """See that a source can have the effect it names, and has had no other.

    Raises:
        ConfigurationError: it yields no events, or has landed some under another rule.
    """
    effect = effect_of(settings, source)
    if effect and not find_adapter(source.adapter).has_events:
        raise ConfigurationError(
            f"source '{source.name}': adapter {source.adapter} reads no events, and an effect is simulated on events"
        )
    if effect and source.entity != EVENTS.name:
        raise ConfigurationError(
            f"source '{source.name}': its entity is {source.entity}, and an effect is simulated on events"
        )
    wanted = effect.record(0) if effect else None
    for row in ledger:
        is_landed = row.source == source.name and row.entity == EVENTS.name and row.rows_accepted
        if is_landed and (before := row.effect.unchanged() if row.effect else None) != wanted:
            raise ConfigurationError(f"source '{source.name}': {_difference(before, wanted)}")


def _difference(before: SimulatedEffect | None, wanted: SimulatedEffect | None) -> str:
    was, now = (str(effect) if effect else "no simulated effect" for effect in (before, wanted))
    changed = "its experiment's assignment or dates have changed since" if was == now else f"it now has {now}"
    return (
        f"its events in the lake were taken in with {was}, and {changed}; events that come again would not be "
        "recognised. Put the settings back, or begin a new project"
    )
