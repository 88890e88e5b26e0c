"""From a room to a registered version, and from a champion to the table of its scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import duckdb

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError, DataError, near_match
from shopwright.core.lock import exclusive
from shopwright.models import MODELS
from shopwright.models.protocol import Context, Given
from shopwright.models.recording import gate_record, seal
from shopwright.models.scores import write_published_scores
from shopwright.models.table_plots import draw_tables
from shopwright.registry import CHALLENGER, CHAMPION, Registry, RunRecord
from shopwright.warehouse.build import is_outdated

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.claim import Claim, Recipe
    from shopwright.models.protocol import Evaluation, Explanation, Room, Sample, Training, Window
    from shopwright.registry import Version
    from shopwright.settings import Project

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of training a room."""

    training: Training
    version: int
    is_champion: bool
    """Whether it serves from now on: it passed the gate."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of judging a version anew."""

    evaluation: Evaluation
    version: Version
    """With what the gate says now."""
    champion: Version | None
    """That it was compared with; None where there is none, or it is the champion itself."""


def room_of(name: str) -> Room:
    """The room of a name.

    Raises:
        ConfigurationError: there is none.
    """
    rooms = {room.name: room for room in MODELS}
    if name not in rooms:
        raise ConfigurationError(
            f"no model '{name}'{near_match(name, rooms)} (there are {', '.join(sorted(rooms))})"
        )
    return rooms[name]


def _on_todays_build(step: Callable[Concatenate[Project, P], R]) -> Callable[Concatenate[Project, P], R]:
    """Say of a published warehouse that lacks a table or a column what there is to do, if older models built it."""

    @wraps(step)
    def told(project: Project, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(project, *args, **kwargs)
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            if not is_outdated(project):
                raise
            raise DataError(
                "another version's models built the published warehouse; run 'shopwright build' first "
                f"({str(error).splitlines()[0]})"
            ) from error

    return told


@_on_todays_build
def missing(project: Project, room: Room) -> str | None:
    """What the shop lacks for a room; None where nothing is missing.

    Raises:
        DataError: nothing was built yet.
    """
    with connect(_published(project), read_only=True) as connection:
        return room.missing(connection)


@_on_todays_build
def train(
    project: Project, room: Room, *, watch: Callable[[str, float, float], None] = lambda *_: None
) -> Trained:
    """Train a room's model, register it, and let it serve if it passes the gate.

    Raises:
        DataError: the shop lacks what it needs, or has too little of it.
    """
    if lacks := missing(project, room):
        raise DataError(f"{room.name} cannot be trained: {lacks}")
    registry = Registry(project)
    champion = registry.champion(room.name)
    context = Context(
        published=_published(project),
        settings=project.settings.models,
        watch=watch,
        champion=registry.fetch(room.name, champion.number) if champion else None,
    )
    training = room.train(context)
    watch("registering", 0, 0)
    with TemporaryDirectory(prefix="shopwright-") as files, TemporaryDirectory(prefix="shopwright-") as plots:
        seal(Path(files), room, training)
        run = RunRecord(
            model=room.name,
            folder=Path(files),
            verdict=training.judgement.verdict,
            gate=gate_record(training, champion),
            parameters=training.parameters,
            plots=draw_tables(training.tables, Path(plots)),
        )
        number = registry.log(run)
    if training.gate.passes:
        registry.promote(room.name, number)
    return Trained(training, number, training.gate.passes)


@_on_todays_build
def evaluate(
    project: Project,
    room: Room,
    version: int | str | None = None,
    *,
    window: Window = "later",
    watch: Callable[[str, float, float], None] = lambda *_: None,
) -> Evaluated:
    """Judge a registered version anew on the shop's data of now, and keep what the gate says of it. Nothing is promoted.

    Args:
        project: the shop.
        room: of the model.
        version: its number or alias; the champion where not given, or the newest where nothing serves.
        window: which decisions.
        watch: told what is being done.

    Raises:
        ConfigurationError: there is no such version.
        DataError: the shop lacks what the model needs, or there are no such decisions yet.
    """
    if lacks := missing(project, room):
        raise DataError(f"{room.name} cannot be judged: {lacks}")
    registry = Registry(project)
    champion = registry.champion(room.name)
    chosen = registry.show(room.name, version or (CHAMPION if champion else CHALLENGER))
    against = None if champion is None or champion.number == chosen.number else champion
    context = Context(
        published=_published(project),
        settings=project.settings.models,
        watch=watch,
        champion=registry.fetch(room.name, against.number) if against else None,
    )
    given = Given(registry.fetch(room.name, chosen.number), f"version {chosen.number}", window)
    evaluation = room.evaluate(context, given)
    if not chosen.is_champion:
        chosen = registry.judge(room.name, chosen.number, gate_record(evaluation, champion))
    return Evaluated(evaluation, chosen, against)


@_on_todays_build
def sample(project: Project, room: Room, *, rows: int) -> tuple[Sample, Version]:
    """What features add to the champion's scores of some decisions, drawn with the seed of the settings.

    Raises:
        ConfigurationError: there is no champion, or it explains itself in sentences.
        DataError: there are no decisions.
    """
    registry = Registry(project)
    champion = _champion(registry, room)
    loaded = room.load(registry.fetch(room.name, champion.number))
    with connect(_published(project), read_only=True) as connection:
        return loaded.sample(connection, rows=rows, seed=project.settings.models.seed), champion


@_on_todays_build
def explain(project: Project, room: Room, entity: str) -> tuple[Explanation, Version]:
    """Why an entity has its score by the champion.

    Raises:
        ConfigurationError: there is no champion.
        DataError: the shop does not know the entity.
    """
    registry = Registry(project)
    champion = _champion(registry, room)
    loaded = room.load(registry.fetch(room.name, champion.number))
    with connect(_published(project), read_only=True) as connection:
        return loaded.explain(connection, entity), champion


def _champion(registry: Registry, room: Room) -> Version:
    champion = registry.champion(room.name)
    if champion is None:
        raise ConfigurationError(
            f"{room.name} has no champion: 'shopwright train {room.name}' makes one if it passes the gate, and "
            f"'shopwright models promote {room.name} VERSION --force REASON' overrules it"
        )
    return champion


def _published(project: Project) -> Path:
    if not project.published.exists():
        raise DataError(f"{project.root} has no published warehouse; run 'shopwright run' first")
    return project.published


@_on_todays_build
def claim_of(project: Project, name: str) -> tuple[Claim, list[Recipe]]:
    """The usual recipe for a model, followed on the shop's data.

    Raises:
        ConfigurationError: there is no such model, or no usual recipe for it.
        DataError: the shop lacks what it needs.
    """
    room = room_of(name)
    if room.claim is None:
        have = ", ".join(sorted(each.name for each in MODELS if each.claim))
        raise ConfigurationError(f"there is no usual recipe for {name} (there are some for {have})")
    if lacks := missing(project, room):
        raise DataError(f"{name}: {lacks}")
    return room.claim, room.claim.reproduce(_published(project))


@_on_todays_build
def audit(project: Project, room: Room) -> tuple[tuple[Finding, ...], int]:
    """Look for leaks in a room's features, without training.

    Returns:
        What was found, and how many decisions were compared after their future was rewritten.

    Raises:
        DataError: the shop lacks what the model needs.
    """
    if lacks := missing(project, room):
        raise DataError(f"{room.name} cannot be audited: {lacks}")
    return room.audit(Context(published=_published(project), settings=project.settings.models))


@_on_todays_build
def score(project: Project, room: Room) -> tuple[int, Version]:
    """Score all entities of now with the champion, and publish the table.

    Returns:
        Rows written, and the champion.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: there is no champion.
        DataError: the shop lacks what the model needs.
    """
    if lacks := missing(project, room):
        raise DataError(f"{room.name} cannot score: {lacks}")
    registry = Registry(project)
    champion = _champion(registry, room)
    loaded = room.load(registry.fetch(room.name, champion.number))
    with exclusive(project.work / "lock", "score"):
        with connect(_published(project), read_only=True) as connection:
            columns = loaded.score(connection)
        write_published_scores(project, room, columns, version=champion.number)
    return len(next(iter(columns.values()))), champion
