"""Batch events: each item of a list in the payload becomes an event of its own."""

from collections.abc import Mapping

from signalman.channel import Envelope, EventType, ScopeLevel
from signalman.errors import DecodeError
from signalman.event import PLATFORM, Decoded, Json, Scope
from signalman.relay.form import Form, Objects
from signalman.relay.path import follow, lacks, parse
from signalman.relay.scope import LONGEST, canonical

Item = tuple[str, dict[str, Json]]
"""An item's event id and data."""


class Expansion:
    """One batch event type's items, whose own event type has *form*."""

    def __init__(self, batch: EventType, form: Form, envelope: Envelope, levels: tuple[ScopeLevel, ...]) -> None:
        if batch.expand is None:
            raise ValueError(batch.name)
        self._form = form
        self._items = parse(batch.expand.items)
        self._where = ".".join(filter(None, (batch.payload, batch.expand.items)))
        self._id = parse(batch.expand.id)
        self._id_name = batch.expand.id
        self._inherit = batch.expand.inherit
        self._scope_check = _ScopeCheck(envelope, levels)

    def items(self, decoded: Decoded, scope: Scope, data: Mapping[str, Json]) -> tuple[list[Item], int]:
        """The items of the batch *data*, and how many were left out because they name another scope than *scope*.

        Raises:
            DecodeError: ``wrong_type`` when the list, an item or its id is something else; what the item's event type
                requires may be ``missing``.
        """
        found = follow(data, self._items)
        # protobuf's JSON leaves out an empty list.
        items = [] if found is None else found
        if type(items) is not list:
            raise DecodeError("wrong_type", self._where)
        inherited = {name: data[name] for name in self._inherit if name in data}
        around = self._form.around(decoded.body)
        made: list[Item] = []
        for index, item in enumerate(items):
            if type(item) is not dict:
                raise DecodeError("wrong_type", f"{self._where}[{index}]")
            if self._scope_check.passes(item, scope):
                made.append((self._event_id(decoded.id, item, index), self._item(item, index, inherited, around)))
        return made, len(items) - len(made)

    def _item(
        self, item: dict[str, Json], index: int, inherited: Mapping[str, Json], around: Objects
    ) -> dict[str, Json]:
        own = item.copy()
        for name, value in inherited.items():
            if lacks(own.get(name)):
                own[name] = value
        self._form.complete(own, around, self._where, index)
        return own

    def _event_id(self, batch_id: str, item: dict[str, Json], index: int) -> str:
        own = follow(item, self._id)
        if lacks(own):
            return f"{batch_id}-{index}"
        if type(own) is not str or len(own) > LONGEST:
            reason = "too_long" if type(own) is str else "wrong_type"
            raise DecodeError(reason, f"{self._where}[{index}].{self._id_name}")
        return own


class _ScopeCheck:
    """Compares the scope that an item names for itself with its envelope's, which decides."""

    def __init__(self, envelope: Envelope, levels: tuple[ScopeLevel, ...]) -> None:
        # An item repeats a level under the last name of the envelope's own path: ``tenant_id``.
        self._levels = [
            (level, tuple(dict.fromkeys(path.strip().rpartition(".")[2] for path in paths.split("|"))))
            for level, paths in zip(levels, envelope.scope, strict=True)
        ]
        self._none = ("",) * len(levels)

    def passes(self, item: dict[str, Json], scope: Scope) -> bool:
        """Whether *item* names no other id at any level than *scope* has, and nothing that is no id at all."""
        ids = self._none if scope == PLATFORM else scope
        for index, (level, names) in enumerate(self._levels):
            own = ids[index]
            for name in names:
                value = item.get(name)
                # Canonical ids are the platform's usual ones.
                if value != own and not lacks(value) and not _is_same(value, level, own):
                    return False
        return True


def _is_same(value: Json, level: ScopeLevel, own: str) -> bool:
    try:
        return isinstance(value, str) and canonical(value, level.type, level.name) == own
    except DecodeError:
        return False
