"""What holds for the way of any record through decode, route, redact, rows and encode, whatever is in it.

The judgements are made without the code that they judge: a naive search for addresses (`tests.oracle`), and a walk of
their own along the paths of a pack.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import lru_cache
from ipaddress import ip_network
from typing import NamedTuple

import orjson

from signalman.channel import Catalog, Channel, EventType
from signalman.errors import DecodeError
from signalman.event import Event, Json, Record
from signalman.fields import KeepTree, Redaction
from signalman.redaction import Pseudonyms
from signalman.relay.decode import Decoder
from signalman.relay.encode import encode
from signalman.relay.redact import Redacted, Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Rows
from signalman.table import RowChange
from tests.fuzz.values import HOST_LIKE
from tests.oracle import addresses

Path = tuple[str, ...]
"""Names of keys; lists on the way have none."""
PSEUDONYM = re.compile(r"pseudo-[a-z2-7]{24}")


class Leak(AssertionError):
    """A law does not hold. The text says which, and where; the addresses of a finding are made up anyway."""


class Passed(NamedTuple):
    """An event that has gone the whole way."""

    raw: Event
    redacted: Redacted
    document: bytes


class Stages:
    """The stages of one pack, and the laws about them."""

    def __init__(self, catalog: Catalog) -> None:
        pseudonyms = Pseudonyms(b"a key of sixteen bytes or more")
        self.catalog = catalog
        self._decoder = Decoder(catalog, {topic: topic for topic in catalog.topics})
        self._router = Router(catalog)
        self._redactor = Redactor(catalog, pseudonyms=pseudonyms)
        self._rows = Rows(catalog, pseudonyms=pseudonyms)

    def passed(self, record: Record) -> list[Passed]:
        """What becomes of *record*, after all laws have been found to hold; nothing where it cannot be understood.

        Raises:
            Leak: One of them does not.
        """
        try:
            decoded = self._decoder.decode(record)
            before = deepcopy(decoded.body)
            events = self._router.route(decoded).events
        except DecodeError as error:
            _must(not _shows_address(str(error)), "a reason holds an address")
            return []
        passed = [each for event in events if (each := self._event(event)) is not None]
        _must(_same(decoded.body, before), "the record was changed")
        return passed

    def _event(self, event: Event) -> Passed | None:
        raw = deepcopy(event.data)
        try:
            redacted = self._redactor.redact(event)
        except DecodeError as error:
            _must((error.reason, error.where) in {("address", "id"), ("address", "source")}, "refused for no reason")
            return None
        changed = self._rows.changes(event)
        _must(_same(event.data, raw), "the event was changed")
        document = encode(redacted.event, changed.rows)
        self._judge(event, redacted, document)
        self._judge_again(redacted)
        return Passed(event, redacted, document)

    def _judge(self, event: Event, redacted: Redacted, document: bytes) -> None:
        shown = orjson.loads(document)
        channel = self.catalog.channels[event.channel]
        event_type = channel.events[event.type]
        _must(_same(shown["data"], redacted.event.data), "what is sent is not what was redacted")
        shows = [*_paths(event_type.expose), *_paths(r.path for r in event_type.redact if r.operation == "mask")]
        exposed = [*shows, *_paths(r.path for r in event_type.redact if r.operation == "hash")]
        _judge_listed(shown["data"], event_type.keep)
        _judge_value(shown["data"], (), shows, exposed)
        for part in ("id", "source", "type", "time"):
            _must(not _shows_address(shown[part]), f"an address in {part}")
        subject = event_type.subject
        if subject is not None and (subject,) not in shows:
            _must(not _shows_address(shown.get("subject")), "an address in subject")
        for redaction in event_type.redact:
            _judge_operator(redaction, shown["data"])
        _judge_rows(shown.get("rows", []), channel, event_type)

    def _judge_again(self, redacted: Redacted) -> None:
        again = self._redactor.redact(redacted.event)
        _must(_same(again.event.data, redacted.event.data), "redacting twice changes something")
        _must((again.removed, again.unread) == (0, 0), "redacting twice removes something")
        _must(encode(again.event) == encode(redacted.event), "redacting twice writes other bytes")


def _judge_rows(rows: Sequence[dict[str, Json]], channel: Channel, event_type: EventType) -> None:
    for row in rows:
        table = channel.tables[row["table"]]
        changes: Sequence[RowChange] = [change for change in event_type.rows if change.table == table.name]
        _must(bool(changes), "a row of another table")
        shows = [*_paths(table.expose), *_paths(r.path for r in table.redact if r.operation == "mask")]
        exposed = [*shows, *_paths(r.path for r in table.redact if r.operation == "hash")]
        for part in ("row", "initial"):
            values = row.get(part, {})
            _must(values.keys() <= {*table.columns, *table.derived}, "a column that is not listed")
            _judge_value(values, (), shows, exposed)
            for redaction in table.redact:
                _judge_operator(redaction, values)


def _judge_listed(value: Json, keep: KeepTree) -> None:
    """Fail where there is anything that *keep* does not list."""
    for item in value if isinstance(value, list) else [value]:
        _must(isinstance(item, dict), "something else than the objects that are listed")
        for name, below in item.items():
            _must(name in keep or "*" in keep, "a key that is not listed")
            tree = keep.get(name, keep.get("*"))
            # An operator may have put null there.
            if tree is not None and below is not None:
                _judge_listed(below, tree)


def _judge_value(value: Json, at: Path, shows: Sequence[Path], exposed: Sequence[Path]) -> None:
    """Fail where there is an address outside the paths that show some, or anything under a host-like key outside of the
    exposed ones.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            here = (*at, key)
            if not _is_among(here, exposed):
                _must(not _shows_address(key), f"an address is a key in {'.'.join(at)}")
                # A flag tells of no machine, and neither does an absent one.
                _must(key not in HOST_LIKE or item is None or isinstance(item, bool), f"a host at {'.'.join(here)}")
            _judge_value(item, here, shows, exposed)
    elif isinstance(value, list):
        for item in value:
            _judge_value(item, at, shows, exposed)
    elif isinstance(value, str):
        _must(_is_among(at, shows) or not _shows_address(value), f"an address at {'.'.join(at)}")


def _judge_operator(redaction: Redaction, data: Json) -> None:
    for found in _found(data, _path(redaction.path)):
        for value in found if isinstance(found, list) else [found]:
            if value is not None and value != "":
                _must(_is_result(redaction, value), f"{redaction.operation} has not been done at {redaction.path}")


def _is_result(redaction: Redaction, value: Json) -> bool:
    match redaction.operation:
        case "drop" | "null":
            return False
        case "mask":
            return isinstance(value, str) and all(map(_is_network, value.split(", ")))
        case "hash":
            return isinstance(value, str) and PSEUDONYM.fullmatch(value) is not None
        case "url":
            return isinstance(value, str) and not re.search(r"//|[?#@\s]", value)
        case "json":
            inside = orjson.loads(value) if isinstance(value, str) else value
            objects = inside if isinstance(inside, list) else [inside]
            return all(isinstance(each, dict) and each.keys() <= redaction.keep.keys() for each in objects)
        case "centroid" | "scan":
            return True


def _is_network(text: str) -> bool:
    network = ip_network(text)
    return "/" in text and network.prefixlen <= (24 if network.version == 4 else 48)


def _found(value: Json, path: Path) -> Iterator[Json]:
    """Everything at *path* in *value*, through lists wherever there are any."""
    if not path:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _found(item, path)
    elif isinstance(value, dict):
        for name, item in value.items():
            if path[0] in {"*", name}:
                yield from _found(item, path[1:])


def _paths(paths: Iterable[str]) -> list[Path]:
    return [_path(path) for path in paths]


def _path(path: str) -> Path:
    return tuple(path.replace("[]", "").split("."))


def _is_among(here: Path, paths: Sequence[Path]) -> bool:
    return any(
        len(here) == len(path) and all(wanted in {"*", name} for wanted, name in zip(path, here, strict=True))
        for path in paths
    )


@lru_cache(maxsize=1 << 16)
def _shows_address(text: str | None) -> bool:
    # The judge is slow on purpose, and most texts come again and again.
    return bool(addresses(text))


def _same(one: Json, other: Json) -> bool:
    """Whether two values are the same as JSON: 1, 1.0 and true are not."""
    return orjson.dumps(one) == orjson.dumps(other)


def _must(holds: bool, law: str) -> None:  # noqa: FBT001 # as assert has it
    if not holds:
        raise Leak(law)
