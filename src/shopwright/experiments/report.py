"""Experiment report as one self-contained HTML file: no network, no other files."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from plotly.offline import get_plotlyjs

from shopwright.experiments.charts import (
    BETTER,
    WORSE,
    cohorts_chart,
    daily_chart,
    effects_chart,
    funnel_chart,
    segments_chart,
)
from shopwright.experiments.messages import (
    format_change,
    format_sample_ratio,
    format_value,
    simulation_warnings,
    table_notes,
)
from shopwright.experiments.segments import MIN_UNITS
from shopwright.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plotly import graph_objects as plots

    from shopwright.experiments.analysis import Analysis, MetricResult
    from shopwright.experiments.result import ExperimentResult
    from shopwright.experiments.verdict import VariantVerdict
    from shopwright.settings import ShopSettings

DECISIONS = {"ship": BETTER, "do not ship": WORSE, "keep running": "#a06a00", "invalid": WORSE}
TITLES = (
    *("metric", "role", "variant", "control", "value", "change", "always valid", "p", "corrected p"),
    *("chance to win", "expected loss"),
)
MISSING = "–"  # noqa: RUF001  # a dash, as everywhere without a value
FIRST_NUMBER_COLUMN = 3

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin: 2.2rem 0 .3rem; }
.hypothesis, .note { color: #5b6b7f; } .hypothesis { margin-top: .2rem; } .note { font-size: .92rem; margin: .3rem 0; }
.verdict { border-left: .4rem solid; padding: .6rem 1rem; margin: .8rem 0; background: #f6f8fa; }
.simulated { background: #fff4d6; padding: .6rem 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; margin: .5rem 0; }
th, td { padding: .35rem .5rem; border-bottom: 1px solid #dfe4ea; text-align: left; vertical-align: top; }
td:first-child { min-width: 9rem; } .number { text-align: right; font-variant-numeric: tabular-nums; } .interval { color: #5b6b7f; white-space: nowrap; }
footer { margin-top: 2rem; color: #5b6b7f; font-size: .85rem; }
"""


def render_report(result: ExperimentResult, *, shop: ShopSettings) -> str:
    """Render the report of an experiment.

    Args:
        result: the experiment's result.
        shop: the shop, for its name and time zone.

    Returns:
        A complete HTML document.
    """
    analysis = result.analysis
    experiment, metric = analysis.experiment, METRICS[analysis.experiment.primary_metric].title
    sections = [
        f"<h1>{escape(experiment.name)}</h1><p class='hypothesis'>{escape(experiment.hypothesis)}</p>",
        _simulated(result),
        *map(_verdict, result.verdicts),
        _facts(result, shop),
        _section("Change by metric", effects_chart(analysis.metric_results)),
        _table(analysis),
        _section(f"{metric} by day", daily_chart(result) if result.days else None, DAILY_NOTE),
        _section(
            f"{metric} by day of exposure",
            cohorts_chart(analysis) if analysis.cohorts else None,
            COHORT_NOTE,
            *format_trends(analysis),
        ),
        _section(
            f"{metric} by segment", segments_chart(analysis) if analysis.segments else None, SEGMENT_NOTE
        ),
        _section("Funnel by variant", funnel_chart(analysis)),
        f"<footer>{_footer(result)}</footer>",
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(experiment.name)}</title><style>{_STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body>{''.join(sections)}</body></html>"
    )


DAILY_NOTE = (
    "Results as they stood at the end of each day, over all units so far. If you check every day, trust only the "
    "always-valid band. Not adjusted (CUPED) and not capped."
)
COHORT_NOTE = (
    "Each point compares the units exposed on one day, over all their time since, relative to the control of all days. A "
    "steady effect scatters around the dashed line. Points that drift toward 0 suggest a novelty effect: the effect wears "
    f"off, or was strongest for early users. Days with fewer than {MIN_UNITS} units in a variant are left out. Not adjusted "
    "(CUPED)."
)
SEGMENT_NOTE = "For exploration only: of many segments, some differ by chance. Not adjusted (CUPED)."


def _chart_html(chart: plots.Figure) -> str:
    text: str = chart.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    return text


def _section(title: str, chart: plots.Figure | None, *notes: str) -> str:
    if chart is None:
        return ""
    return f"<h2>{escape(title)}</h2>{_paragraphs(notes)}{_chart_html(chart)}"


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p class='note'>{escape(sentence)}</p>" for sentence in sentences)


def format_trends(analysis: Analysis) -> Iterable[str]:
    """Yield a sentence on the trend over days of exposure, for each treatment."""
    for variant, novelty in analysis.novelty.items():
        if (
            novelty.slope is None
            or novelty.slope.pvalue is None
            or not novelty.first_half
            or not novelty.second_half
        ):
            yield f"{variant}: no trend can be estimated: {novelty.reason or 'the days carry no information'}."
            continue
        trend = "changes with the day" if novelty.slope.pvalue < 0.01 else "shows no clear trend"
        yield (
            f"{variant}: the effect {trend} (p = {novelty.slope.pvalue:.2g}): {format_change(novelty.first_half)} in the "
            f"first half of {novelty.day_count} days, {format_change(novelty.second_half)} in the second."
        )


def _simulated(result: ExperimentResult) -> str:
    lines = simulation_warnings(result.simulated_events, result.simulated_elsewhere)
    return "".join(f"<p class='simulated'>{escape(line)}</p>" for line in lines)


def _verdict(verdict: VariantVerdict) -> str:
    color = DECISIONS[verdict.decision]
    return (
        f"<p class='verdict' style='border-color:{color}'><strong style='color:{color}'>{escape(verdict.variant)}: "
        f"{verdict.decision}</strong><br>{escape(verdict.reason)}</p>"
    )


def _facts(result: ExperimentResult, shop: ShopSettings) -> str:
    analysis = result.analysis
    units = ", ".join(f"{escape(name)} {count:,}" for name, count in analysis.units.items())
    return (
        f"<p>{escape(shop.name)}, data through {analysis.as_of or 'no day yet'} ({escape(shop.timezone)}). Units: {units}. "
        f"Sample ratio: {format_sample_ratio(analysis.sample_ratio)}. Units in several variants: {analysis.mixed_units:,}.</p>"
    )


def table_rows(analysis: Analysis) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the table of metrics as titles and rows of text; a dash where there is no value."""
    return TITLES, [tuple(text or MISSING for text in _row(result)) for result in analysis.metric_results]


def _table(analysis: Analysis) -> str:
    titles, rows = table_rows(analysis)
    head = "".join(_cell("th", title, column) for column, title in enumerate(titles))
    body = "".join(
        f"<tr>{''.join(_cell('td', text, column) for column, text in enumerate(row))}</tr>" for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class='wide'>{table}</div>{_paragraphs(table_notes(analysis))}"


def _row(result: MetricResult) -> tuple[str | None, ...]:
    estimate, sequential, belief = result.estimate, result.sequential.relative, result.belief
    return (
        result.metric.title + (" (CUPED)" if result.adjusted else ""),
        f"guardrail: {result.guardrail.verdict}" if result.guardrail else result.role,
        result.variant,
        format_value(estimate.control, result.metric),
        format_value(estimate.treatment, result.metric),
        format_change(estimate.relative) if estimate.relative else None,
        format_change(sequential) if sequential and sequential.interval else None,
        *(None if value is None else f"{value:.4f}" for value in (estimate.pvalue, result.corrected_pvalue)),
        None if belief.chance_to_win is None else f"{belief.chance_to_win:.1%}",
        None if belief.expected_loss is None else f"{belief.expected_loss:.2%}",
    )


def _cell(tag: str, text: str, column: int) -> str:
    """Return a table cell; a change stands above its interval."""
    value, _, interval = text.partition(" (")
    if tag == "td" and column > FIRST_NUMBER_COLUMN and interval:
        inner = f"{escape(value)}<br><span class='interval'>{escape(interval.removesuffix(')'))}</span>"
    else:
        inner = escape(text)
    kind = " class='number'" if column >= FIRST_NUMBER_COLUMN else ""
    return f"<{tag}{kind}>{inner}</{tag}>"


def _footer(result: ExperimentResult) -> str:
    experiment = result.analysis.experiment
    return (
        f"Confidence level {1 - experiment.alpha:.0%}, p-values corrected by {experiment.correction}. The verdict follows a "
        "fixed rule: validity first, guardrails second, the primary metric third; before the planned end only always-valid "
        "results may decide."
    )
