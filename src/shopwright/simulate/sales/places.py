"""Where the shop's cities lie: regions, postal codes and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.users import CITIES

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Floats, Ints

_CITY_DETAILS = {
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

REGIONS = tuple(_CITY_DETAILS[city][0] for city, _ in CITIES)
"""Region of each city."""
_ZIP_BASE = np.array([_CITY_DETAILS[city][1] for city, _ in CITIES])
EARTH_RADIUS = 6_371
"""Kilometres."""


def zip_numbers(city: Ints, tail: Ints) -> Ints:
    """Return postal codes as numbers of up to five digits: the city's two, then three of the tail."""
    values: Ints = _ZIP_BASE[city] * 1_000 + tail % 1_000
    return values


def _distances() -> Floats:
    """Return great-circle kilometres between any two cities."""
    latitude, longitude = np.radians([[_CITY_DETAILS[city][field] for city, _ in CITIES] for field in (2, 3)])
    latitude_part = np.sin((latitude[:, None] - latitude) / 2) ** 2
    longitude_part = np.sin((longitude[:, None] - longitude) / 2) ** 2
    arc = latitude_part + np.cos(latitude[:, None]) * np.cos(latitude) * longitude_part
    values: Floats = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(arc))
    return values.round()


DISTANCES = _distances()
"""Kilometres between cities, shape (cities, cities)."""
