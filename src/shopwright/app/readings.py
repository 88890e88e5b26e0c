"""Read-outs of experiments for pages: read once for each published build and plan, and their plots drawn once for each ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import data
from shopwright.app.theme import adapt_experiment_chart
from shopwright.experiments import figures
from shopwright.experiments.reading import read_experiment
from shopwright.experiments.store import check_built

if TYPE_CHECKING:
    from collections.abc import Callable

    import plotly.graph_objects as go

    from shopwright.experiments.reading import Reading
    from shopwright.settings import ExperimentDefinition

_DRAWN: dict[str, Callable[[Reading], go.Figure]] = {
    "effects": lambda reading: figures.effects(reading.readout.readings),
    "sequence": figures.sequence,
    "cohorts": lambda reading: figures.cohorts(reading.readout),
    "segments": lambda reading: figures.segments(reading.readout),
    "funnel": lambda reading: figures.funnel(reading.readout),
}


def names() -> tuple[str, ...]:
    """Experiments of shopwright.toml, the one that begins last on top."""
    experiments = data.project().settings.experiments
    return tuple(each.name for each in sorted(experiments, key=lambda each: each.start, reverse=True))


def read(name: str) -> Reading:
    """All that ``shopwright experiment read`` says.

    Raises:
        DataError: the published warehouse was not built with the experiment as it is in the settings.
    """
    return _read(_key(name), name)


def draw(plot: str, name: str) -> go.Figure:
    """A plot of a read-out, on the ground that the reader chose.

    Args:
        plot: "effects", "sequence", "cohorts", "segments" or "funnel".
        name: of the experiment.
    """
    return _draw(_key(name), plot, name, is_dark=st.context.theme.type == "dark")


def _key(name: str) -> tuple[str | int, ...]:
    """The build and the settings that a read-out is of: it is read anew where either is another."""
    settings = data.project().settings
    return (*data.build_identity(), settings.shop.timezone, _experiment(name).model_dump_json())


def _experiment(name: str) -> ExperimentDefinition:
    return next(each for each in data.project().settings.experiments if each.name == name)


@st.cache_resource(max_entries=20, show_spinner="Reading the experiment")
def _read(key: tuple[str | int, ...], name: str) -> Reading:  # noqa: ARG001  # part of what is kept under
    experiment = _experiment(name)
    with data.connection() as opened:
        check_built(opened, experiment, timezone=data.project().settings.shop.timezone)
        return read_experiment(opened, experiment)


@st.cache_data(max_entries=100, show_spinner=False)
def _draw(key: tuple[str | int, ...], plot: str, name: str, *, is_dark: bool) -> go.Figure:
    return adapt_experiment_chart(_DRAWN[plot](_read(key, name)), is_dark=is_dark)
