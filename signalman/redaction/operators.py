"""The operators of one event type or table, compiled once."""

from collections.abc import Sequence
from typing import Final

from signalman.event import Json, Scope
from signalman.fields import Redaction
from signalman.redaction.pseudonyms import Pseudonyms
from signalman.redaction.tree import Place
from signalman.redaction.values import Run


class Operators:
    """Applies operators to kept data. Pure, and applying them twice changes nothing.

    It is false where there is nothing to do. Between the allow-list and the net: what they leave must still meet the
    net, with `exposed` among the exposed paths.

    Raises:
        ValueError: Two of *redactions* are for one place.
    """

    def __init__(self, redactions: Sequence[Redaction], pseudonyms: Pseudonyms) -> None:
        entries = [(tuple(each.path.replace("[]", "").split(".")), each) for each in redactions]
        self._top = Place(entries, pseudonyms) if entries else None
        self.exposed: Final = frozenset(self._top.exposed() if self._top else ())
        """Dotted paths, in the form of `Net.clean`, that hold networks and pseudonyms now."""

    def __bool__(self) -> bool:
        return self._top is not None

    def apply(self, data: dict[str, Json], scope: Scope) -> tuple[dict[str, Json], int]:
        """*data* of *scope* after the operators: a new object where something changes, else *data*, which is never
        changed itself; and how many values had to go because they were not what their operator expects, or because
        they were addresses in a text's JSON.

        Raises:
            ValueError: Something is to be hashed, and the pseudonyms have no key.
        """
        if self._top is None:
            return data, 0
        run = Run(scope)
        return self._top.members(data, run), run.unread
