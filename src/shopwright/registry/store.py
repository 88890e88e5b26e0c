"""The registry: every training run, its versions, and which one is live."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shopwright.core.errors import ArtifactError, BusyError, ConfigurationError, PromotionError, near_match
from shopwright.core.lock import exclusive_lock
from shopwright.registry import champions, entries
from shopwright.registry.evaluations import EvaluationRecord, read_evaluation
from shopwright.registry.manifest import MODEL_NAME, manifest_sha256, read_manifest
from shopwright.registry.records import CHALLENGER, CHAMPION, ChampionRecord, GateRecord, RunRecord, Version
from shopwright.registry.tracking import (
    check_installed,
    connect,
    create_database,
    sqlite_uri,
    translate_errors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

    from shopwright.settings import Project

_ARTIFACT = "artifact"
_PLOTS = "plots"
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Registry:
    """Runs and versions of a project's models, in MLflow.

    Without a tracking URI, a project stores them in ``models/mlflow.db`` and ``models/artifacts``; that folder
    can be moved with the project. Reading takes no lock. Writers take turns: the second waits for the first.

    Args:
        project: the shop.
        patience_seconds: how long to wait for another process that is writing.
    """

    def __init__(self, project: Project, *, patience_seconds: float = 120.0) -> None:
        self._folder = project.models
        uri = project.settings.models.tracking_uri
        self._database = None if uri else project.models / "mlflow.db"
        self._uri = _absolute_uri(uri, project.root) if uri else sqlite_uri(project.models / "mlflow.db")
        self._patience = patience_seconds
        self._client: MlflowClient | None = None

    def log(self, run: RunRecord) -> int:
        """Record a run and register its artifact as the next version, which becomes the challenger.

        A version appears only when all of it is stored; a run that is killed before leaves none.

        Returns:
            The version.

        Raises:
            ArtifactError: the artifact is not as its manifest says.
            BusyError: another process kept writing for longer than this one waits.
            ConfigurationError: the tracking server or database cannot be used.
        """
        check_installed()
        seal = manifest_sha256(run.folder) if (run.folder / "manifest.json").is_file() else None
        manifest = read_manifest(run.folder, model=run.model, sha256=seal)
        with self._write_client("train") as client:
            experiment = self._experiment(client, run.model)
            self._discard_killed_runs(client, experiment, run.model)
            run_id = client.create_run(experiment, run_name=manifest.kind).info.run_id
            try:
                entries.write_run(client, run_id, run, manifest, str(seal))
                client.log_artifacts(run_id, str(run.folder), _ARTIFACT)
                for plot in run.plots:
                    client.log_artifact(run_id, str(plot), _PLOTS)
                self._verify(client, run_id, run.model, str(seal))
                client.set_terminated(run_id)
            except BaseException:
                self._discard(client, run_id, run.model, "FAILED")
                raise
            return self._register(client, run, run_id, entries.version_tags(run, manifest, str(seal)))

    def models(self) -> tuple[str, ...]:
        """Return the names of the models that have versions, sorted."""
        client = self._read_client()
        if client is None:
            return ()
        with translate_errors(self._uri):
            names = [model.name for model in _all_models(client)]
        return tuple(sorted(name for name in names if MODEL_NAME.fullmatch(name)))

    def versions(self, model: str) -> tuple[Version, ...]:
        """Return all versions of a model, newest first; empty if it was never trained."""
        client = self._read_client()
        if client is None:
            return ()
        with translate_errors(self._uri):
            registered = self._registered(client, model)
            return tuple(entries.list_versions(client, registered)) if registered else ()

    def show(self, model: str, version: int | str = CHAMPION) -> Version:
        """Return one version with its parameters.

        Args:
            version: its number or an alias.

        Raises:
            ConfigurationError: there is no such model or version; the message lists those that exist.
        """
        client = self._read_client()
        entry = self._find(client, model, version)
        with translate_errors(self._uri):
            return entries.with_parameters(client, entry) if client else entry

    def champion(self, model: str) -> Version | None:
        """Return the live version; None if none was promoted."""
        return next((version for version in self.versions(model) if version.is_champion), None)

    def history(self, model: str) -> tuple[ChampionRecord, ...]:
        """Return every change of the champion, oldest first."""
        client = self._read_client()
        if client is None:
            return ()
        with translate_errors(self._uri):
            registered = self._registered(client, model)
        return tuple(champions.read_changes(registered.tags).values()) if registered else ()

    def fetch(self, model: str, version: int | str = CHAMPION) -> Path:
        """Return the verified artifact of a version, as a folder on this machine.

        A project's own store is verified and read in place; a remote artifact is cached by its SHA-256, and
        verified each time.

        Raises:
            ArtifactError: the files are not those that were registered.
            ConfigurationError: there is no such model or version.
        """
        client = self._read_client()
        entry = self._find(client, model, version)
        if client is None or not entry.manifest_sha256:
            raise ArtifactError(
                f"version {entry.number} of {model} has no seal: it was not registered by `shopwright train`"
            )
        if self._database is not None:
            return self._verify(client, entry.run_id, model, entry.manifest_sha256)
        return self._download(client, entry)

    def evaluation(self, model: str, version: int | str = CHAMPION) -> EvaluationRecord | None:
        """Return the evaluation of a version in training, from its verified artifact; None if the artifact has none.

        Raises:
            ArtifactError: the files are not those that were registered.
            ConfigurationError: there is no such model or version.
        """
        return read_evaluation(self.fetch(model, version))

    def record_gate(self, model: str, version: int | str, gate: GateRecord) -> Version:
        """Record the gate's result for a version now, for example after the champion changed."""
        with self._write_client("evaluate") as client:
            entry = self._find(client, model, version)
            client.set_model_version_tag(model, str(entry.number), *entries.gate_tag(gate))
            return self._find(client, model, entry.number)

    def promote(self, model: str, version: int | str, *, force_reason: str | None = None) -> Version:
        """Make a version the champion.

        Args:
            force_reason: overrides the gate; recorded in the history.

        Raises:
            PromotionError: it did not pass the gate, was compared with another champion, or is already champion.
            ArtifactError: its files are not those that were registered.
        """
        if force_reason is not None and not force_reason.strip():
            raise PromotionError("give a reason to override the gate")
        with self._write_client("models promote") as client:
            candidate, champion = self._find(client, model, version), self.champion(model)
            if candidate.is_champion:
                raise PromotionError(f"version {candidate.number} of {model} is already the champion")
            if force_reason is None:
                _check_gate(candidate, champion.number if champion else None)
            by = "promotion" if force_reason is None else "forced promotion"
            changes = self._changes(client, model)
            change = champions.promotion(
                changes,
                champion=champion.number if champion else None,
                version=candidate.number,
                at=datetime.now(UTC),
                by=by,
                reason="; ".join(candidate.gate.reasons) if force_reason is None else force_reason.strip(),
            )
            return self._set_champion(client, model, changes, change)

    def rollback(self, model: str) -> Version:
        """Make the champion before this one champion again.

        Raises:
            PromotionError: there was none before.
            ArtifactError: its files are not those that were registered.
        """
        with self._write_client("models rollback") as client:
            now, changes = self._find(client, model, CHAMPION), self._changes(client, model)
            change = champions.rollback(changes, champion=now.number, at=datetime.now(UTC))
            if change is None:
                raise PromotionError(f"there is no champion of {model} before version {now.number}")
            return self._set_champion(client, model, changes, change)

    def _set_champion(
        self, client: MlflowClient, model: str, changes: champions.Changes, change: ChampionRecord
    ) -> Version:
        self.fetch(model, change.version)
        client.set_registered_model_tag(model, *champions.tag(changes, change))
        client.set_registered_model_alias(model, CHAMPION, str(change.version))
        crowned = self._find(client, model, change.version)
        if CHALLENGER in crowned.aliases:
            client.delete_registered_model_alias(model, CHALLENGER)
        return self._find(client, model, change.version)

    def _register(self, client: MlflowClient, run: RunRecord, run_id: str, tags: dict[str, str]) -> int:
        source = f"{client.get_run(run_id).info.artifact_uri}/{_ARTIFACT}"
        if self._registered(client, run.model) is None:
            entries.ignore_existing(lambda: client.create_registered_model(run.model))
        version = client.create_model_version(run.model, source=source, run_id=run_id, tags=tags)
        client.set_registered_model_alias(run.model, CHALLENGER, str(version.version))
        return int(version.version)

    def _experiment(self, client: MlflowClient, model: str) -> str:
        """Return the model's MLflow experiment; create it if there is none."""
        experiment = client.get_experiment_by_name(model)
        location = (
            None
            if self._uri.startswith(("http", "databricks"))
            else (self._folder / "artifacts" / model).as_uri()
        )
        if experiment is not None and self._database is not None and experiment.artifact_location != location:
            # The project was moved, and MLflow would go on writing to the old location. Versions are still found.
            client.rename_experiment(
                experiment.experiment_id, f"{model} (before {experiment.experiment_id} was moved)"
            )
            experiment = None
        if experiment is None:
            experiment_id = entries.ignore_existing(
                lambda: client.create_experiment(model, artifact_location=location)
            )
            return experiment_id or self._experiment(client, model)
        return str(experiment.experiment_id)

    def _discard_killed_runs(self, client: MlflowClient, experiment: str, model: str) -> None:
        """Discard runs that were killed; nothing else runs in a project's own store while its lock is held."""
        if self._database is None:
            return
        for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
            self._discard(client, run.info.run_id, model, "KILLED")

    def _discard(self, client: MlflowClient, run_id: str, model: str, status: str) -> None:
        client.set_terminated(run_id, status)
        if self._database is not None:
            shutil.rmtree(self._artifact_folder(model, run_id).parent, ignore_errors=True)

    def _artifact_folder(self, model: str, run_id: str) -> Path:
        """Return the folder of a run's artifact in the project's own store."""
        return self._folder / "artifacts" / model / run_id / "artifacts" / _ARTIFACT

    def _verify(self, client: MlflowClient, run_id: str, model: str, sha256: str) -> Path:
        """Verify a stored artifact; a remote one is verified by its copy."""
        if not _RUN_ID.fullmatch(run_id):
            raise ArtifactError(f"artifact of {model}: {run_id[:40]!r} is not the name of a run")
        if self._database is None:
            with TemporaryDirectory() as folder, translate_errors(self._uri):
                read_manifest(
                    Path(client.download_artifacts(run_id, _ARTIFACT, folder)), model=model, sha256=sha256
                )
        else:
            read_manifest(self._artifact_folder(model, run_id), model=model, sha256=sha256)
        return self._artifact_folder(model, run_id)

    def _download(self, client: MlflowClient, version: Version) -> Path:
        """Return the cached copy of a remote artifact; download it if it is missing or incomplete."""
        cached = self._folder / "cache" / version.manifest_sha256
        try:
            read_manifest(cached, model=version.model, sha256=version.manifest_sha256)
        except ArtifactError:
            shutil.rmtree(cached, ignore_errors=True)
        else:
            return cached
        cached.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cached.parent, prefix=".unfinished-") as folder:
            with translate_errors(self._uri):
                copy = Path(client.download_artifacts(version.run_id, _ARTIFACT, folder))
            read_manifest(copy, model=version.model, sha256=version.manifest_sha256)
            try:
                copy.replace(cached)
            except OSError:  # another process was first
                read_manifest(cached, model=version.model, sha256=version.manifest_sha256)
        return cached

    def _find(self, client: MlflowClient | None, model: str, version: int | str) -> Version:
        with translate_errors(self._uri):
            registered = self._registered(client, model) if client else None
            versions = list(entries.list_versions(client, registered)) if client and registered else []
        if not versions:
            raise ConfigurationError(
                f"no model '{model}' has been trained yet{near_match(model, self.models())}"
            )
        requested = str(version)
        for item in versions:
            if requested == str(item.number) or requested in item.aliases:
                return item
        if requested == CHAMPION:
            raise ConfigurationError(
                f"{model} has no champion yet; promote one of its versions: {_numbers(versions)}"
            )
        raise ConfigurationError(f"{model} has no version '{requested}'; it has {_numbers(versions)}")

    def _registered(self, client: MlflowClient, model: str) -> RegisteredModel | None:
        if not MODEL_NAME.fullmatch(model):
            raise ConfigurationError(
                f"'{model[:40]}' is not a model name: use letters a to z, digits and '_'"
            )
        return entries.find_registered_model(client, model)

    def _changes(self, client: MlflowClient, model: str) -> champions.Changes:
        registered = self._registered(client, model)
        return champions.read_changes(registered.tags) if registered else {}

    def _read_client(self) -> MlflowClient | None:
        """Return a client; None if the project has no store yet, since reading creates none."""
        check_installed()
        if self._database is not None and not self._database.exists():
            return None
        if self._client is None:
            self._client = connect(self._uri)
        return self._client

    @contextmanager
    def _write_client(self, doing: str) -> Iterator[MlflowClient]:
        with ExitStack() as stack:
            deadline = time.monotonic() + self._patience
            while True:
                try:
                    stack.enter_context(exclusive_lock(self._folder / ".lock", doing))
                    break
                except BusyError:
                    if time.monotonic() >= deadline:
                        raise
                    time.sleep(0.05)
            if self._database is not None and not self._database.exists():
                create_database(self._database)
            stack.enter_context(translate_errors(self._uri))
            client = self._read_client()
            if client is None:
                raise ConfigurationError(f"{self._database} vanished while it was being used")
            yield client


def _all_models(client: MlflowClient) -> Iterator[RegisteredModel]:
    token = None
    while True:
        page = client.search_registered_models(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _absolute_uri(uri: str, root: Path) -> str:
    """Resolve the path of a SQLite file without a leading slash against the project."""
    scheme, _, remainder = uri.partition(":///")
    if scheme.startswith("sqlite") and remainder and not remainder.startswith("/"):
        return f"{scheme}:///{root / remainder}"
    return uri


def _check_gate(candidate: Version, champion: int | None) -> None:
    subject = f"version {candidate.number} of {candidate.model}"
    if not candidate.gate.passes:
        raise PromotionError(
            f"{subject} did not pass the gate: {'; '.join(candidate.gate.reasons) or 'no reason given'}"
        )
    if candidate.gate.champion != champion:
        earlier = f"version {candidate.gate.champion}" if candidate.gate.champion else "no champion"
        current = f"version {champion} is" if champion else "there is none"
        raise PromotionError(
            f"{subject} was compared with {earlier}, and now {current} the champion. Evaluate it again"
        )


def _numbers(versions: list[Version]) -> str:
    return ", ".join(str(version.number) for version in reversed(versions))
