"""A simulated effect that cannot be, or is no longer what it was, is refused with its reason."""

from __future__ import annotations

import pytest
from effect_shop import EXPERIMENT, STREAM, effect, event, lines, make

from shopwright.core.errors import ConfigurationError
from shopwright.settings import load_project
from shopwright.testing import Shop


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            STREAM + effect(experiment="checkouts") + EXPERIMENT,
            "settings: source 'clicks': no experiment 'checkouts' to simulate an effect of; did you mean 'checkout'?",
        ),
        (
            STREAM + effect() + EXPERIMENT + 'unit = "session"\n',
            (
                "settings: source 'clicks': no effect of experiment 'checkout' can be simulated: its unit is the "
                "session, and sessions are told apart only when the warehouse is built"
            ),
        ),
        (
            STREAM + effect() + EXPERIMENT + 'assignment = "exposures"\n',
            (
                "settings: source 'clicks': no effect of experiment 'checkout' can be simulated: the entity "
                "exposures says who saw what, and it may come after the events"
            ),
        ),
        (STREAM + effect(share=0) + EXPERIMENT, "sources.0.effect.share: Input should be greater than 0"),
        (
            STREAM + effect(share=1.01) + EXPERIMENT,
            "sources.0.effect.share: Input should be less than or equal to 1",
        ),
        (
            STREAM + effect().replace("share", "shar") + EXPERIMENT,
            "no setting 'sources.0.effect.shar'; did you mean 'share'?",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, text, says):
    file = tmp_path / "shopwright.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load_project(tmp_path)
    assert str(raised.value) == f"{file}: {says}"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            STREAM.replace("event_stream", "olist"),
            "source 'clicks': adapter olist reads no events, and an effect is simulated on events",
        ),
        (
            STREAM.replace("event_stream", "online_retail"),
            "source 'clicks': adapter online_retail reads no events, and an effect is simulated on events",
        ),
        (
            STREAM.replace("event_stream", "mapped") + 'entity = "orders"\n',
            "source 'clicks': its entity is orders, and an effect is simulated on events",
        ),
    ],
)
def test_a_source_without_events_is_refused(tmp_path, source, says):
    shop = make(tmp_path, source)
    shop.write("olist_orders_dataset.csv", "a\n1\n")
    with pytest.raises(ConfigurationError) as raised:
        shop.ingest()
    assert str(raised.value) == says
    assert shop.ledger() == []


WAS = "a simulated effect (experiment checkout, share 0.05, seed 1)"
ADVICE = "; events that come again would not be recognised. Put the settings back, or begin a new project"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (effect(), "", f"{WAS}, and it now has no simulated effect"),
        ("", effect(), f"no simulated effect, and it now has {WAS}"),
        (effect(), effect(share=0.1), f"{WAS}, and it now has {WAS.replace('0.05', '0.1')}"),
        (effect(), effect(seed=2), f"{WAS}, and it now has {WAS.replace('seed 1', 'seed 2')}"),
    ],
)
def test_a_source_keeps_the_effect_it_was_taken_in_with(tmp_path, before, after, says):
    shop = Shop.make(tmp_path, STREAM + before + EXPERIMENT)
    shop.write("a.jsonl", lines([event("u1"), event(None)]))
    shop.ingest()
    Shop.make(tmp_path, STREAM + after + EXPERIMENT)
    shop.write("b.jsonl", lines([event("u2")]))
    wanted = f"source 'clicks': its events in the lake were taken in with {says}{ADVICE}"
    for act in (shop.ingest, shop.replay):
        with pytest.raises(ConfigurationError) as raised:
            act()
        assert str(raised.value) == wanted
    assert len(shop.ledger()) == 1
    Shop.make(tmp_path, STREAM + before + EXPERIMENT)
    assert shop.ingest().total("rows_accepted") == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [("end = 2024-03-31", "end = 2024-03-30"), ("[[experiments]]", '[[experiments]]\nsalt = "other"')],
)
def test_an_experiment_of_another_assignment_is_another_effect(tmp_path, old, new):
    shop = make(tmp_path)
    shop.write("a.jsonl", lines([event("u1")]))
    shop.ingest()
    make(tmp_path, experiment=EXPERIMENT.replace(old, new))
    with pytest.raises(ConfigurationError) as raised:
        shop.ingest()
    says = f"{WAS}, and its experiment's assignment or dates have changed since{ADVICE}"
    assert str(raised.value) == f"source 'clicks': its events in the lake were taken in with {says}"


def test_how_an_experiment_is_judged_may_change_at_any_time(tmp_path):
    shop = make(tmp_path)
    shop.write("a.jsonl", lines([event("u1")]))
    shop.ingest()
    make(tmp_path, experiment=EXPERIMENT + 'alpha = 0.01\nprimary_metric = "cart_rate"\n')
    assert shop.ingest().skipped == 1


def test_a_source_that_has_landed_nothing_may_change_its_effect(tmp_path):
    shop = make(tmp_path)
    shop.write("a.jsonl", "{}\n")
    shop.ingest()
    make(tmp_path, seed=2)
    shop.write("b.jsonl", lines([event("u1")]))
    assert shop.ingest().total("rows_accepted") == 1
