"""Prometheus metrics and JSON logs of the service.

A log line names the route's template, never the path, the query, an address or a body, so that logs hold no personal data.
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
UNKNOWN = "(unknown)"
"""Label of a method or route that the service does not have."""
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600)
"""Upper bounds of latency in seconds; the last ones are for bulk predictions."""


class ServiceMetrics:
    """Prometheus metrics of one service."""

    def __init__(self) -> None:
        # A registry of its own: several services may live in one process, as in tests.
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "shopwright_requests",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "shopwright_request_seconds",
            "Seconds from the first byte of a request to the last byte of its response.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.scores = Counter(
            "shopwright_scores", "Scores by model and risk band.", ("model", "band"), registry=self.registry
        )
        self.version = Gauge(
            "shopwright_model_version",
            "Model version that serves requests.",
            ("model",),
            registry=self.registry,
        )
        self.refused = Gauge(
            "shopwright_model_refused",
            "1 if the champion could not be loaded, so that an older version or none serves.",
            ("model",),
            registry=self.registry,
        )
        self.events = Counter(
            "shopwright_events",
            "Events received by the collector, by outcome.",
            ("outcome",),
            registry=self.registry,
        )
        self.failed_keys = Counter(
            "shopwright_failed_keys",
            "Requests with a key that is not valid, by outcome: refused, or limited before the key was looked at.",
            ("outcome",),
            registry=self.registry,
        )
        self.queue = Gauge(
            "shopwright_collector_queue",
            "Events received that are not on disk yet.",
            registry=self.registry,
        )

    def record_refusal(self, status: int) -> None:
        """Count and log a connection that was refused before it had sent a request."""
        self.requests.labels(UNKNOWN, UNKNOWN, str(status)).inc()
        RequestLog(UNKNOWN, UNKNOWN, status, 0.0, "", "").write()


@dataclass(frozen=True, slots=True)
class RequestLog:
    """Log entry of one request."""

    method: str
    route: str
    """Route template, such as ``/v1/churn/{customer_id}``."""
    status: int
    seconds: float
    request_id: str
    caller: str
    """Id of the API key, such as ``key 0f3a…``; empty where no key was required."""

    def write(self) -> None:
        """Write the entry to the log."""
        fields = {"method": self.method, "route": self.route, "status": self.status}
        fields |= {"milliseconds": round(self.seconds * 1_000, 2), "request_id": self.request_id}
        LOGGER.info("request", extra={"fields": fields | ({"caller": self.caller} if self.caller else {})})


def log_exception(error: BaseException, request_id: str) -> None:
    """Log an unexpected exception: its class and where it was raised.

    The message is left out, since it may quote the request.
    """
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    locations = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    fields = {"error": type(error).__name__, "at": locations, "request_id": request_id}
    LOGGER.error("fault", extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """Formatter that writes a log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, message and fields of a record as JSON."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
        return json.dumps(line | getattr(record, "fields", {}))


def configure_logging() -> None:
    """Send the logs of the service and of uvicorn to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in ("shopwright.service", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
