"""A wrong plan of an experiment is refused in words that say what to do."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest
from pydantic import ValidationError

from shopwright.core.errors import ConfigurationError
from shopwright.settings import ExperimentDefinition, Settings, load_project

PLAN = {"name": "checkout", "hypothesis": "It sells more.", "start": date(2024, 3, 1)}


def define(**given):
    return ExperimentDefinition.model_validate(PLAN | given)


def refusal(**given):
    with pytest.raises(ValidationError) as raised:
        define(**given)
    return str(raised.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"variants": {"control": 1}}, "variants needs at least two, the control first"),
        ({"variants": {}}, "variants needs at least two, the control first"),
        ({"variants": {"control": 1, "treatment": 0}}, "a variant's weight must be above 0 and finite"),
        ({"variants": {"control": 1, "treatment": -1}}, "a variant's weight must be above 0 and finite"),
        (
            {"assignment": "md5_parity", "variants": {"a": 1, "b": 1, "c": 1}},
            "assignment md5_parity needs exactly two variants of equal weight",
        ),
        (
            {"assignment": "md5_parity", "variants": {"a": 1, "b": 2}},
            "assignment md5_parity needs exactly two variants of equal weight",
        ),
        ({"end": date(2024, 2, 29)}, "end 2024-02-29 is before start 2024-03-01"),
        (
            {"layer": "page", "layer_range": (0.5, 0.5)},
            "layer_range must go from a smaller share to a larger one",
        ),
        (
            {"layer": "page", "layer_range": (0.5, 0.2)},
            "layer_range must go from a smaller share to a larger one",
        ),
        ({"layer_range": (0, 0.5)}, "layer_range needs the name of a layer"),
        (
            {"primary_metric": "conversoin_rate"},
            "no metric 'conversoin_rate'; did you mean 'conversion_rate'?",
        ),
        ({"secondary_metrics": ["revenue"]}, "no metric 'revenue'"),
        (
            {"guardrails": [{"metric": "return_rates"}]},
            "no metric 'return_rates'; did you mean 'return_rate'?",
        ),
        ({"exposure": "begin_chekout"}, "no exposure 'begin_chekout'; did you mean 'begin_checkout'?"),
        ({"exposure": "assignd"}, "no exposure 'assignd'; did you mean 'assigned'?"),
        ({"secondary_metrics": ["conversion_rate"]}, "metric 'conversion_rate' is listed twice"),
        ({"secondary_metrics": ["cart_rate", "cart_rate"]}, "metric 'cart_rate' is listed twice"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_the_reason(given, says):
    assert says in refusal(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Checkout"},
        {"name": "a b"},
        {"name": "x" * 61},
        {"hypothesis": ""},
        {"unit": "order"},
        {"traffic": 0},
        {"traffic": 1.1},
        {"assignment": "md5"},
        {"layer": "page", "layer_range": (0, 1.5)},
        {"guardrails": [{"metric": "return_rate", "worst_change": 0}]},
        {"guardrails": [{"metric": "return_rate", "worst_change": 1}]},
        {"minimum_detectable_effect": 0},
        {"alpha": 0},
        {"alpha": 0.5},
        {"power": 0.5},
        {"power": 1},
        {"correction": "bonferroni"},
        {"sequence_units": 0},
        {"winsorize": 0.5},
        {"winsorize": 1},
        {"pre_period_days": -1},
        {"start": "soon"},
    ],
    ids=str,
)
def test_a_value_out_of_bounds_is_named(given):
    assert next(iter(given)) in refusal(**given)


def test_a_setting_that_does_not_exist_is_refused_with_a_near_match(tmp_path):
    (tmp_path / "shopwright.toml").write_text(
        '[[experiments]]\nname = "a"\nhypothesis = "b"\nstart = 2024-03-01\nprimary_metrics = "cart_rate"',
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError, match="primary_metrics'; did you mean 'primary_metric'"):
        load_project(tmp_path)


def test_two_experiments_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="two experiments are named 'checkout'"):
        Settings.model_validate({"experiments": [PLAN, PLAN]})


def test_a_plan_survives_a_round_trip():
    plan = define(
        end=date(2024, 3, 28),
        variants={"control": 2, "b": 1, "c": 1},
        layer="page",
        layer_range=(0.25, 0.5),
        guardrails=[{"metric": "return_rate", "worst_change": 0.02}],
        winsorize=0.99,
    )
    assert ExperimentDefinition.model_validate_json(plan.model_dump_json()) == plan


def test_a_plan_is_read_from_toml():
    text = """
        [[experiments]]
        name = "one-page-checkout"
        hypothesis = "Fewer steps sell more."
        start = 2024-03-01
        variants = { old = 1, new = 3 }
        [[experiments.guardrails]]
        metric = "return_rate"
    """
    (found,) = Settings.model_validate(tomllib.loads(text)).experiments
    assert (found.control, found.shares) == ("old", {"old": 0.25, "new": 0.75})
    assert (found.start, found.guardrails[0].worst_change) == (date(2024, 3, 1), 0.05)


def test_the_metrics_of_a_plan_are_named_once_with_the_primary_one_first():
    plan = define(
        primary_metric="revenue_per_user",
        secondary_metrics=["cart_rate"],
        guardrails=[{"metric": "cart_rate"}, {"metric": "return_rate"}],
    )
    assert plan.metrics == ("revenue_per_user", "cart_rate", "return_rate")


def test_experiments_of_one_layer_do_not_meet():
    plan = {"hypothesis": "x", "start": "2025-01-01", "end": "2025-01-31", "layer": "pages"}

    def both(**other):
        one = {"name": "one", **plan, "layer_range": [0, 0.5]}
        return Settings(experiments=[one, {"name": "two", **plan, **other}])

    with pytest.raises(ValidationError, match="experiments 'one' and 'two' share units of layer 'pages'"):
        both(layer_range=[0.2, 0.7])
    both(layer_range=[0.5, 1])
    both(layer_range=[0, 0.5], start="2025-02-01", end="2025-02-10")
    both(layer_range=[0, 0.5], layer="checkout")
