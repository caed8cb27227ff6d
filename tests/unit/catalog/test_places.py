"""How paths lie to one another."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from signalman.catalog.places import meet, names

PATHS = st.lists(st.sampled_from(["a", "b", "*", "a[]"]), min_size=1, max_size=4).map(".".join)
KEYS = ("a", "b", "c")


def places(path: str, depth: int = 4) -> set[tuple[str, ...]]:
    """Every place down to *depth* at or below *path*, in a world of three keys."""
    steps = [KEYS if name == "*" else (name,) for name in names(path)]
    return {place for rest in range(depth + 1 - len(steps)) for place in product(*steps, *[KEYS] * rest)}


@given(PATHS, PATHS)
def test_paths_meet_where_they_have_a_place_in_common(path: str, other: str) -> None:
    """One below the other, or the same; and that is the same from both sides."""
    met, back = meet(path, other), meet(other, path)
    assert (met is not None) is bool(places(path) & places(other))
    assert (met is None) is (back is None)
    if met and back:
        assert (met.depth, met.narrower, met.wider) == (-back.depth, back.wider, back.narrower)


@given(PATHS, PATHS)
def test_all_of_a_path_is_in_another(path: str, other: str) -> None:
    """Where it is no wider and no shorter: only then is what *other* says true of all of it."""
    met = meet(path, other)
    within = met is not None and met.depth >= 0 and not met.wider
    assert within is (places(path) <= places(other))
