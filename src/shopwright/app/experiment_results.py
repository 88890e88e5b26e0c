"""Experiment results for pages: computed once per published build and settings, and drawn once per theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import data
from shopwright.app.theme import adapt_experiment_chart
from shopwright.experiments import charts
from shopwright.experiments.readout_table import check_built
from shopwright.experiments.result import read_experiment

if TYPE_CHECKING:
    from collections.abc import Callable

    import plotly.graph_objects as go

    from shopwright.experiments.result import ExperimentResult
    from shopwright.settings import ExperimentDefinition

_CHARTS: dict[str, Callable[[ExperimentResult], go.Figure]] = {
    "effects": lambda result: charts.effects_chart(result.analysis.metric_results),
    "daily": charts.daily_chart,
    "cohorts": lambda result: charts.cohorts_chart(result.analysis),
    "segments": lambda result: charts.segments_chart(result.analysis),
    "funnel": lambda result: charts.funnel_chart(result.analysis),
}


def experiment_names() -> tuple[str, ...]:
    """Return the experiments of shopwright.toml, the one that starts last first."""
    experiments = data.project().settings.experiments
    latest_first = sorted(experiments, key=lambda experiment: experiment.start, reverse=True)
    return tuple(experiment.name for experiment in latest_first)


def load_result(name: str) -> ExperimentResult:
    """Return the result that ``shopwright experiment results`` shows.

    Raises:
        DataError: the published warehouse was not built with the experiment's current settings.
    """
    return _load_result(_cache_key(name), name)


def draw_chart(chart: str, name: str) -> go.Figure:
    """Return a chart of an experiment, in the reader's theme.

    Args:
        chart: "effects", "daily", "cohorts", "segments" or "funnel".
        name: of the experiment.
    """
    return _draw_chart(_cache_key(name), chart, name, is_dark=st.context.theme.type == "dark")


def _cache_key(name: str) -> tuple[str | int, ...]:
    """Return the build and the settings that a result depends on."""
    settings = data.project().settings
    return (*data.build_identity(), settings.shop.timezone, _find(name).model_dump_json())


def _find(name: str) -> ExperimentDefinition:
    return next(experiment for experiment in data.project().settings.experiments if experiment.name == name)


@st.cache_resource(max_entries=20, show_spinner="Loading the experiment")
def _load_result(key: tuple[str | int, ...], name: str) -> ExperimentResult:  # noqa: ARG001  # part of the cache key
    experiment = _find(name)
    with data.connection() as connection:
        check_built(connection, experiment, timezone=data.project().settings.shop.timezone)
        return read_experiment(connection, experiment)


@st.cache_data(max_entries=100, show_spinner=False)
def _draw_chart(key: tuple[str | int, ...], chart: str, name: str, *, is_dark: bool) -> go.Figure:
    return adapt_experiment_chart(_CHARTS[chart](_load_result(key, name)), is_dark=is_dark)
