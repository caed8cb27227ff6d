"""Batch events: each item of a list in the payload becomes an event of its own."""

from collections.abc import Callable, Mapping

from signalman.channel import Envelope, EventType, ScopeLevel
from signalman.errors import DecodeError
from signalman.event import Decoded, Json, Scope
from signalman.relay.path import follow, lacks, parse
from signalman.relay.scope import LONGEST, canonical

Complete = Callable[[dict[str, Json], Mapping[str, Json], str], dict[str, Json]]
"""Lifts into an item's data out of the record, and checks what it requires; see `signalman.relay.route.Form`."""

Item = tuple[str, dict[str, Json]]
"""An item's event id and data."""


class Expansion:
    """One batch event type's items."""

    def __init__(
        self, batch: EventType, complete: Complete, envelope: Envelope, levels: tuple[ScopeLevel, ...]
    ) -> None:
        if batch.expand is None:
            raise ValueError(batch.name)
        self.type = batch.expand.type
        self._complete = complete
        self._items = parse(batch.expand.items)
        self._where = ".".join(filter(None, (batch.payload, batch.expand.items)))
        self._id = parse(batch.expand.id)
        self._id_name = batch.expand.id
        self._inherit = batch.expand.inherit
        self._scope_check = _ScopeCheck(envelope, levels)

    def items(self, decoded: Decoded, data: Mapping[str, Json]) -> tuple[list[Item], int]:
        """The items of the batch *data*, and how many were left out because they name another scope.

        Raises:
            DecodeError: ``wrong_type`` when the list, an item or its id is something else; what the item's event type
                requires may be ``missing``.
        """
        found = follow(data, self._items)
        # protobuf's JSON leaves out an empty list.
        items = [] if found is None else found
        if not isinstance(items, list):
            raise DecodeError("wrong_type", self._where)
        made = [
            self._item(decoded, data, item, index)
            for index, item in enumerate(items)
            if not self._contradicts(decoded, item)
        ]
        return made, len(items) - len(made)

    def _contradicts(self, decoded: Decoded, item: Json) -> bool:
        return isinstance(item, dict) and decoded.scope is not None and self._scope_check.fails(item, decoded.scope)

    def _item(self, decoded: Decoded, batch: Mapping[str, Json], item: Json, index: int) -> Item:
        where = f"{self._where}[{index}]"
        if not isinstance(item, dict):
            raise DecodeError("wrong_type", where)
        own = dict(item)
        for name in self._inherit:
            if lacks(own.get(name)) and name in batch:
                own[name] = batch[name]
        return self._event_id(decoded, item, index), self._complete(own, decoded.body, where)

    def _event_id(self, decoded: Decoded, item: dict[str, Json], index: int) -> str:
        own = follow(item, self._id)
        if lacks(own):
            return f"{decoded.id}-{index}"
        if not isinstance(own, str) or len(own) > LONGEST:
            reason = "too_long" if isinstance(own, str) else "wrong_type"
            raise DecodeError(reason, f"{self._where}[{index}].{self._id_name}")
        return own


class _ScopeCheck:
    """Compares the scope that an item names for itself with its envelope's, which decides."""

    def __init__(self, envelope: Envelope, levels: tuple[ScopeLevel, ...]) -> None:
        # An item repeats a level under the last name of the envelope's own path: ``tenant_id``.
        self._fields = tuple(
            tuple(dict.fromkeys(path.strip().rpartition(".")[2] for path in paths.split("|")))
            for paths in envelope.scope
        )
        self._levels = levels

    def fails(self, item: Mapping[str, Json], scope: Scope) -> bool:
        """Whether *item* names another id at any level, or something that is no id at all."""
        return any(
            not lacks(item.get(name)) and not _is_same(item[name], level, own)
            for names, level, own in zip(self._fields, self._levels, scope, strict=True)
            for name in names
        )


def _is_same(value: Json, level: ScopeLevel, own: str) -> bool:
    try:
        return isinstance(value, str) and canonical(value, level.type, level.name) == own
    except DecodeError:
        return False
