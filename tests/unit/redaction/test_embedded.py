"""JSON inside of a text."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.fields import KeepTree, Redaction
from signalman.net import Net
from signalman.redaction.embedded import DEEPEST
from tests.unit.redaction.sample import JSON, applied

KEEP: KeepTree = {"reason": None, "tracks": {"codec": None}, "labels": {"*": None}}
OPERATOR = Redaction("v", "json", keep=KEEP)


def done(text: str) -> tuple[Any, int]:
    """What is left of *text*, and how many values were left out."""
    left, unread = applied({"v": text}, OPERATOR)
    return left.get("v"), unread


def test_only_what_is_listed_inside_stays() -> None:
    """The list is one of its own, and the result is text again."""
    text = '{ "secret": 1, "reason": "gone", "tracks": [{"codec": "H264", "x": 1}], "labels": {"a": 1} }'
    assert done(text) == ('{"reason":"gone","tracks":[{"codec":"H264"}],"labels":{"a":1}}', 0)


def test_of_a_list_each_object() -> None:
    """What else is in the list has not been judged by anyone."""
    assert done('[{"reason": 1, "x": 2}, "text", 5, [{"reason": 3}]]') == ('[{"reason":1}]', 0)


def test_addresses_inside_go_and_are_counted() -> None:
    """The net is below this list as well, and takes a value, not the whole text."""
    assert done('{"reason": "at 203.0.113.9", "labels": {"n": 1, "host": "edge", "203.0.113.9": 2}}') == (
        '{"labels":{"n":1}}',
        3,
    )


@pytest.mark.parametrize("text", ["text", "5", '"{}"', "null", "{", "{} {}", "\ud800", '{"reason": 1'])
def test_what_is_no_object_goes(text: str) -> None:
    """A text that cannot be judged is not shown."""
    assert done(text) == (None, 1)


@pytest.mark.parametrize(("levels", "stays"), [(DEEPEST - 1, True), (DEEPEST, False), (1000, False), (100_000, False)])
def test_nesting_is_bounded(levels: int, stays: bool) -> None:  # noqa: FBT001 # which of the two
    """As of a whole event, so that no text makes anything recurse without end."""
    text = '{"reason":' + "[" * levels + "]" * levels + "}"
    assert done(text) == ((text, 0) if stays else (None, 1))


def test_an_object_stays_one() -> None:
    """A platform that stops writing it as text shows the same fields; the net meets it with the rest."""
    data = {"v": {"reason": "at 203.0.113.9", "secret": 1}}
    assert applied(data, OPERATOR) == ({"v": {"reason": "at 203.0.113.9"}}, 0)


@given(JSON, st.booleans())
def test_the_result_is_judged_and_stays(value: object, pretty: bool) -> None:  # noqa: FBT001 # how it is written
    """Property: of any JSON written as text, what is left is JSON of listed fields, passes the net as it is, and would
    not be changed again.
    """
    text = orjson.dumps({"reason": value, "other": value}, option=orjson.OPT_INDENT_2 if pretty else None).decode()
    left, _ = done(text)
    assert set(orjson.loads(left)) <= {"reason"}
    assert Net().clean(left) == (left, 0)
    assert done(left) == (left, 0)
