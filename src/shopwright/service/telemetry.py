"""What the service tells about itself: figures for Prometheus, and one line of JSON for each request.

A line names the route's template, never the path, the query, an address or a body, so that it holds no personal data.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LOGGER = logging.getLogger("shopwright.service")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600)


class ServiceMetrics:
    """Figures of one service, for Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "shopwright_requests",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "shopwright_request_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.scores = Counter(
            "shopwright_scores", "Scores given, by model and band.", ("model", "band"), registry=self.registry
        )
        self.version = Gauge(
            "shopwright_model_version", "Version that serves.", ("model",), registry=self.registry
        )
        self.refused = Gauge(
            "shopwright_model_refused",
            "1 where the champion cannot be loaded and an older one, or none, serves.",
            ("model",),
            registry=self.registry,
        )
        self.events = Counter(
            "shopwright_events", "Events sent, by what became of them.", ("outcome",), registry=self.registry
        )
        self.queue = Gauge(
            "shopwright_collector_queue", "Events taken in and not on disk yet.", registry=self.registry
        )


@dataclass(frozen=True, slots=True)
class RequestLog:
    """One answered request."""

    method: str
    route: str
    """The template, such as ``/v1/churn/{customer_id}``."""
    status: int
    seconds: float
    request_id: str
    caller: str
    """Such as ``key 0f3a…``; empty where no key was asked for."""

    def log(self) -> None:
        """Write its line."""
        fields = {"method": self.method, "route": self.route, "status": self.status}
        fields |= {"milliseconds": round(self.seconds * 1_000, 2), "request_id": self.request_id}
        LOGGER.info("request", extra={"fields": fields | ({"caller": self.caller} if self.caller else {})})


def log_exception(error: BaseException, request_id: str) -> None:
    """Log a bug: its class and where it came from; its message may hold what was sent, and is left out."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    fields = {"error": type(error).__name__, "at": places, "request_id": request_id}
    LOGGER.error("fault", extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Moment, level, message and the fields of a record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
        return json.dumps(line | getattr(record, "fields", {}))


def configure_logging() -> None:
    """Send the service's and uvicorn's records to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in ("shopwright.service", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
