"""A place on earth to the centre of the H3 cell it is in: a district, and no person's house."""

from functools import lru_cache
from typing import Final

import h3

from signalman.event import Json

Row = dict[str, Json]

DIGITS = 6
"""Decimals of a degree, 0.1 m: by less than that nobody leaves the smallest cell, so that a centre is its own."""


class Centroid:
    """The operator over two fields of one object.

    A coordinate is a finite number of degrees, latitude within ±90 and longitude within ±180; a text is none.
    """

    def __init__(self, latitude: str, longitude: str, resolution: int) -> None:
        self._latitude: Final = latitude
        self._longitude: Final = longitude
        self._resolution: Final = resolution

    def of(self, value: Row) -> tuple[Row, int]:
        """*value* with the centre in place of the coordinate, or without both fields where they are none, and how many
        had to go. Two nulls, or nothing at all, are no place and stay.
        """
        latitude, longitude = value.get(self._latitude), value.get(self._longitude)
        if latitude is None and longitude is None:
            return value, 0
        if not (_is_degrees(latitude, 90.0) and _is_degrees(longitude, 180.0)):
            names = (self._latitude, self._longitude)
            rest = {name: item for name, item in value.items() if name not in names}
            return rest, len(value) - len(rest)
        centre = centroid(latitude, longitude, self._resolution)
        if centre == (latitude, longitude):
            return value, 0
        made = value.copy()
        made[self._latitude], made[self._longitude] = centre
        return made, 0


@lru_cache(maxsize=4096)
def centroid(latitude: float, longitude: float, resolution: int) -> tuple[float, float]:
    """Latitude and longitude of the centre of the cell at *resolution*, 0 to 15, in degrees."""
    latitude, longitude = h3.cell_to_latlng(h3.latlng_to_cell(latitude, longitude, resolution))
    # Adding zero makes one zero of the two that there are.
    return round(latitude, DIGITS) + 0.0, round(longitude, DIGITS) + 0.0


def _is_degrees(value: Json, most: float) -> bool:
    # Neither NaN nor infinity is between any two numbers, and a bool is an int by accident.
    if type(value) is float:
        degrees: float = value
        return -most <= degrees <= most
    return type(value) is int and -most <= value <= most
