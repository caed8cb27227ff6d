"""Publications around a hole: what closes it, what of it is new, and how it is put together."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from signalman.event import Position
from signalman.gateway.held import MERGED_BYTES, follow_on, merged, unseen
from tests.unit.gateway.make import publication

AT = Position("e1", 4, 1_000)


def test_an_answer_closes_a_hole_only_if_it_is_whole() -> None:
    """It begins where the hole does, has no hole of its own, and everything that was heard."""
    one, two, three = publication(4, b"5"), publication(5, b"6"), publication(6, b"7")
    assert follow_on(AT, (), ())
    assert follow_on(AT, (one, two), {two.position})
    assert follow_on(AT, (publication(3, b"4", b"5"), two), ())
    assert not follow_on(AT, (two,), ())
    assert not follow_on(AT, (one, three), ())
    assert not follow_on(AT, (one,), {two.position})
    assert not follow_on(AT, (one, two), {publication(5, b"6", ms=1_001).position})


def test_what_was_delivered_is_cut_off() -> None:
    """Whole publications, and the beginning of one."""
    answer = (publication(2, b"3"), publication(3, b"4", b"5", b"6"), publication(6, b"7"))
    assert list(unseen(answer, AT)) == [publication(4, b"5", b"6"), publication(6, b"7")]
    assert list(unseen((publication(0, b"1"),), None)) == [publication(0, b"1")]


@given(st.lists(st.lists(st.integers(0, MERGED_BYTES // 2), min_size=1, max_size=3), max_size=30))
def test_merging_changes_only_where_a_publication_ends(sizes: list[list[int]]) -> None:
    """The same events in the same order, without a hole, each publication but the last one large enough."""
    publications, seq = [], 0
    for each in sizes:
        publications.append(publication(seq, *(b"x" * size for size in each)))
        seq += len(each)
    together = list(merged(publications))
    assert [e for each in together for e in each.events] == [e for each in publications for e in each.events]
    assert all(one.position.seq == two.prev for one, two in pairwise(together))
    assert all(each.position.seq - each.prev == len(each.events) for each in together)
    assert all(sum(map(len, each.events)) >= MERGED_BYTES for each in together[:-1])
    assert [each.position for each in together[-1:]] == [each.position for each in publications[-1:]]
