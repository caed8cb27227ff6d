"""Log lines as data, set up once by the command: coloured on a terminal, JSON lines elsewhere.

Everything, our own events and what libraries log, passes one scrubber, so that no credential, no address and nothing of
a traceback but places reaches a log, whoever wrote the line.
"""

import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog

from signalman.addresses import without_addresses
from signalman.traces import trace

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

HIDDEN = "********"
ADDRESS = "[address]"

_SECRET_WORDS = frozenset(
    {
        "token",
        "tokens",
        "authorization",
        "password",
        "passwd",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "cookie",
        "ticket",
    }
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_REPR = re.compile(r"[<(\n]")

_SECRETS_IN_TEXT = (
    (re.compile(r"(?<=://)[^/\s@]*@"), f"{HIDDEN}@"),  # user and password of a URL
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    (
        re.compile(r"(?i)\b(\w*(?:token|ticket|password|secret))(['\"]?\s*[=:]\s*)(['\"]?)[^\s'\"&,;)}]+"),
        rf"\1\2\3{HIDDEN}",
    ),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JSON Web Token
    (re.compile(r"\b(?:fw|sgn|sgt)_[0-9A-Za-z_-]{16,}"), HIDDEN),  # an API token, the platform's or our own; a ticket
    (re.compile(r"(?i)\bbearer\.[\w.~+/=-]+"), f"bearer.{HIDDEN}"),  # the subprotocol that carries a credential
)


class _Output(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the moment of writing, unless told a stream: tests exchange it."""

    def __init__(self, stream: TextIO | None) -> None:
        self._own = stream
        super().__init__(stream)

    @property
    def stream(self) -> TextIO:
        return self._own or sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """The base class sets what the property already knows."""


def configure(level: Level = "info", style: Format = "auto", stream: TextIO | None = None) -> None:
    """Send every log line of this process to *stream* (standard error) from now on; calling again replaces this.

    *level* is for our own lines. Libraries log at warning or above: uvicorn writes clients' addresses and query strings
    at info, and the debug lines of drivers hold values.
    """
    handler = _Output(stream)
    handler.setFormatter(_formatter(style, terminal=handler.stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, _number(level)))
    logging.getLogger("signalman").setLevel(_number(level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def catch_strays() -> None:
    """Send what Python itself writes to standard error past all logging, warnings and the exceptions of threads and
    finalizers, to the log of this process: there it is scrubbed. For a process that is ours alone.
    """
    logging.captureWarnings(capture=True)
    sys.unraisablehook = lambda stray: _stray("exception_ignored", stray.exc_value)
    threading.excepthook = lambda stray: _stray("thread_failed", stray.exc_value)


def scrub(logger: Any, method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG001 # structlog's signature
    """A structlog processor: hides what stands under a secret's name; takes credentials and addresses out of texts."""
    return {key: HIDDEN if _is_secret(key) and value else _clean(value) for key, value in line.items()}


def clean_text(text: str) -> str:
    """*text* without credentials and addresses, the rest of it as it was."""
    for pattern, replacement in _SECRETS_IN_TEXT:
        text = pattern.sub(replacement, text)
    return without_addresses(text, ADDRESS)


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {clean_text(str(key)): HIDDEN if _is_secret(str(key)) else _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return clean_text(str(value))


def _stray(event: str, error: BaseException | None) -> None:
    structlog.get_logger(__name__).error(event, exc_info=error)


def _trace(exc_info: structlog.typing.ExcInfo) -> str:
    return trace(exc_info[1])


def _without_reprs(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001 # structlog's signature
    """The sentences of asyncio go on with what the failed callback was called with, and how the failed task prints
    itself, exception and all: that much is in the traceback without values.
    """
    if line.get("logger") == "asyncio":
        line["event"] = _REPR.split(str(line.get("event", "")), maxsplit=1)[0].rstrip()
    return line


def _is_secret(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    # The id of a token is how one talks about it without showing it.
    return bool(words) and words[-1] not in {"id", "ids"} and not _SECRET_WORDS.isdisjoint(words)


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(style: Format, *, terminal: bool) -> logging.Formatter:
    console = style == "console" or (style == "auto" and terminal)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Text before it is scrubbed, and never with a value that an exception quotes.
            structlog.processors.StackInfoRenderer(),
            structlog.processors.ExceptionRenderer(_trace),
            _without_reprs,
            scrub,
            renderer,
        ],
    )


def _number(level: Level) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
