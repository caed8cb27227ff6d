"""Where a credential may stand in a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.access.credentials import (
    bearer_token,
    credential_in_query,
    is_bearer_token,
    is_well_formed,
    scheme_of,
    subprotocol_token,
    ticket_in_query,
    token_prefixes,
)
from signalman.access_rules import TokenScheme
from signalman.errors import NotAuthenticated

DEMO = "fw_0000000000000000000000000000000000000000000000000000000000demo01"
SPLIT = TokenScheme("split", "tfk-", secret_prefix="tfs-")
PREFIXES = token_prefixes([TokenScheme("hashed", "fw_"), SPLIT])
TICKET = f"sgt_{'A-_' * 14}Z"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln"


@pytest.mark.parametrize(
    "header", ["Bearer a.b-c_~+/1==", "bearer a.b-c_~+/1==", "BEARER   a.b-c_~+/1==", "Bearer a.b-c_~+/1== "]
)
def test_a_bearer_token_is_found(header: str) -> None:
    """The scheme's case and the number of spaces do not matter (RFC 9110 §11.1)."""
    assert bearer_token(header) == "a.b-c_~+/1=="


def test_a_token_may_be_as_long_as_that() -> None:
    """8192 characters, in a header as elsewhere, and not one more."""
    longest = "a" * 8192
    assert bearer_token(f"Bearer {longest}") == longest
    assert is_bearer_token(longest)
    assert is_well_formed(longest)
    assert not is_bearer_token(longest + "a")
    assert not is_well_formed(longest + "a")


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


NAMES = (
    "access_token api_key api_token auth authentication authorization auth_token bearer bearer_token credential "
    "credentials id_token jwt password refresh_token secret token x_api_key"
)


@pytest.mark.parametrize("name", NAMES.split())
def test_each_name_of_a_credential_is_known(name: str) -> None:
    """However it is written: a URL is no place for what stands under it."""
    written = (name, name.upper(), name.replace("_", "-"), name.replace("_", "."), name.replace("_", ""), f"{name}[]")
    assert all(credential_in_query(f"{each}=x") for each in written)
    assert not credential_in_query(f"x{name}x=x")


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
        f"t={DEMO.upper()}",
        f"t=Bearer+{DEMO}",
        f"t=tfk-0123.tfs-{'0' * 24}",
        f"t=tfs-{'0' * 32}",
        f"t=sgn_{'a' * 49}",
        f"t={TICKET}",
        f"Ticket={TICKET}",
        f"ticket[]={TICKET}",
        f"ticket={DEMO}",
        f"ticket={JWT}",
        f"ticket={TICKET}A",
        f"ticket={TICKET}&t={TICKET}",
        "ticket=x",
        "ticket=",
        "ticket",
        f"t={JWT}",
        "t=eyJhbGciOiJub25lIn0.eyJhIjoxfQ.",
        "t=Bearer+eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln",
    ],
)
def test_a_credential_in_the_url_is_seen(query: str) -> None:
    """By its name, however written, or by its form under whatever name; and what stands for a ticket and is none."""
    assert credential_in_query(query, PREFIXES)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&",
        "=",
        "table=streams&first=50",
        "after=eyJhIjoxfQ",
        "node_id=fw_edge",
        "key=tfk-0123",
        "tickets=2",
        f"ticket={TICKET}",
        f"a=1&%74icket={TICKET}",
        "tokens=2",
        "scope=token",
        "a=b.c.d",
    ],
)
def test_an_ordinary_query_is_let_through(query: str) -> None:
    """Neither a cursor nor a value that merely begins like a token is one; and a ticket may stand there."""
    assert not credential_in_query(query, PREFIXES)


def test_own_tokens_and_jwts_are_known_whatever_the_pack() -> None:
    """The prefixes of a platform are its pack's."""
    assert credential_in_query(f"t=sgn_{'a' * 49}")
    assert credential_in_query(f"t={JWT}")
    assert not credential_in_query(f"t={DEMO}")
    assert credential_in_query(f"t={DEMO}", ["fw_"])


@given(st.text())
def test_any_query_is_judged(query: str) -> None:
    """No text of a query makes the judgement fail, and adding a token to it makes it a yes."""
    credential_in_query(query)
    assert credential_in_query(f"{query}&token=x")


def test_a_ticket_is_found_in_a_query() -> None:
    """Under its own name and under no other; written with escapes or without."""
    assert ticket_in_query("") is None
    assert ticket_in_query(f"tickets=1&t={TICKET}") is None
    assert ticket_in_query(f"ticket={TICKET}") == TICKET
    assert ticket_in_query(f"a=1&ticket=%73{TICKET[1:]}&b") == TICKET


@pytest.mark.parametrize(
    "query", ["ticket", "ticket=", "ticket=x", f"ticket={TICKET}&ticket={TICKET}", f"ticket={TICKET}&ticket="]
)
def test_two_tickets_or_none_that_is_one_are_refused(query: str) -> None:
    """Which of two counts must not be a guess."""
    with pytest.raises(NotAuthenticated) as refused:
        ticket_in_query(query)
    assert refused.value.code == "token_invalid"
    assert "sgt_" not in str(refused.value)


def test_a_token_is_found_among_the_subprotocols() -> None:
    """As browsers can send one; in any place of the list."""
    assert subprotocol_token([]) is None
    assert subprotocol_token(["signalman.v1", "other"]) is None
    assert subprotocol_token(["signalman.v1", f"bearer.{JWT}"]) == JWT
    assert subprotocol_token([f"bearer.{DEMO}", "signalman.v1"]) == DEMO


@pytest.mark.parametrize(
    "offered",
    [["bearer."], ["bearer.a b"], ["bearer.\u00e9"], ["bearer.a", "bearer.a"], ["bearer.a", "x", "bearer."]],
)
def test_another_pair_of_subprotocols_is_refused(offered: list[str]) -> None:
    """One that is there but holds no token is not passed over, and none is repeated."""
    with pytest.raises(NotAuthenticated) as refused:
        subprotocol_token(offered)
    assert refused.value.code == "token_invalid"
    assert str(refused.value) == "Offer exactly one subprotocol 'bearer.<token>', or none."


def test_a_token_is_of_the_scheme_with_the_longest_prefix() -> None:
    """So that the order in which a pack names them does not matter."""
    short, long = TokenScheme("hashed", "tf"), SPLIT
    for schemes in ([short, long], [long, short]):
        assert scheme_of("tfk-1", schemes) is long
        assert scheme_of("tfz", schemes) is short
        assert scheme_of("x", schemes) is None
    assert scheme_of("x", [TokenScheme("hashed", "")]) is None


def test_both_halves_of_a_split_token_are_known_by_their_prefix() -> None:
    """A secret alone is worth hiding, too."""
    assert token_prefixes([SPLIT, TokenScheme("split", "k_")]) == {"tfk-", "tfs-", "k_"}


@pytest.mark.parametrize("text", ["", "a b", "a\n", "\u00e9", "\ud800", "\x00", "\x7f", "a" * 8193])
def test_what_no_credential_looks_like(text: str) -> None:
    """Such texts reach neither a hash nor a directory."""
    assert not is_well_formed(text)
    assert not is_bearer_token(text)
