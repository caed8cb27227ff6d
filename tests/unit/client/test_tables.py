from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.client import tables as module
from signalman.client.tables import Tables
from signalman.clock import moment
from tests.vectors import Vector, merge_vectors, seen, tidied

Change = dict[str, Any]
Log = list[Change]


def told(tables: Tables) -> dict[str, Any]:
    """Everything that tables tell."""
    due = tables.next_expiry()
    return {"rows": {name: tables.rows(name) for name in tables.names}, "stale": tables.stale, "next_expiry": due}


def ms(time: str) -> int:
    """Unix milliseconds."""
    found = moment(time)
    assert found is not None
    return found.ms


def run(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What tables tell where something is expected of them."""
    tables, answers = Tables(), []
    for step in steps:
        match step:
            case {"begin": names}:
                tables.begin(names)
            case {"snapshot": frame}:
                tables.snapshot(frame["table"], frame["key"], frame["rules"], frame["rows"])
            case {"events": events}:
                tables.events(events)
            case {"caught_up": _}:
                tables.caught_up()
            case {"lost": _}:
                tables.lost()
            case {"expire": time}:
                tables.expire(ms(time))
            case {"expect": _}:
                answers.append(told(tables))
            case _:
                raise AssertionError(step)
    return answers


@pytest.mark.parametrize("vector", merge_vectors(), ids=lambda vector: vector.name)
def test_the_merge_rule(vector: Vector) -> None:
    """Each vector's name says what it proves; the browser's client is held to the same ones."""
    assert vector.expected, "a vector that expects nothing proves nothing"
    for got, expected in zip(run(vector.steps), vector.expected, strict=True):
        at = expected.get("next_expiry")
        wanted = expected if at is None else {**expected, "next_expiry": ms(at)}
        assert seen(got, wanted) == wanted


# -- properties: what holds for every log ------------------------------------------------------------------------------

COLUMNS = st.dictionaries(st.sampled_from("ab"), st.none() | st.integers(0, 2))
VERSIONS = st.integers(1, 4)


@st.composite
def changes(draw: st.DrawFn, versions: st.SearchStrategy[int] = VERSIONS) -> Change:
    """A change of one of a few rows."""
    key = {"id": draw(st.sampled_from("xyz")), "v": draw(versions)}
    if draw(st.integers(0, 3)) == 0:
        return {"table": "t", "op": "delete", "row": key}
    return {"table": "t", "op": "upsert", "row": {**draw(COLUMNS), **key}, "initial": draw(COLUMNS)}


@st.composite
def logs(draw: st.DrawFn, *, rising: bool = False) -> Log:
    """Changes in the order of a log. *rising*: no two of a row have the same version, and none comes late."""
    log = draw(st.lists(changes(), max_size=12))
    return [{**change, "row": {**change["row"], "v": number}} for number, change in enumerate(log)] if rising else log


def begun(rows: Sequence[Mapping[str, Any]], *, compared: bool, final: bool = False) -> Tables:
    """Tables that begin with these rows and have not caught up."""
    tables = Tables()
    tables.begin(["t"])
    rules = {"version": "v", "compared": compared, "final": final, "clock": []}
    tables.snapshot("t", ["id"], rules, rows)
    return tables


def replayed(
    log: Log, over: Sequence[Mapping[str, Any]] = (), *, compared: bool, final: bool = False
) -> list[Mapping[str, Any]]:
    """The rows after *log* was applied to the rows of a snapshot."""
    tables = begun(over, compared=compared, final=final)
    tables.events([{"rows": [change]} for change in log])
    tables.caught_up()
    return tables.rows("t")


def same(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    """Whether two tables have the same rows."""
    return tidied({"t": one}) == tidied({"t": other})


@given(log=logs(), read=st.integers(0, 12), final=st.booleans())
def test_a_whole_log_over_any_snapshot_of_it_is_the_log(*, log: Log, read: int, final: bool) -> None:
    """Wherever in the log the rows were read: whoever applies all of it ends where one who watched from the start did,
    though changes come late, and several have the same version.
    """
    truth = replayed(log, compared=True, final=final)
    rows = replayed(log[:read], compared=True, final=final)
    assert same(replayed(log, rows, compared=True, final=final), truth)


@given(log=logs(rising=True), start=st.integers(0, 12), later=st.integers(0, 12), compared=st.booleans())
def test_the_end_of_a_log_is_enough_where_nothing_comes_late(
    *, log: Log, start: int, later: int, compared: bool
) -> None:
    """A replay may begin anywhere before the rows were read; also where only the order of the log counts."""
    rows = replayed(log[: start + later], compared=compared)
    assert same(replayed(log[start:], rows, compared=compared), replayed(log, compared=compared))


@given(logs(), st.integers(0, 12), st.integers(0, 12))
def test_not_compared_the_order_of_the_log_is_all(log: Log, start: int, later: int) -> None:
    """Versions may go up and down: without a common clock nobody looks at them."""
    rows = replayed(log[: start + later], compared=False)
    assert same(replayed(log[start:], rows, compared=False), replayed(log, compared=False))


@given(log=logs(), compared=st.booleans(), final=st.booleans())
def test_an_event_said_twice_is_said_once(*, log: Log, compared: bool, final: bool) -> None:
    """Repeated at once, each change is the same as once."""
    twice = [change for change in log for _ in range(2)]
    assert same(replayed(twice, compared=compared, final=final), replayed(log, compared=compared, final=final))


@given(log=logs(rising=True), again=st.lists(st.integers(0, 11)), final=st.booleans())
def test_versions_make_old_news_harmless(*, log: Log, again: list[int], final: bool) -> None:
    """Compared: any of the events may come again at any later time, in any order."""
    repeated = log + [log[index] for index in again if index < len(log)]
    assert same(replayed(repeated, compared=True, final=final), replayed(log, compared=True, final=final))


@given(log=logs(), compared=st.booleans())
def test_a_beginning_shows_nothing_of_itself(*, log: Log, compared: bool) -> None:
    """Whatever comes before `caught_up`, what is shown does not move."""
    tables = begun([{"id": "x", "v": 1}], compared=compared)
    tables.caught_up()
    tables.begin(["t"])
    tables.events([{"rows": [change]} for change in log])
    assert tables.rows("t") == [{"id": "x", "v": 1}]
    assert tables.stale


RULES = [
    {"column": "at", "after_ms": 1_000, "unless": {"state": ["gone"]}, "set": {"state": "late"}},
    {"column": "at", "after_ms": 3_000, "set": {"state": "gone", "old": True}},
    {"column": "at", "after_ms": 5_000, "unless": {"kept": [True]}, "remove": True},
]
ROWS = st.fixed_dictionaries(
    {
        "at": st.none() | st.integers(0, 9).map("2026-08-20T10:00:0{}Z".format),
        "state": st.sampled_from(["live", "gone"]),
        "kept": st.booleans(),
    }
)
BEGAN = ms("2026-08-20T10:00:00Z")


def clocked(rows: Sequence[Mapping[str, Any]]) -> Tables:
    """Tables that time changes."""
    tables = Tables()
    tables.begin(["t"])
    numbered = [{**row, "id": number} for number, row in enumerate(rows)]
    tables.snapshot("t", ["id"], {"version": None, "compared": False, "final": False, "clock": RULES}, numbered)
    tables.caught_up()
    return tables


@given(st.lists(ROWS, max_size=5), st.lists(st.integers(0, 15_000), max_size=5), st.integers(0, 15_000))
def test_it_does_not_matter_how_often_time_is_asked(rows: list[Any], before: list[int], now: int) -> None:
    """`expire` twice is once, and whoever looks all the time has the same rows as whoever looks at the end."""
    often, once = clocked(rows), clocked(rows)
    for moment_ in [*sorted(each for each in before if each <= now), now, now]:
        often.expire(BEGAN + moment_)
    once.expire(BEGAN + now)
    assert same(often.rows("t"), once.rows("t"))


@given(st.lists(ROWS, max_size=5), st.lists(st.integers(0, 15_000), max_size=3))
def test_nothing_expires_before_it_is_due(rows: list[Any], moments: list[int]) -> None:
    """Between two calls of `next_expiry` nobody has to ask the time."""
    tables = clocked(rows)
    for moment_ in sorted(moments):
        tables.expire(BEGAN + moment_)
    due = tables.next_expiry()
    before = tables.rows("t")
    tables.expire(BEGAN + 20_000 if due is None else due - 1)
    assert same(tables.rows("t"), before)
    if due is not None:
        assert not moments or due > BEGAN + max(moments)


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_the_latest_deletions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is open for weeks holds no more than so many; a deletion that is said again counts as a late one."""
    monkeypatch.setattr(module, "TOMBSTONES", 2)
    deletions = [{"table": "t", "op": "delete", "row": {"id": id_, "v": 5}} for id_ in "abac"]
    late = [{"table": "t", "op": "upsert", "row": {"id": id_, "v": 4}} for id_ in "abc"]
    assert replayed(deletions + late, compared=True) == [{"id": "b", "v": 4}]


def test_deletions_that_decide_nothing_are_not_remembered() -> None:
    """Where only the order of the log counts, there is nothing to remember."""
    tables = begun([], compared=False)
    tables.events([{"rows": [{"table": "t", "op": "delete", "row": {"id": "a"}}]}])
    assert tables._shadow is not None
    assert not tables._shadow["t"]._tombstones


def test_rows_are_replaced_and_never_changed() -> None:
    """What was handed out stays as it was."""
    tables = clocked([{"at": "2026-08-20T10:00:00Z", "state": "live", "kept": True}])
    [before] = tables.rows("t")
    copy = dict(before)
    tables.events([{"rows": [{"table": "t", "op": "upsert", "row": {"id": 0, "state": "x"}}]}])
    tables.expire(BEGAN + 2_000)
    assert before == copy
    assert tables.rows("t") != [copy]
