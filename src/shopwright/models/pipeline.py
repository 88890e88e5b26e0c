"""From a room to a registered version, and from a champion to the table of its scores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError, DataError, near_match
from shopwright.core.lock import exclusive
from shopwright.models import MODELS
from shopwright.models.protocol import Context
from shopwright.models.scores import write_published_scores
from shopwright.registry import (
    FeatureRecord,
    GateRecord,
    Manifest,
    Measure,
    Registry,
    RunRecord,
    library_versions,
    write_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.protocol import Explanation, Room, Training
    from shopwright.registry import Version
    from shopwright.settings import Project

LIBRARIES = ("lightgbm", "numpy", "scikit-learn", "scipy", "xgboost-cpu")


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of training a room."""

    training: Training
    version: int
    is_champion: bool
    """Whether it serves from now on: it passed the gate."""


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


def missing(project: Project, room: Room) -> str | None:
    """What the shop lacks for a room; None where nothing is missing.

    Raises:
        DataError: nothing was built yet.
    """
    with connect(_published(project), read_only=True) as connection:
        return room.missing(connection)


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
    with TemporaryDirectory(prefix="shopwright-") as folder:
        number = registry.log(_record(Path(folder), room, training, champion))
    if training.gate.passes:
        registry.promote(room.name, number)
    return Trained(training, number, training.gate.passes)


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


def _record(folder: Path, room: Room, training: Training, champion: Version | None) -> RunRecord:
    described = training.files(folder)
    manifest = Manifest(
        model=room.name,
        kind=training.kind,
        created_at=datetime.now(UTC),
        features=tuple(_features(described["features"])),
        outcome=room.outcome,
        decision_time=room.decision,
        window=training.window,
        data_fingerprint=training.fingerprint,
        metrics={
            name: Measure(value=score.value, lower=score.lower, upper=score.upper, reason=score.reason)
            for name, score in next(iter(training.scores.values())).items()
        },
        libraries=library_versions(LIBRARIES),
    )
    write_manifest(folder, manifest)
    gate = GateRecord(
        passes=training.gate.passes,
        reasons=training.gate.reasons,
        champion=champion.number if champion else None,
    )
    return RunRecord(
        model=room.name,
        folder=folder,
        verdict=training.judgement.verdict,
        gate=gate,
        parameters=training.parameters,
    )


def _features(encoder: dict[str, Any]) -> list[FeatureRecord]:
    """Features as an encoder knows them, as the manifest records them."""
    found = []
    for feature in encoder["features"]:
        name = feature["name"]
        if feature["kind"] == "category":
            levels = tuple(sorted(encoder["levels"][name]))
            found.append(FeatureRecord(name=name, kind="category", categories=levels))
        else:
            lower, upper = encoder["ranges"][name]
            found.append(FeatureRecord(name=name, kind="number", lower=lower, upper=upper))
    return found


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
