"""The registry: every training run, its versions, and which one is served."""

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
from shopwright.registry.tracking import check_installed, connect, create_database, explained, sqlite_uri

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

    Without a tracking URI of its own a project keeps them in ``models/mlflow.db`` and ``models/artifacts``; that folder
    can be moved with the project. Reading takes no lock. Two that write take turns: the second waits for the first.

    Args:
        project: whose models.
        patience_seconds: how long to wait for another process that is writing.
    """

    def __init__(self, project: Project, *, patience_seconds: float = 120.0) -> None:
        self._folder = project.models
        given = project.settings.models.tracking_uri
        self._database = None if given else project.models / "mlflow.db"
        self._uri = _anchored(given, project.root) if given else sqlite_uri(project.models / "mlflow.db")
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
        with self._writing("train") as client:
            experiment = self._experiment(client, run.model)
            self._sweep(client, experiment, run.model)
            run_id = client.create_run(experiment, run_name=manifest.kind).info.run_id
            try:
                entries.write_run(client, run_id, run, manifest, str(seal))
                client.log_artifacts(run_id, str(run.folder), _ARTIFACT)
                for plot in run.plots:
                    client.log_artifact(run_id, str(plot), _PLOTS)
                self._verified(client, run_id, run.model, str(seal))
                client.set_terminated(run_id)
            except BaseException:
                self._discard(client, run_id, run.model, "FAILED")
                raise
            return self._register(client, run, run_id, entries.version_tags(run, manifest, str(seal)))

    def models(self) -> tuple[str, ...]:
        """Names of the models that have versions, sorted."""
        client = self._reading()
        if client is None:
            return ()
        with explained(self._uri):
            found = [each.name for each in _all_models(client)]
        return tuple(sorted(name for name in found if MODEL_NAME.fullmatch(name)))

    def versions(self, model: str) -> tuple[Version, ...]:
        """All versions of a model, the newest first; none where it was never trained."""
        client = self._reading()
        if client is None:
            return ()
        with explained(self._uri):
            registered = self._registered(client, model)
            return tuple(entries.versions(client, registered)) if registered else ()

    def show(self, model: str, version: int | str = CHAMPION) -> Version:
        """One version with its parameters.

        Args:
            version: its number or an alias.

        Raises:
            ConfigurationError: there is no such model or version; the message names those that there are.
        """
        client = self._reading()
        found = self._find(client, model, version)
        with explained(self._uri):
            return entries.with_parameters(client, found) if client else found

    def champion(self, model: str) -> Version | None:
        """The version that is served; None where none was promoted."""
        return next((each for each in self.versions(model) if each.is_champion), None)

    def history(self, model: str) -> tuple[ChampionRecord, ...]:
        """Every change of the champion, oldest first."""
        client = self._reading()
        if client is None:
            return ()
        with explained(self._uri):
            registered = self._registered(client, model)
        return tuple(champions.read_changes(registered.tags).values()) if registered else ()

    def fetch(self, model: str, version: int | str = CHAMPION) -> Path:
        """The verified artifact of a version, in a folder on this machine.

        A project's own store is checked and read where it lies; what comes from elsewhere is kept by its SHA-256, and
        checked anew each time.

        Raises:
            ArtifactError: the files are not those that were registered.
            ConfigurationError: there is no such model or version.
        """
        client = self._reading()
        found = self._find(client, model, version)
        if client is None or not found.manifest_sha256:
            raise ArtifactError(
                f"version {found.number} of {model} has no seal: it was not registered by 'shopwright train'"
            )
        if self._database is not None:
            return self._verified(client, found.run_id, model, found.manifest_sha256)
        return self._fetched(client, found)

    def evaluation(self, model: str, version: int | str = CHAMPION) -> EvaluationRecord | None:
        """How a version was judged when it was trained, from its verified artifact; None where that was not kept.

        Raises:
            ArtifactError: the files are not those that were registered.
            ConfigurationError: there is no such model or version.
        """
        return read_evaluation(self.fetch(model, version))

    def record_gate(self, model: str, version: int | str, gate: GateRecord) -> Version:
        """Record what the gate says of a version now, such as after the champion changed."""
        with self._writing("evaluate") as client:
            found = self._find(client, model, version)
            client.set_model_version_tag(model, str(found.number), *entries.gate_tag(gate))
            return self._find(client, model, found.number)

    def promote(self, model: str, version: int | str, *, force_reason: str | None = None) -> Version:
        """Make a version the champion.

        Args:
            force_reason: overrules the gate; kept in the history.

        Raises:
            PromotionError: it did not pass the gate, was measured against another champion, or is champion already.
            ArtifactError: its files are not those that were registered.
        """
        if force_reason is not None and not force_reason.strip():
            raise PromotionError("to overrule the gate, say why")
        with self._writing("models promote") as client:
            chosen, now = self._find(client, model, version), self.champion(model)
            if chosen.is_champion:
                raise PromotionError(f"version {chosen.number} of {model} is the champion already")
            if force_reason is None:
                _check_gate(chosen, now.number if now else None)
            by = "promotion" if force_reason is None else "forced promotion"
            changes = self._changes(client, model)
            change = champions.promotion(
                changes,
                champion=now.number if now else None,
                version=chosen.number,
                at=datetime.now(UTC),
                by=by,
                reason="; ".join(chosen.gate.reasons) if force_reason is None else force_reason.strip(),
            )
            return self._crown(client, model, changes, change)

    def rollback(self, model: str) -> Version:
        """Make the champion before this one champion again.

        Raises:
            PromotionError: there was none before.
            ArtifactError: its files are not those that were registered.
        """
        with self._writing("models rollback") as client:
            now, changes = self._find(client, model, CHAMPION), self._changes(client, model)
            change = champions.rollback(changes, champion=now.number, at=datetime.now(UTC))
            if change is None:
                raise PromotionError(f"there is no champion of {model} before version {now.number}")
            return self._crown(client, model, changes, change)

    def _crown(
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
            entries.unless_existing(lambda: client.create_registered_model(run.model))
        made = client.create_model_version(run.model, source=source, run_id=run_id, tags=tags)
        client.set_registered_model_alias(run.model, CHALLENGER, str(made.version))
        return int(made.version)

    def _experiment(self, client: MlflowClient, model: str) -> str:
        """The model's experiment, made where there is none."""
        found = client.get_experiment_by_name(model)
        home = (
            None
            if self._uri.startswith(("http", "databricks"))
            else (self._folder / "artifacts" / model).as_uri()
        )
        if found is not None and self._database is not None and found.artifact_location != home:
            # The project was moved, and MLflow would go on writing to where it was. Versions are found all the same.
            client.rename_experiment(found.experiment_id, f"{model} (before {found.experiment_id} was moved)")
            found = None
        if found is None:
            made = entries.unless_existing(lambda: client.create_experiment(model, artifact_location=home))
            return made or self._experiment(client, model)
        return str(found.experiment_id)

    def _sweep(self, client: MlflowClient, experiment: str, model: str) -> None:
        """Clear away runs that were killed; nothing else runs in a project's own store while its lock is held."""
        if self._database is None:
            return
        for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
            self._discard(client, run.info.run_id, model, "KILLED")

    def _discard(self, client: MlflowClient, run_id: str, model: str, status: str) -> None:
        client.set_terminated(run_id, status)
        if self._database is not None:
            shutil.rmtree(self._stored(model, run_id).parent, ignore_errors=True)

    def _stored(self, model: str, run_id: str) -> Path:
        """Where the project's own store keeps a run's artifact."""
        return self._folder / "artifacts" / model / run_id / "artifacts" / _ARTIFACT

    def _verified(self, client: MlflowClient, run_id: str, model: str, sha256: str) -> Path:
        """Check a stored artifact; one that lies elsewhere is checked by its copy."""
        if not _RUN_ID.fullmatch(run_id):
            raise ArtifactError(f"artifact of {model}: its run {run_id[:40]!r} is no name of a run")
        if self._database is None:
            with TemporaryDirectory() as folder, explained(self._uri):
                read_manifest(
                    Path(client.download_artifacts(run_id, _ARTIFACT, folder)), model=model, sha256=sha256
                )
        else:
            read_manifest(self._stored(model, run_id), model=model, sha256=sha256)
        return self._stored(model, run_id)

    def _fetched(self, client: MlflowClient, found: Version) -> Path:
        """The copy of a remote artifact, made or made anew where it is not there or not whole."""
        kept = self._folder / "cache" / found.manifest_sha256
        try:
            read_manifest(kept, model=found.model, sha256=found.manifest_sha256)
        except ArtifactError:
            shutil.rmtree(kept, ignore_errors=True)
        else:
            return kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kept.parent, prefix=".unfinished-") as folder:
            with explained(self._uri):
                copy = Path(client.download_artifacts(found.run_id, _ARTIFACT, folder))
            read_manifest(copy, model=found.model, sha256=found.manifest_sha256)
            try:
                copy.replace(kept)
            except OSError:  # another process was first
                read_manifest(kept, model=found.model, sha256=found.manifest_sha256)
        return kept

    def _find(self, client: MlflowClient | None, model: str, version: int | str) -> Version:
        with explained(self._uri):
            registered = self._registered(client, model) if client else None
            known = list(entries.versions(client, registered)) if client and registered else []
        if not known:
            raise ConfigurationError(f"no model '{model}' was trained yet{near_match(model, self.models())}")
        wanted = str(version)
        for each in known:
            if wanted == str(each.number) or wanted in each.aliases:
                return each
        if wanted == CHAMPION:
            raise ConfigurationError(
                f"{model} has no champion yet; promote one of its versions: {_numbers(known)}"
            )
        raise ConfigurationError(f"{model} has no version '{wanted}'; it has {_numbers(known)}")

    def _registered(self, client: MlflowClient, model: str) -> RegisteredModel | None:
        if not MODEL_NAME.fullmatch(model):
            raise ConfigurationError(f"'{model[:40]}' is no name of a model: letters a to z, digits and '_'")
        return entries.registered(client, model)

    def _changes(self, client: MlflowClient, model: str) -> champions.Changes:
        registered = self._registered(client, model)
        return champions.read_changes(registered.tags) if registered else {}

    def _reading(self) -> MlflowClient | None:
        """A client; None where the project has no store yet, since reading makes none."""
        check_installed()
        if self._database is not None and not self._database.exists():
            return None
        if self._client is None:
            self._client = connect(self._uri)
        return self._client

    @contextmanager
    def _writing(self, doing: str) -> Iterator[MlflowClient]:
        with ExitStack() as held:
            until = time.monotonic() + self._patience
            while True:
                try:
                    held.enter_context(exclusive_lock(self._folder / ".lock", doing))
                    break
                except BusyError:
                    if time.monotonic() >= until:
                        raise
                    time.sleep(0.05)
            if self._database is not None and not self._database.exists():
                create_database(self._database)
            held.enter_context(explained(self._uri))
            client = self._reading()
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


def _anchored(uri: str, root: Path) -> str:
    """A file of SQLite that is given without a leading slash lies in the project."""
    scheme, _, rest = uri.partition(":///")
    if scheme.startswith("sqlite") and rest and not rest.startswith("/"):
        return f"{scheme}:///{root / rest}"
    return uri


def _check_gate(chosen: Version, champion: int | None) -> None:
    about = f"version {chosen.number} of {chosen.model}"
    if not chosen.gate.passes:
        raise PromotionError(
            f"{about} did not pass the gate: {'; '.join(chosen.gate.reasons) or 'no reason given'}"
        )
    if chosen.gate.champion != champion:
        then = f"version {chosen.gate.champion}" if chosen.gate.champion else "no champion"
        now = f"version {champion} is" if champion else "there is none"
        raise PromotionError(
            f"{about} was measured against {then}, and now {now} the champion; evaluate it again"
        )


def _numbers(versions: list[Version]) -> str:
    return ", ".join(str(each.number) for each in reversed(versions))
