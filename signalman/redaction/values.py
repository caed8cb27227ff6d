"""What each operator does to one value. All but ``drop`` and ``null`` leave null and the empty text: they tell nothing.

An operator that finds something else than it expects leaves the value out and counts it: what has not been understood
is not shown.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from functools import partial
from typing import Final

from signalman.addresses import without_addresses
from signalman.event import Json, Scope
from signalman.fields import Operation, Redaction
from signalman.redaction.embedded import rewritten
from signalman.redaction.keep import Keep
from signalman.redaction.network import network
from signalman.redaction.pseudonyms import Pseudonyms
from signalman.redaction.url import scheme_and_path


class Gone(Enum):
    """What stands for a value that goes."""

    GONE = auto()


GONE: Final = Gone.GONE


class Run:
    """One application of operators: for whom, and how many values were left out."""

    __slots__ = ("scope", "unread")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.unread = 0

    def refuse(self) -> Gone:
        """Leave out a value that is not what its operator expects."""
        self.unread += 1
        return GONE


Operate = Callable[[Json, Run], Json | Gone]
"""A value to another one; the very same where nothing changes."""


def operate(redaction: Redaction, pseudonyms: Pseudonyms) -> Operate:
    """What *redaction* does to the value at its path. A ``centroid`` is about two values, and not among these."""
    if redaction.operation in _WHOLE:
        return _WHOLE[redaction.operation]
    one: Mapping[Operation, Operate] = {
        "mask": _mask,
        "hash": partial(_hash, pseudonyms),
        "url": _url,
        "json": partial(_json, Keep(redaction.keep)),
        "scan": _scan,
    }
    return partial(_each, one[redaction.operation])


def _drop(_: Json, __: Run) -> Gone:
    return GONE


def _null(_: Json, __: Run) -> None:
    return None


_WHOLE: Mapping[Operation, Operate] = {"drop": _drop, "null": _null}


def _each(one: Operate, value: Json, run: Run) -> Json | Gone:
    """*one* for the value, or for each item of a list. An item that is a list itself is for *one* to judge."""
    if type(value) is not list:
        return value if value is None or value == "" else one(value, run)
    made = [item if item is None or item == "" else one(item, run) for item in value]
    if all(new is old for new, old in zip(made, value, strict=True)):
        return value
    return [item for item in made if item is not GONE]


def _mask(value: Json, run: Run) -> Json | Gone:
    """Addresses, one or a list with commas, to their networks."""
    if type(value) is not str:
        return run.refuse()
    masked: list[str] = []
    for item in value.split(","):
        found = network(item.strip())
        if found is not None:
            masked.append(found)
        elif item.strip():
            run.refuse()
    if not masked:
        # Commas alone have not been counted.
        return GONE if value.strip(", ") else run.refuse()
    text = ", ".join(masked)
    return value if text == value else text


def _hash(pseudonyms: Pseudonyms, value: Json, run: Run) -> Json | Gone:
    """A text, or a plain value as JSON has it, to its pseudonym: so an id is the same one as text and as number."""
    if type(value) is dict or type(value) is list:
        return run.refuse()
    text = value if type(value) is str else _plain(value)
    name = pseudonyms.of(text, run.scope)
    return value if name == value else name


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # Stores and producers do not agree on whether a whole number has a point.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _url(value: Json, run: Run) -> Json | Gone:
    rest = scheme_and_path(value) if type(value) is str else None
    if rest is None:
        return run.refuse()
    return value if rest == value else rest


def _json(keep: Keep, value: Json, run: Run) -> Json | Gone:
    """A text's JSON by the allow-list and through the net; what is an object already stays one, and meets the net with
    the rest.
    """
    if type(value) is dict:
        kept = keep.prune(value)
        return value if kept == value else kept
    text, removed = rewritten(value, keep) if type(value) is str else (None, 0)
    run.unread += removed
    if text is None:
        return run.refuse()
    return value if text == value else text


def _scan(value: Json, _: Run) -> Json | Gone:
    """A text without the addresses in it. What is no text holds no free text: it meets the net as it is."""
    if type(value) is not str:
        return value
    text = without_addresses(value)
    return value if text == value else text
