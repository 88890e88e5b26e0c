"""What is built once for all test processes: shops and exports that tests only read."""

from __future__ import annotations

import os
import pickle
import shutil
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

T = TypeVar("T")


def build_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """Make something in a folder, in the first test process that asks; the others wait and share it.

    Args:
        factory: pytest's own.
        name: of the folder; one name, one content.
        make: fills the empty folder and returns what tests get, which is kept as a pickle of this test run
            (the product itself pickles nothing). Tests must not change the folder.
    """
    base = factory.getbasetemp()
    # A worker's folder lies in that of the whole run.
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    folder, made = shared / name, shared / f"{name}.pickle"
    with FileLock(shared / f"{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that died while it filled it
            folder.mkdir()
            value = make(folder)
            unfinished = made.with_suffix(".unfinished")
            unfinished.write_bytes(pickle.dumps(value))
            unfinished.replace(made)
        return pickle.loads(made.read_bytes())
