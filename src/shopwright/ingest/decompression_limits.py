"""Limits of unpacking: a small file that becomes a great one is stopped before it fills the disk or the memory."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.core.errors import DataError
from shopwright.ingest.decompression import read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RATIO_COUNTS_FROM = 1 << 28
"""Bytes up to which a file may have been packed as tightly as it likes."""
MAX_RESERVE = 1 << 28
RESERVE_SHARE = 0.05
"""What unpacking leaves free on a disk: this share of it, and no more bytes than that."""
ZIP_OVERHEAD = 1 << 10


@dataclass(frozen=True, slots=True)
class UnpackLimits:
    """How great an unpacked file may be."""

    max_bytes: int = 100 << 30
    max_ratio: int = 250
    """Unpacked bytes for each packed one."""


class UnpackLimitError(DataError):
    """A file is greater than its limits when it is unpacked, or than the disk."""


def read_within_limits(
    path: Path, member: str | None, limits: UnpackLimits, *, folder: Path | None = None
) -> Iterator[bytes]:
    """Yield the unpacked bytes of a file as long as they keep the limits.

    Args:
        path: the file on disk.
        member: name of the member, if the file is a zip archive.
        limits: how much it may become.
        folder: where the bytes are written to; its disk must have room. None where they are not written.

    Raises:
        UnpackLimitError: a limit is exceeded.
    """
    packed, declared = _sizes(path, member)
    free = _free_bytes(folder) if folder else limits.max_bytes
    _check(declared, packed, limits)
    if declared > free:
        raise UnpackLimitError(
            f"does not fit on the disk when it is unpacked (no space: {format_bytes(declared)} needed, "
            f"{format_bytes(max(free, 0))} free)"
        )
    unpacked = 0
    for block in read_blocks(path, member):
        unpacked += len(block)
        _check(unpacked, packed, limits)
        if folder and _free_bytes(folder) < len(block):
            raise UnpackLimitError(
                f"does not fit on the disk when it is unpacked (no space after {format_bytes(unpacked)}); "
                "what it had written was removed"
            )
        yield block


def _check(unpacked: int, packed: int, limits: UnpackLimits) -> None:
    if unpacked > limits.max_bytes:
        raise UnpackLimitError(
            f"is more than {format_bytes(limits.max_bytes)} when it is unpacked; "
            "split it, or raise max_unpacked_bytes in [ingest]"
        )
    if unpacked > max(RATIO_COUNTS_FROM, packed * limits.max_ratio):
        raise UnpackLimitError(
            f"is more than {limits.max_ratio} times as large when it is unpacked, as only a file that is meant to fill the "
            "disk is; if it is not, raise max_unpack_ratio in [ingest]"
        )


def _sizes(path: Path, member: str | None) -> tuple[int, int]:
    """Return how many bytes a file has, and how many it says that it becomes; 0 where it does not say."""
    size = path.stat().st_size
    if member is None:
        return size, 0
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
    # what a member says of itself may be a lie
    return min(info.compress_size + ZIP_OVERHEAD, size), info.file_size


def _free_bytes(folder: Path) -> int:
    usage = shutil.disk_usage(folder)
    return usage.free - min(MAX_RESERVE, int(usage.total * RESERVE_SHARE))


def format_bytes(size: int) -> str:
    """Return a number of bytes for people.

    Example:
        >>> format_bytes(1_500_000), format_bytes(12 << 30)
        ('1.5 MB', '12.9 GB')
    """
    value = float(size)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
