"""A shop without sources, the spool of its service, and events."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shopwright.collector import Spool
from shopwright.testing import Shop

sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def shop(tmp_path):
    return Shop.make(tmp_path, "")


@pytest.fixture
def spool(shop):
    begun = Spool(shop.project)
    yield begun
    begun.close()
