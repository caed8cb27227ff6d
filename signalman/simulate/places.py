"""Where things are: cities, and the coarse map cells that positions of viewers are rounded to."""

from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

from signalman.simulate.identity import uuid5

RESOLUTION = 5


@dataclass(frozen=True, slots=True)
class Place:
    """A city, and the middle of the map cell that it lies in."""

    city: str
    country: str
    latitude: float
    longitude: float

    @property
    def bucket(self) -> dict[str, Any]:
        """The cell, as messages hold it."""
        return {"h3_index": _cell(self.city), "resolution": RESOLUTION}

    def distance(self, other: "Place") -> float:
        """Kilometres to *other*, roughly: for a routing table, not for a journey."""
        across, along = self.latitude - other.latitude, self.longitude - other.longitude
        return round(111 * sqrt(across * across + along * along * 0.4), 1)


@cache
def _cell(city: str) -> int:
    # It has the form of an H3 index, not its geometry.
    digits = int(uuid5(city)[:8], 16) & 0xFFFFFFF
    return 0x85 << 52 | digits << 24 | 0xFFFFFF


LEIDEN = Place("Leiden", "NL", 52.16, 4.49)
ASHBURN = Place("Ashburn", "US", 39.04, -77.49)
SINGAPORE = Place("Singapore", "SG", 1.35, 103.82)
FRANKFURT = Place("Frankfurt", "DE", 50.11, 8.68)
WARSAW = Place("Warsaw", "PL", 52.23, 21.01)

CITIES = (
    LEIDEN,
    ASHBURN,
    SINGAPORE,
    FRANKFURT,
    WARSAW,
    Place("Lisbon", "PT", 38.72, -9.14),
    Place("Oslo", "NO", 59.91, 10.75),
    Place("Lyon", "FR", 45.76, 4.84),
    Place("Leeds", "GB", 53.8, -1.55),
    Place("Porto Alegre", "BR", -30.03, -51.23),
    Place("Nairobi", "KE", -1.29, 36.82),
    Place("Mumbai", "IN", 19.08, 72.88),
    Place("Osaka", "JP", 34.69, 135.5),
    Place("Perth", "AU", -31.95, 115.86),
    Place("Toronto", "CA", 43.65, -79.38),
    Place("Austin", "US", 30.27, -97.74),
    Place("São Paulo", "BR", -23.55, -46.63),
    Place("Zürich", "CH", 47.38, 8.54),
)
