"""The life of a model: train and register it, re-evaluate a version, explain scores, and score with the live version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from shopwright.core.engine import SchemaError, connect
from shopwright.core.errors import ConfigurationError, DataError, near_match
from shopwright.core.lock import exclusive_lock
from shopwright.models import MODELS
from shopwright.models.protocol import TrainingContext, VersionRef, no_progress
from shopwright.models.recording import gate_record, seal
from shopwright.models.scores import write_published_scores
from shopwright.models.table_plots import draw_tables
from shopwright.registry import CHALLENGER, CHAMPION, Registry, RunRecord
from shopwright.warehouse.build import is_outdated

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.naive_recipe import NaiveRecipe, RecipeResult
    from shopwright.models.protocol import (
        EvaluationResult,
        Explanation,
        ModelSpec,
        ProgressCallback,
        Sample,
        TrainingResult,
        Window,
    )
    from shopwright.registry import Version
    from shopwright.settings import Project

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """A model that was trained and registered."""

    training: TrainingResult
    version: int
    is_champion: bool
    """Whether it passed the gate and is live now."""
    warnings: tuple[str, ...] = ()
    """What went wrong without affecting the version, such as a chart that could not be drawn."""


@dataclass(frozen=True, slots=True)
class EvaluatedVersion:
    """A version that was re-evaluated."""

    evaluation: EvaluationResult
    version: Version
    """The version, with the new result of the gate."""
    champion: Version | None
    """The version that it was compared with; None if there is none, or if it is the champion itself."""


def find_model(name: str) -> ModelSpec:
    """Return the model with this name.

    Raises:
        ConfigurationError: there is none.
    """
    specs = {spec.name: spec for spec in MODELS}
    if name not in specs:
        raise ConfigurationError(
            f"no model '{name}'{near_match(name, specs)} (there are {', '.join(sorted(specs))})"
        )
    return specs[name]


def _explain_outdated_build(
    step: Callable[Concatenate[Project, P], R],
) -> Callable[Concatenate[Project, P], R]:
    """Turn a missing table or column into the next step, if older dbt models built the published warehouse."""

    @wraps(step)
    def wrapper(project: Project, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(project, *args, **kwargs)
        except SchemaError as error:
            if not is_outdated(project):
                raise
            raise DataError(
                "another version of Shopwright built the published warehouse. Run `shopwright build` first "
                f"({str(error).splitlines()[0]})"
            ) from error

    return wrapper


@_explain_outdated_build
def missing_requirement(project: Project, spec: ModelSpec) -> str | None:
    """Return what data the shop still needs for a model; None if it has everything.

    Raises:
        DataError: nothing has been built yet.
    """
    with connect(_published(project), read_only=True) as connection:
        return spec.missing_requirement(connection)


@_explain_outdated_build
def train(
    project: Project, spec: ModelSpec, *, on_progress: ProgressCallback = no_progress
) -> TrainedVersion:
    """Train a model, register it, and make it the live version if it passes the gate.

    Raises:
        DataError: the shop lacks the data for it, or has too little.
    """
    if requirement := missing_requirement(project, spec):
        raise DataError(f"{spec.name} cannot be trained: {requirement}")
    registry = Registry(project)
    champion = registry.champion(spec.name)
    context = TrainingContext(
        published=_published(project),
        settings=project.settings.models,
        on_progress=on_progress,
        champion=registry.fetch(spec.name, champion.number) if champion else None,
    )
    training = spec.train(context)
    on_progress("registering", 0, 0)
    with (
        TemporaryDirectory(prefix="shopwright-") as files,
        TemporaryDirectory(prefix="shopwright-") as charts,
    ):
        seal(Path(files), spec, training)
        plots, warnings = _draw_plots(training, Path(charts))
        run = RunRecord(
            model=spec.name,
            folder=Path(files),
            verdict=training.verdict.label,
            gate=gate_record(training, champion),
            parameters=training.parameters,
            plots=plots,
        )
        number = registry.log(run)
    if training.gate.passes:
        registry.promote(spec.name, number)
    return TrainedVersion(training, number, training.gate.passes, warnings)


def _draw_plots(training: TrainingResult, folder: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Draw a run's charts; return their files and warnings."""
    try:
        return draw_tables(training.tables, folder), ()
    except Exception as error:  # noqa: BLE001  # whatever it is: training takes minutes, and no chart is worth losing it
        return (), (f"the charts of this run could not be drawn: {type(error).__name__}: {error}",)


@_explain_outdated_build
def evaluate(
    project: Project,
    spec: ModelSpec,
    version: int | str | None = None,
    *,
    window: Window = "later",
    on_progress: ProgressCallback = no_progress,
) -> EvaluatedVersion:
    """Re-evaluate a registered version on current data, and record the new result of the gate. Nothing is promoted.

    Args:
        project: the shop.
        spec: the model.
        version: number or alias; by default the champion, or the newest version if there is no champion.
        window: which decisions to evaluate on.
        on_progress: called with what is being done.

    Raises:
        ConfigurationError: there is no such version.
        DataError: the shop lacks the data for the model, or has no such decisions yet.
    """
    if requirement := missing_requirement(project, spec):
        raise DataError(f"{spec.name} cannot be evaluated: {requirement}")
    registry = Registry(project)
    champion = registry.champion(spec.name)
    challenger = registry.show(spec.name, version or (CHAMPION if champion else CHALLENGER))
    reference = None if champion is None or champion.number == challenger.number else champion
    context = TrainingContext(
        published=_published(project),
        settings=project.settings.models,
        on_progress=on_progress,
        champion=registry.fetch(spec.name, reference.number) if reference else None,
    )
    ref = VersionRef(registry.fetch(spec.name, challenger.number), f"version {challenger.number}", window)
    evaluation = spec.evaluate(context, ref)
    if not challenger.is_champion:
        challenger = registry.record_gate(spec.name, challenger.number, gate_record(evaluation, champion))
    return EvaluatedVersion(evaluation, challenger, reference)


@_explain_outdated_build
def sample(project: Project, spec: ModelSpec, *, rows: int) -> tuple[Sample, Version]:
    """Compute what features add to the champion's scores, for a random sample of decisions.

    Args:
        project: the shop; its settings hold the seed.
        spec: the model.
        rows: maximum size of the sample.

    Raises:
        ConfigurationError: there is no champion, or it explains itself in sentences.
        DataError: there are no decisions.
    """
    registry = Registry(project)
    champion = _champion(registry, spec)
    model = spec.load(registry.fetch(spec.name, champion.number))
    with connect(_published(project), read_only=True) as connection:
        return model.sample(connection, rows=rows, seed=project.settings.models.seed), champion


@_explain_outdated_build
def explain(project: Project, spec: ModelSpec, entity: str) -> tuple[Explanation, Version]:
    """Explain the champion's score of one entity.

    Raises:
        ConfigurationError: there is no champion.
        DataError: the shop has no such entity.
    """
    registry = Registry(project)
    champion = _champion(registry, spec)
    model = spec.load(registry.fetch(spec.name, champion.number))
    with connect(_published(project), read_only=True) as connection:
        return model.explain(connection, entity), champion


def _champion(registry: Registry, spec: ModelSpec) -> Version:
    champion = registry.champion(spec.name)
    if champion is not None:
        return champion
    versions = registry.versions(spec.name)
    if not versions:
        raise ConfigurationError(f"no live {spec.name} model. Train one with `shopwright train {spec.name}`")
    raise ConfigurationError(
        f"no live {spec.name} model: no version has passed the gate. "
        f"See `shopwright models show {spec.name} {versions[0].number}`"
    )


def _published(project: Project) -> Path:
    if not project.published.exists():
        raise DataError(f"{project.root} has no published warehouse. Run `shopwright run` first")
    return project.published


@_explain_outdated_build
def run_naive_recipe(project: Project, name: str) -> tuple[NaiveRecipe, list[RecipeResult]]:
    """Run the naive recipe for a model on the shop's data.

    Raises:
        ConfigurationError: there is no such model, or no naive recipe for it.
        DataError: the shop lacks the data for it.
    """
    spec = find_model(name)
    if spec.naive_recipe is None:
        names = ", ".join(sorted(spec.name for spec in MODELS if spec.naive_recipe))
        raise ConfigurationError(f"no naive recipe for {name} (there are some for {names})")
    if requirement := missing_requirement(project, spec):
        raise DataError(f"{name}: {requirement}")
    return spec.naive_recipe, spec.naive_recipe.reproduce(_published(project))


@_explain_outdated_build
def audit(project: Project, spec: ModelSpec) -> tuple[tuple[Finding, ...], int]:
    """Search a model's features for leaks, without training.

    Returns:
        The findings, and the number of decisions compared after their future was rewritten.

    Raises:
        DataError: the shop lacks the data for the model.
    """
    if requirement := missing_requirement(project, spec):
        raise DataError(f"{spec.name} cannot be audited: {requirement}")
    return spec.audit(TrainingContext(published=_published(project), settings=project.settings.models))


@_explain_outdated_build
def score(project: Project, spec: ModelSpec) -> tuple[int, Version]:
    """Score all current entities with the champion, and publish the table.

    Returns:
        Number of rows written, and the champion.

    Raises:
        BusyError: another process is writing to the project.
        ConfigurationError: there is no champion.
        DataError: the shop lacks the data for the model.
    """
    if requirement := missing_requirement(project, spec):
        raise DataError(f"{spec.name} cannot score: {requirement}")
    registry = Registry(project)
    champion = _champion(registry, spec)
    model = spec.load(registry.fetch(spec.name, champion.number))
    # Scores are computed under the lock too, so that they are of the build that they are written into.
    with exclusive_lock(project.work / "lock", "score"):
        with connect(_published(project), read_only=True) as connection:
            columns = model.score(connection)
        write_published_scores(project, spec, columns, version=champion.number)
    return len(next(iter(columns.values()))), champion
