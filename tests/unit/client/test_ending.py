import orjson
import pytest

from signalman.client.ending import ComeBack, LastWords, after_close, after_handshake
from signalman.client.errors import ConnectionEnded
from signalman.errors import Forbidden, NotAuthenticated
from signalman.protocol import CLOSES, CloseCode, problem

NOTHING = LastWords()


@pytest.mark.parametrize("code", [code for code, close in CLOSES.items() if close.retry == "later"])
def test_codes_that_say_later_bring_the_client_back(code: CloseCode) -> None:
    """A drain, a restart or an overload is no reason to give up."""
    assert after_close(code, CLOSES[code].reason, NOTHING) == ComeBack(CLOSES[code].reason)


@pytest.mark.parametrize("code", [code for code, close in CLOSES.items() if close.retry != "later"])
def test_codes_that_say_never_end_it(code: CloseCode) -> None:
    """A client that came back after these would do so for ever and for nothing."""
    with pytest.raises((NotAuthenticated, Forbidden, ConnectionEnded)):
        after_close(code, CLOSES[code].reason, NOTHING)


@pytest.mark.parametrize("code", [None, 1006, 3000, 4999])
def test_a_break_and_an_unknown_code_bring_it_back(code: int | None) -> None:
    """Networks break, proxies have codes of their own, and codes may be added to the protocol."""
    assert after_close(code, "", NOTHING) == ComeBack("the connection was lost")


def test_the_server_says_when() -> None:
    """`retry_after_ms` of a goodbye or an error is kept, and so is its sentence."""
    last = LastWords("overloaded", "The gateway is full.", 7.5)
    assert after_close(CloseCode.OVERLOADED, "too slow or overloaded", last) == ComeBack("The gateway is full.", 7.5)


def test_a_refused_credential_is_told_with_its_code() -> None:
    """`token_expired` asks for something else than `token_invalid` does."""
    with pytest.raises(NotAuthenticated) as error:
        after_close(CloseCode.NOT_AUTHENTICATED, "", LastWords("token_expired", "The credential has expired."))
    assert (error.value.code, error.value.detail) == ("token_expired", "The credential has expired.")


def test_a_credential_that_opens_nothing_is_forbidden() -> None:
    """The credential is good; another one of the same kind would not help."""
    with pytest.raises(Forbidden) as error:
        after_close(CloseCode.FORBIDDEN, "forbidden", LastWords("nothing_granted", "No channel."))
    assert error.value.code == "nothing_granted"


@pytest.mark.parametrize(
    ("code", "raised"),
    [("token_invalid", NotAuthenticated), ("origin_refused", Forbidden), ("not_found", ConnectionEnded)],
)
def test_a_refused_handshake_says_why(code: str, raised: type[Exception]) -> None:
    """The problem's sentence reaches the person."""
    body = problem(code, "Because.")
    status = body["status"]
    assert isinstance(status, int)
    with pytest.raises(raised, match="Because"):
        after_handshake(status, {}, orjson.dumps(body))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(status: int) -> None:
    """A proxy's page without a problem body counts too, and `Retry-After` is honoured."""
    end = after_handshake(status, {"retry-after": "3"}, b"<html>bad gateway</html>")
    assert end == ComeBack(f"the gateway answered HTTP {status}", 3.0)


@pytest.mark.parametrize("header", ["", "-1", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "²"])
def test_a_retry_after_that_is_no_number_asks_for_nothing(header: str) -> None:
    """The back-off decides then."""
    assert after_handshake(503, {"retry-after": header}, b"").retry_after == 0.0


def test_something_that_is_no_gateway_is_told_so() -> None:
    """A web server answers 200 or 404 to a handshake; coming back would not make it a gateway."""
    with pytest.raises(ConnectionEnded, match="is there a Signalman gateway"):
        after_handshake(404, {}, b"[1]")
