"""Experiments: what to do, what changed, and whether it may be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import components, data, readings
from shopwright.app.formatting import escape_markdown
from shopwright.core.errors import DataError
from shopwright.experiments.report import COHORTS, SEGMENTS, SEQUENCE, table_rows, told_trends
from shopwright.experiments.words import notes, simulation_warnings, told_ratio
from shopwright.metrics import METRICS
from shopwright.reports import Column

if TYPE_CHECKING:
    from shopwright.experiments.reading import Reading
    from shopwright.experiments.verdict import Verdict

VERDICTS = {"ship": st.success, "do not ship": st.error, "keep running": st.warning, "invalid": st.error}
RULE = (
    "A fixed rule decides: validity first, guardrails second, the primary metric third. Before the planned end only what "
    "holds at every look may decide."
)
EFFECTS = "Change relative to the control. Thick: the interval for one look at the planned end. Thin: the one that holds at every look."
FUNNEL = "How far the units of each variant came, as a share of its units. Bots are left out."


def _verdict(verdict: Verdict) -> None:
    VERDICTS[verdict.decision](
        f"**{escape_markdown(verdict.variant)}: {verdict.decision}**  \n{escape_markdown(verdict.reason)}"
    )


def _facts(reading: Reading) -> None:
    readout = reading.readout
    with st.container(border=True):
        cells = st.columns(len(readout.units) + 3)
        for cell, (variant, count) in zip(cells, readout.units.items(), strict=False):
            cell.metric(
                escape_markdown(variant),
                f"{count:,}",
                help=f"Units that saw it ({readout.experiment.unit}s).",
            )
        cells[-3].metric("Days", f"{readout.days:,}", help="On which units came in.")
        cells[-2].metric(
            "Sample ratio", told_ratio(readout.sample_ratio), help="Whether chance explains the split."
        )
        cells[-1].metric("In two variants", f"{readout.mixed_units:,}", help="Left out of everything else.")
        st.caption(_standing(reading))


def _standing(reading: Reading) -> str:
    readout = reading.readout
    planned = "the planned end is reached" if readout.is_complete else "before the planned end"
    return (
        f"data until {readout.as_of or 'none'} · {planned} · tested before it was published (see Data health)"
    )


def _section(title: str, definition: str, plot: str, name: str, *told: str) -> None:
    with st.container(border=True):
        st.markdown(f"**{title}**", help=definition)
        components.show_chart(readings.draw(plot, name), key=f"{plot} {name}")
        for sentence in told:
            st.markdown(escape_markdown(sentence))
        st.caption(_standing(readings.read(name)))


def _metrics(reading: Reading) -> None:
    name = reading.readout.experiment.name
    with st.container(border=True):
        st.markdown("**Change by metric**", help=EFFECTS)
        components.show_chart(readings.draw("effects", name), key=f"effects {name}")
        titles, rows = table_rows(reading.readout)
        components.show_table(f"experiment {name}", [Column(title, "", "text") for title in titles], rows)
        for note in notes(reading.readout):
            st.caption(escape_markdown(note))
        st.caption(_standing(reading))


def _show(name: str) -> None:
    reading = readings.read(name)
    readout = reading.readout
    metric = METRICS[readout.experiment.primary_metric].title
    st.markdown(f"*{escape_markdown(readout.experiment.hypothesis)}*")
    for warning in simulation_warnings(reading.simulated_events, reading.simulated_elsewhere):
        st.warning(escape_markdown(warning))
    for verdict in reading.verdicts:
        _verdict(verdict)
    st.caption(RULE)
    _facts(reading)
    _metrics(reading)
    if reading.days:
        _section(f"{metric}, day by day", SEQUENCE, "sequence", name)
    _section("Funnel by variant", FUNNEL, "funnel", name)
    if readout.segments:
        _section(f"{metric}, by segment", SEGMENTS, "segments", name)
    if readout.cohorts:
        _section(f"{metric}, by the day units came in", COHORTS, "cohorts", name, *told_trends(readout))


components.page_header("Experiments", "What was tried, what changed, and what to do.")
if known := readings.names():
    try:
        _show(st.selectbox("Experiment", known))
    except DataError as error:
        components.show_error(error)
else:
    st.info("This shop has no experiments. An `[[experiments]]` section in its settings sets one up:")
    st.code(f"{data.project().root / 'shopwright.toml'}", language=None)
