"""Counts of failed attempts by address, in windows of time and in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_ADDRESSES = 10_000
"""Addresses that are counted apart. Beyond it all further ones share a count."""
_OTHERS = "others"


@dataclass(slots=True)
class _Window:
    ends_at: float
    failures: int = 0


@dataclass(slots=True)
class AttemptLimit:
    """Limit of failed attempts of one address.

    Args:
        max_failures: failed attempts in one window.
        window_seconds: length of a window, which begins with a failure.
    """

    max_failures: int
    window_seconds: float
    _windows: dict[str, _Window] = field(default_factory=dict)

    def wait_seconds(self, address: str, now: float) -> float:
        """Return for how many seconds an address may not try again; 0 where it may.

        Args:
            address: of the client.
            now: seconds of a clock that never goes back.
        """
        window = self._windows.get(self._name(address, now))
        if window is None or now >= window.ends_at or window.failures < self.max_failures:
            return 0.0
        return window.ends_at - now

    def fail(self, address: str, now: float) -> bool:
        """Count a failed attempt.

        Returns:
            Whether it is the first one of a window, which is the one to log.
        """
        name = self._name(address, now)
        window = self._windows.get(name)
        is_first = window is None or now >= window.ends_at
        if window is None or is_first:
            window = self._windows[name] = _Window(now + self.window_seconds)
        window.failures += 1
        return is_first

    def _name(self, address: str, now: float) -> str:
        if address in self._windows or len(self._windows) < MAX_ADDRESSES:
            return address
        self._windows = {name: window for name, window in self._windows.items() if now < window.ends_at}
        return address if len(self._windows) < MAX_ADDRESSES else _OTHERS
