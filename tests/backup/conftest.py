"""One small shop with something in every store, and a backup of it; tests copy them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shopwright.backup import create_backup
from shopwright.settings import load_project
from shopwright.testing import Shop
from tests.backup.shops import NOW, make_full_shop
from tests.built import build_once


@pytest.fixture(scope="session")
def made_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop; tests only read it."""
    return build_once(tmp_path_factory, "full-shop", lambda folder: make_full_shop(folder / "shop").root)


@pytest.fixture(scope="session")
def made_backup(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it in a folder; tests only read it."""

    def make(folder: Path) -> Path:
        create_backup(load_project(made_shop), folder / "backup", now=NOW)
        return folder / "backup"

    return build_once(tmp_path_factory, "full-backup", make)


@pytest.fixture
def shop(made_shop: Path, tmp_path: Path) -> Shop:
    """A copy of the shop."""
    shutil.copytree(made_shop, tmp_path / "shop")
    return Shop(tmp_path / "shop")


@pytest.fixture
def backup(made_backup: Path, tmp_path: Path) -> Path:
    """A copy of the backup."""
    return Path(shutil.copytree(made_backup, tmp_path / "backup"))
