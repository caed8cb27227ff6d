"""Why a connection ended, and whether coming back helps. Pure: `signalman.protocol.CLOSES` decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from signalman.client.errors import ConnectionEnded
from signalman.errors import Forbidden, NotAuthenticated, SignalmanError
from signalman.protocol import CLOSES, CloseCode, Retry


@dataclass(frozen=True, slots=True)
class LastWords:
    """What the server said before it went."""

    code: str | None = None
    """Error code, where it was an ``error``."""
    detail: str = ""
    retry_after: float = 0.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class ComeBack:
    """The connection ended, and another attempt may succeed."""

    reason: str
    retry_after: float = 0.0
    """Seconds that the server asks to wait at least."""


_TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def after_close(code: int | None, reason: str, last: LastWords) -> ComeBack:
    """What the end of an open socket means.

    Args:
        code: Of the close frame; None when the connection just broke.
        reason: Of the close frame.
        last: Said before.

    Raises:
        NotAuthenticated: Another credential is needed.
        Forbidden: The credential does not allow it.
        ConnectionEnded: Coming back would not help.
    """
    retry: Retry = CLOSES[CloseCode(code)].retry if code in CLOSES else "later"
    words = last.detail or reason or ("the connection was lost" if retry == "later" else f"the server closed ({code})")
    if retry == "later":
        return ComeBack(words, last.retry_after)
    if retry == "new_credential":
        raise NotAuthenticated(last.code or "not_authenticated", words)
    if code == CloseCode.FORBIDDEN:
        raise Forbidden(last.code or "forbidden", words)
    raise ConnectionEnded(last.code or f"close_{code}", words)


def after_handshake(status: int, headers: Mapping[str, str], body: bytes) -> ComeBack:
    """What an answer other than an upgrade means.

    Raises:
        NotAuthenticated: Another credential is needed.
        Forbidden: The credential does not allow it.
        ConnectionEnded: Nobody speaks our protocol there.
    """
    code, detail = _problem(body)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TEMPORARY:
        return ComeBack(detail or f"the gateway answered HTTP {status}", _seconds(headers.get("retry-after")))
    raise _refusal(status, code, detail)


def _refusal(status: int, code: str | None, detail: str) -> SignalmanError:
    if status == HTTPStatus.UNAUTHORIZED:
        return NotAuthenticated(code or "not_authenticated", detail or "The credential was not accepted.")
    if status == HTTPStatus.FORBIDDEN:
        return Forbidden(code or "forbidden", detail or "The credential does not allow this.")
    fallback = f"HTTP {status} instead of a WebSocket: is there a Signalman gateway at this address?"
    return ConnectionEnded(code or f"http_{status}", detail or fallback)


def _problem(body: bytes) -> tuple[str | None, str]:
    """Code and detail of an RFC 9457 body; a proxy's page has neither."""
    try:
        problem = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, ""
    if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
        return None, ""
    return problem["code"], str(problem.get("detail", ""))


def _seconds(text: str | None) -> float:
    # RFC 9110 §10.2.3 also allows a date, which no gateway of ours sends.
    return float(text) if text is not None and text.isascii() and text.isdigit() else 0.0
