"""Everything that can go wrong, as one tree.

    SignalmanError
    ├── Faulty                  several faults of configuration or channel files, reported together
    │   ├── ConfigError
    │   └── CatalogError
    ├── DecodeError             a Kafka record that cannot be understood; it goes to the dead letters
    ├── AccessError             a credential or a request that is refused
    │   ├── NotAuthenticated
    │   ├── Forbidden
    │   └── Limited             too often, or too many
    ├── BadMessage              a client's message that breaks the protocol
    ├── BackendUnavailable      Redis, Kafka, ClickHouse or PostgreSQL does not answer
    ├── LetterTooLarge          the dead-letter topic is there, and refuses a message of this size
    ├── SnapshotTooLarge        a table holds more rows than a snapshot may have
    └── TableFaulty             a table is not in the store as the pack describes it, and is not read

Data lives in attributes and the sentence is built in ``__str__``. No sentence ever holds a credential, a payload's
value or an address: these texts reach logs, dead letters and clients.
"""

from dataclasses import dataclass


class SignalmanError(Exception):
    """Base of every error that Signalman raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong in a file or in the environment: where, and what to do about it."""

    file: str
    """Path of the file as the person gave it, or ``environment``."""
    key: str
    """Dotted key within it, or the variable's name; empty when the file as a whole is at fault."""
    reason: str
    """One sentence that says what is wrong, without the value where that may be a secret."""

    def __str__(self) -> str:
        """``file: key: reason``, without the key where there is none."""
        return f"{self.file}: {self.key}: {self.reason}" if self.key else f"{self.file}: {self.reason}"


class Faulty(SignalmanError):
    """Configuration or channel files hold faults; all of them are reported at once."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = sorted(set(faults))

    def __str__(self) -> str:
        """One fault a line."""
        return "\n".join(str(fault) for fault in self.faults)


class ConfigError(Faulty):
    """The configuration is wrong."""


class CatalogError(Faulty):
    """A pack's files are wrong."""


class DecodeError(SignalmanError):
    """A record cannot be understood.

    ``reason`` is a short fixed word that is safe as a metric label; ``where`` is the path of the key at fault, never
    its value.
    """

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason, where)
        self.reason = reason
        self.where = where

    def __str__(self) -> str:
        """Reason, and the place in the record."""
        return f"{self.reason} at {self.where}" if self.where else self.reason


class AccessError(SignalmanError):
    """A credential or request is refused. ``code`` is one of `signalman.protocol.ERRORS`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        """The detail, which a client may see."""
        return self.detail


class NotAuthenticated(AccessError):
    """Nobody is known behind this credential: absent, malformed, expired, revoked, or of another issuer."""


class Forbidden(AccessError):
    """The principal is known and may not do this."""


class Limited(AccessError):
    """A limit is reached. ``limit`` is the setting's name in ``[limits]``, safe as a metric label."""

    def __init__(self, code: str, detail: str, *, limit: str, retry_after: float) -> None:
        super().__init__(code, detail)
        self.limit = limit
        self.retry_after = retry_after
        """Seconds after which it is worth trying again."""


class BadMessage(SignalmanError):
    """A client's message breaks the protocol. ``code`` is one of `signalman.protocol.ERRORS`."""

    def __init__(self, code: str, detail: str, request_id: str | None = None) -> None:
        super().__init__(code, detail, request_id)
        self.code = code
        self.detail = detail
        self.request_id = request_id

    def __str__(self) -> str:
        """The detail, which the client sees."""
        return self.detail


class BackendUnavailable(SignalmanError):
    """A backend does not answer or refuses the request.

    The driver's own error is chained as ``__cause__``; ``detail`` is ours and safe to show.
    """

    def __init__(self, backend: str, detail: str) -> None:
        super().__init__(backend, detail)
        self.backend = backend
        self.detail = detail

    def __str__(self) -> str:
        """Which backend, and what it would not do."""
        return f"{self.backend}: {self.detail}"


class LetterTooLarge(SignalmanError):
    """The dead-letter topic takes no message of this size; trying again would not help."""

    def __init__(self, topic: str, size: int) -> None:
        super().__init__(topic, size)
        self.topic = topic
        self.size = size

    def __str__(self) -> str:
        """Topic, size, and the setting that would let it in."""
        return f"topic {self.topic} refuses a message of {self.size} bytes; see its max.message.bytes"


class SnapshotTooLarge(SignalmanError):
    """A table holds more rows of one scope than the pack allows; `signalman.protocol.ERRORS` has it by ``code``."""

    code = "snapshot_too_large"

    def __init__(self, table: str, max_rows: int) -> None:
        super().__init__(table, max_rows)
        self.table = table
        self.max_rows = max_rows

    def __str__(self) -> str:
        """What is too large, and what to do about it. A client may see it."""
        return f"Table '{self.table}' has more than {self.max_rows} rows here; filter, or read it page by page."


class TableFaulty(SignalmanError):
    """A table of a channel is not in the store as the pack describes it, and is not read;
    `signalman.protocol.ERRORS` has it by ``code``.
    """

    code = "snapshot_unavailable"

    def __init__(self, channel: str) -> None:
        super().__init__(channel)
        self.channel = channel

    def __str__(self) -> str:
        """Which channel, and what follows from it. A client may see it; what is wrong is for the log."""
        return (
            f"The store does not have all tables of channel '{self.channel}' as the channel needs them; those are not"
            " shown until it has. Live events go on."
        )
