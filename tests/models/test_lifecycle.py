"""What happens around a model: from training to a registered version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shopwright.models import lifecycle
from shopwright.registry import Registry
from shopwright.settings import ModelSettings, Project, Settings
from tests.models.test_evaluation import SPEC, write_shop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A shop of toys with a published warehouse."""
    shop = Project(root=tmp_path, settings=Settings(models=ModelSettings(trials=1)))
    shop.published.parent.mkdir(parents=True)
    write_shop(shop.published, days=100)
    return shop


def test_a_chart_that_cannot_be_drawn_does_not_lose_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("'yerr' must not contain negative values")

    monkeypatch.setattr(lifecycle, "draw_tables", fail)
    trained = lifecycle.train(project, SPEC)
    assert trained.warnings == (
        "the charts of this run could not be drawn: ValueError: 'yerr' must not contain negative values",
    )
    (version,) = Registry(project).versions("toy")
    assert (version.number, version.is_champion) == (trained.version, trained.is_champion)
