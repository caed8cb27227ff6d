"""What the net costs: the first test of an event's bytes, a text, a whole event; and that nothing gets through it."""

import timeit
from collections.abc import Callable
from time import process_time

import orjson

from signalman.addresses import holds_address, may_hold_address
from signalman.event import Json
from signalman.net import Net
from tests.writings import corpus

EVENT: dict[str, Json] = {
    "id": "01a01e9d-5d07-7b14-897e-667fa967f0e2",
    "type": "client_lifecycle_update",
    "time": "2026-08-20T10:00:04.615971671Z",
    "source": "foghorn",
    "subject": "5eedfeed-11fe-ca57-feed-11feca570002",
    "data": {
        "stream_id": "5eedfeed-11fe-ca57-feed-11feca570002",
        "node_id": "edge-singapore",
        "session_id": "session-4d858764cfb8",
        "protocol": "RTMP",
        "connection_time": 80.8,
        "position": 79.2,
        "bandwidth_in_bps": "900",
        "bandwidth_out_bps": "14014482",
        "bytes_downloaded": "141546268",
        "bytes_uploaded": "8888",
        "packets_sent": "9696",
        "packets_lost": "2",
        "packets_retransmitted": "2",
        "client_country": "NL",
        "client_city": "Leiden",
        "timestamp": "1787220004",
    },
}
"""A clean event of usual size, 600 bytes of JSON."""

_TEXTS = [text for text in EVENT["data"].values() if isinstance(text, str)]


def figures() -> list[tuple[str, float, str]]:
    """What was measured, the number and its unit. Times are of this process alone, the best of many rounds."""
    encoded, net = orjson.dumps(EVENT), Net()
    through = [text for _, text in corpus() if not holds_address(text)]
    return [
        (f"first test of an event of {len(encoded)} bytes", _nanoseconds(lambda: may_hold_address(encoded)), "ns"),
        ("search of a clean text", _nanoseconds(lambda: [*map(holds_address, _TEXTS)]) / len(_TEXTS), "ns"),
        ("net over a clean event", _nanoseconds(lambda: net.clean(EVENT)), "ns"),
        ("planted addresses", len(corpus()), "texts"),
        ("planted addresses that get through", len(through), "texts"),
    ]


def _nanoseconds(what: Callable[[], object], *, times: int = 2_000, rounds: int = 25) -> float:
    return min(timeit.repeat(what, timer=process_time, number=times, repeat=rounds)) / times * 1e9
