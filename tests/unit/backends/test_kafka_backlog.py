from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from signalman.backends.kafka_backlog import Backlog, Extent, Skip, passed_over

PLACE = TopicPartition("t", 0)
OTHER = TopicPartition("t", 1)


@st.composite
def extents(draw: st.DrawFn) -> Extent:
    """Any state of a partition."""
    first, young, end = sorted(draw(st.lists(st.integers(0, 50), min_size=3, max_size=3)))
    return Extent(first, end, draw(st.sampled_from([None, young])) if young < end else None)


@given(st.integers(0, 60), extents())
def test_reading_begins_at_the_first_record_that_is_young_and_unread(start: int, extent: Extent) -> None:
    """Whatever the broker holds: reading begins at or behind the commit, at a record that is there, with none before it
    left out that is young; and the count is of exactly what is left out.
    """
    skip = passed_over(start, start, extent)
    young = extent.end if extent.young is None else extent.young
    assert extent.first <= skip.next <= extent.end
    if start <= extent.end:
        assert skip.next == max(start, young)
        assert skip.count == skip.next - start
    else:
        assert (skip.start, skip.next) == (extent.first, young)


def test_nothing_is_passed_over_where_all_is_young() -> None:
    """An ordinary restart."""
    assert passed_over(7, 7, Extent(2, 9, 2)) == Skip(7, 7, 7)
    assert passed_over(9, 9, Extent(2, 9, None)).count == 0


def test_what_is_gone_counts_as_passed_over() -> None:
    """The commit lies before the oldest record that is kept."""
    assert passed_over(3, 3, Extent(8, 20, 8)) == Skip(3, 3, 8)


def test_another_log_is_read_from_its_beginning() -> None:
    """A commit beyond the end is none of this log's."""
    assert passed_over(100, 100, Extent(0, 20, 0)) == Skip(100, 0, 0)


def test_a_skip_is_told_once_through_rebalances() -> None:
    """Taken over again before the commit has come through, it is not counted again; what has grown old since is."""
    backlog = Backlog()
    assert backlog.begin(PLACE, 3, Extent(0, 20, 10)).next == 10
    assert PLACE in backlog.untold
    assert backlog.tell() == {PLACE: Skip(3, 3, 10)}
    assert not backlog.untold

    backlog.lose()
    assert backlog.begin(PLACE, 3, Extent(0, 20, 10)) == Skip(3, 10, 10)
    assert not backlog.untold
    backlog.lose()
    assert backlog.begin(PLACE, 3, Extent(0, 20, 12)) == Skip(3, 10, 12)
    assert backlog.tell() == {PLACE: Skip(3, 10, 12)}
    assert backlog.begin(PLACE, 3, Extent(0, 20, 12)).count == 0


def test_what_was_lost_before_it_was_told_is_told_later() -> None:
    """By whoever takes the partition over, here ourselves."""
    backlog = Backlog()
    backlog.begin(PLACE, 3, Extent(0, 20, 10))
    backlog.lose()
    assert backlog.tell() == {}
    backlog.begin(PLACE, 3, Extent(0, 20, 10))
    assert backlog.tell() == {PLACE: Skip(3, 3, 10)}


def test_only_what_was_announced_is_committed() -> None:
    """And only for partitions that are ours; until a commit has come through it stays due."""
    backlog = Backlog()
    for place in (PLACE, OTHER):
        backlog.begin(place, 3, Extent(0, 20, 10))
    backlog.tell()
    assert backlog.due({PLACE, OTHER}) == {}
    backlog.announced()
    assert backlog.due({PLACE}) == {PLACE: 10}
    assert backlog.due({PLACE, OTHER}) == {PLACE: 10, OTHER: 10}
    backlog.committed({PLACE})
    assert backlog.due({PLACE, OTHER}) == {OTHER: 10}


def test_another_commit_makes_ours_obsolete() -> None:
    """Another member had the partition meanwhile and has come further: nothing of ours is due any more."""
    backlog = Backlog()
    backlog.begin(PLACE, 3, Extent(0, 20, 10))
    backlog.tell()
    backlog.announced()
    assert backlog.begin(PLACE, 15, Extent(0, 20, 10)) == Skip(15, 15, 15)
    assert backlog.due({PLACE}) == {}
