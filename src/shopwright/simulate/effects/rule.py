"""Which events a simulated effect changes: a share of the cart events of users in the treatment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.assignment.dbt_variables import experiment_variables
from shopwright.assignment.sql import stable_number_sql, variant_sql
from shopwright.core.errors import ConfigurationError
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shopwright.settings import ExperimentDefinition

CART, PURCHASE = "add_to_cart", "purchase"

_HASH_BITS = 60


@dataclass(frozen=True, slots=True)
class SimulatedEffect:
    """Cart events of treated users that become purchases.

    The event alone decides whether it is changed, never the file it is in. So the order, the splitting and the repetition
    of files make no difference, and exports that overlap agree.
    """

    experiment: ExperimentDefinition
    share: float
    """Share of the treated users' cart events that become purchases, above 0 and up to 1."""
    seed: int
    """Chooses which of them; another seed chooses others."""
    start_at: str
    """When the experiment starts, UTC, as ``2024-03-01 00:00:00``."""
    end_at: str
    """When it has ended, UTC; empty where it has no end."""

    @classmethod
    def from_experiment(
        cls, experiment: ExperimentDefinition, *, share: float, seed: int, timezone: str
    ) -> SimulatedEffect:
        """Return the effect of an experiment.

        Args:
            experiment: whose treated users buy more.
            share: of their cart events, above 0 and up to 1.
            seed: any whole number from 0.
            timezone: the shop's, in which its days begin.

        Raises:
            ConfigurationError: the variant of an event's user cannot be known before the warehouse is built.
        """
        if reason := _unsupported_reason(experiment):
            raise ConfigurationError(f"cannot simulate an effect of experiment '{experiment.name}': {reason}")
        (variables,) = experiment_variables((experiment,), timezone)
        return cls(experiment, share, seed, variables["start_at"], variables["end_at"])

    @property
    def mark(self) -> str:
        """Text that every event of a rewritten export carries, as ``checkout share=0.05 seed=1``."""
        return f"{self.experiment.name} share={self.share!r} seed={self.seed}"

    def condition(self, columns: Iterable[str]) -> str:
        """Return SQL that tells whether a typed event is changed; null counts as no.

        Args:
            columns: canonical columns that the events have; all others are null.
        """
        present = frozenset(columns)

        def column(name: str) -> str:
            return quote_name(name) if name in present else "null::varchar"

        variant = variant_sql(self.experiment, column("user_id"), column("experiment_group"))
        identity = (
            f"{quote_text(str(self.seed))}, user_id, epoch_us(event_at), "
            f"coalesce({column('product_id')}, ''), coalesce({column('source_event_id')}, '')"
        )
        is_eligible = [
            f"event_type = {quote_text(CART)}",
            f"{column('price')} is not null",  # the contract of events asks a price of every purchase
            f"event_at >= {quote_text(self.start_at)}::timestamp",
            *([f"event_at < {quote_text(self.end_at)}::timestamp"] if self.end_at else []),
        ]
        is_drawn = (
            f"{stable_number_sql(f'concat_ws(chr(31), {identity})')} < {round(self.share * 2**_HASH_BITS)}"
        )
        is_treated = f"({variant}) <> {quote_text(self.experiment.control)}"
        # nested, since the engine computes the hashes of every row for both sides of an "and"
        return f"case when {' and '.join(is_eligible)} then case when {is_drawn} then {is_treated} end end"


def _unsupported_reason(experiment: ExperimentDefinition) -> str | None:
    if experiment.unit == "session":
        return "its unit is the session, and sessions are known only once the warehouse is built"
    if experiment.assignment == "exposures":
        return "its variants come from the entity exposures, which an export of events does not hold"
    return None
