"""What a gateway is doing now, for operators: `/v1/stats`. Numbers, names of channels and tables, and tenants by their
ids; people not at all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from signalman.event import Json
from signalman.gateway.feed import FollowedFeed
from signalman.gateway.view import View

if TYPE_CHECKING:
    from signalman.gateway.connection import Connection
    from signalman.gateway.gateway import Gateway

LISTED = 100
"""Tenants and feeds that are listed, those with most connections and subscribers first; there may be thousands."""


def stats(gateway: "Gateway") -> dict[str, Json]:
    """A JSON object; its members are in `docs/operations.md`."""
    connections = list(gateway.connections)
    subscriptions = Counter(each.channel for connection in connections for each in connection.subscriptions)
    known = [each.principal for each in connections if each.principal is not None]
    return {
        "connections": len(connections),
        "unauthenticated": len(connections) - len(known),
        "principals": dict(Counter(kind for kind, _ in {(each.kind, each.id) for each in known})),
        "subscriptions": {name: subscriptions[name] for name in sorted(gateway.catalog.channels)},
        "views": gateway.hub.views,
        "feeds": _listed(_feeds(gateway.hub.followed(), connections)),
        "tenants": _listed(_tenants(connections)),
        "lag_ms": gateway.measure.lags_ms(),
        "bus_lost": gateway.hub.bus_lost,
        "draining": gateway.draining,
    }


def _listed(found: list[dict[str, Json]]) -> dict[str, Json]:
    """The first of *found*, and how many there are in all."""
    return {"total": len(found), "listed": found[:LISTED], "cut": len(found) > LISTED}


def _feeds(followed: Iterable[FollowedFeed], connections: Iterable["Connection"]) -> list[dict[str, Json]]:
    watched: defaultdict[View, list[int]] = defaultdict(list)
    """The cursors on each view; the view's head for those that have not begun."""
    for connection in connections:
        for subscription in connection.subscriptions:
            watched[subscription.view].append(subscription.cursor)
    feeds = [_feed(each, watched) for each in followed]
    return sorted(feeds, key=lambda feed: (-feed["subscribers"], feed["channel"], feed["scope"]))


def _feed(followed: FollowedFeed, watched: Mapping[View, list[int]]) -> dict[str, Json]:
    views = [view for view in followed.views if view in watched]
    behind = [view.behind(min(watched[view])) for view in views]
    return {
        "channel": followed.feed.channel,
        "scope": list(followed.feed.scope),
        "seq": followed.log.position.seq if followed.log.position else None,
        "filling": followed.filling,
        "subscribers": sum(len(watched[view]) for view in views),
        "views": len(views),
        "behind_events": max((events for events, _ in behind), default=0),
        "behind_bytes": max((size for _, size in behind), default=0),
    }


def _tenants(connections: Iterable["Connection"]) -> list[dict[str, Json]]:
    """By the widest level of a scope. A connection counts for its principal's, a subscription for its feed's."""
    counts: Counter[str] = Counter()
    channels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for connection in connections:
        if connection.principal is not None:
            counts[connection.principal.scope[0]] += 1
        for subscription in connection.subscriptions:
            channels[subscription.view.feed.scope[0]][subscription.channel] += 1
    names = sorted({*counts, *channels}, key=lambda name: (-counts[name], name))
    return [
        {"tenant": name, "connections": counts[name], "subscriptions": dict(sorted(channels[name].items()))}
        for name in names
    ]
