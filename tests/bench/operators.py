"""Section ``operators``: what each does to one value."""

from collections.abc import Iterator

from signalman.event import Json
from signalman.fields import Redaction
from signalman.redaction import Operators, Pseudonyms
from tests.bench.figures import Effort, Figure
from tests.bench.stopwatch import Stopwatch

_TIMES = 500
_SCOPE = ("5eed517e-ba5e-da7a-517e-ba5eda7a0001",)
_BASELINE = "a copy of the object"
_CASES: tuple[tuple[Redaction, dict[str, Json]], ...] = (
    (Redaction("a", "drop"), {"a": "text", "b": 1}),
    (Redaction("a", "null"), {"a": "text", "b": 1}),
    (Redaction("a", "mask"), {"a": "203.0.113.9", "b": 1}),
    (Redaction("a", "hash"), {"a": "session-3be19c38f858", "b": 1}),
    (Redaction("a", "centroid", longitude="b"), {"a": -23.5464487835, "b": -46.6122522401}),
    (Redaction("a", "url"), {"a": "https://edge.example.net:4433/live/index.m3u8?tkn=vt_3321a1b5", "b": 1}),
    (Redaction("a", "json", keep={"kind": None}), {"a": '{"kind":"video","host":"edge-1","n":[1,2]}', "b": 1}),
    (Redaction("a", "scan"), {"a": "redirected 203.0.113.9 to the nearest edge", "b": 1}),
)


def operators(effort: Effort) -> Iterator[Figure]:
    """Microseconds for an object with one value to work on."""
    pseudonyms, watch = Pseudonyms(b"a key for the bench"), Stopwatch()
    compiled = [(str(each.operation), Operators([each], pseudonyms), data) for each, data in _CASES]
    for _ in range(effort.rounds):
        with watch.round():
            watch.of(_BASELINE, _copy, _CASES[0][1])
            for name, operator, data in compiled:
                watch.of(name, _repeat, operator, data)
    for name in [_BASELINE, *(name for name, _, _ in compiled)]:
        yield Figure(name, 1e6 * watch.seconds(name) / _TIMES, "us", watch.ratio(name, _BASELINE))


def _copy(data: dict[str, Json]) -> None:
    for _ in range(_TIMES):
        data.copy()


def _repeat(operators: Operators, data: dict[str, Json]) -> None:
    for _ in range(_TIMES):
        operators.apply(data, _SCOPE)
