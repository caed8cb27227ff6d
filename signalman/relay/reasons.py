"""Why a value of an event is shown or is not, by what the pack says of its place: for people who ask."""

from collections.abc import Mapping

from signalman.addresses import holds_address
from signalman.channel import EventType
from signalman.event import Json
from signalman.fields import KeepTree
from signalman.net import is_host_like

Place = tuple[str | int, ...]
"""Keys and list positions from the event's data inwards."""

_UNREADABLE: Mapping[str, str] = {
    "mask": "it is no address that could be masked",
    "hash": "it is no text that could be hashed",
    "centroid": "it is no pair of coordinates",
    "url": "it is no URL",
    "json": "it is no JSON",
    "scan": "it is no text",
}


class Reasons:
    """What one event type says of places in its data."""

    def __init__(self, event_type: EventType) -> None:
        self._keep = event_type.keep
        self._operators = [(_segments(each.path), each) for each in event_type.redact]
        self._drop = [(_segments(path), why) for path, why in event_type.drop.items()]
        self._why = [(_segments(path), why) for path, why in event_type.why.items()]

    def shown(self, place: Place) -> str:
        """Why what is at *place* may be shown, empty where nobody had to ask."""
        return next((why for path, why in self._why if _meets(path, place)), "")

    def not_kept(self, place: Place) -> tuple[str, str]:
        """``drop`` or ``keep``, and why what is at *place* is not in the result of the allow-list."""
        below = (why for path, why in self._drop if len(path) > len(place) and _covers(place, path))
        why = self._dropped(place) or next(below, "")
        return ("drop", why) if why else ("keep", _unlisted(self._keep, place))

    def reach_below(self, place: Place) -> bool:
        """Whether the pack says why for members of *place*, by name."""
        # The keys of a map are data as its values are: a map that goes, goes as one.
        return any(
            len(path) > len(place) and path[len(place)] not in {"*", "[]"} and _covers(place, path)
            for path, _ in self._drop
        )

    def operator(self, place: Place) -> tuple[str, str]:
        """The operator that is meant for *place*, and what it means that it has left nothing there."""
        for path, each in self._operators:
            if _meets(path, place) or (each.longitude and _meets((*path[:-1], each.longitude), place)):
                if each.operation == "drop":
                    return "drop", self._dropped(place)
                return each.operation, _UNREADABLE.get(each.operation, "it is not what the operator expects")
        return "operator", "it is not what the operator expects"

    def _dropped(self, place: Place) -> str:
        return next((why for path, why in self._drop if _meets(path, place)), "")


def caught(place: Place, value: Json) -> str:
    """Why the net took *value*, which is at *place*."""
    key = place[-1]
    if isinstance(key, str) and holds_address(key):
        return "its key holds an address"
    if isinstance(key, str) and is_host_like(key):
        return "stands under a host-like key"
    if isinstance(value, str) and holds_address(value):
        return "holds an address"
    return "holds JSON with an address or a host-like key"


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.replace("[]", ".[]").split("."))


def _covers(place: Place, path: tuple[str, ...]) -> bool:
    """Whether *path* of a pack leads through or to *place*, as far as both go."""
    pairs = zip(place, path, strict=False)
    return all(segment == "[]" if isinstance(key, int) else segment in {key, "*"} for key, segment in pairs)


def _meets(path: tuple[str, ...], place: Place) -> bool:
    """Whether *path* of a pack leads to *place*, or to something around it."""
    # Items are passed by: an operator on a list of texts is meant for each of them.
    plain = tuple(key for key in path if key != "[]")
    keys = tuple(key for key in place if not isinstance(key, int))
    return len(plain) <= len(keys) and _covers(keys, plain)


def _unlisted(keep: KeepTree, place: Place) -> str:
    at: KeepTree | None = keep
    for key in place:
        if isinstance(key, str) and at is not None:
            if key not in at and "*" not in at:
                return "not listed in keep"
            at = at.get(key, at.get("*"))
    return "keep lists fields of an object here, and this is none"
