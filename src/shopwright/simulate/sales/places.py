"""Where the shop's cities lie: regions, postal codes and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.users import CITIES

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Floats, Ints

_PLACES = {
    "Berlin": ("Berlin", 10, 52.5, 13.4),
    "Hamburg": ("Hamburg", 20, 53.6, 10.0),
    "München": ("Bayern", 80, 48.1, 11.6),
    "Paris": ("Île-de-France", 75, 48.9, 2.4),
    "Lyon": ("Auvergne-Rhône-Alpes", 69, 45.8, 4.8),
    "London": ("Greater London", 11, 51.5, -0.1),
    "Leeds": ("Yorkshire", 15, 53.8, -1.5),
    "Madrid": ("Madrid", 28, 40.4, -3.7),
    "Málaga": ("Andalucía", 29, 36.7, -4.4),
    "Milano": ("Lombardia", 20, 45.5, 9.2),
    "Roma": ("Lazio", 0, 41.9, 12.5),
    "Utrecht": ("Utrecht", 35, 52.1, 5.1),
    "Łódź": ("Łódzkie", 90, 51.8, 19.5),
    "Kraków": ("Małopolskie", 30, 50.1, 19.9),
    "Boston": ("Massachusetts", 2, 42.4, -71.1),
    "Austin": ("Texas", 78, 30.3, -97.7),
}
"""Region, first two digits of the postal codes, latitude and longitude of each city."""

REGIONS = tuple(_PLACES[city][0] for city, _ in CITIES)
"""Region of each city."""
_ZIP_BASE = np.array([_PLACES[city][1] for city, _ in CITIES])
EARTH_RADIUS = 6_371
"""Kilometres."""


def zip_numbers(city: Ints, tail: Ints) -> Ints:
    """Postal codes as numbers of up to five digits: the city's two, then three of the tail."""
    found: Ints = _ZIP_BASE[city] * 1_000 + tail % 1_000
    return found


def _distances() -> Floats:
    """Great-circle kilometres between any two cities."""
    latitude, longitude = np.radians([[_PLACES[city][part] for city, _ in CITIES] for part in (2, 3)])
    across = np.sin((latitude[:, None] - latitude) / 2) ** 2
    along = np.sin((longitude[:, None] - longitude) / 2) ** 2
    arc = across + np.cos(latitude[:, None]) * np.cos(latitude) * along
    found: Floats = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(arc))
    return found.round()


DISTANCES = _distances()
"""Kilometres between cities, shape (cities, cities)."""
