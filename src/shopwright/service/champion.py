"""The champions that are asked online: verified, loaded once, and exchanged whole when another one is promoted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import inf
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError, ShopwrightError
from shopwright.models.abandonment import MODEL as ABANDONMENT
from shopwright.registry import Registry, read_manifest
from shopwright.service.errors import no_champion, redact_paths
from shopwright.service.scoring import SessionScorer
from shopwright.service.telemetry import log_exception

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.registry import Manifest
    from shopwright.service.telemetry import ServiceMetrics
    from shopwright.settings import Project

RELOAD_SECONDS = 20
"""After which a champion that could not be loaded is tried again."""


@dataclass(frozen=True, slots=True)
class Champion:
    """A loaded version; a request that has it keeps it to its end, whatever is promoted meanwhile."""

    model: str
    version: int
    kind: str
    data_date: date
    """Last day of the data that it was trained and judged on."""
    scorer: SessionScorer


class ChampionLoader:
    """The champion of abandonment, which alone is asked online; all other scores are in the warehouse.

    Args:
        project: whose models.
        metrics: told which version serves.
    """

    def __init__(self, project: Project, metrics: ServiceMetrics) -> None:
        self._project = project
        self._metrics = metrics
        self._lock = Lock()
        self._stamp: tuple[float, ...] | None = None
        self._again_at = inf
        self._serving: Champion | None = None
        self._seal = ""
        self.reason = "it was not looked for yet"
        """Why the champion of now does not serve; empty where it does."""

    @property
    def is_serving(self) -> bool:
        """Whether any version serves."""
        return self._serving is not None

    def current(self) -> Champion:
        """The version that serves.

        Raises:
            ProblemError: 503 where none does.
        """
        if self._serving is None:
            raise no_champion(ABANDONMENT.name, self.reason)
        return self._serving

    @property
    def is_remote(self) -> bool:
        """Whether the registry is another server's, which may take its time."""
        return bool(self._project.settings.models.tracking_uri)

    def registry_stamp(self) -> tuple[float, ...] | None:
        """What changes with the registry's database; None where that lies elsewhere and has to be asked."""
        if self.is_remote:
            return None
        files = [self._project.models / name for name in ("mlflow.db", "mlflow.db-wal")]
        return tuple(file.stat().st_mtime if file.exists() else 0.0 for file in files)

    def refresh(self) -> None:
        """Load the champion of now, unless it serves already; one that cannot be loaded is tried again now and then.

        Takes a while; for a thread scoring_executor the requests.
        """
        with self._lock:
            stamp = self.registry_stamp()
            if stamp is not None and stamp == self._stamp and monotonic() < self._again_at:
                return
            self._stamp, self._again_at = stamp, monotonic() + RELOAD_SECONDS
            self.reason = self._load_or_say()
            if not self.reason:
                self._again_at = inf
            self._metrics.refused.labels(ABANDONMENT.name).set(float(bool(self.reason)))

    def _load_or_say(self) -> str:
        """Load the champion of now.

        Returns:
            Why it cannot be loaded; empty where it was.
        """
        try:
            self._load()
        except (ShopwrightError, OSError, ValueError, KeyError) as error:
            return redact_paths(str(error), self._project)
        except Exception as error:  # noqa: BLE001  # whatever a registry's own libraries raise
            log_exception(error, "")
            return f"it cannot be loaded ({type(error).__name__}); the service's log says more"
        return ""

    def _load(self) -> None:
        registry = Registry(self._project)
        found = registry.champion(ABANDONMENT.name)
        if found is None:
            raise ConfigurationError(
                f"no version was promoted; 'shopwright train {ABANDONMENT.name}' does it where the gate lets it pass"
            )
        if self._serving and (found.number, found.manifest_sha256) == (self._serving.version, self._seal):
            return
        folder = registry.fetch(ABANDONMENT.name, found.number)
        manifest = read_manifest(folder, model=ABANDONMENT.name, sha256=found.manifest_sha256)
        self._serving = _loaded(folder, manifest, found.number)
        self._seal = found.manifest_sha256
        self._metrics.version.labels(ABANDONMENT.name).set(found.number)


def _loaded(folder: Path, manifest: Manifest, version: int) -> Champion:
    scorer = SessionScorer.from_predictor(ABANDONMENT.load(folder).predictor)
    scorer.warm_up()
    return Champion(ABANDONMENT.name, version, manifest.kind, _last_day(manifest), scorer)


def _last_day(manifest: Manifest) -> date:
    days = [str(value)[:10] for name, value in manifest.window.items() if name.endswith("_until")]
    return date.fromisoformat(max(days))
