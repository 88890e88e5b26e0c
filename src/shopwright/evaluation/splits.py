"""Time splits: training, validation and test in this order, with the outcome's horizon left out between them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Times = NDArray[np.datetime64]
    Mask = NDArray[np.bool_]

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Three windows of decision times, one after another; both ends of each are included.

    Decisions between two windows belong to neither: their outcomes are not known when the later one begins.
    """

    train_until: np.datetime64
    validation_from: np.datetime64
    validation_until: np.datetime64
    test_from: np.datetime64
    test_until: np.datetime64

    def masks(self, decided_at: Times) -> tuple[Mask, Mask, Mask]:
        """Return masks of the rows for training, validation and test; a row without a time is in none."""
        return (
            decided_at <= self.train_until,
            (decided_at >= self.validation_from) & (decided_at <= self.validation_until),
            (decided_at >= self.test_from) & (decided_at <= self.test_until),
        )

    def describe(self) -> dict[str, str]:
        """Return the five times in ISO 8601, by name."""
        return {name: str(time) for name, time in asdict(self).items()}


def split_by_time(
    decided_at: Times, *, gap: np.timedelta64, validation_share: float = 0.2, test_share: float = 0.2
) -> TimeSplit:
    """Split decisions by time: train on the past, validate on what came later, test on what came last.

    The test begins at the decision time that leaves the number of rows nearest to its share after it, and validation
    likewise before the test's gap; the gaps are taken from what would have been training. Where the shares cannot be had,
    the parts are as near to them as the gaps allow.

    Args:
        decided_at: time of each decision, in any order; equal times are never split.
        gap: the outcome's horizon: ``train_until + gap <= validation_from`` and ``validation_until + gap <= test_from``,
            so a decision whose outcome is known at ``decided_at + gap`` is known when the next part begins.
        validation_share: of all rows.
        test_share: of all rows.

    Raises:
        DataError: the history is too short for three windows; the message says how much is needed.
        ConfigurationError: the shares leave nothing to train on, or the gap is negative.
    """
    if not (validation_share > 0 and test_share > 0 and validation_share + test_share < 1):
        raise ConfigurationError(
            f"validation_share {validation_share:g} and test_share {test_share:g} must be above 0 and leave "
            "some rows for training"
        )
    history = _History.from_times(decided_at, gap)
    starts = history.possible_tests()
    rows_after = history.rows - history.rows_before[starts]
    test = int(starts[np.argmin(np.abs(rows_after - test_share * history.rows))])
    return history.split(test, len(history.times) - 1, validation_rows=validation_share * history.rows)


@dataclass(frozen=True, slots=True)
class _History:
    """The distinct times of decision, ascending, and the number of rows before each."""

    times: Times
    rows_before: NDArray[np.int64]
    """One more than there are times: the last is the number of rows."""
    gap: np.timedelta64

    @classmethod
    def from_times(cls, decided_at: Times, gap: np.timedelta64) -> _History:
        if gap < np.timedelta64(0, "D"):
            raise ConfigurationError(f"the gap is {gap}, expected 0 or more")
        if not len(decided_at):
            raise DataError("no time split: there are no decisions")
        if np.isnat(decided_at).any():
            missing = int(np.isnat(decided_at).sum())
            raise DataError(f"no time split: {missing:,} decisions have no time")
        times, counts = np.unique(decided_at.astype((decided_at[:1] + gap).dtype), return_counts=True)
        return cls(times, np.concatenate([[0], np.cumsum(counts)]), gap)

    @property
    def rows(self) -> int:
        return int(self.rows_before[-1])

    def next_part(self, index: int) -> int:
        """Return the first time by which the outcome of a decision at this index is known."""
        return max(index + 1, int(np.searchsorted(self.times, self.times[index] + self.gap, side="left")))

    def last_known(self, index: int) -> int:
        """Return the last time whose outcome is known at this index."""
        return min(
            index - 1, int(np.searchsorted(self.times, self.times[index] - self.gap, side="right")) - 1
        )

    def possible_tests(self) -> NDArray[np.int64]:
        """Return the times at which a test may begin, with a gap, a validation, a gap and a training before them."""
        validation = self.next_part(0)
        test = self.next_part(validation) if validation < len(self.times) else validation
        if test >= len(self.times):
            raise DataError(self._too_short())
        return np.arange(test, len(self.times))

    def split(self, test: int, last: int, *, validation_rows: float) -> TimeSplit:
        until = self.last_known(test)
        starts = np.arange(self.next_part(0), until + 1)
        rows = self.rows_before[until + 1] - self.rows_before[starts]
        validation = int(starts[np.argmin(np.abs(rows - validation_rows))])
        return TimeSplit(
            train_until=self.times[self.last_known(validation)],
            validation_from=self.times[validation],
            validation_until=self.times[until],
            test_from=self.times[test],
            test_until=self.times[last],
        )

    def _too_short(self) -> str:
        first, last, gap = self.times[0], self.times[-1], float(self.gap / _DAY)
        if len(self.times) < 3:
            need = f"{len(self.times)} different moments of decision, and training, validation and test need one each"
        else:
            need = (
                f"{float((last - first) / _DAY):,.4g} days, and the outcome's horizon of {gap:,.4g} days must pass "
                f"between training and validation, and between validation and test: at least {2 * gap:,.4g} days are "
                f"needed, better {4 * gap:,.4g}; load more history or shorten the horizon"
            )
        return f"no time split: the decisions reach from {first} to {last}, which is {need}"
