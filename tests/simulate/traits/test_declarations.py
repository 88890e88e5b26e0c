"""Traits: the default has none, each changes what it says, and all leave the shop behind them as it is."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from shopwright.contracts.events import EVENT_TYPES
from shopwright.contracts.sales import LINE_KINDS
from shopwright.simulate import SimulationConfig, events, simulate
from shopwright.simulate.sales import records
from shopwright.simulate.traits.declarations import TRAITS, traits_of

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = {
    "rees46": "8bf1dfa72cd4be5670dd8dd60966386cd66f0925c33c0e8915dee3b4950b54ab",
    "event_stream": "7a495adbdff0c214b92e972bb2eff8af2aa534dce8a3c8d598e6b54ea353a917",
    "marketplace": "4cae1892c47dfea159a1b5c8d19fc71b6426b7c83dc886fead764a4c1cd9048d",
}
"""SHA-256 over the text files of a plain shop, as it was before there were traits."""


def files_of(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def small(**options: Any) -> SimulationConfig:
    return SimulationConfig(**({"events": 6_000, "products": 60, "months": 2} | options))


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_shop_has_the_bytes_it_always_had(tmp_path: Path, name: str) -> None:
    simulate(small(format=name), tmp_path)
    text = {path: digest for path, digest in files_of(tmp_path).items() if not path.endswith(".parquet")}
    assert hashlib.sha256(json.dumps(text).encode()).hexdigest() == PLAIN[name]


def test_the_simulated_types_and_kinds_are_those_of_the_contract() -> None:
    assert set(events.EVENT_TYPES) <= set(EVENT_TYPES)
    assert set(records.LINE_KINDS) <= set(LINE_KINDS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(small(format="marketplace"), tmp_path_factory.mktemp("plain")).out


@pytest.mark.parametrize("trait", TRAITS, ids=lambda trait: trait.name)
def test_one_trait_changes_its_files_and_not_the_shop(tmp_path: Path, plain: Path, trait: Any) -> None:
    simulation = simulate(small(format="marketplace", traits=(trait.name,)), tmp_path)
    before, after = files_of(plain), files_of(tmp_path)
    changes = {name for name in before if after[name] != before[name]} - {"truth.json"}
    additions = after.keys() - before.keys()
    assert changes or additions
    assert all(name.startswith("truth/") for name in additions) or trait.entities
    assert "truth/decisions.parquet" not in changes
    if not trait.sales and not trait.has_overlaps and not trait.without:
        assert all(name.startswith("events/") for name in changes)
    if not (trait.clicks or trait.properties):
        assert not any(name.startswith("events/") for name in changes)
    truth = json.loads((plain / "truth.json").read_text(encoding="utf-8"))
    for section in ("totals", "experiment", "abandonment", "bots", "churned_users", "profiles"):
        assert simulation.truth[section] == truth[section]


def test_one_more_trait_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    for name, traits in (("two", ("log-ins", "taxes")), ("three", ("log-ins", "taxes", "totals"))):
        simulate(small(format="marketplace", traits=traits), tmp_path / name)
    two, three = files_of(tmp_path / "two"), files_of(tmp_path / "three")
    changes = {name.split("-20")[0] for name in two if two[name] != three[name]}
    assert {"orders/orders", "truth.json"} <= changes <= {"orders/orders", "orders/order_items", "truth.json"}


@pytest.mark.parametrize("files", ["jsonl", "parquet"])
def test_same_seed_same_bytes(tmp_path: Path, files: str) -> None:
    options: dict[str, Any] = {"format": "marketplace", "files": files, "traits": traits_of("marketplace")}
    for name in ("one", "again"):
        simulate(small(**options), tmp_path / name)
    simulate(small(**options, seed=8), tmp_path / "other")
    first, again, other = (files_of(tmp_path / name) for name in ("one", "again", "other"))
    assert first == again
    assert all(other[name] != digest for name, digest in first.items() if "refunds" not in name)


def test_traits_come_in_one_order_and_once() -> None:
    config = small(traits=("reloads", "log-ins", "reloads"))
    assert config.traits == ("log-ins", "reloads")
    assert SimulationConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"traits": ("logins",)}, "no trait is called logins"),
        ({"traits": ("taxes",)}, "export of the format event_stream cannot have taxes"),
        ({"traits": ("log-ins",), "format": "rees46"}, "no traits"),
    ],
)
def test_traits_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        small(**options)


def test_a_plain_shop_replaces_an_ordinary_one(tmp_path: Path) -> None:
    simulate(small(format="marketplace", traits=traits_of("marketplace")), tmp_path)
    simulate(small(), tmp_path)
    assert not any(name.startswith(("orders/", "exchange_rates", "truth/p")) for name in files_of(tmp_path))


def test_dirt_and_traits_go_together(tmp_path: Path) -> None:
    options = dict.fromkeys(
        ("duplicate_rate", "late_file_rate", "torn_line_rate", "negative_price_rate"), 0.02
    )
    simulation = simulate(
        small(format="marketplace", traits=traits_of("marketplace"), dirt=options), tmp_path
    )
    assert simulation.truth["dirt"]["negative_price"] > 0
    assert simulation.truth["dirt_of_sales"]["orders"]["torn_line"] >= 0
