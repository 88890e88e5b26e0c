"""From a configuration to files: runs the shop, dirties its rows, and has them written with the truth beside them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import ConfigurationError
from shopwright.simulate.arrays import concat
from shopwright.simulate.dirt import Rows, concat_rows, draw_faults, repeat_duplicates, split_late
from shopwright.simulate.order_side import OrderSide
from shopwright.simulate.shop import Shop, open_shop, run_shop
from shopwright.simulate.traits.ordinary import OrdinaryClicks
from shopwright.simulate.traits.truth_files import reference_truth, truth_files
from shopwright.simulate.truth import (
    BUYERS_FILE,
    DECISIONS_FILE,
    TruthCounter,
    buyer_columns,
    decision_columns,
    describe,
)
from shopwright.simulate.writers.export import (
    TRUTH_ENTITIES,
    Export,
    Written,
    event_files,
    reference_files,
    sales_entities,
    sales_files,
)

if TYPE_CHECKING:
    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.events import Events
    from shopwright.simulate.seasonality import Period

Progress = Callable[[int, int], None]
"""Told how many events there are so far, and about how many there will be."""

TRUTH_FILE = "truth.json"


@dataclass(frozen=True, slots=True)
class Simulation:
    """A shop that was written."""

    out: Path
    files: dict[str, list[Path]]
    """Files by canonical entity, in order of time: ``events`` and, where the format has them, the others."""
    rows: int
    """Rows of events written, duplicates and corrupted ones included."""
    truth: dict[str, Any]
    """What ``truth.json`` holds."""

    @property
    def truth_path(self) -> Path:
        """Where the truth is written."""
        return self.out / TRUTH_FILE

    @property
    def decisions_path(self) -> Path:
        """Where the true chance behind each cart is written."""
        return self.out / DECISIONS_FILE


def simulate(config: SimulationConfig, out: Path, *, progress: Progress | None = None) -> Simulation:
    """Make a shop and writes its exports.

    Files of an earlier simulation in the same folder are replaced; others are left alone.

    Args:
        config: what shop to make.
        out: folder for the files; made if absent.
        progress: told after every span of time how far it is.

    Returns:
        Where everything is, and the truth.

    Raises:
        ConfigurationError: the configuration contradicts itself, or a file in the way was not written by a simulation.
    """
    in_shop, in_time, in_files, in_sales = np.random.default_rng(config.seed).spawn(4)
    shop = open_shop(config, in_shop)
    counter = TruthCounter(config.months, shop.users.size)
    order_side = OrderSide(shop, in_sales) if config.format == "marketplace" else None
    clicks = OrdinaryClicks(shop) if config.traits else None
    _clear(out, _planned(config, shop.period))
    with Export(shop, out) as export:
        written = export.write_reference()
        if order_side:
            written.append(order_side.write_sellers(export))
            written += order_side.write_rates(export)
        for month, (events, rows) in enumerate(_files(shop, counter, clicks, (in_time, in_files), progress)):
            written.append(export.write_month(month, rows, in_files))
            if order_side:
                written += order_side.write_month(export, month, events)
        written.append(export.write_decisions(DECISIONS_FILE, decision_columns(counter, shop.users)))
        if config.buyer_types:
            written.append(export.write_buyers(BUYERS_FILE, buyer_columns(shop.users)))
        ordinary: dict[str, Any] = {}
        if clicks:
            tables, ordinary["events"] = clicks.truth()
            tables |= reference_truth(shop)
            if order_side:
                order_tables, ordinary["orders"] = order_side.ordinary_truth()
                tables |= order_tables
            written += [export.write_truth(name, tables[name]) for name in truth_files(config)]
    truth = describe(config, shop.period, shop.users, shop.profiles, counter) | _ledger(written)
    if order_side:
        truth |= {
            "sales": order_side.truth(),
            "dirt_of_sales": {name: _dirt(written, name) for name in sales_entities(config)},
        }
    if ordinary:
        truth["ordinary"] = ordinary
    _write_truth(out, truth)
    return Simulation(out, _by_entity(out, written), _rows(written), truth)


def _files(
    shop: Shop,
    counter: TruthCounter,
    clicks: OrdinaryClicks | None,
    chances: tuple[np.random.Generator, np.random.Generator],
    progress: Progress | None,
) -> Iterator[tuple[Events, Rows]]:
    """Return the events of each month, and the rows of its file with what is ordinary and what is wrong with them."""
    in_time, in_files = chances
    late: dict[int, list[Rows]] = defaultdict(list)
    event_count = 0
    for month, events in enumerate(_months(shop, counter, in_time, progress)):
        tracked = clicks.change_events(month, events) if clicks else events
        number = np.arange(event_count, event_count + tracked.size, dtype=np.int64)
        event_count += tracked.size
        rows = Rows(tracked, number, np.zeros(tracked.size, dtype=np.uint8))
        if clicks:
            rows = clicks.change_rows(month, rows)
        if not shop.config.dirt.is_clean:
            rows = _add_dirt(rows, shop.config, month, late, in_files)
        yield events, rows


def _months(
    shop: Shop, counter: TruthCounter, rng: np.random.Generator, progress: Progress | None
) -> Iterator[Events]:
    blocks: list[Events] = []
    for events, is_complete in run_shop(shop, counter, rng):
        blocks.append(events)
        if progress:
            progress(counter.rows, max(counter.rows, shop.config.events))
        if is_complete:
            yield concat(blocks)
            blocks.clear()


def _add_dirt(
    rows: Rows, config: SimulationConfig, month: int, late: dict[int, list[Rows]], rng: np.random.Generator
) -> Rows:
    """Return the rows of a month's file: late ones of earlier months first, its own late ones kept for a later file."""
    is_last = month == config.months - 1
    fault = draw_faults(rows.events, config.dirt, is_last=is_last, rng=rng)
    current, late_rows = split_late(Rows(rows.events, rows.number, fault), month, config.months, rng)
    for target, part in late_rows:
        late[target].append(part)
    current = repeat_duplicates(current)
    arrivals = late.pop(month, [])
    if not arrivals:
        return current
    delayed = concat_rows(arrivals)
    return concat_rows([delayed.take(np.argsort(delayed.number)), current])


def _planned(config: SimulationConfig, period: Period) -> list[str]:
    sales = sales_files(config, period).values()
    return [
        *event_files(config, period),
        *reference_files(config).values(),
        *(name for names in sales for name in names),
        DECISIONS_FILE,
        *([BUYERS_FILE] if config.buyer_types else []),
        *truth_files(config),
    ]


def _clear(out: Path, names: list[str]) -> None:
    """Make room: removes what an earlier simulation wrote, and notes what this one is going to write."""
    earlier = _earlier(out / TRUTH_FILE)
    for name in names:
        if (out / name).exists() and name not in earlier:
            raise ConfigurationError(f"{out / name} was not written by a simulation; choose another folder")
    for name in earlier:
        (out / name).unlink(missing_ok=True)
    for folder in {(out / name).parent for name in names}:
        folder.mkdir(parents=True, exist_ok=True)
    _write_truth(out, {"is_complete": False, "files": dict.fromkeys(names)})


def _earlier(truth: Path) -> list[str]:
    """Return files an earlier simulation wrote into the folder; nothing outside of it."""
    if not truth.exists():
        return []
    try:
        names = json.loads(truth.read_text(encoding="utf-8"))["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{truth} was not written by a simulation; choose another folder") from error
    return [name for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts]


def _write_truth(out: Path, truth: dict[str, Any]) -> None:
    text = json.dumps(truth, indent=2, ensure_ascii=False)
    (out / TRUTH_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")


def _ledger(written: list[Written]) -> dict[str, Any]:
    """Return rows and dirt of every file, and of all files of events together."""
    files = {file.name: {"entity": file.entity, "rows": file.rows, "dirt": file.faults} for file in written}
    dirt = _dirt(written, "events")
    return {"dirt": dirt, "rows_written": _rows(written), "files": files, "is_complete": True}


def _dirt(written: list[Written], entity: str) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for file in written:
        for fault, count in file.faults.items():
            totals[fault] += count if file.entity == entity else 0
    return dict(totals)


def _rows(written: list[Written]) -> int:
    return sum(file.rows for file in written if file.entity == "events")


def _by_entity(out: Path, written: list[Written]) -> dict[str, list[Path]]:
    by_entity: dict[str, list[Path]] = defaultdict(list)
    for file in written:
        if file.entity not in TRUTH_ENTITIES:
            by_entity[file.entity].append(out / file.name)
    return dict(by_entity)
