"""Coordinates to the centre of an H3 cell."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalman.fields import Redaction
from signalman.redaction.place import centroid
from tests.unit.redaction.sample import applied

CENTROID = Redaction("lat", "centroid", longitude="lon")
DEGREES = (st.floats(-90, 90), st.floats(-180, 180))


def test_both_fields_become_the_centre() -> None:
    """Of the cell of about 250 km² unless said otherwise, with six decimals; what stands beside them stays."""
    data = {"name": "x", "lat": 52.092876, "lon": 5.104480, "n": 1}
    assert applied(data, CENTROID) == ({"name": "x", "lat": 52.103693, "lon": 5.153826, "n": 1}, 0)


def test_wherever_the_path_leads() -> None:
    """In each object of a list, under each key of a map; neighbours in one cell cannot be told apart."""
    here, there = {"lat": 52.09, "lon": 5.10}, {"lat": 52.10, "lon": 5.11}
    for path, data in (
        ("points[].lat", {"points": [here, there]}),
        ("points.*.lat", {"points": {"a": here, "b": there}}),
    ):
        done, unread = applied(data, Redaction(path, "centroid", longitude="lon"))
        points: Any = done["points"]
        first, second = points if isinstance(points, list) else points.values()
        assert (first, unread) == (second, 0)
        assert first != here


@pytest.mark.parametrize("resolution", range(16))
@given(*DEGREES)
@example(90.0, 0.0)
@example(-90.0, 0.0)
@example(90.0, 180.0)
@example(-90.0, -180.0)
@example(0.0, 180.0)
@example(0.0, -180.0)
@example(0.0, 0.0)
@example(89.9999999, 179.9999999)
@example(-89.9999999, -179.9999999)
@example(66.5, 179.9999999)
@example(-16.5, -179.9999999)
def test_a_centre_is_its_own(resolution: int, latitude: float, longitude: float) -> None:
    """Property: at every resolution, at the poles and the date line too, rounding does not lead into another cell."""
    centre = centroid(latitude, longitude, resolution)
    assert centroid(*centre, resolution) == centre
    assert -90 <= centre[0] <= 90
    assert -180 <= centre[1] <= 180
    assert centre == tuple(round(degrees, 6) for degrees in centre)


@given(*DEGREES)
def test_a_coarse_centre_hides_the_place(latitude: float, longitude: float) -> None:
    """Property: a centre is within the reach of its cell, and hardly ever the place itself."""
    lat, lon = (math.radians(degrees) for degrees in (latitude, longitude))
    to_lat, to_lon = (math.radians(degrees) for degrees in centroid(latitude, longitude, 5))
    half = math.sin((to_lat - lat) / 2) ** 2 + math.cos(lat) * math.cos(to_lat) * math.sin((to_lon - lon) / 2) ** 2
    assert 2 * 6_371 * math.asin(math.sqrt(half)) < 20  # kilometres


@pytest.mark.parametrize(
    ("data", "unread"),
    [
        ({"lat": 52.0}, 1),
        ({"lon": 5.0}, 1),
        ({"lat": 52.0, "lon": None}, 2),
        ({"lat": "52.0", "lon": 5.0}, 2),
        ({"lat": True, "lon": 5.0}, 2),
        ({"lat": 90.1, "lon": 5.0}, 2),
        ({"lat": 52.0, "lon": -180.1}, 2),
        ({"lat": math.nan, "lon": 5.0}, 2),
        ({"lat": 52.0, "lon": math.inf}, 2),
        ({"lat": 10**400, "lon": 5}, 2),
        ({"lat": [52.0], "lon": [5.0]}, 2),
        ({"lat": {}, "lon": {}}, 2),
    ],
)
def test_half_a_coordinate_or_none_goes(data: dict[str, Any], unread: int) -> None:
    """Both fields: one alone is a line on the map. Numbers in texts, too, have not been understood."""
    assert applied({**data, "n": 1}, CENTROID) == ({"n": 1}, unread)


@pytest.mark.parametrize("data", [{}, {"n": 1}, {"lat": None, "lon": None}, {"lat": None}])
def test_no_place_is_no_place(data: dict[str, Any]) -> None:
    """Where nothing is said, nothing goes, and nothing is counted."""
    assert applied(data, CENTROID) == (data, 0)


def test_whole_degrees() -> None:
    """An integer is a number of degrees as well."""
    assert applied({"lat": 52, "lon": 5}, CENTROID) == applied({"lat": 52.0, "lon": 5.0}, CENTROID)
