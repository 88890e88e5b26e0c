"""Runs and versions as MLflow's parameters, metrics and tags, written and read back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from shopwright.registry.manifest import Measure
from shopwright.registry.records import GateRecord, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

    from shopwright.registry.manifest import Manifest
    from shopwright.registry.records import RunRecord

T = TypeVar("T")

_PREFIX = "shopwright."
_MAX_TAG_LENGTH = 5_000
_MAX_PARAMETER_LENGTH = 6_000
_BATCH = 100
_MEASURES = TypeAdapter(dict[str, Measure])
_FOREIGN = GateRecord(passes=False, reasons=("it was not registered by `shopwright train`",))


def write_run(client: MlflowClient, run_id: str, run: RunRecord, manifest: Manifest, seal: str) -> None:
    """Write a run's parameters, metrics with their intervals, and tags."""
    from mlflow.entities import Param, RunTag  # noqa: PLC0415  # takes seconds

    parameters = [Param(name, str(value)[:_MAX_PARAMETER_LENGTH]) for name, value in run.parameters.items()]
    tags = [RunTag(name, value) for name, value in _short(version_tags(run, manifest, seal)).items()]
    metrics = _metrics(manifest)
    for start in range(0, max(len(parameters), len(tags), len(metrics)), _BATCH):
        batch = slice(start, start + _BATCH)
        client.log_batch(run_id, metrics=metrics[batch], params=parameters[batch], tags=tags[batch])


def version_tags(run: RunRecord, manifest: Manifest, seal: str) -> dict[str, str]:
    """Return the tags of a version, which make listing versions possible without reading files."""
    return {
        f"{_PREFIX}manifest_sha256": seal,
        f"{_PREFIX}data_fingerprint": manifest.data_fingerprint,
        f"{_PREFIX}features": json.dumps([feature.name for feature in manifest.features]),
        f"{_PREFIX}verdict": run.verdict,
        f"{_PREFIX}metrics": _MEASURES.dump_json(manifest.metrics).decode(),
        **dict([gate_tag(run.gate)]),
    }


def gate_tag(gate: GateRecord) -> tuple[str, str]:
    """Return the name and value of the tag with the gate's result."""
    return f"{_PREFIX}gate", gate.model_dump_json()


def find_registered_model(client: MlflowClient, model: str) -> RegisteredModel | None:
    """Return the registered model; None if there is none."""
    from mlflow import MlflowException  # noqa: PLC0415  # takes seconds

    try:
        return client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def ignore_existing(make: Callable[[], T]) -> T | None:
    """Create something in MLflow; return None if another machine created it first."""
    from mlflow import MlflowException  # noqa: PLC0415  # takes seconds

    try:
        return make()
    except MlflowException as error:
        if error.error_code == "RESOURCE_ALREADY_EXISTS":
            return None
        raise


def list_versions(client: MlflowClient, model: RegisteredModel) -> list[Version]:
    """Return all versions of a registered model, newest first."""
    aliases: dict[int, list[str]] = {}
    for alias, number in model.aliases.items():
        aliases.setdefault(int(number), []).append(alias)
    result = [_version(item, aliases.get(int(item.version), [])) for item in _pages(client, model.name)]
    return sorted(result, key=lambda item: item.number, reverse=True)


def with_parameters(client: MlflowClient, version: Version) -> Version:
    """Return a version with the parameters of its run."""
    return (
        replace(version, parameters=dict(client.get_run(version.run_id).data.params))
        if version.run_id
        else version
    )


def _pages(client: MlflowClient, name: str) -> Iterator[ModelVersion]:
    token = None
    while True:
        page = client.search_model_versions(f"name='{name}'", page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _version(entry: ModelVersion, aliases: Sequence[str]) -> Version:
    tags = {
        name.removeprefix(_PREFIX): value for name, value in entry.tags.items() if name.startswith(_PREFIX)
    }
    try:
        gate = GateRecord.model_validate_json(tags["gate"])
        metrics = _MEASURES.validate_json(tags["metrics"])
    except (KeyError, ValidationError):
        gate, metrics = _FOREIGN, {}
    return Version(
        model=entry.name,
        number=int(entry.version),
        created_at=datetime.fromtimestamp(entry.creation_timestamp / 1000, tz=UTC),
        aliases=tuple(sorted(aliases)),
        run_id=entry.run_id or "",
        verdict=tags.get("verdict", ""),
        gate=gate,
        metrics=metrics,
        data_fingerprint=tags.get("data_fingerprint", ""),
        manifest_sha256=tags.get("manifest_sha256", ""),
        parameters={},
    )


def _metrics(manifest: Manifest) -> list[Metric]:
    from mlflow.entities import Metric  # noqa: PLC0415  # takes seconds

    at = int(manifest.created_at.timestamp() * 1000)
    numbers = {
        f"{name}{ending}": number
        for name, measure in manifest.metrics.items()
        for ending, number in (("", measure.value), ("_lower", measure.lower), ("_upper", measure.upper))
    }
    return [Metric(name, number, at, 0) for name, number in numbers.items() if number is not None]


def _short(tags: dict[str, str]) -> dict[str, str]:
    """Truncate tags for a run, which holds shorter ones than a version does; the manifest has them in full."""
    return {
        name: value if len(value) <= _MAX_TAG_LENGTH else f"{value[:_MAX_TAG_LENGTH]} ..."
        for name, value in tags.items()
    }
