"""Models: which serve, how good they are against their baselines, and what moves their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import data, model_charts, registered, tiles
from shopwright.app.words import UNDEFINED, plain
from shopwright.charts import FeatureImportance, ReliabilityCurve
from shopwright.reports import Column

if TYPE_CHECKING:
    from shopwright.app.registered import Model
    from shopwright.registry import EvaluationRecord, Measure, Version

MODELS = (
    Column("model", "Its name, as in 'shopwright models list'", "text"),
    Column("question", "What it answers", "text"),
    Column("champion", "Version that serves", "count"),
    Column("newest", "Newest version", "count"),
    Column("verdict", "Of the newest version", "text"),
)
VERSIONS = (
    Column("version", "Number", "count"),
    Column("made_at", "When it was trained", "time"),
    Column("alias", "champion serves, challenger waits", "text"),
    Column("verdict", "Whether its target can be foretold with this data", "text"),
    Column("passes_the_gate", "Whether it may serve without force", "text"),
    Column("data_fingerprint", "Of the rows that it was trained and judged on", "text"),
)
SCORES = (
    Column("name", "Candidate or baseline; the model itself comes first", "text"),
    Column("role", "What it is", "text"),
    Column("measure", "Name of the measure", "text"),
    Column("value", "On decisions that nothing was learnt from", "number"),
    Column("lower", "Lower end of its interval", "number"),
    Column("upper", "Upper end of it", "number"),
)


def _list(models: tuple[Model, ...]) -> None:
    with st.container(border=True):
        st.markdown("**All models**", help="What each answers, and which version serves.")
        rows = [
            (
                each.name, each.question, each.champion.number if each.champion else None,
                each.versions[0].number if each.versions else None,
                each.versions[0].verdict if each.versions else "not trained yet",
            )
            for each in models
        ]  # fmt: skip
        tiles.table_of("models", MODELS, rows)


def _verdict(version: Version) -> None:
    serves = "It serves." if version.is_champion else "It does not serve."
    show = st.success if version.gate.passes else st.warning
    show(
        f"**Version {version.number}: {plain(version.verdict)}.** {serves}\n\n"
        + "\n".join(f"- {plain(reason)}" for reason in version.gate.reasons)
    )


def _scores(record: EvaluationRecord, name: str) -> None:
    with st.container(border=True):
        st.markdown(
            "**Against its baselines**",
            help="With 95 % intervals over whole customers. Whoever does not beat the best baseline foretells nothing.",
        )
        known = [each for each in next(iter(record.scores.values())) if registered.compared(record, each)]
        measure = st.selectbox("Measure", known, key=f"measure {name}")
        if measure is not None:
            tiles.chart(
                model_charts.draw_scores(
                    registered.compared(record, measure), title=measure.replace("_", " ")
                ),
                key=f"scores {name}",
            )
        st.caption(plain(f"Judged on {record.evaluated_on}. {' '.join(record.notes)}"))
        with st.expander("Table and downloads"):
            tiles.table_of(f"scores_{name}", SCORES, _score_rows(record))


def _score_rows(record: EvaluationRecord) -> list[tuple[object, ...]]:
    return [
        (name, _role(record, name, place), measure, found.value, found.lower, found.upper)
        for place, (name, scores) in enumerate(record.scores.items())
        for measure, found in scores.items()
    ]


def _role(record: EvaluationRecord, name: str, place: int) -> str:
    return "baseline" if name in record.baselines else "the model" if place == 0 else "candidate"


def _own_measures(metrics: dict[str, Measure]) -> None:
    with st.container(border=True):
        st.markdown("**Measures**", help="Of the model itself; this version kept none of its baselines.")
        shown = {name: found for name, found in metrics.items() if found.value is not None}
        for cell, (name, found) in zip(st.columns(max(1, len(shown))), shown.items(), strict=False):
            interval = UNDEFINED if found.lower is None else f"{found.lower:.3f} to {found.upper:.3f}"
            cell.metric(
                name.replace("_", " "), f"{found.value:.3f}", interval, delta_color="off", delta_arrow="off"
            )


def _pictures(record: EvaluationRecord, name: str) -> None:
    left, right = st.columns(2)
    if bins := record.tables.get("reliability"):
        with left, st.container(border=True):
            st.markdown(
                "**Calibration**",
                help="Tenths of the decisions by probability, with 95 % intervals. On the dotted line, what is foretold happens.",
            )
            tiles.chart(
                model_charts.draw_reliability(ReliabilityCurve.from_rows(bins)), key=f"reliability {name}"
            )
            st.caption(plain(f"Judged on {record.evaluated_on}."))
    if features := record.tables.get("importance"):
        with right, st.container(border=True):
            st.markdown(
                "**What moves the score most**",
                help="Mean absolute SHAP value of each feature, exact, over decisions of the test window.",
            )
            tiles.chart(
                model_charts.draw_importance(FeatureImportance.from_rows(features)), key=f"importance {name}"
            )
            st.caption(
                plain(f"On the scale of the score before calibration. {len(features)} features in all.")
            )


def _show(model: Model) -> None:
    st.markdown(
        f"**{plain(model.question)}** Decided {plain(model.decision)}. Foretold: {plain(model.outcome)}."
    )
    if not model.versions:
        st.info("It was not trained yet. The command says so where the shop lacks what it needs:")
        st.code(f"shopwright train {model.name} --project {data.project().root}", language="sh")
        return
    numbers = [each.number for each in model.versions]
    first = model.champion or model.versions[0]
    number = st.selectbox("Version", numbers, index=numbers.index(first.number), key=f"version {model.name}")
    version = next(each for each in model.versions if each.number == number)
    _verdict(version)
    name = f"{model.name} {version.number}"
    if record := registered.evaluation(model.name, version.number):
        _scores(record, name)
        _pictures(record, name)
    else:
        _own_measures(version.metrics)
    with st.container(border=True):
        st.markdown("**Versions**", help="All that were registered, the newest first.")
        tiles.table_of(f"versions_{model.name}", VERSIONS, [_version_row(each) for each in model.versions])


def _version_row(version: Version) -> tuple[object, ...]:
    passes = "yes" if version.gate.passes else "no"
    made = version.created_at.replace(tzinfo=None)
    return (
        version.number,
        made,
        ", ".join(version.aliases),
        version.verdict,
        passes,
        version.data_fingerprint[:12],
    )


tiles.page("Models", "Which serve, how good they are against their baselines, and what moves their scores.")
found = registered.models()
_list(found)
chosen = st.selectbox("Model", [each.name for each in found])
_show(next(each for each in found if each.name == chosen))
