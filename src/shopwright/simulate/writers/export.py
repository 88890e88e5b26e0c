"""The files of one export: their names, and how each is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.simulate.dirt import corrupt_csv_line, corrupt_json_line, count_faults, draw_line_faults
from shopwright.simulate.traits.ordinary import ordinary_fields, selected_traits
from shopwright.simulate.traits.truth_files import SELECTS
from shopwright.simulate.writers import event_stream, rees46
from shopwright.simulate.writers.fields import Field, json_select, typed_select
from shopwright.simulate.writers.files import TextFile, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any, Self

    import numpy as np

    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.dirt import Rows
    from shopwright.simulate.seasonality import Period
    from shopwright.simulate.shop import Shop

SALES = ("orders", "order_items", "payments", "reviews")
"""Entities of the order side with a file a month."""
TRUTH_ENTITIES = ("decisions", "buyers", "truth")
"""What is written beside the export."""
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Written:
    """One file that was written."""

    name: str
    """Path below the output folder, with forward slashes."""
    entity: str
    rows: int
    """Data lines or rows, duplicates and corrupted ones included, the header not."""
    faults: dict[str, int]
    """Rows by kind of dirt."""


def event_files(config: SimulationConfig, period: Period) -> list[str]:
    """Return name of each month's file of events."""
    months = period.first_days[:-1]
    if config.format == "rees46":
        return [
            f"{first.year}-{MONTH_NAMES[first.month - 1]}.csv{_compression_suffix(config)}"
            for first in months
        ]
    return [f"events/{first:%Y-%m}.{config.files}{_compression_suffix(config)}" for first in months]


def reference_files(config: SimulationConfig) -> dict[str, str]:
    """Return name of each other file, by entity."""
    if config.format == "rees46":
        return {}
    names = {"products": "catalog", "customers": "users"}
    if config.format == "marketplace":
        names["sellers"] = "sellers"
    if "exchange_rates" in _added_entities(config):
        names["exchange_rates"] = "exchange_rates"
    return {entity: f"{name}.{config.files}{_compression_suffix(config)}" for entity, name in names.items()}


def sales_files(config: SimulationConfig, period: Period) -> dict[str, list[str]]:
    """Return name of each month's file of the order side, by entity."""
    if config.format != "marketplace":
        return {}
    return {
        entity: [
            f"orders/{entity}-{first:%Y-%m}.{config.files}{_compression_suffix(config)}"
            for first in period.first_days[:-1]
        ]
        for entity in sales_entities(config)
    }


def sales_entities(config: SimulationConfig) -> tuple[str, ...]:
    """Return the entities of the order side with a file a month."""
    return (*SALES, *(("refunds",) if "refunds" in _added_entities(config) else ()))


def _added_entities(config: SimulationConfig) -> set[str]:
    return {entity for trait in selected_traits(config) for entity in trait.entities}


def _compression_suffix(config: SimulationConfig) -> str:
    return f".{config.compression}" if config.compression else ""


class Export:
    """Writes the files of one shop into a folder."""

    def __init__(self, shop: Shop, out: Path) -> None:
        self._shop, self._config, self._out = shop, shop.config, out
        self._names = event_files(shop.config, shop.period)
        is_rees46 = shop.config.format == "rees46"
        self._texts = (
            rees46.category_codes(shop.catalog) if is_rees46 else event_stream.details_table(shop.catalog)
        )
        self._writer = Writer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write_month(self, month: int, rows: Rows, rng: np.random.Generator) -> Written:
        """Write one month's file of events."""
        name = self._names[month]
        if self._config.format == "rees46":
            self._write_rees46(self._out / name, rows, rng)
        else:
            self._write_stream(self._out / name, rows, rng)
        return Written(name, "events", rows.size, rows.counts())

    def write_reference(self) -> list[Written]:
        """Write the catalog and the profiles, where the format has them."""
        if self._config.format == "rees46":
            return []
        shop, names = self._shop, reference_files(self._config)
        fields = {"products": event_stream.CATALOG_FIELDS, "customers": event_stream.USER_FIELDS}
        fields = {entity: ordinary_fields(self._config, entity, plain) for entity, plain in fields.items()}
        products = event_stream.catalog_columns(shop.catalog)
        customers = event_stream.user_columns(shop.users, shop.profiles)
        return [
            self.write_table("products", names["products"], fields["products"], products),
            self.write_table("customers", names["customers"], fields["customers"], customers),
        ]

    def write_decisions(self, name: str, columns: Mapping[str, Any]) -> Written:
        """Write the truth about each decision, typed, whatever the format of the export."""
        select = (
            "SELECT user_id, make_timestamp(session_start_at * 1000) AS session_start_at, purchase_chance, "
            "is_purchase FROM columns"
        )
        self._writer.write_parquet(self._out / name, select, columns)
        return Written(name, "decisions", len(columns["user_id"]), {})

    def write_buyers(self, name: str, columns: Mapping[str, Any]) -> Written:
        """Write which type everybody is of."""
        self._writer.write_parquet(self._out / name, "SELECT user_id, buyer_type FROM columns", columns)
        return Written(name, "buyers", len(columns["user_id"]), {})

    def write_truth(self, name: str, columns: Mapping[str, Any]) -> Written:
        """Write what is right about an ordinary export."""
        self._writer.write_parquet(self._out / name, SELECTS[name], columns)
        return Written(name, "truth", len(next(iter(columns.values()))), {})

    def write_table(
        self,
        entity: str,
        name: str,
        fields: list[Field],
        columns: Mapping[str, Any],
        line_faults: dict[int, tuple[int, float]] | None = None,
    ) -> Written:
        """Write one file of an entity other than the events.

        Args:
            entity: what the rows are.
            name: path below the output folder.
            fields: what a row says.
            columns: the arrays it says it of; faults, if any, are in ``fault``.
            line_faults: fault and position of the rows whose text is corrupted.
        """
        self._write_fields(self._out / name, fields, columns, line_faults)
        rows = len(next(iter(columns.values())))
        return Written(name, entity, rows, count_faults(columns["fault"]) if "fault" in columns else {})

    def _write_rees46(self, path: Path, rows: Rows, rng: np.random.Generator) -> None:
        shop = self._shop
        columns = rees46.columns(rows, self._config.seed, shop.users, shop.catalog, self._texts)
        select = rees46.SELECT if rows.is_clean else rees46.DIRTY_SELECT
        file = TextFile(
            path, True, self._config.compression, draw_line_faults(rows.fault, rng), corrupt_csv_line
        )
        self._writer.write_text(file, select, columns)

    def _write_stream(self, path: Path, rows: Rows, rng: np.random.Generator) -> None:
        columns = event_stream.event_columns(rows, self._config.seed, self._shop.users, self._texts)
        properties = {
            name: sql for trait in selected_traits(self._config) for name, sql in trait.properties.items()
        }
        plain = event_stream.event_fields(self._config.seed, properties, is_dirty=not rows.is_clean)
        fields = ordinary_fields(self._config, "events", plain)
        self._write_fields(path, fields, columns, draw_line_faults(rows.fault, rng))

    def _write_fields(
        self,
        path: Path,
        fields: list[Field],
        columns: Mapping[str, Any],
        line_faults: dict[int, tuple[int, float]] | None = None,
    ) -> None:
        if self._config.files == "parquet":
            self._writer.write_parquet(path, typed_select(fields), columns)
            return
        file = TextFile(path, False, self._config.compression, line_faults, corrupt_json_line)
        self._writer.write_text(file, json_select(fields), columns)
