"""Limits of the service, and its risk bands."""

from __future__ import annotations

from pydantic import Field, PositiveInt, model_validator

from shopwright.settings.strict import Strict


class ServiceSettings(Strict):
    """Limits of the service, and its risk bands."""

    medium_risk: float = Field(0.4, gt=0, lt=1)
    """Probability at which the medium risk band starts; below it the risk is low."""
    high_risk: float = Field(0.7, gt=0, lt=1)
    """Probability at which the high risk band starts."""
    requests_per_second: float = Field(300, gt=0)
    """Sustained requests per second of one key, or of one address while no key is required."""
    burst: PositiveInt = 600
    """Requests that one key may send at once, above the sustained rate."""
    max_body_bytes: int = Field(8_388_608, ge=1_024)
    """Maximum size of a request body in bytes, except for bulk predictions."""
    max_bulk_bytes: int = Field(536_870_912, ge=1_024)
    """Maximum size of a bulk prediction's body in bytes."""
    max_bulk_rows: PositiveInt = 5_000_000
    """Maximum number of sessions in a bulk prediction."""
    max_batch_events: PositiveInt = 10_000
    """Maximum number of events in a batch sent to the collector."""
    timeout_seconds: float = Field(15, gt=0)
    """Timeout of a request in seconds, including the upload of its body."""
    bulk_timeout_seconds: float = Field(600, gt=0)
    """Timeout of a bulk prediction in seconds, including the upload."""
    head_timeout_seconds: float = Field(10, gt=0)
    """Time in seconds that a client has for the head of a request, and that it may be silent before its first one."""
    max_connections: PositiveInt = 512
    """Connections of one process. Beyond it idle ones are closed, and where there are none new ones get a 503."""
    open_without_keys: bool = False
    """Whether this machine is served without a key although the shop once had keys and their file is gone."""
    refresh_seconds: float = Field(2, gt=0)
    """Seconds between two checks for a new champion and for changed keys."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose web pages may call the API from a browser, such as https://shop.example.com; none by default."""

    @model_validator(mode="after")
    def _check_bands(self) -> ServiceSettings:
        if self.medium_risk >= self.high_risk:
            raise ValueError(f"medium_risk {self.medium_risk} must be below high_risk {self.high_risk}")
        return self
