"""Where a credential may stand in a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.credentials import bearer_token, credential_in_query, is_bearer_token, is_well_formed
from signalman.errors import NotAuthenticated

DEMO = "fw_0000000000000000000000000000000000000000000000000000000000demo01"


@pytest.mark.parametrize(
    "header", ["Bearer a.b-c_~+/1==", "bearer a.b-c_~+/1==", "BEARER   a.b-c_~+/1==", "Bearer a.b-c_~+/1== "]
)
def test_a_bearer_token_is_found(header: str) -> None:
    """The scheme's case and the number of spaces do not matter (RFC 9110 §11.1)."""
    assert bearer_token(header) == "a.b-c_~+/1=="


def test_no_header_is_no_credential() -> None:
    """Without the header there may be a credential in the first message."""
    assert bearer_token(None) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "a.b.c",
        "Basic dXNlcjpwYXNz",
        "Bearera.b.c",
        "Bearer\ta.b.c",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer a\n",
        "Bearer a=b",
        "Bearer \u00e9",
        "Bearer " + "a" * 8193,
    ],
)
def test_another_header_is_refused(header: str) -> None:
    """A header that is there but no bearer token is not passed over, and not repeated."""
    with pytest.raises(NotAuthenticated) as refused:
        bearer_token(header)
    assert refused.value.code == "token_invalid"
    assert str(refused.value) == "The Authorization header must read 'Bearer <token>'."


@given(st.text())
def test_any_header_gives_a_token_or_a_refusal(text: str) -> None:
    """Nothing else comes out, and a token that does can be sent as one."""
    try:
        token = bearer_token(text)
    except NotAuthenticated:
        return
    assert token is not None
    assert is_bearer_token(token)
    assert is_well_formed(token)


@pytest.mark.parametrize(
    "query",
    [
        "token=x",
        "token",
        "token=",
        "TOKEN=x",
        "access_token=x",
        "accessToken=x",
        "access-token=x",
        "a=1&api_key=x",
        "a=1;apikey=x",
        "X-Api-Key=x",
        "jwt=x",
        "authorization=Bearer%20x",
        "Authorization=x",
        "auth%5Ftoken=x",
        "%74oken=x",
        "token[]=x",
        "token%5B0%5D=x",
        "+token=x",
        "&&token=x",
        f"t={DEMO}",
        f"t=%66w_{DEMO[3:]}",
        "t=eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln",
        "t=eyJhbGciOiJub25lIn0.eyJhIjoxfQ.",
        "t=Bearer+eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln",
    ],
)
def test_a_credential_in_the_url_is_seen(query: str) -> None:
    """By its name, however written, or by its form under whatever name."""
    assert credential_in_query(query)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&",
        "=",
        "table=streams&first=50",
        "after=eyJhIjoxfQ",
        "node_id=fw_edge",
        "tokens=2",
        "scope=token",
        "a=b.c.d",
    ],
)
def test_an_ordinary_query_is_let_through(query: str) -> None:
    """Neither a cursor nor a value that merely begins like a token is one."""
    assert not credential_in_query(query)


@given(st.text())
def test_any_query_is_judged(query: str) -> None:
    """No text of a query makes the judgement fail, and adding a token to it makes it a yes."""
    credential_in_query(query)
    assert credential_in_query(f"{query}&token=x")


@pytest.mark.parametrize("text", ["", "a b", "a\n", "\u00e9", "\ud800", "\x00", "\x7f", "a" * 8193])
def test_what_no_credential_looks_like(text: str) -> None:
    """Such texts reach neither a hash nor a directory."""
    assert not is_well_formed(text)
    assert not is_bearer_token(text)
