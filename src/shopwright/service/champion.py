"""The champion that scores online: verified, loaded once, and replaced as a whole when another version is promoted."""

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
from shopwright.service.waterfall import draw_waterfall

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.registry import Manifest
    from shopwright.service.telemetry import ServiceMetrics
    from shopwright.settings import Project

RELOAD_SECONDS = 20
"""Time after which loading a champion is retried once it failed."""


@dataclass(frozen=True, slots=True)
class Champion:
    """A loaded version. A request keeps the one it started with, whatever is promoted in the meantime."""

    model: str
    version: int
    kind: str
    data_date: date
    """Last day of the data that it was trained and evaluated on."""
    scorer: SessionScorer


class ChampionLoader:
    """The champion of the abandonment model, the only one that scores online; other scores are read from the warehouse.

    Args:
        project: the shop whose registry is read.
        metrics: receives the version that serves and whether the champion could not be loaded.
    """

    def __init__(self, project: Project, metrics: ServiceMetrics) -> None:
        self._project = project
        self._metrics = metrics
        self._lock = Lock()
        self._stamp: tuple[float, ...] | None = None
        self._retry_at = inf
        self._serving: Champion | None = None
        self._manifest_sha256 = ""
        self.reason = "the registry has not been read yet"
        """Why the current champion is not loaded; empty where it is."""

    @property
    def is_serving(self) -> bool:
        """Whether any version is loaded."""
        return self._serving is not None

    def current(self) -> Champion:
        """Return the loaded version.

        Raises:
            ProblemError: 503 where none is loaded.
        """
        if self._serving is None:
            raise no_champion(ABANDONMENT.name, self.reason)
        return self._serving

    @property
    def is_remote(self) -> bool:
        """Whether the registry is a tracking server, which may be slow, rather than the project's own database."""
        return bool(self._project.settings.models.tracking_uri)

    def registry_stamp(self) -> tuple[float, ...] | None:
        """Return a value that changes with the registry's database; None for a remote registry, which has to be queried."""
        if self.is_remote:
            return None
        files = [self._project.models / name for name in ("mlflow.db", "mlflow.db-wal")]
        return tuple(file.stat().st_mtime if file.exists() else 0.0 for file in files)

    def refresh(self) -> None:
        """Load the champion unless it is loaded already. After a failure, retry every ``RELOAD_SECONDS``.

        Takes up to seconds: call it outside the event loop.
        """
        with self._lock:
            stamp = self.registry_stamp()
            if stamp is not None and stamp == self._stamp and monotonic() < self._retry_at:
                return
            # The stamp is taken before loading, so that a promotion during the load is noticed next time.
            self._stamp, self._retry_at = stamp, monotonic() + RELOAD_SECONDS
            self.reason = self._try_to_load()
            if not self.reason:
                self._retry_at = inf
            self._metrics.refused.labels(ABANDONMENT.name).set(float(bool(self.reason)))

    def _try_to_load(self) -> str:
        """Load the champion.

        Returns:
            Why it could not be loaded; empty where it was.
        """
        try:
            self._load()
        except (ShopwrightError, OSError, ValueError, KeyError) as error:
            return redact_paths(str(error), self._project)
        except Exception as error:  # noqa: BLE001  # whatever the libraries of a registry raise
            log_exception(error, "")
            return f"it could not be loaded ({type(error).__name__}); see the log of the service"
        return ""

    def _load(self) -> None:
        registry = Registry(self._project)
        version = registry.champion(ABANDONMENT.name)
        if version is None:
            raise ConfigurationError(
                f"no version has been promoted. `shopwright train {ABANDONMENT.name}` promotes one that passes the gate"
            )
        loaded = self._serving and (self._serving.version, self._manifest_sha256)
        if loaded == (version.number, version.manifest_sha256):
            return
        folder = registry.fetch(ABANDONMENT.name, version.number)
        manifest = read_manifest(folder, model=ABANDONMENT.name, sha256=version.manifest_sha256)
        self._serving = _load_champion(folder, manifest, version.number)
        self._manifest_sha256 = version.manifest_sha256
        self._metrics.version.labels(ABANDONMENT.name).set(version.number)


def _load_champion(folder: Path, manifest: Manifest, version: int) -> Champion:
    scorer = SessionScorer.from_predictor(ABANDONMENT.load(folder).predictor)
    # Score and draw once, so that the first request does not wait for what libraries and fonts load on first use.
    draw_waterfall(scorer.score({}), title="0123456789").to_png()
    return Champion(ABANDONMENT.name, version, manifest.kind, _last_day(manifest), scorer)


def _last_day(manifest: Manifest) -> date:
    days = [str(value)[:10] for name, value in manifest.window.items() if name.endswith("_until")]
    return date.fromisoformat(max(days))
