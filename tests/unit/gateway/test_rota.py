"""Everybody has his turn in time, and not all at once."""

from hypothesis import given
from hypothesis import strategies as st

from signalman.gateway.rota import Rota


def test_those_who_came_together_are_spread() -> None:
    """Of 300 who came in one moment, ten have their turn each second, from the first second on; each once a round."""
    rota = Rota[int](30.0)
    for number in range(300):
        rota.add(number, 0.0)
    turns = [rota.turn(float(second)) for second in range(1, 31)]
    assert {len(turn) for turn in turns} == {10}
    assert sorted(number for turn in turns for number in turn) == list(range(300))


def test_one_alone_is_not_asked_for_all_the_time() -> None:
    """A round is as long for few as for many."""
    rota = Rota[str](30.0)
    rota.add("one", 0.0)
    assert sum(len(rota.turn(float(second))) for second in range(301)) == 10


def test_who_is_gone_has_no_turn() -> None:
    """And is not kept."""
    rota = Rota[str](1.0)
    rota.add("one", 0.0)
    rota.drop("one")
    rota.drop("two")
    assert rota.turn(10.0) == []


def test_a_clock_that_steps_makes_nobody_wait() -> None:
    """Back or forward: then everybody has his turn at once, rather than too late."""
    for moment in (-5_000.0, 5_000.0):
        rota = Rota[str](30.0)
        rota.turn(0.0)
        rota.add("one", 0.0)
        assert rota.turn(moment) == ["one"]


@given(st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=20), min_size=1, max_size=80))
def test_nobody_waits_longer_than_a_round(seconds: list[list[tuple[bool, int]]]) -> None:
    """However many come and go, whoever stays has his turn within a round and the second that a turn is apart."""
    rota, waiting = Rota[int](10.0), dict[int, float]()
    for now, happenings in enumerate(seconds):
        for comes, who in happenings:
            if comes:
                rota.add(who, float(now))
                waiting.setdefault(who, float(now))
            else:
                rota.drop(who)
                waiting.pop(who, None)
        for who in rota.turn(float(now)):
            waiting[who] = float(now)
        assert all(now - since < 11.0 for since in waiting.values())
