"""The marketplace that the tests of models share."""

from tests.models.conftest import market, own_market, simulation

__all__ = ["market", "own_market", "simulation"]
