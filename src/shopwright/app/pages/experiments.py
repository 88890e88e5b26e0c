"""Experiments: the verdict, what changed, and whether the results are valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import components, data, experiment_results
from shopwright.app.formatting import escape_markdown
from shopwright.core.errors import DataError
from shopwright.experiments.messages import format_sample_ratio, simulation_warnings, table_notes
from shopwright.experiments.report import COHORT_NOTE, DAILY_NOTE, SEGMENT_NOTE, format_trends, table_rows
from shopwright.metrics import METRICS
from shopwright.reports import Column

if TYPE_CHECKING:
    from shopwright.experiments.result import ExperimentResult
    from shopwright.experiments.verdict import VariantVerdict

VERDICTS = {"ship": st.success, "do not ship": st.error, "keep running": st.warning, "invalid": st.error}
RULE = (
    "A fixed rule decides: validity first, guardrails second, the primary metric third. Before the planned end only "
    "always-valid results may decide."
)
EFFECTS = "Change relative to the control. Thick: fixed-horizon interval, for the planned end. Thin: always-valid interval."
FUNNEL = "Share of each variant's units that got to each step. Bots are excluded."


def _show_verdict(verdict: VariantVerdict) -> None:
    VERDICTS[verdict.decision](
        f"**{escape_markdown(verdict.variant)}: {verdict.decision}**  \n{escape_markdown(verdict.reason)}"
    )


def _show_facts(result: ExperimentResult) -> None:
    analysis = result.analysis
    with st.container(border=True):
        cells = st.columns(len(analysis.units) + 3)
        for cell, (variant, count) in zip(cells, analysis.units.items(), strict=False):
            cell.metric(
                escape_markdown(variant),
                f"{count:,}",
                help=f"Units in the variant ({analysis.experiment.unit}s).",
            )
        cells[-3].metric("Days", f"{analysis.days:,}", help="Days with new units.")
        cells[-2].metric(
            "Sample ratio",
            format_sample_ratio(analysis.sample_ratio),
            help="Whether chance explains the split of units into variants.",
        )
        cells[-1].metric(
            "Units in several variants", f"{analysis.mixed_units:,}", help="Excluded from everything else."
        )
        st.caption(_data_status(result))


def _data_status(result: ExperimentResult) -> str:
    analysis = result.analysis
    stage = "planned end reached" if analysis.is_complete else "before the planned end"
    return f"Data through {analysis.as_of or 'no day yet'} · {stage} · tested before publishing (see Data health)"


def _show_chart(title: str, description: str, chart: str, name: str, *notes: str) -> None:
    with st.container(border=True):
        st.markdown(f"**{title}**", help=description)
        components.show_chart(experiment_results.draw_chart(chart, name), key=f"{chart} {name}")
        for note in notes:
            st.markdown(escape_markdown(note))
        st.caption(_data_status(experiment_results.load_result(name)))


def _show_metrics(result: ExperimentResult) -> None:
    name = result.analysis.experiment.name
    with st.container(border=True):
        st.markdown("**Change by metric**", help=EFFECTS)
        components.show_chart(experiment_results.draw_chart("effects", name), key=f"effects {name}")
        titles, rows = table_rows(result.analysis)
        components.show_table(f"experiment {name}", [Column(title, "", "text") for title in titles], rows)
        for note in table_notes(result.analysis):
            st.caption(escape_markdown(note))
        st.caption(_data_status(result))


def _show(name: str) -> None:
    result = experiment_results.load_result(name)
    analysis = result.analysis
    metric = METRICS[analysis.experiment.primary_metric].title
    st.markdown(f"*{escape_markdown(analysis.experiment.hypothesis)}*")
    for warning in simulation_warnings(result.simulated_events, result.simulated_elsewhere):
        st.warning(escape_markdown(warning))
    for verdict in result.verdicts:
        _show_verdict(verdict)
    st.caption(RULE)
    _show_facts(result)
    _show_metrics(result)
    if result.days:
        _show_chart(f"{metric} by day", DAILY_NOTE, "daily", name)
    _show_chart("Funnel by variant", FUNNEL, "funnel", name)
    if analysis.segments:
        _show_chart(f"{metric} by segment", SEGMENT_NOTE, "segments", name)
    if analysis.cohorts:
        _show_chart(f"{metric} by day of exposure", COHORT_NOTE, "cohorts", name, *format_trends(analysis))


components.page_header("Experiments", "What was tested, what changed, and what to do.")
if names := experiment_results.experiment_names():
    try:
        _show(st.selectbox("Experiment", names))
    except DataError as error:
        components.show_error(error)
else:
    st.info("No experiments yet. Add an `[[experiments]]` section to the settings:")
    st.code(f"{data.project().root / 'shopwright.toml'}", language=None)
