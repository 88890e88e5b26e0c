"""A read-out as one HTML file that needs nothing else: no network, no folder beside it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from plotly.offline import get_plotlyjs

from shopwright.experiments.figures import BETTER, WORSE, cohorts, effects, funnel, segments, sequence
from shopwright.experiments.parts import FEWEST_UNITS
from shopwright.experiments.words import notes, simulation_warnings, told_change, told_ratio, told_value
from shopwright.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plotly import graph_objects as plots

    from shopwright.experiments.reading import Reading
    from shopwright.experiments.readout import MetricReading, Readout
    from shopwright.experiments.verdict import Verdict
    from shopwright.settings import ShopSettings

DECISIONS = {"ship": BETTER, "do not ship": WORSE, "keep running": "#a06a00", "invalid": WORSE}
TITLES = (
    *("metric", "role", "variant", "control", "value", "change", "at every look", "p", "corrected p"),
    *("chance to win", "expected loss"),
)
MISSING = "–"  # noqa: RUF001  # a dash, as everywhere without a number
FIRST_NUMBER = 3
"""Columns of numbers begin here."""

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


def render(reading: Reading, *, shop: ShopSettings) -> str:
    """The whole page.

    Args:
        reading: what was read.
        shop: whose it is.
    """
    readout = reading.readout
    experiment, metric = readout.experiment, METRICS[readout.experiment.primary_metric].title
    sections = [
        f"<h1>{escape(experiment.name)}</h1><p class='hypothesis'>{escape(experiment.hypothesis)}</p>",
        _simulation_warnings(reading),
        *map(_verdict, reading.verdicts),
        _facts(reading, shop),
        _section("Change by metric", effects(readout.readings)),
        _table(readout),
        _section(f"{metric}, day by day", sequence(reading) if reading.days else None, SEQUENCE),
        _section(
            f"{metric}, by the day units came in",
            cohorts(readout) if readout.cohorts else None,
            COHORTS,
            *told_trends(readout),
        ),
        _section(f"{metric}, by segment", segments(readout) if readout.segments else None, SEGMENTS),
        _section("Funnel by variant", funnel(readout)),
        f"<footer>{_footer(reading)}</footer>",
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(experiment.name)}</title><style>{_STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body>{''.join(sections)}</body></html>"
    )


SEQUENCE = (
    "What a look at the end of each day would have shown, all units so far together. Whoever looks every day may trust "
    "the band, and nothing narrower. Not adjusted (CUPED) and not cut."
)
COHORTS = (
    "Each point compares the units that came in on one day, over all their time since, relative to the control of all "
    "days. A steady effect scatters around the dashed line. Points that drift towards 0 speak of novelty: an effect that wears off, or that those who came "
    f"first felt most. Days with fewer than {FEWEST_UNITS} units in a variant are left out. Not adjusted (CUPED)."
)
SEGMENTS = "To look at, not to decide by: of many segments, one differs by chance. Not adjusted (CUPED)."


def _figure(figure: plots.Figure) -> str:
    text: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    return text


def _section(title: str, figure: plots.Figure | None, *told: str) -> str:
    if figure is None:
        return ""
    return f"<h2>{escape(title)}</h2>{_told(told)}{_figure(figure)}"


def _told(sentences: Iterable[str]) -> str:
    return "".join(f"<p class='note'>{escape(sentence)}</p>" for sentence in sentences)


def told_trends(readout: Readout) -> Iterable[str]:
    """What the points by day come to, for each treatment."""
    for variant, found in readout.novelty.items():
        if found.slope is None or found.slope.pvalue is None or not found.first_half or not found.second_half:
            yield f"{variant}: no trend can be told: {found.reason or 'the days tell nothing'}."
            continue
        sense = "changes with the day" if found.slope.pvalue < 0.01 else "is steady as far as can be told"
        yield (
            f"{variant}: the effect {sense} (p = {found.slope.pvalue:.2g}): {told_change(found.first_half)} in the first "
            f"half of {found.day_count} days, {told_change(found.second_half)} in the second."
        )


def _simulation_warnings(reading: Reading) -> str:
    lines = simulation_warnings(reading.simulated_events, reading.simulated_elsewhere)
    return "".join(f"<p class='simulated'>{escape(line)}</p>" for line in lines)


def _verdict(verdict: Verdict) -> str:
    colour = DECISIONS[verdict.decision]
    return (
        f"<p class='verdict' style='border-color:{colour}'><strong style='color:{colour}'>{escape(verdict.variant)}: "
        f"{verdict.decision}</strong><br>{escape(verdict.reason)}</p>"
    )


def _facts(reading: Reading, shop: ShopSettings) -> str:
    readout = reading.readout
    units = ", ".join(f"{escape(name)} {count:,}" for name, count in readout.units.items())
    return (
        f"<p>{escape(shop.name)}, data to {readout.as_of or 'none'} ({escape(shop.timezone)}). Units: {units}; sample ratio "
        f"{told_ratio(readout.sample_ratio)}; seen in two variants {readout.mixed_units:,}.</p>"
    )


def table_rows(readout: Readout) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The table of metrics as titles and rows of text; a dash where there is no number."""
    return TITLES, [tuple(text or MISSING for text in _row(found)) for found in readout.readings]


def _table(readout: Readout) -> str:
    titles, rows = table_rows(readout)
    head = "".join(_cell("th", title, place) for place, title in enumerate(titles))
    body = "".join(
        f"<tr>{''.join(_cell('td', text, place) for place, text in enumerate(row))}</tr>" for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class='wide'>{table}</div>{_told(notes(readout))}"


def _row(found: MetricReading) -> tuple[str | None, ...]:
    best, always, belief = found.estimate, found.sequential.relative, found.belief
    return (
        found.metric.title + (" (CUPED)" if found.adjusted else ""),
        f"guardrail: {found.guardrail.verdict}" if found.guardrail else found.role,
        found.variant,
        told_value(best.control, found.metric),
        told_value(best.treatment, found.metric),
        told_change(best.relative) if best.relative else None,
        told_change(always) if always and always.interval else None,
        *(None if value is None else f"{value:.4f}" for value in (best.pvalue, found.corrected_pvalue)),
        None if belief.chance_to_win is None else f"{belief.chance_to_win:.1%}",
        None if belief.expected_loss is None else f"{belief.expected_loss:.2%}",
    )


def _cell(tag: str, text: str, place: int) -> str:
    """A cell of a table; a change stands above its interval."""
    value, _, interval = text.partition(" (")
    if tag == "td" and place > FIRST_NUMBER and interval:
        inner = f"{escape(value)}<br><span class='interval'>{escape(interval.removesuffix(')'))}</span>"
    else:
        inner = escape(text)
    kind = " class='number'" if place >= FIRST_NUMBER else ""
    return f"<{tag}{kind}>{inner}</{tag}>"


def _footer(reading: Reading) -> str:
    experiment = reading.readout.experiment
    return (
        f"Intervals of {1 - experiment.alpha:.0%}; p-values corrected by {experiment.correction}. The verdict follows a fixed "
        "rule: validity first, guardrails second, the primary metric third; before the planned end only what holds at "
        "every look may decide."
    )
