"""What the relay's stages make of many records, sound and broken ones, as lines to be compared between two builds."""

import random
import sys
from collections.abc import Iterator

import orjson

from signalman.errors import DecodeError
from signalman.event import Json, Record
from signalman.relay.decode import Decoder
from signalman.relay.publish import address
from signalman.relay.redact import Redactor
from signalman.relay.route import Router
from signalman.relay.rows import Rows
from tests import compiled
from tests.bench.mix import mix
from tests.fuzz.choices import Bytes
from tests.fuzz.packs import FRAMEWORKS
from tests.fuzz.records import record
from tests.fuzz.target import SAMPLES

_ODD: tuple[Json, ...] = (None, True, -1, 2**63, 1.5, "", "x" * 300, "203.0.113.9", "NaN", [], ["a", 1], {}, {"a": {}})
_COMPOSED = 3000


class Stages:
    """The stages over one pack."""

    def __init__(self) -> None:
        self.names = {name: name for name in FRAMEWORKS.topics}
        self._decoder = Decoder(FRAMEWORKS, self.names)
        self._router = Router(FRAMEWORKS)
        self._redactor = Redactor(FRAMEWORKS)
        self._rows = Rows(FRAMEWORKS)

    def outcome(self, each: Record) -> str:
        """Everything that becomes of a record, as text."""
        try:
            routed = self._router.route(self._decoder.decode(each))
            told = [routed.outcome, str(routed.contradictions)]
            for event in routed.events:
                safe, removed, unread = self._redactor.redact(event)
                changed = self._rows.changes(event)
                feed, outgoing = address(each, safe, changed.rows)
                told.append(f"{feed} {outgoing.identity.hex()} {outgoing.data!r} {removed} {unread} {changed[1:]}")
        except DecodeError as error:
            return f"{error.reason} {error.where}"
        return " ".join(told)


def records() -> Iterator[Record]:
    """A minute of the simulation; each sample with each of its values exchanged for each odd one; and records put
    together by chance, the same ones each time.
    """
    for each in mix(60.0).records:
        yield each._replace(topic="analytics" if each.topic.startswith("analytics") else "service")
    topics = {name: topic for topic, name in FRAMEWORKS.routes}
    for name, value in SAMPLES.items():
        for broken in _broken(orjson.loads(value)):
            yield Record(topics[name], 0, 0, 0, None, broken)
    dice = random.Random(1)
    for _ in range(_COMPOSED):
        yield record(Bytes(dice.randbytes(400)), FRAMEWORKS, SAMPLES)


def _broken(body: Json) -> Iterator[bytes]:
    for owner, key in list(_places(body)):
        own = owner[key]
        for odd in _ODD:
            owner[key] = odd
            yield orjson.dumps(body)
        owner[key] = own


def _places(value: Json) -> Iterator[tuple[Json, str | int]]:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def main() -> None:
    """Print the outcomes, in the process that has the compiled package."""
    if not compiled.is_running():
        sys.exit("this is not the compiled package")
    stages = Stages()
    for each in records():
        sys.stdout.write(f"{stages.outcome(each)}\n")


if __name__ == "__main__":
    main()
