"""``shopwright simulate``: raw exports of a shop that does not exist."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from shopwright.cli.output import JsonOption, print_json, progress_bar, stdout_console, table
from shopwright.core.errors import ConfigurationError
from shopwright.simulate import Dirt, Simulation, SimulationConfig, simulate
from shopwright.simulate.traits.declarations import TRAITS, traits_of

DEFAULTS = SimulationConfig()

DIRTY = Dirt(
    duplicate_rate=0.002,
    late_file_rate=0.002,
    bad_timestamp_rate=0.0005,
    negative_price_rate=0.0005,
    missing_event_type_rate=0.0005,
    missing_user_rate=0.0005,
    torn_line_rate=0.0002,
    wrong_encoding_rate=0.0002,
)
"""What ``--dirty`` spoils: about half a percent of the rows, each fault among them."""


class Format(StrEnum):
    """Raw export to write."""

    EVENT_STREAM = "event_stream"
    MARKETPLACE = "marketplace"
    REES46 = "rees46"


class Files(StrEnum):
    """Kind of the files."""

    JSONL = "jsonl"
    PARQUET = "parquet"


class Compression(StrEnum):
    """How text files are compressed."""

    GZ = "gz"
    ZST = "zst"


FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        help="Export to write; a marketplace is an event stream with orders and all that follows.",
    ),
]
EventsOption = Annotated[int, typer.Option(min=1, help="Events wanted.")]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")]
StartOption = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")]
MonthsOption = Annotated[int, typer.Option(min=1, max=36, help="Months, one file each.")]
ProductsOption = Annotated[int, typer.Option(min=20, help="Products in the catalog.")]
SellersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Sellers of a marketplace; by default one for every 25 products."),
]
EffectOption = Annotated[
    float, typer.Option(help="True relative lift of the experiment's treatment on buying.")
]
BuyerTypesOption = Annotated[
    bool, typer.Option("--buyer-types", help="Make people of four types that buy differently.")
]
FilesOption = Annotated[Files, typer.Option(help="Kind of the files; rees46 is always CSV.")]
CompressionOption = Annotated[Compression | None, typer.Option(help="Compress text files.")]
OrdinaryOption = Annotated[
    bool, typer.Option("--ordinary", help="Give the export every trait that its format can have.")
]
TraitOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help=f"Give the export one trait of ordinary shops; repeatable. One of {', '.join(t.name for t in TRAITS)}.",
    ),
]
DirtyOption = Annotated[bool, typer.Option("--dirty", help="Spoil about half a percent of the rows.")]


def command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the files.")],
    form: FormatOption = Format.EVENT_STREAM,
    events: EventsOption = DEFAULTS.events,
    seed: SeedOption = DEFAULTS.seed,
    start: StartOption = datetime.combine(DEFAULTS.start, datetime.min.time()),
    months: MonthsOption = DEFAULTS.months,
    products: ProductsOption = DEFAULTS.products,
    sellers: SellersOption = None,
    effect: EffectOption = DEFAULTS.experiment_effect,
    buyer_types: BuyerTypesOption = False,
    files: FilesOption = Files.JSONL,
    compression: CompressionOption = None,
    ordinary: OrdinaryOption = False,
    trait: TraitOption = None,
    dirty: DirtyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the raw exports of a synthetic shop, and the truth behind them.

    Everything that was decided on the way (rates, effects, who is a bot, what was spoilt) is in OUT/truth.json; the true
    chance of each purchase is in OUT/truth/decisions.parquet, and with --buyer-types everybody's type in truth/buyers.parquet.

    A marketplace adds orders with their lines, payments and reviews to the clicks; purchase events name their order.

    Exports of real shops have traits that the plain one does without: people who log in during a visit, purchases reported twice,
    taxes, refunds, several currencies. --ordinary gives the export all of them, --trait single ones. OUT/truth then holds what is right.

    Example:
        shopwright simulate my-shop/raw --format rees46 --events 1000000 --dirty
        shopwright simulate my-shop/raw --format marketplace --months 6
        shopwright simulate my-shop/raw --format marketplace --ordinary
        shopwright simulate my-shop/raw --trait log-ins --trait reloads
    """
    config = _config(
        seed=seed,
        events=events,
        start=start.date(),
        months=months,
        products=products,
        sellers=sellers,
        experiment_effect=effect,
        buyer_types=buyer_types,
        format=form.value,
        files=files.value,
        compression=compression.value if compression else None,
        traits=(*(traits_of(form.value) if ordinary else ()), *(trait or ())),
        dirt=DIRTY.model_copy(update={"late_file_rate": 0.0} if months == 1 else {}) if dirty else Dirt(),
    )
    with progress_bar(quiet=as_json) as bar:
        made = simulate(
            config,
            out,
            progress=lambda done, total: bar.update(f"{done:,} events", done, total),
        )
    _show(made, out, as_json=as_json)


def _show(made: Simulation, out: Path, *, as_json: bool) -> None:
    names = {entity: [str(path) for path in paths] for entity, paths in made.files.items()}
    if as_json:
        print_json({"out": str(out), "rows": made.rows, "files": names, "truth": str(made.truth_path)})
        return
    console = stdout_console()
    console.print(f"Simulated {made.rows:,} rows of events in {out}")
    console.print(table("", ("entity", "files", "first file"), [(e, len(p), p[0]) for e, p in names.items()]))
    console.print(f"The truth behind them: {made.truth_path}")


def _config(**given: Any) -> SimulationConfig:
    try:
        if given["files"] == "parquet":
            dirt = given["dirt"].model_copy(update={"torn_line_rate": 0.0, "wrong_encoding_rate": 0.0})
            given["dirt"] = dirt
        return SimulationConfig(**given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{where}: {message}" if where else message) from None
