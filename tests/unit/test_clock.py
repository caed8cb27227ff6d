import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman import clock
from signalman.clock import moment
from signalman.table import ClockRule

OFFLINE = ClockRule("at", 2_000, {"status": ("offline", None)}, {"status": "offline", "viewers": 0})
STALE = ClockRule("at", 1_000, {}, {"stale": True})
GONE = ClockRule("at", 5_000)
AT = "2026-08-20T10:00:00.5Z"
AT_MS = 1_787_220_000_500


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.25Z", -750),
        (AT, AT_MS),
        ("2026-08-20T10:00:00.500999999Z", AT_MS),
        ("2026-08-20T12:00:00.5+02:00", AT_MS),
        ("2026-08-20T04:30:00.50-05:30", AT_MS),
    ],
)
def test_times_are_read_to_the_millisecond(text: str, ms: int) -> None:
    """Any number of digits, any offset; what is finer is cut off."""
    found = moment(text)
    assert found is not None
    assert found.ms == ms


@pytest.mark.parametrize(
    "text",
    [None, 1_787_220_000, True, "", "2026-08-20", "2026-08-20T10:00:00", "2026-08-20 10:00:00Z", "2026-13-20T10:00:00Z",
     "2026-08-20T10:00:00.Z", "2026-08-20T10:00:00Z ", "x2026-08-20T10:00:00Z", "2026-08-20T24:61:00Z"],
)  # fmt: skip
def test_what_is_no_time_is_none(text: object) -> None:
    """A moment without an offset could be any."""
    assert moment(text) is None


@given(st.integers(0, 3_600), st.integers(0, 3_600), st.integers(0, 2_000), st.integers(0, 2_000))
def test_later_moments_are_greater(second: int, other: int, digits: int, other_digits: int) -> None:
    """Whatever their digits: the order of moments is the order of time."""

    def written(seconds: int, fraction: int) -> str:
        return f"2026-08-20T10:{seconds // 61:02}:{seconds % 60:02}.{fraction}Z"

    def exact(seconds: int, fraction: int) -> tuple[int, int, float]:
        return seconds // 61, seconds % 60, float(f"0.{fraction}")

    one, another = moment(written(second, digits)), moment(written(other, other_digits))
    assert one is not None
    assert another is not None
    assert (one > another) is (exact(second, digits) > exact(other, other_digits))


def test_a_rule_holds_once_its_time_has_passed() -> None:
    """To the millisecond, and what it sets is there from then on; the row that was given is not changed."""
    row = {"at": AT, "status": "live", "viewers": 3}
    assert clock.apply(row, [OFFLINE], AT_MS + 1_999) is row
    assert clock.apply(row, [OFFLINE], AT_MS + 2_000) == {"at": AT, "status": "offline", "viewers": 0}
    assert row["status"] == "live"


def test_a_row_goes_when_a_rule_sets_nothing() -> None:
    """It is none from that moment on."""
    assert clock.apply({"at": AT}, [GONE], AT_MS + 4_999) == {"at": AT}
    assert clock.apply({"at": AT}, [GONE], AT_MS + 5_000) is None


@pytest.mark.parametrize("row", [{"at": AT, "status": "offline", "viewers": 9}, {"at": AT}, {"at": AT, "status": None}])
def test_a_row_that_is_excepted_is_left_alone(row: dict[str, object]) -> None:
    """It has one of the values; a column that is not there is null."""
    assert clock.apply(row, [OFFLINE], AT_MS + 9_999) is row
    assert clock.next_due(row, [OFFLINE]) is None


@pytest.mark.parametrize("at", [None, "soon", 5])
def test_a_row_without_the_time_is_left_alone(at: object) -> None:
    """Nothing is known of when anything should happen to it."""
    row = {"at": at, "status": "live"}
    assert clock.apply(row, [OFFLINE, STALE, GONE], AT_MS * 2) is row
    assert clock.next_due(row, [OFFLINE, STALE, GONE]) is None


def test_true_is_not_one() -> None:
    """JSON tells them apart, and so do other clients."""
    row = {"at": AT, "stale": 1}
    assert clock.apply(row, [STALE], AT_MS + 1_000) == {"at": AT, "stale": True}
    assert clock.apply(row, [STALE], AT_MS + 1_000) is not row


@pytest.mark.parametrize("rules", [[GONE, OFFLINE, STALE], [STALE, OFFLINE, GONE]])
def test_rules_take_effect_in_the_order_of_time(rules: list[ClockRule]) -> None:
    """However they are listed, and however late somebody looks."""
    row = {"at": AT, "status": "live"}
    assert clock.apply(row, rules, AT_MS + 1_000) == {"at": AT, "status": "live", "stale": True}
    assert clock.apply(row, rules, AT_MS + 4_999) == {"at": AT, "status": "offline", "viewers": 0, "stale": True}
    assert clock.apply(row, rules, AT_MS + 5_000) is None


def test_of_two_rules_for_a_column_the_later_wins() -> None:
    """For good: the earlier one does not take it back when somebody looks again."""
    rules = [ClockRule("at", 9_000, {}, {"state": "gone"}), ClockRule("at", 1_000, {}, {"state": "late"})]
    row = {"at": AT, "state": "ok"}
    late = clock.apply(row, rules, AT_MS + 1_000)
    assert late == {"at": AT, "state": "late"}
    gone = clock.apply(late, rules, AT_MS + 9_000)
    assert gone == {"at": AT, "state": "gone"} == clock.apply(row, rules, AT_MS + 9_000)
    assert clock.apply(gone, rules, AT_MS + 10_000) == gone


def test_the_next_moment_is_told() -> None:
    """That of the first rule which changes something; it may have passed, unless a later one is asked for."""
    row = {"at": AT, "status": "live"}
    assert clock.next_due(row, [GONE, OFFLINE, STALE]) == AT_MS + 1_000
    assert clock.next_due(row, [GONE, OFFLINE, STALE], AT_MS + 1_000) == AT_MS + 2_000
    assert clock.next_due({**row, "stale": True}, [STALE]) is None
    assert clock.next_due({**row, "stale": True}, [GONE, OFFLINE, STALE]) == AT_MS + 2_000


def test_rules_are_read_as_snapshots_have_them() -> None:
    """`unless` may be absent; `remove` is a rule that sets nothing."""
    offline = {
        "column": "at", "after_ms": 2_000, "unless": {"status": ["offline", None]},
        "set": {"status": "offline", "viewers": 0},
    }  # fmt: skip
    assert clock.from_json(offline) == OFFLINE
    assert clock.from_json({"column": "at", "after_ms": 1_000, "set": {"stale": True}}) == STALE
    assert clock.from_json({"column": "at", "after_ms": 5_000, "remove": True}) == GONE
