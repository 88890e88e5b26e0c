"""A read-out as one HTML file that needs nothing else: no network, no folder beside it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from plotly import graph_objects as plots  # type: ignore[import-untyped]  # no stubs
from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]  # as above

from shopwright.experiments.verdict import told_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shopwright.experiments.reading import Reading
    from shopwright.experiments.readout import MetricReading
    from shopwright.experiments.statistics import Effect
    from shopwright.settings import ShopSettings

BETTER, WORSE, OPEN, INK = "#1a7f5a", "#b3372f", "#5b6b7f", "#1d2733"
DECISIONS = {"ship": BETTER, "do not ship": WORSE, "keep running": "#a06a00", "invalid": WORSE}
STEPS = ("units", "viewed", "put into the cart", "began a checkout", "bought")

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }
h1 { margin-bottom: 0; } .hypothesis { margin-top: .2rem; color: #5b6b7f; }
.verdict { border-left: .4rem solid; padding: .6rem 1rem; margin: .8rem 0; background: #f6f8fa; }
.rehearsal { background: #fff4d6; padding: .6rem 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; } th, td { padding: .35rem .6rem; border-bottom: 1px solid #dfe4ea; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } footer { margin-top: 2rem; color: #5b6b7f; font-size: .85rem; }
"""


def render(reading: Reading, *, shop: ShopSettings) -> str:
    """The whole page.

    Args:
        reading: what was read.
        shop: whose it is.
    """
    experiment = reading.readout.experiment
    sections = [
        f"<h1>{escape(experiment.name)}</h1><p class='hypothesis'>{escape(experiment.hypothesis)}</p>",
        _rehearsal(reading),
        *map(_verdict, reading.verdicts),
        _facts(reading, shop),
        "<h2>Change by metric</h2>" + _figure(effects(reading.readout.readings)) + _table(reading),
        _section("The primary metric, day by day", sequence(reading) if reading.days else None),
        _section("Segments", segments(reading) if reading.readout.segments else None),
        _section("Funnel by variant", funnel(reading)),
        f"<footer>{_footer(reading)}</footer>",
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(experiment.name)}</title><style>{_STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body>{''.join(sections)}</body></html>"
    )


def effects(readings: Sequence[MetricReading]) -> plots.Figure:
    """Relative change of each metric and variant: the interval for one look, and the wider one for every look."""
    shown = [found for found in reversed(readings) if found.estimate.relative is not None]
    figure = plots.Figure()
    for name, width, colour in (
        ("holds at every look", 2, "#b8c2cc"),
        ("one look, at the planned end", 6, OPEN),
    ):
        for place, found in enumerate(shown):
            effect = (found.estimate if width == 6 else found.sequential).relative
            if effect is not None and effect.interval is not None:
                figure.add_scatter(
                    x=[effect.interval.lower, effect.interval.upper],
                    y=[place, place],
                    mode="lines",
                    line={"width": width, "color": _colour(found, effect) if width == 6 else colour},
                    name=name,
                    legendgroup=name,
                    showlegend=place == 0,
                )
    figure.add_scatter(
        x=[found.estimate.relative.value for found in shown if found.estimate.relative],
        y=list(range(len(shown))),
        mode="markers",
        marker={"color": INK, "size": 9},
        showlegend=False,
        hovertext=[told_change(found.estimate.relative) for found in shown if found.estimate.relative],
        hoverinfo="text",
    )
    labels = [f"{found.metric.title} ({found.variant})" for found in shown]
    figure.update_yaxes(tickvals=list(range(len(shown))), ticktext=labels, automargin=True)
    figure.update_xaxes(range=_span(shown))
    return _styled(figure, height=140 + 44 * len(shown), x="relative change")


def sequence(reading: Reading) -> plots.Figure:
    """The primary metric's change as it stood at the end of each day, with the interval that holds at every look."""
    figure = plots.Figure()
    for variant, colour in zip(reading.readout.treatments, _palette(), strict=False):
        days = [day for day in reading.days if day.variant == variant and day.sequential.relative is not None]
        bands = [
            (day.day, day.sequential.relative.interval)
            for day in days
            if day.sequential.relative and day.sequential.relative.interval
        ]
        figure.add_scatter(
            x=[day for day, _ in bands] + [day for day, _ in reversed(bands)],
            y=[band.upper for _, band in bands] + [band.lower for _, band in reversed(bands)],
            fill="toself",
            fillcolor=colour,
            opacity=0.18,
            line={"width": 0},
            hoverinfo="skip",
            name=f"{variant}: holds at every look",
        )
        values = [day.naive.relative.value if day.naive.relative else None for day in days]
        figure.add_scatter(
            x=[day.day for day in days], y=values, mode="lines+markers", line={"color": colour}, name=variant
        )
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    figure.update_yaxes(tickformat="+.1%", title="relative change", range=_range(reading))
    return _styled(figure, height=380)


def segments(reading: Reading) -> plots.Figure:
    """The primary metric's change within each segment."""
    shown = [found for found in reversed(reading.readout.segments) if found.estimate.relative]
    values = [found.estimate.relative for found in shown]
    figure = plots.Figure(
        plots.Scatter(
            x=[effect.value for effect in values if effect],
            y=list(range(len(shown))),
            mode="markers",
            marker={"color": INK, "size": 8},
            error_x=_error_bars(effect for effect in values if effect),
        )
    )
    labels = [f"{found.dimension} = {found.value} ({found.variant})" for found in shown]
    figure.update_yaxes(tickvals=list(range(len(shown))), ticktext=labels, automargin=True)
    return _styled(figure, height=140 + 28 * len(shown), x="relative change")


def funnel(reading: Reading) -> plots.Figure:
    """How far the units of each variant came, as a share of its units; steps that nobody took are left out."""
    figure = plots.Figure()
    reached = reading.readout.funnel
    kept = [place for place in range(len(STEPS) - 1) if any(steps[place] for steps in reached.values())]
    for variant, colour in zip(reached, ("#8d99a8", *_palette()), strict=False):
        units = reading.readout.units[variant]
        shares = [1.0, *(reached[variant][place] / units for place in kept)] if units else []
        names = [STEPS[0], *(STEPS[place + 1] for place in kept)]
        figure.add_bar(
            x=names,
            y=shares,
            name=variant,
            marker={"color": colour},
            text=[f"{share:.1%}" for share in shares],
        )
    figure.update_yaxes(tickformat=".0%")
    return _styled(figure, height=340)


def _styled(figure: plots.Figure, *, height: int, x: str = "") -> plots.Figure:
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 40},
        legend={"orientation": "h", "y": 1.12},
        font={"family": "system-ui, sans-serif", "color": INK},
    )
    if x:
        figure.update_xaxes(tickformat="+.1%", title=x, zeroline=True, zerolinecolor=INK)
    return figure


def _range(reading: Reading) -> list[float] | None:
    """The vertical range of the last three quarters of the days: the first ones are too wide to be seen beside."""
    intervals = [day.sequential.relative.interval for day in reading.days if day.sequential.relative]
    late = [interval for interval in intervals[len(intervals) // 4 :] if interval]
    if not late:
        return None
    return [min(interval.lower for interval in late) - 0.02, max(interval.upper for interval in late) + 0.02]


def _span(shown: Sequence[MetricReading]) -> list[float] | None:
    """The horizontal range of the intervals that tell something; one as wide as the metric itself would squash them."""
    intervals = [found.estimate.relative.interval for found in shown if found.estimate.relative]
    reach = [max(-each.lower, each.upper) for each in intervals if each and each.upper - each.lower < 1]
    return [-1.3 * max(reach), 1.3 * max(reach)] if reach else None


def _error_bars(effects: Iterable[Effect]) -> dict[str, Any]:
    halves = [(effect.interval.upper - effect.value) if effect.interval else 0 for effect in effects]
    return {"type": "data", "array": halves, "color": OPEN, "thickness": 3, "width": 0}


def _colour(found: MetricReading, effect: Effect) -> str:
    if effect.interval is None or effect.interval.lower <= 0 <= effect.interval.upper:
        return OPEN
    return BETTER if (effect.value > 0) == (found.metric.better == "higher") else WORSE


def _palette() -> tuple[str, ...]:
    return ("#2f6db3", "#c06a17", "#6a4fa3", "#2b8a83", "#a3415f", "#6b7a1f", "#444c56")


def _figure(figure: plots.Figure) -> str:
    text: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    return text


def _section(title: str, figure: plots.Figure | None) -> str:
    return "" if figure is None else f"<h2>{escape(title)}</h2>{_figure(figure)}"


def _rehearsal(reading: Reading) -> str:
    if not reading.simulated_events:
        return ""
    return (
        f"<p class='rehearsal'>A rehearsal: {reading.simulated_events:,} events carry a simulated effect.</p>"
    )


def _verdict(verdict: Any) -> str:
    colour = DECISIONS[verdict.decision]
    return (
        f"<p class='verdict' style='border-color:{colour}'><strong style='color:{colour}'>{escape(verdict.variant)}: "
        f"{verdict.decision}</strong><br>{escape(verdict.reason)}</p>"
    )


def _facts(reading: Reading, shop: ShopSettings) -> str:
    readout = reading.readout
    units = ", ".join(f"{escape(name)} {count:,}" for name, count in readout.units.items())
    ratio = readout.sample_ratio
    state = ratio.reason or f"p = {ratio.pvalue:.3g}{', a mismatch' if ratio.is_mismatch else ''}"
    return (
        f"<p>{escape(shop.name)}, data to {readout.as_of or 'none'} ({escape(shop.timezone)}). Units: {units}; sample ratio "
        f"{state}; seen in two variants {readout.mixed_units:,}.</p>"
    )


def _table(reading: Reading) -> str:
    head = ("metric", "role", "variant", "change", "p", "corrected p", "chance to win", "expected loss")
    rows = []
    for found in reading.readout.readings:
        effect, belief = found.estimate.relative, found.belief
        cells = (
            found.metric.title + (" (CUPED)" if found.adjusted else ""),
            f"guardrail: {reading.rail_verdict(found)}" if found.role == "guardrail" else found.role,
            found.variant,
            told_change(effect) if effect else (found.estimate.relative_reason or "–"),  # noqa: RUF001
            _number(found.estimate.pvalue, ".4f"),
            _number(found.corrected_pvalue, ".4f"),
            _number(belief.chance_to_win, ".1%"),
            _number(belief.expected_loss, ".2%"),
        )
        rows.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>")
    titles = "".join(f"<th>{title}</th>" for title in head)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)  # noqa: RUF001  # a dash, as everywhere without a number


def _footer(reading: Reading) -> str:
    experiment = reading.readout.experiment
    return (
        f"Intervals of {1 - experiment.alpha:.0%}; p-values corrected by {experiment.correction}. The verdict follows a fixed "
        "rule: validity first, guardrails second, the primary metric third; before the planned end only what holds at "
        "every look may decide."
    )
