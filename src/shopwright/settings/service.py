"""What the service allows, and how it judges a score."""

from __future__ import annotations

from pydantic import Field, PositiveInt, model_validator

from shopwright.settings.strict import Strict


class ServiceSettings(Strict):
    """What the service allows, and how it judges a score."""

    medium_risk: float = Field(0.4, gt=0, lt=1)
    """Probability from which on a risk is medium; below, it is low."""
    high_risk: float = Field(0.7, gt=0, lt=1)
    """Probability from which on a risk is high."""
    requests_per_second: float = Field(300, gt=0)
    """Requests that one key may send, a second in the long run; of an address, where no key is asked for."""
    burst: PositiveInt = 600
    """Requests that one key may send at once."""
    max_body_bytes: int = Field(8_388_608, ge=1_024)
    """Longest body of a request, in bytes; bulk prediction has a limit of its own."""
    max_bulk_bytes: int = Field(536_870_912, ge=1_024)
    """Longest body of a bulk prediction, in bytes."""
    max_bulk_rows: PositiveInt = 5_000_000
    """Most sessions of a bulk prediction."""
    max_batch_events: PositiveInt = 10_000
    """Most events of one batch that the collector takes."""
    timeout_seconds: float = Field(15, gt=0)
    """How long a request may take, its body included, in seconds."""
    bulk_timeout_seconds: float = Field(600, gt=0)
    """How long a bulk prediction may take, in seconds."""
    refresh_seconds: float = Field(2, gt=0)
    """How often it looks for a new champion and for changed keys, in seconds."""
    cors_origins: tuple[str, ...] = ()
    """Web pages that may call it from a browser, such as https://shop.example.com; none where not given."""

    @model_validator(mode="after")
    def _check_bands(self) -> ServiceSettings:
        if self.medium_risk >= self.high_risk:
            raise ValueError(f"medium_risk {self.medium_risk} has to lie below high_risk {self.high_risk}")
        return self
