"""A simulated effect that cannot be is refused with its reason, and nothing is written."""

from __future__ import annotations

import pytest
from tests.simulate.effect_shop import EXPERIMENT, MAPPED, STREAM, event, export, lines, make, simulate

from shopwright.core.errors import ConfigurationError
from shopwright.settings import load_project
from shopwright.simulate.effects import simulate_effect


def refusal(shop, **options):
    export(shop, "day.jsonl", lines([event("u1")]))
    with pytest.raises(ConfigurationError) as raised:
        simulate(shop, **options)
    assert not (shop.raw / "copy").exists()
    return str(raised.value)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (
            'unit = "session"\n',
            "its unit is the session, and sessions are known only once the warehouse is built",
        ),
        (
            'assignment = "exposures"\n',
            "its variants come from the entity exposures, which an export of events does not hold",
        ),
    ],
)
def test_an_experiment_whose_variants_are_not_known_yet_is_refused(tmp_path, rule, reason):
    shop = make(tmp_path, experiment=EXPERIMENT + rule)
    assert refusal(shop) == f"cannot simulate an effect of experiment 'checkout': {reason}"


def test_an_unknown_experiment_is_refused(tmp_path):
    shop = make(tmp_path, experiment=EXPERIMENT.replace("checkout", "checkouts"))
    file = shop.root / "shopwright.toml"
    assert refusal(shop) == f"no experiment 'checkout' in {file}; did you mean 'checkouts'?"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            STREAM.replace("event_stream", "olist"),
            "adapter olist reads no events, and an effect is simulated on events",
        ),
        (
            STREAM.replace("event_stream", "mapped") + 'entity = "orders"\n',
            "its entity is orders, and an effect is simulated on events",
        ),
        (
            STREAM.replace("event_stream", "postgres").replace('path = "raw"', 'table = "clicks"'),
            "rows of a database cannot be rewritten; export them to a file and read it with another source",
        ),
        (
            MAPPED.replace("[sources.map]", 'header = false\ncolumns = ["at"]\n[sources.map]'),
            "its files have no header, so the columns of the mark cannot be named; add a header",
        ),
        (
            MAPPED + 'properties = "extra"\n',
            "it maps properties itself, so the mark would be lost; remove properties from [sources.map]",
        ),
    ],
)
def test_a_source_that_cannot_carry_an_effect_is_refused(tmp_path, source, reason):
    shop = make(tmp_path, source)
    assert refusal(shop, source="clicks") == f"source 'clicks': {reason}"
    assert refusal(shop) == f"{shop.root / 'shopwright.toml'} has no source that reads files of events"


def test_the_source_is_chosen_where_there_are_several(tmp_path):
    shop = make(tmp_path, STREAM + STREAM.replace("clicks", "taps"))
    assert refusal(shop) == "several sources read events (clicks, taps); choose one with --source"
    assert refusal(shop, source="tap") == "no source 'tap'; did you mean 'taps'?"
    assert simulate(shop, source="taps").events == 1


@pytest.mark.parametrize("origin", ['{ value = "add_to_cart" }', "{ sql = \"'add_to_cart'\" }"])
def test_an_event_type_that_is_not_in_a_column_is_refused(tmp_path, origin):
    shop = make(tmp_path, MAPPED.replace('"type"', origin))
    reason = "source 'clicks': event_type is not read from a column, so no event can be made a purchase"
    assert refusal(shop) == reason


def test_a_source_without_a_word_for_a_purchase_is_refused(tmp_path):
    shop = make(tmp_path, MAPPED + '[sources.event_types]\npurchase = "page_view"\n')
    assert refusal(shop) == "source 'clicks': event_types has no word for a purchase"


def test_a_copy_is_not_rewritten_again(tmp_path):
    shop = make(tmp_path)
    export(shop, "day.jsonl", lines([event("u1")]))
    copy = simulate(shop).out
    with pytest.raises(
        ConfigurationError,
        match=r"day\.jsonl carries a simulated effect already; start from the original export$",
    ):
        simulate_effect(shop.project, copy, tmp_path / "second", experiment="checkout")
    assert not (tmp_path / "second").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".sim")) == []


def test_a_folder_that_is_in_use_is_refused(tmp_path):
    shop = make(tmp_path)
    export(shop, "day.jsonl", lines([event("u1")]))
    for out, reason in (
        (
            shop.root / "export" / "copy",
            f"is within {shop.root / 'export'}; choose a folder outside of the export",
        ),
        (shop.root / "export", "exists already; choose a new folder for the copy"),
        (shop.root / "shopwright.toml", "exists already; choose a new folder for the copy"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            simulate_effect(shop.project, shop.root / "export", out, experiment="checkout")
        assert str(raised.value) == f"{out} {reason}"
    (shop.raw / "copy").mkdir()
    assert simulate(shop).events == 1


def test_two_files_of_one_name_are_refused(tmp_path):
    shop = make(tmp_path)
    export(shop, "day.jsonl.gz", b"")
    assert "would both become day.jsonl in the copy" in refusal(shop)


def test_workbooks_are_refused(tmp_path):
    shop = make(tmp_path, MAPPED)
    export(shop, "day.xlsx", b"")
    with pytest.raises(
        ConfigurationError, match=r"day\.xlsx: workbooks cannot be rewritten; save it as CSV$"
    ):
        simulate(shop)


def test_an_effect_in_the_settings_of_a_source_names_the_command_that_replaced_it(tmp_path):
    file = tmp_path / "shopwright.toml"
    file.write_text(STREAM + '[sources.effect]\nexperiment = "checkout"\n' + EXPERIMENT)
    with pytest.raises(ConfigurationError) as raised:
        load_project(tmp_path)
    assert str(raised.value) == (
        f"{file}: sources.0: [sources.effect] was removed: an effect is now simulated before ingest. Delete the section, "
        "write a changed copy of the export with `shopwright simulate-effect`, and load that copy in a new project"
    )
