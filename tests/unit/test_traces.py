"""What a traceback tells, and what it keeps to itself."""

import asyncio

from signalman.errors import BackendUnavailable
from signalman.traces import trace


def caught(error: BaseException) -> BaseException:
    """*error*, as it is after it was raised here."""
    try:
        raise error
    except BaseException as raised:  # noqa: BLE001 # whatever it is, it is what was asked for
        return raised


def test_places_and_types_are_told() -> None:
    """File, line and function of every frame, and the type by its full name where Python's own would not do."""
    text = trace(caught(asyncio.QueueFull("a value")))
    assert text.startswith("Traceback (most recent call last):\n  File ")
    assert "in caught" in text
    assert text.endswith("\nasyncio.queues.QueueFull")


def test_our_own_sentences_and_the_systems_are_told() -> None:
    """Neither ever quotes a payload."""
    assert trace(BackendUnavailable("redis", "away")) == "signalman.errors.BackendUnavailable: redis: away"
    assert trace(ConnectionResetError(104, "reset")) == "ConnectionResetError: [Errno 104] reset"


def test_causes_come_first() -> None:
    """In Python's own order and words."""
    error = ValueError("a value")
    error.__cause__ = TimeoutError("too late")
    assert trace(error) == (
        "TimeoutError: too late\n\nThe above exception was the direct cause of the following exception:\n\nValueError"
    )
    error = ValueError("a value")
    error.__context__ = KeyError("a value")
    assert trace(error).startswith("KeyError\n\nDuring handling of")
    error.__suppress_context__ = True
    assert trace(error) == "ValueError"


def test_groups_and_rings_end() -> None:
    """Every exception of a group is told, and a chain that bites its tail once."""
    inner = KeyError("a value")
    group = ExceptionGroup("values", [inner, OSError("no")])
    inner.__context__ = group
    text = trace(group)
    assert text == "ExceptionGroup\n  1:\n  KeyError\n  2:\n  OSError: no"
