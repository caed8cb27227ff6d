"""JSON inside of a text: judged like an event's data of its own."""

import orjson

from signalman.event import Json
from signalman.net import Net
from signalman.redaction.keep import Keep

DEEPEST = 64
"""Levels of nesting, of a record and of JSON in a text. Events have fewer than ten; walking them needs a bound."""

_NET = Net()


def rewritten(text: str, keep: Keep) -> tuple[str | None, int]:
    """*text* as JSON of what *keep* names in its object, or in each object of its list, without addresses; and how many
    values the net took out of it.

    None where *text* is no JSON, neither object nor list, or nested too deeply.
    """
    found = _pruned(_parsed(text), keep)
    if found is None:
        return None, 0
    clean, removed = _NET.clean(found)
    return orjson.dumps(clean).decode(), removed


def _parsed(text: str) -> Json:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    # A document cannot be deeper than it has brackets, and counting those costs next to nothing.
    return None if text.count("{") + text.count("[") > DEEPEST and is_deep(value) else value


def _pruned(value: Json, keep: Keep) -> Json:
    if type(value) is dict:
        return keep.prune(value)
    if type(value) is list:
        return [keep.prune(item) for item in value if type(item) is dict]
    return None


def is_deep(value: Json) -> bool:
    """Whether *value* has more than `DEEPEST` levels. It is not recursed into."""
    level: list[Json] = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True
