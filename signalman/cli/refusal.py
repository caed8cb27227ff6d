"""Why a record goes to the dead letters, in sentences for the person who asked."""

from signalman.cli.visible import visible
from signalman.relay.explain import Refusal

_SENTENCES = {
    "address": "this part of the envelope holds an address, and without it the event would be no event",
    "bad_scope": "is not an id of that scope level",
    "bad_time": "is no time by RFC 3339",
    "empty": "the record has no value (a tombstone)",
    "missing": "is missing or empty",
    "not_json": "the record is not JSON",
    "not_object": "the record is JSON, and not an object",
    "too_deep": "the record is nested too deeply",
    "too_large": "is larger than may be",
    "too_long": "is too long for a name",
    "unknown_topic": "the pack has no such topic",
    "wrong_type": "is of another type than it must be",
}

_TOO_LARGE = "the event is larger than limits.event_bytes of its channel"


def sentence(refusal: Refusal) -> str:
    """Place and reason; never a value of the record."""
    error = refusal.error
    said = _TOO_LARGE if refusal.stage == "publish" else _SENTENCES.get(error.reason, error.reason)
    place = f"{visible(error.where)}: " if error.where else ""
    return f"{place}{said} ({error.reason}); the record goes to the dead letters"
