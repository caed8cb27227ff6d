"""What cursors are bound to: another thing has another binding, and the same has the same everywhere."""

import subprocess
import sys
from dataclasses import replace

from signalman.channel import Catalog
from signalman.event import Feed
from signalman.gateway.binding import binding, channel_versions
from signalman.gateway.requests import Filter
from tests.unit.gateway.make import FEED, OTHER, catalog, table

ENDS = Filter(frozenset({"stream_end", "stream_buffer"}), (("node_id", frozenset({"a", "b", "c"})),))

PROGRAM = """
from tests.unit.gateway.test_binding import ENDS, FEED, binding, catalog, channel_versions
print(binding(channel_versions(catalog())["streams"], FEED, ENDS))
"""


def version(pack: Catalog) -> str:
    """Of channel ``streams``."""
    return channel_versions(pack)["streams"]


def test_a_binding_is_eight_hexadecimal_digits() -> None:
    """As the protocol shows it."""
    text = binding("1", FEED, Filter())
    assert len(text) == 8
    int(text, 16)


def test_another_feed_or_filter_has_another_binding() -> None:
    """A cursor of one tenant, channel or filter fits no other."""
    bindings = {
        binding("1", FEED, Filter()),
        binding("2", FEED, Filter()),
        binding("1", Feed("streams", (OTHER,)), Filter()),
        binding("1", Feed("system", FEED.scope), Filter()),
        binding("1", FEED, Filter(frozenset({"stream_end"}))),
        binding("1", FEED, Filter(fields=(("node_id", frozenset({"stream_end"})),))),
    }
    assert len(bindings) == 6


def test_another_definition_has_another_version() -> None:
    """Pack, event types and tables all count, and channels have versions of their own."""
    pack = catalog()
    streams = pack.channels["streams"]
    fewer = replace(streams, events={"stream_end": streams.events["stream_end"]})
    wider = replace(streams, tables={"streams": table(columns=("stream_id", "status", "updated_at", "title"))})
    versions = {
        version(pack),
        channel_versions(pack)["system"],
        version(replace(pack, pack="other")),
        version(replace(pack, channels={"streams": fewer})),
        version(replace(pack, channels={"streams": wider})),
    }
    assert len(versions) == 5
    assert version(catalog()) == version(pack)


def test_another_process_has_the_same_binding() -> None:
    """A client comes back to any gateway: Python's own hashes, other ones in each process, have no part in it."""
    here = binding(version(catalog()), FEED, ENDS)
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
        assert run.stdout.strip() == here
