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

from shopwright.service.telemetry import LOGGER

MAX_FAILURES = 20
"""Failed keys of one address in one window; further ones are not looked at."""
WINDOW_SECONDS = 60.0
MAX_ADDRESSES = 10_000
"""Addresses that are counted apart. Beyond it all further ones share a count."""
MAX_ACCEPTED = 10_000
"""Pairs of address and key that are remembered as accepted."""
_OTHERS = "others"


@dataclass(slots=True)
class _Window:
    ends_at: float
    failures: int = 0


@dataclass(slots=True)
class FailedKeys:
    """Counts of failed keys, by address."""

    _windows: dict[str, _Window] = field(default_factory=dict)
    _accepted: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def wait_seconds(self, address: str, key: str, now: float) -> float:
        """Return for how long a key is not looked at; 0 where it is.

        Args:
            address: of the client.
            key: as it was sent.
            now: seconds of a clock that never goes back.
        """
        window = self._windows.get(self._name(address, now))
        if window is None or now >= window.ends_at or window.failures < MAX_FAILURES:
            return 0.0
        return 0.0 if self._digest(address, key) in self._accepted else window.ends_at - now

    def accept(self, address: str, key: str) -> None:
        """Remember that a key of an address was valid."""
        digest = self._digest(address, key)
        self._accepted[digest] = None
        self._accepted.move_to_end(digest)
        if len(self._accepted) > MAX_ACCEPTED:
            self._accepted.popitem(last=False)

    def fail(self, address: str, now: float) -> None:
        """Count a key that is not valid; the first one of a window is logged."""
        name = self._name(address, now)
        window = self._windows.get(name)
        if window is None or now >= window.ends_at:
            window = self._windows[name] = _Window(now + WINDOW_SECONDS)
            # the log holds no addresses; this tells those of one process apart
            origin = hashlib.sha256(self._salt + name.encode()).hexdigest()[:12]
            LOGGER.warning(
                "failed key", extra={"fields": {"origin": origin, "window_seconds": WINDOW_SECONDS}}
            )
        window.failures += 1

    def _name(self, address: str, now: float) -> str:
        if address in self._windows or len(self._windows) < MAX_ADDRESSES:
            return address
        self._windows = {name: window for name, window in self._windows.items() if now < window.ends_at}
        return address if len(self._windows) < MAX_ADDRESSES else _OTHERS

    def _digest(self, address: str, key: str) -> bytes:
        text = f"{address}\0{key}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(self._salt + text).digest()
