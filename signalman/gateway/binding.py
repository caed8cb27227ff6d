"""What a client's cursor is bound to, so that one that was made for something else does not fit.

The same in every process and at every start, since a client comes back to any gateway.
"""

from hashlib import blake2s

import orjson

from signalman.channel import Catalog, Channel
from signalman.event import Feed, Json
from signalman.gateway.requests import Filter


def channel_versions(catalog: Catalog) -> dict[str, str]:
    """Channel name → a digest of all that the pack says about it: another where events or rows may look different."""
    return {name: _digest(16, catalog.pack, channel) for name, channel in catalog.channels.items()}


def binding(version: str, feed: Feed, filter_: Filter) -> str:
    """Eight hexadecimal digits that stand for *feed* through *filter_*, its channel being of *version*."""
    return _digest(4, version, feed, filter_)


def _digest(size: int, *parts: str | Channel | Feed | Filter) -> str:
    text = orjson.dumps(parts, default=_plain, option=orjson.OPT_SORT_KEYS)
    return blake2s(text, digest_size=size).hexdigest()


def _plain(value: object) -> Json:
    if isinstance(value, frozenset):
        return sorted(value)  # its own order is another one in each process
    raise TypeError(f"{type(value).__name__} has no stable form")
