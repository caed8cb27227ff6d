"""Third stage: an event's data to what subscribers may see: the allow-list, then the operators, then the net below.

The raw event is not changed. What the allow-list does not name is dropped without a word: a new field of the platform
is private until a pack says otherwise.

Nearly all events are clean, so the net is only cast where `signalman.relay.suspicion` says that there may be something.
"""

from collections.abc import Callable
from types import MethodType
from typing import Final, NamedTuple

from signalman.channel import Catalog, EventType
from signalman.errors import DecodeError
from signalman.event import Event, new_event
from signalman.net import Net, is_host_like
from signalman.redaction import Keep, Operators, Pseudonyms
from signalman.relay.scope import UUID
from signalman.relay.suspicion import Suspicion


class Redacted(NamedTuple):
    """An event that may be shown."""

    event: Event
    removed: int
    """Values that the net removed."""
    unread: int
    """Values that an operator removed because they are not what it expects."""


_redacted: Final[Callable[[tuple[Event, int, int]], Redacted]] = MethodType(tuple.__new__, Redacted)
"""`Redacted` out of a tuple, as `signalman.event` makes what is made for every event."""


class Redactor:
    """Redacts by (channel, event type), as the pack says. Pure, and redacting twice changes nothing."""

    def __init__(
        self,
        catalog: Catalog,
        net: Net | None = None,
        *,
        pseudonyms: Pseudonyms | None = None,
        suspicion: Suspicion | None = None,
    ) -> None:
        """Compile the rules of *catalog*; *pseudonyms* are needed where it hashes, *suspicion* may be shared."""
        pseudonyms = pseudonyms or Pseudonyms(None)
        self._net = net or Net()
        self._suspicion = suspicion or Suspicion(self._net)
        self._rules = {
            (channel.name, event_type.name): _Rule(event_type, pseudonyms)
            for channel in catalog.channels.values()
            for event_type in channel.events.values()
        }

    def redact(self, event: Event) -> Redacted:
        """*event* with safe data and its subject.

        Raises:
            DecodeError: ``address`` at ``id`` or ``source`` when the net would remove one of them: without it the event
                would be no event, so it is refused as a whole.
        """
        id_, kind, time, source, scope, channel, raw, _ = event
        rule = self._rules[channel, kind]
        data, removed, unread = rule.keep.prune(raw), 0, 0
        if rule.operators is not None:
            data, unread = rule.operators.apply(data, scope)
        # Ids hardly come again; most of them are UUIDs.
        if not UUID.fullmatch(id_) and self._suspicion.of_text(id_):
            raise DecodeError("address", "id")
        if self._suspicion.of_text(source):
            raise DecodeError("address", "source")
        if self._suspicion.of(data.values()) or (rule.has_unclear_keys and self._suspicion.of_keys(data)):
            data, removed = self._net.clean(data, rule.expose)
        # The subject cannot show more than the data do.
        subject = data.get(rule.subject) if rule.subject else None
        if type(subject) is not str or not subject:
            subject = None
        safe = new_event((id_, kind, time, source, scope, channel, data, subject))
        return _redacted((safe, removed, unread))


class _Rule:
    """What one event type may show."""

    def __init__(self, event_type: EventType, pseudonyms: Pseudonyms) -> None:
        operators = Operators(event_type.redact, pseudonyms)
        self.keep: Final = Keep(event_type.keep)
        self.operators: Final = operators or None
        self.expose: Final = event_type.expose | operators.exposed
        self.subject: Final = event_type.subject
        self.has_unclear_keys: Final = "*" in event_type.keep or any(map(is_host_like, event_type.keep))
        """Whether keys at the top of the data have to be looked at: others are the list's own, and plain."""
