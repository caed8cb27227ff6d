"""Every way of handing a credential over, and every doubt about which one counts."""

from typing import Any

import pytest
from starlette.datastructures import Headers

from signalman.errors import Forbidden, NotAuthenticated
from signalman.web.handshake import (
    Origin,
    Rules,
    choose_subprotocol,
    handshake_credential,
    header_credential,
    page_origin,
)

LISTED = "https://dash.example"
RULES = Rules(frozenset({LISTED, "https://other.example:8443"}), "access_token", frozenset({"fw_"}))
TICKET = "sgt_" + "t" * 43
HOST = ("host", "signalman.example:18009")


def headers(*pairs: tuple[str, str]) -> Headers:
    """Headers as a server gives them; a name may come more than once."""
    return Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in pairs])


def credential(*pairs: tuple[str, str], query: str = "", offered: tuple[str, ...] = (), rules: Rules = RULES) -> Any:
    """What such a handshake carries."""
    return handshake_credential(headers(HOST, *pairs), query, offered, rules)


HEADER = ("authorization", "Bearer from-header")
COOKIE = ("cookie", "theme=dark; access_token=from-cookie; x=y")
PAIR = ("signalman.v1", "bearer.from-pair")
ORIGIN = ("origin", LISTED)


def test_each_way_alone() -> None:
    """Header, subprotocol pair in either order, ticket; and none, where `auth` is to follow."""
    assert credential(HEADER) == "from-header"
    assert credential(offered=PAIR) == "from-pair"
    assert credential(offered=("other", *reversed(PAIR))) == "from-pair"
    assert credential(query=f"ticket={TICKET}") == TICKET
    assert credential(query=f"a=b&ticket={TICKET}") == TICKET
    assert credential(offered=("signalman.v1", f"bearer.{TICKET}")) == TICKET
    assert credential() is None
    assert credential(offered=("signalman.v1",)) is None


@pytest.mark.parametrize(
    "several",
    [
        {"pairs": (HEADER,), "offered": PAIR},
        {"pairs": (HEADER,), "query": f"ticket={TICKET}"},
        {"pairs": (), "offered": PAIR, "query": f"ticket={TICKET}"},
        {"pairs": (HEADER, HEADER)},
        {"pairs": (HEADER, ("authorization", "Bearer another"))},
        {"pairs": (), "offered": (*PAIR, "bearer.another")},
        {"pairs": (), "query": f"ticket={TICKET}&ticket={TICKET}"},
        {"pairs": (HEADER, COOKIE, ORIGIN), "offered": PAIR},
    ],
)
def test_more_than_one_is_refused(several: dict[str, Any]) -> None:
    """Which one counts is never a guess, even where they are equal."""
    with pytest.raises(NotAuthenticated) as error:
        credential(*several.pop("pairs"), **several)
    assert error.value.code in {"token_invalid", "token_in_url"}


@pytest.mark.parametrize("offered", [("bearer.from-pair",), ("other", "bearer.from-pair")])
def test_a_pair_without_its_subprotocol_is_refused(offered: tuple[str, ...]) -> None:
    """There would be nothing to answer but the credential itself."""
    with pytest.raises(NotAuthenticated, match=r"Offer 'signalman\.v1' beside"):
        credential(offered=offered)


def test_only_the_protocol_is_answered() -> None:
    """A credential in the list is no subprotocol."""
    assert choose_subprotocol(PAIR) == "signalman.v1"
    assert choose_subprotocol(()) is None
    with pytest.raises(LookupError):
        choose_subprotocol(("graphql-ws",))


@pytest.mark.parametrize(
    "query",
    [
        "token=x", "access_token=", "ticket=fw_" + "a" * 40, "ticket=eyJh.eyJh.abc", "ticket=something", "ticket=",
        f"token={TICKET}", f"x=%65yJhbGciOi.eyJzdWIi.c2ln&ticket={TICKET}",
    ],
)  # fmt: skip
def test_any_other_credential_in_the_query_is_refused(query: str) -> None:
    """Under whatever name: only a ticket, which is worth nothing a moment later, may stand there."""
    with pytest.raises(NotAuthenticated):
        credential(query=query)


def test_a_request_takes_no_ticket_in_its_url() -> None:
    """Requests can send headers: for them the header is all there is."""
    assert header_credential(headers(HEADER, COOKIE, ORIGIN), "") == "from-header"
    assert header_credential(headers(COOKIE, ORIGIN), f"ticket={TICKET}") is None


def test_a_cookie_counts_for_a_listed_origin_only() -> None:
    """Browsers attach it by themselves: it proves who the person is, never which page asks."""
    assert credential(COOKIE, ORIGIN) == "from-cookie"
    assert credential(COOKIE) is None
    assert credential(COOKIE, ("origin", f"http://{HOST[1]}")) is None
    with pytest.raises(Forbidden):
        credential(COOKIE, ("origin", "https://evil.example"))
    assert credential(COOKIE, ORIGIN, rules=Rules(RULES.allowed_origins)) is None


def test_what_was_given_on_purpose_is_preferred_to_the_cookie() -> None:
    """The page cannot help sending it."""
    assert credential(COOKIE, ORIGIN, HEADER) == "from-header"
    assert credential(COOKIE, ORIGIN, offered=PAIR) == "from-pair"
    assert credential(COOKIE, ORIGIN, query=f"ticket={TICKET}") == TICKET


@pytest.mark.parametrize(
    ("cookies", "found"),
    [
        (["access_token=a"], "a"),
        (['access_token="a"'], "a"),
        (["xaccess_token=no; Access_Token=no"], None),
        (["access_token="], None),
        (["access_token=a; access_token=a"], "a"),
        (["a=b", "access_token=a"], "a"),
        (["access_token=a=="], "a=="),
        (["nonsense"], None),
    ],
)
def test_a_cookie_is_read_as_the_standard_has_it(cookies: list[str], found: str | None) -> None:
    """RFC 6265 §5.4, by the exact name."""
    assert credential(ORIGIN, *(("cookie", each) for each in cookies)) == found


def test_two_different_cookies_of_the_name_are_refused() -> None:
    """A neighbouring host can add one of its own."""
    with pytest.raises(NotAuthenticated, match="several cookies"):
        credential(ORIGIN, ("cookie", "access_token=a; access_token=b"))


@pytest.mark.parametrize(
    ("origins", "result"),
    [
        ([], Origin.NONE),
        ([LISTED], Origin.LISTED),
        (["https://other.example:8443"], Origin.LISTED),
        (["http://signalman.example:18009"], Origin.OWN),
        (["https://SIGNALMAN.example:18009"], Origin.OWN),
    ],
)
def test_where_a_page_comes_from(origins: list[str], result: Origin) -> None:
    """Nowhere, of this host, or listed."""
    assert page_origin(headers(HOST, *(("origin", each) for each in origins)), RULES.allowed_origins) is result


@pytest.mark.parametrize(
    "origins",
    [
        ["http://dash.example"],
        ["https://dash.example:8443"],
        ["https://other.example"],
        ["https://dash.example.evil.example"],
        ["https://x-dash.example"],
        ["https://DASH.example"],
        ["https://dash.example/"],
        ["http://signalman.example"],
        ["http://signalman.example:18010"],
        ["ftp://signalman.example:18009"],
        ["signalman.example:18009"],
        ["null"],
        [""],
        ["http://["],
        [LISTED, LISTED],
        [LISTED, "https://evil.example"],
    ],
)
def test_any_other_page_is_refused(origins: list[str]) -> None:
    """Scheme, host and port, compared as a whole; several are none."""
    with pytest.raises(Forbidden) as error:
        page_origin(headers(HOST, *(("origin", each) for each in origins)), RULES.allowed_origins)
    assert error.value.code == "origin_refused"


@pytest.mark.parametrize("hosts", [[], [("host", "")], [HOST, HOST]])
def test_without_one_host_no_page_is_our_own(hosts: list[tuple[str, str]]) -> None:
    """An origin without a host does not equal a host that is missing."""
    for origin in ("null", "http://", f"http://{HOST[1]}"):
        with pytest.raises(Forbidden):
            page_origin(headers(*hosts, ("origin", origin)), ())


def test_no_refusal_repeats_what_was_sent() -> None:
    """The sentence goes to logs and clients."""
    for given in (
        {"offered": (*PAIR, "bearer.another")},
        {"offered": ("bearer.from-pair",)},
        {"query": "ticket=from-query"},
        {"query": "token=from-query"},
    ):
        with pytest.raises(NotAuthenticated) as error:
            credential(**given)
        assert "from-" not in str(error.value)
