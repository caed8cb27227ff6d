"""Tracebacks that tell where something went wrong, and nothing of the data that it went wrong with.

What an exception says may quote what it was raised over: a ``KeyError`` is its key, a failed conversion repeats the
text, drivers repeat statements and keys. So the text is told only of those whose texts are known to be sentences: our
own errors, and the operating system's. Of all others the type and the places have to do.
"""

import traceback
from collections.abc import Iterator
from textwrap import indent

from signalman.errors import SignalmanError

_SENTENCES = (SignalmanError, OSError)
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def trace(error: BaseException) -> str:
    """The traceback of *error* with its causes, and with the exceptions of a group: places, types, and sentences that
    quote nothing.
    """
    return "".join(_parts(error, set())).rstrip("\n")


def _parts(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    # Chains can be rings.
    if before is not None and id(before) not in seen:
        yield from _parts(before, seen)
        yield _CAUSE if error.__cause__ else _CONTEXT
    if error.__traceback__:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    yield f"{_name(error)}: {error}\n" if isinstance(error, _SENTENCES) else f"{_name(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for number, inner in enumerate(error.exceptions, 1):
            yield indent(f"{number}:\n{''.join(_parts(inner, seen))}", "  ")


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
