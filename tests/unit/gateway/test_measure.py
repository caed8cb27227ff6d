"""Measuring a table's lag at a join: when, by which clock, of how many events."""

from dataclasses import replace

import orjson
import pytest

from signalman.gateway.lag import INTERVAL, Windows
from signalman.gateway.measure import MOST_EVENTS, Measure, age_ms
from signalman.gateway.requests import Filter
from signalman.gateway.view import View
from signalman.metrics import Metrics
from signalman.ports import SnapshotRows
from signalman.table import ClockRule, Table
from tests.unit.gateway.make import STREAM, finished, followed, publication, table, table_changes, upsert

ROWS: tuple[dict[str, object], ...] = ({"stream_id": STREAM, "status": "live", "updated_at": "2026-08-20T10:11:12Z"},)
AS_OF = 1_787_220_675_000  # three seconds after the row's change
STREAMS = replace(table(), version=None, changed_by=frozenset({"stream_buffer"}))


class Clock:
    """Time that a test moves, seconds."""

    def __init__(self) -> None:
        self.now = 500.0

    def __call__(self) -> float:
        return self.now


def measure(clock: Clock | None = None, metrics: Metrics | None = None) -> Measure:
    """One with nothing measured yet."""
    return Measure(Windows(floor_ms=1_000, most_ms=100_000), metrics or Metrics(), clock or Clock())


def view(*moments: int, filter_: Filter | None = None) -> View:
    """A view of a feed that told of a new row at each of these moments."""
    said = [
        publication(n, table_changes(n, upsert("streams", stream_id=f"s{n}"), stream_id=f"s{n}"), ms=ms)
        for n, ms in enumerate(moments)
    ]
    return followed(None, *said).view(filter_ or Filter())


def compare(
    measured: Measure, seen: View, as_of_ms: int, *, began_ms: int, ended_ms: int, table: Table = STREAMS
) -> int | None:
    """The lag after one comparison with a table that has no rows."""
    read = SnapshotRows((), as_of_ms)
    finished(measured.compare(seen, [(table, read)], began_ms, ended_ms))
    return measured.lag_ms(table, read)


def test_the_lag_is_what_a_snapshot_lacks() -> None:
    """It is shown as a metric, and the next replay is longer for it."""
    metrics = Metrics()
    measured = measure(metrics=metrics)
    assert compare(measured, view(400_000, 499_000), 500_000, began_ms=499_900, ended_ms=500_000) == 100_000
    assert metrics.snapshot_lag.labels("streams")._value.get() == 100.0
    measured.queried(STREAMS, 20)
    assert measured.window_ms([STREAMS, table("other")]) == 100_000
    assert metrics.replay_window.labels("streams")._value.get() == 100.0
    assert metrics.replay_window.labels("other")._value.get() == 1.0


def test_the_two_clocks_are_brought_together() -> None:
    """The store was asked by this process's clock, events were published by the bus's, which is an hour ahead here."""
    hour = 3_600_000
    found = compare(measure(), view(hour + 490_000), 499_950, began_ms=hour + 499_900, ended_ms=hour + 500_000)
    assert found == 9_950


@pytest.mark.parametrize("as_of_ms", [0, 10**12])
def test_a_clock_that_is_wrong_is_not_trusted(as_of_ms: int) -> None:
    """Whatever the store's side says, it was asked between the beginning of the join and its end."""
    found = compare(measure(), view(490_000), as_of_ms, began_ms=499_000, ended_ms=500_000)
    assert found in {9_000, 10_000}


def test_it_is_measured_now_and_then() -> None:
    """Not at each join; the next measurement comes when it is due."""
    clock = Clock()
    measured = measure(clock)

    def again(published_ms: int) -> int | None:
        return compare(measured, view(published_ms), 500_000, began_ms=500_000, ended_ms=500_000)

    assert again(499_000) == 1_000
    clock.now += INTERVAL - 1
    assert again(490_000) == 1_000
    clock.now += 1
    assert again(490_000) == 10_000


def test_a_table_that_no_event_changes_is_not_measured() -> None:
    """Nothing is known of it."""
    still = replace(STREAMS, changed_by=frozenset())
    assert compare(measure(), view(490_000), 500_000, began_ms=500_000, ended_ms=500_000, table=still) is None


def test_events_that_the_view_does_not_pass_say_nothing() -> None:
    """Their rows are not among those that were read."""
    seen = view(490_000, 495_000, filter_=Filter(fields=(("stream_id", frozenset({"s1"})),)))
    assert compare(measure(), seen, 500_000, began_ms=500_000, ended_ms=500_000) == 5_000


def test_a_row_that_the_clock_took_is_not_missing() -> None:
    """The store has it, and it is not shown any more."""
    old = replace(STREAMS, clock=(ClockRule("seen", 60_000),))
    event = table_changes(1, upsert("streams", stream_id="a", seen="1970-01-01T00:00:10Z"))
    seen = followed(None, publication(0, event, ms=490_000)).view(Filter())
    assert compare(measure(), seen, 500_000, began_ms=500_000, ended_ms=500_000, table=old) == 0


def test_a_measurement_is_bounded() -> None:
    """The newest events are compared, in steps, and no more of them."""
    seen = view(*range(400_000, 400_000 + MOST_EVENTS + 700))
    steps = list(measure().compare(seen, [(STREAMS, SnapshotRows((), 500_000))], 500_000, 500_000))
    assert MOST_EVENTS / 100 <= len(steps) <= MOST_EVENTS / 100 + 2


def test_without_a_measurement_the_lag_is_the_age_of_the_newest_row() -> None:
    """An upper bound; unknown without rows that tell their time."""
    timed = table()
    assert age_ms(timed, SnapshotRows(ROWS, AS_OF)) == 3000
    assert age_ms(timed, SnapshotRows((), AS_OF)) is None
    assert age_ms(timed, SnapshotRows(({"updated_at": "17"},), AS_OF)) is None
    assert age_ms(STREAMS, SnapshotRows(ROWS, AS_OF)) is None
    assert measure().lag_ms(timed, SnapshotRows(ROWS, AS_OF)) == 3000


def test_a_feed_without_past_measures_nothing() -> None:
    """And does not fail."""
    assert compare(measure(), followed().view(Filter()), 500_000, began_ms=500_000, ended_ms=500_000) is None


def test_other_events_are_not_decoded() -> None:
    """Most events change no row; what is not even JSON shows that nobody looked."""
    seen = followed(None, publication(0, b"not JSON", orjson.dumps({"type": "x"}), ms=499_000)).view(Filter())
    assert compare(measure(), seen, 500_000, began_ms=500_000, ended_ms=500_000) is None
