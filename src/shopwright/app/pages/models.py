"""Models: live versions, their quality against baselines, and the most important features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import components, data, model_charts, model_registry
from shopwright.app.formatting import UNDEFINED, escape_markdown
from shopwright.charts import FeatureImportance, ReliabilityCurve
from shopwright.reports import Column

if TYPE_CHECKING:
    from shopwright.app.model_registry import Model
    from shopwright.registry import EvaluationRecord, Measure, Version

MODEL_COLUMNS = (
    Column("model", "Name of the model, as in `shopwright models list`.", "text"),
    Column("question", "Question that it answers.", "text"),
    Column("champion", "Live version.", "count"),
    Column("newest", "Newest version.", "count"),
    Column("verdict", "Verdict on the newest version.", "text"),
)
VERSION_COLUMNS = (
    Column("version", "Version number.", "count"),
    Column("made_at", "Time of training.", "time", "Trained"),
    Column("alias", "champion is live, challenger is a candidate.", "text"),
    Column("verdict", "Whether the outcome can be predicted from this data.", "text"),
    Column("passes_the_gate", "Whether it can be promoted without force.", "text"),
    Column("data_fingerprint", "Fingerprint of the training and evaluation data.", "text"),
)
SCORE_COLUMNS = (
    Column("name", "Candidate or baseline; the model itself comes first.", "text"),
    Column("role", "the model, candidate or baseline.", "text"),
    Column("measure", "Name of the measure.", "text"),
    Column("value", "Value on data that was not used for training.", "number"),
    Column("lower", "Lower end of the confidence interval.", "number"),
    Column("upper", "Upper end of the confidence interval.", "number"),
)


def _show_list(models: tuple[Model, ...]) -> None:
    with st.container(border=True):
        st.markdown("**All models**", help="The question that each model answers, and its live version.")
        rows = [
            (
                model.name, model.question, model.champion.number if model.champion else None,
                model.versions[0].number if model.versions else None,
                model.versions[0].verdict if model.versions else "not trained yet",
            )
            for model in models
        ]  # fmt: skip
        components.show_table("models", MODEL_COLUMNS, rows)


def _show_verdict(version: Version) -> None:
    status = "This version is live." if version.is_champion else "This version is not live."
    show = st.success if version.gate.passes else st.warning
    show(
        f"**Version {version.number}: {escape_markdown(version.verdict)}.** {status}\n\n"
        + "\n".join(f"- {escape_markdown(reason)}" for reason in version.gate.reasons)
    )


def _show_scores(record: EvaluationRecord, name: str) -> None:
    with st.container(border=True):
        st.markdown(
            "**Comparison with baselines**",
            help="With 95% confidence intervals by customer. A model that does not beat the best baseline predicts nothing.",
        )
        first = next(iter(record.scores.values()))
        measures = [measure for measure in first if model_registry.compare_scores(record, measure)]
        measure = st.selectbox("Measure", measures, key=f"measure {name}")
        if measure is not None:
            scores = model_registry.compare_scores(record, measure)
            fig = model_charts.draw_scores(scores, title=measure.replace("_", " "))
            components.show_chart(fig, key=f"scores {name}")
        _show_evaluation_note(record, *record.notes)
        with st.expander("Table and downloads"):
            components.show_table(f"scores_{name}", SCORE_COLUMNS, _score_rows(record))


def _score_rows(record: EvaluationRecord) -> list[tuple[object, ...]]:
    return [
        (name, _role(record, name, index), measure, score.value, score.lower, score.upper)
        for index, (name, scores) in enumerate(record.scores.items())
        for measure, score in scores.items()
    ]


def _role(record: EvaluationRecord, name: str, index: int) -> str:
    return "baseline" if name in record.baselines else "the model" if index == 0 else "candidate"


def _show_evaluation_note(record: EvaluationRecord, *notes: str) -> None:
    st.caption(escape_markdown(" ".join([f"Evaluated on {record.evaluated_on}.", *notes])))


def _show_measures(metrics: dict[str, Measure]) -> None:
    with st.container(border=True):
        st.markdown("**Measures**", help="Of the model alone; this version was registered without baselines.")
        defined = {name: measure for name, measure in metrics.items() if measure.value is not None}
        for cell, (name, measure) in zip(st.columns(max(1, len(defined))), defined.items(), strict=False):
            interval = UNDEFINED if measure.lower is None else f"{measure.lower:.3f} to {measure.upper:.3f}"
            cell.metric(
                name.replace("_", " "), f"{measure.value:.3f}", interval, delta_color="off", delta_arrow="off"
            )


def _show_charts(record: EvaluationRecord, name: str) -> None:
    left, right = st.columns(2)
    if bins := record.tables.get("reliability"):
        curve = ReliabilityCurve.from_rows(bins)
        with left, st.container(border=True):
            st.markdown(
                f"**{curve.title}**",
                help="Predicted and observed rates by deciles of the probability, with 95% confidence intervals.",
            )
            components.show_chart(model_charts.draw_reliability(curve), key=f"reliability {name}")
            _show_evaluation_note(record)
    if rows := record.tables.get("importance"):
        chart = FeatureImportance.from_rows(rows)
        with right, st.container(border=True):
            st.markdown(
                f"**{chart.title}**",
                help="Mean absolute SHAP value of each feature (exact) in the test window.",
            )
            components.show_chart(model_charts.draw_importance(chart), key=f"importance {name}")
            st.caption(
                escape_markdown(
                    f"On the scale of the score before calibration. The top {len(chart.bars)} of {chart.feature_count} features."
                )
            )


def _show_model(model: Model) -> None:
    question, decision, outcome = map(escape_markdown, (model.question, model.decision, model.outcome))
    st.markdown(f"**{question}** Decided {decision}. Predicted: {outcome}.")
    if not model.versions:
        st.info("Not trained yet. Training tells you if the shop lacks required data:")
        st.code(f"shopwright train {model.name} --project {data.project().root}", language="sh")
        return
    numbers = [version.number for version in model.versions]
    default = model.champion or model.versions[0]
    number = st.selectbox(
        "Version", numbers, index=numbers.index(default.number), key=f"version {model.name}"
    )
    version = next(version for version in model.versions if version.number == number)
    _show_verdict(version)
    name = f"{model.name} {version.number}"
    if record := model_registry.load_evaluation(model.name, version.number):
        _show_scores(record, name)
        _show_charts(record, name)
    else:
        _show_measures(version.metrics)
    with st.container(border=True):
        st.markdown("**Versions**", help="All registered versions, newest first.")
        rows = [_version_row(version) for version in model.versions]
        components.show_table(f"versions_{model.name}", VERSION_COLUMNS, rows)


def _version_row(version: Version) -> tuple[object, ...]:
    return (
        version.number,
        version.created_at.replace(tzinfo=None),
        ", ".join(version.aliases),
        version.verdict,
        "yes" if version.gate.passes else "no",
        version.data_fingerprint[:12],
    )


components.page_header(
    "Models", "Which versions are live, how good are they against baselines, and which features matter most?"
)
models = model_registry.list_models()
_show_list(models)
selected = st.selectbox("Model", [model.name for model in models])
_show_model(next(model for model in models if model.name == selected))
