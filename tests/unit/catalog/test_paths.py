"""Keep lists become trees that keep what they list, and nothing else."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from signalman.catalog.findings import Findings
from signalman.catalog.paths import keep_tree, keeps
from signalman.fields import KeepTree

NAMES = st.sampled_from(["a", "b", "c", "stream_id", "h3-index", "Name2"])
SEGMENTS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)


def independent(paths: set[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """*paths* without those that lie below another."""
    return [path for path in sorted(paths) if not any(path[:n] in paths for n in range(1, len(path)))]


def leaves(tree: KeepTree) -> Iterator[tuple[str, ...]]:
    """Every path that *tree* keeps whole."""
    for name, below in tree.items():
        if below is None:
            yield (name,)
        else:
            yield from ((name, *rest) for rest in leaves(below))


@given(st.sets(SEGMENTS, max_size=12), st.sets(st.integers(min_value=0, max_value=3)))
def test_tree_holds_exactly_the_paths(drawn: set[tuple[str, ...]], list_depths: set[int]) -> None:
    """Whatever is listed, in objects and in lists, is what is kept."""
    paths = independent(drawn)
    written = [
        ".".join(
            name + "[]" if depth in list_depths and depth < len(path) - 1 else name for depth, name in enumerate(path)
        )
        for path in paths
    ]
    findings = Findings("file")
    tree = keep_tree(written, {}, findings)
    assert findings.faults == []
    assert sorted(leaves(tree)) == paths
    assert all(keeps(tree, path) for path in written)


@given(st.sets(SEGMENTS, min_size=1, max_size=12), SEGMENTS)
def test_keeps_is_the_tree(drawn: set[tuple[str, ...]], asked: tuple[str, ...]) -> None:
    """A path is kept when it is listed, lies below a listed one, or above one."""
    paths = independent(drawn)
    tree = keep_tree([".".join(path) for path in paths], {}, Findings("file"))
    related = any(path[: len(asked)] == asked or asked[: len(path)] == path for path in paths)
    assert keeps(tree, ".".join(asked)) is related


@given(st.sets(SEGMENTS, max_size=8), st.lists(SEGMENTS, max_size=3))
def test_order_and_repetition(drawn: set[tuple[str, ...]], repeated: list[tuple[str, ...]]) -> None:
    """A path that is listed twice, below another or above one is a fault in either order, and never widens the rest."""
    paths = [*independent(drawn), *repeated]
    forwards, backwards = Findings("file"), Findings("file")
    keep_tree([".".join(path) for path in paths], {}, forwards)
    keep_tree([".".join(path) for path in reversed(paths)], {}, backwards)
    assert bool(forwards.faults) is bool(backwards.faults) is (independent(set(paths)) != sorted(paths))


def test_group_below_its_prefix() -> None:
    """``@group`` lists the group's paths at the place where it stands, in as many places as name it."""
    groups = {"track": ["codec", "size.width", "frames[].ms"]}
    findings = Findings("file")
    tree = keep_tree(["@track", "tracks[].@track"], groups, findings)
    inside = {"codec": None, "size": {"width": None}, "frames": {"ms": None}}
    assert tree == {**inside, "tracks": inside}
    assert findings.faults == []


def test_keys_of_a_map() -> None:
    """``*`` stands for every key, alone or with fields of each value."""
    findings = Findings("file")
    assert keep_tree(["labels.*", "nodes.*.load"], {}, findings) == {
        "labels": {"*": None},
        "nodes": {"*": {"load": None}},
    }
    assert findings.faults == []
