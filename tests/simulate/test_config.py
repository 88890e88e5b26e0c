from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from shopwright.simulate import Dirt, SimulationConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": date(2025, 1, 2)}, "first of a month"),
        ({"files": "parquet", "format": "rees46"}, "not for rees46"),
        ({"files": "parquet", "compression": "gz"}, "compress themselves"),
        ({"files": "parquet", "dirt": {"torn_line_rate": 0.1}}, "need text files"),
        ({"months": 1, "dirt": {"late_file_rate": 0.1}}, "months must be 2 or more"),
        ({"bot_share": 0.7}, "less than or equal to 0.5"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_contradictions_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SimulationConfig.model_validate(options)


def test_a_row_cannot_have_more_than_its_share_of_dirt() -> None:
    with pytest.raises(ValidationError, match=r"more than 0\.9"):
        Dirt(duplicate_rate=0.5, torn_line_rate=0.5)


def test_a_config_survives_json() -> None:
    config = SimulationConfig(dirt=Dirt(torn_line_rate=0.1), experiment_start=date(2025, 2, 1))
    assert SimulationConfig.model_validate_json(config.model_dump_json()) == config
