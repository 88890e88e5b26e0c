"""Requests with a key that is not valid: limited per address, and logged once per address and window, without the key.

Beyond the limit a key is refused before it is looked at, so that not even a right guess is answered. Keys that were accepted
from the address before are an exception: behind a proxy all clients have one address, and one of them may not lock out the
others.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from shopwright.core.attempts import AttemptLimit
from shopwright.service.telemetry import LOGGER

MAX_FAILURES = 20
"""Failed keys of one address in one window; further ones are not looked at."""
WINDOW_SECONDS = 60.0
MAX_ACCEPTED = 10_000
"""Pairs of address and key that are remembered as accepted."""


@dataclass(slots=True)
class FailedKeys:
    """Counts of failed keys, by address."""

    limit: AttemptLimit = field(default_factory=lambda: AttemptLimit(MAX_FAILURES, WINDOW_SECONDS))
    _accepted: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def wait_seconds(self, address: str, key: str, now: float) -> float:
        """Return for how long a key is not looked at; 0 where it is.

        Args:
            address: of the client.
            key: as it was sent.
            now: seconds of a clock that never goes back.
        """
        seconds = self.limit.wait_seconds(address, now)
        return seconds if seconds and self._digest(address, key) not in self._accepted else 0.0

    def accept(self, address: str, key: str) -> None:
        """Remember that a key of an address was valid."""
        digest = self._digest(address, key)
        self._accepted[digest] = None
        self._accepted.move_to_end(digest)
        if len(self._accepted) > MAX_ACCEPTED:
            self._accepted.popitem(last=False)

    def fail(self, address: str, now: float) -> None:
        """Count a key that is not valid; the first one of a window is logged."""
        if self.limit.fail(address, now):
            # the log holds no addresses; this tells those of one process apart
            origin = hashlib.sha256(self._salt + address.encode()).hexdigest()[:12]
            fields = {"origin": origin, "window_seconds": WINDOW_SECONDS}
            LOGGER.warning("failed key", extra={"fields": fields})

    def _digest(self, address: str, key: str) -> bytes:
        text = f"{address}\0{key}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(self._salt + text).digest()
