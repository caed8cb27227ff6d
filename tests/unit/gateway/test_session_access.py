"""What a session lets go on, and what it ends, when a credential is renewed, changes, or runs out."""

from dataclasses import replace

import orjson
import pytest

from signalman.access_ports import Rate
from signalman.channel import Catalog
from signalman.event import PLATFORM, Feed
from signalman.gateway.actions import Action, Authenticate, Close, Denied, Join, Leave, Reached, Send
from signalman.gateway.session import Session, SessionLimits, State
from signalman.principal import Principal
from signalman.protocol import CloseCode
from tests.unit.gateway.make import OTHER, TENANT, api_token, catalog, platform_catalog, principal

NOW = 1_000.0
QUIET = SessionLimits(heartbeat=3_600.0)
BOTH = api_token("streams:read", "infrastructure:read")
ENDED = Close(CloseCode.NOT_AUTHENTICATED, "access_ended")


def said(actions: list[Action]) -> list[dict[str, object]]:
    """The messages among *actions*."""
    return [orjson.loads(action.data) for action in actions if isinstance(action, Send)]


def codes(actions: list[Action]) -> list[object]:
    """The codes of the errors among them."""
    return [message["code"] for message in said(actions) if message["type"] == "error"]


def ready(who: Principal, limits: SessionLimits | None = None, pack: Catalog | None = None) -> Session:
    """A session of *who*, who has just been welcomed."""
    session = Session(pack or catalog(), limits or SessionLimits(), now=NOW)
    session.authenticated(who)
    session.actions()
    return session


def ask(session: Session, now: float = NOW, **message: object) -> list[Action]:
    """What a message leads to."""
    session.receive(orjson.dumps(message).decode(), now)
    return session.actions()


def subscribe(session: Session, *channels: str) -> None:
    """Subscribe each of *channels* under its own name."""
    for channel in channels:
        assert [type(action) for action in ask(session, type="subscribe", id=channel, channel=channel)] == [Join]


def test_another_credential_is_checked_on_an_open_socket() -> None:
    """`auth` again hands the new credential out to be checked, and the client is welcomed anew with the new expiry."""
    session = ready(principal(expires_at=NOW + 100))
    assert ask(session, type="auth", token="newer") == [Authenticate("newer")]
    session.authenticated(principal(expires_at=NOW + 1_000))
    [welcome] = said(session.actions())
    assert (welcome["type"], welcome["expires_at"]) == ("welcome", "1970-01-01T00:33:20.000Z")
    session.tick(NOW + 500)
    assert session.state is State.READY


def test_one_credential_is_checked_at_a_time() -> None:
    """A client that does not wait for the outcome is told to; nothing is asked twice."""
    session = ready(principal())
    ask(session, type="auth", token="one")
    actions = ask(session, type="auth", token="two")
    assert codes(actions) == ["invalid_request"]
    assert not any(isinstance(action, Authenticate) for action in actions)


@pytest.mark.parametrize(
    "other",
    [
        replace(principal(), id="u-2"),
        replace(principal(), kind="account"),
        principal(OTHER),
        replace(principal(), scope=(TENANT, "narrower")),
    ],
    ids=["id", "kind", "scope", "narrower"],
)
def test_a_socket_keeps_its_principal(other: Principal) -> None:
    """A credential of anybody else, or of another scope, is refused, and what was there goes on as it was."""
    session = ready(principal())
    subscribe(session, "streams")
    session.authenticated(other)
    actions = session.actions()
    assert [type(action) for action in actions] == [Denied, Send]
    assert codes(actions) == ["refresh_refused"]
    assert (session.state, session.principal) == (State.READY, principal())
    subscribe(session, "system")


def test_a_refused_refresh_leaves_everything_as_it_was() -> None:
    """A wrong credential, or a directory that is away, costs the client the new credential and nothing else."""
    session = ready(principal(expires_at=NOW + 100))
    ask(session, type="auth", token="wrong")
    session.refused("directory_unavailable", "Credentials cannot be checked now.", 2_000)
    actions = session.actions()
    [error] = said(actions)
    assert (error["code"], error["retry_after_ms"]) == ("refresh_refused", 2_000)
    assert Denied("directory_unavailable") in actions
    assert session.state is State.READY
    assert ask(session, type="auth", token="right") == [Authenticate("right")]


def test_an_expiry_does_not_wait_for_a_refresh() -> None:
    """Whoever begins to renew too late is closed on, whatever is being checked."""
    session = ready(principal(expires_at=NOW + 100))
    ask(session, NOW + 99, type="auth", token="newer")
    session.actions()
    session.tick(NOW + 100)
    assert session.actions()[-1] == Close(CloseCode.NOT_AUTHENTICATED, "token_expired")
    session.authenticated(principal(expires_at=NOW + 1_000))
    assert (session.actions(), session.state) == ([], State.CLOSING)


def test_grants_that_shrank_end_their_subscriptions_and_no_other() -> None:
    """Of two subscriptions the one without a grant ends, with the reason, before anything else is said; the other goes
    on; and the client is told what it may still read.
    """
    session = ready(BOTH)
    subscribe(session, "streams", "system")
    session.reauthorize(api_token("streams:read"))
    leave, error, unsubscribed, welcome = session.actions()
    assert leave == Leave("system", Feed("system", (TENANT,)), "grant_ended")
    assert [(m["type"], m.get("id"), m.get("code")) for m in said([error, unsubscribed])] == [
        ("error", "system", "grant_ended"),
        ("unsubscribed", "system", None),
    ]
    assert said([welcome])[0]["channels"] == ["streams"]
    assert session.state is State.READY


def test_what_a_grant_ended_cannot_be_had_again() -> None:
    """The id is free, the channel is forbidden, and unsubscribing what has ended is told so."""
    session = ready(BOTH)
    subscribe(session, "system")
    session.reauthorize(api_token("streams:read"))
    session.actions()
    assert codes(ask(session, type="unsubscribe", id="system")) == ["unknown_id"]
    assert codes(ask(session, type="subscribe", id="system", channel="system")) == ["forbidden"]


def test_grants_that_grew_open_more() -> None:
    """The new right is there at once; nothing that was there is touched."""
    session = ready(api_token("streams:read"))
    subscribe(session, "streams")
    session.reauthorize(BOTH)
    actions = session.actions()
    assert [message["type"] for message in said(actions)] == ["welcome"]
    assert not any(isinstance(action, Leave) for action in actions)
    subscribe(session, "system")


def test_another_scope_ends_what_lies_outside_of_it() -> None:
    """A directory that places somebody elsewhere takes the old place away."""
    session = ready(principal())
    subscribe(session, "streams")
    session.reauthorize(principal(OTHER))
    assert [action.id for action in session.actions() if isinstance(action, Leave)] == ["streams"]


def test_no_channel_left_is_the_end() -> None:
    """Who may read nothing any more is not kept waiting for nothing."""
    session = ready(BOTH)
    subscribe(session, "streams")
    session.reauthorize(api_token())
    actions = session.actions()
    assert (codes(actions), actions[-1]) == (["access_ended"], ENDED)


def test_ended_access_closes_with_4401() -> None:
    """The client is told that it is over, and what it says from then on is not heard."""
    session = ready(principal())
    session.end()
    actions = session.actions()
    assert (codes(actions), actions[-1]) == (["access_ended"], ENDED)
    assert ask(session, type="subscribe", id="s", channel="streams") == []
    session.end()
    session.reauthorize(principal())
    session.fail("internal", "Too late.")
    assert session.actions() == []


def test_an_expiry_is_announced_once() -> None:
    """So long before as configured, with what is left in whole seconds; again only for another expiry."""
    session = ready(principal(expires_at=NOW + 100), QUIET)
    session.tick(NOW + 39.9)
    assert session.actions() == []
    session.tick(NOW + 40.5)
    assert said(session.actions()) == [{"type": "expiring", "expires_at": "1970-01-01T00:18:20.000Z", "in_seconds": 59}]
    session.tick(NOW + 41)
    session.reauthorize(replace(principal(expires_at=NOW + 100), roles=frozenset({"owner"})))
    session.tick(NOW + 42)
    assert [message["type"] for message in said(session.actions())] == ["welcome"]
    session.authenticated(principal(expires_at=NOW + 200))
    session.tick(NOW + 139)
    assert [message["type"] for message in said(session.actions())] == ["welcome"]
    session.tick(NOW + 140)
    assert [message["type"] for message in said(session.actions())] == ["expiring"]


@pytest.mark.parametrize("limits", [SessionLimits(expiry_warning=0.0), SessionLimits()], ids=["off", "no expiry"])
def test_without_an_expiry_or_a_warning_nothing_is_announced(limits: SessionLimits) -> None:
    """0 turns the warning off; a credential that does not expire has none."""
    session = ready(principal(expires_at=NOW + 10 if limits.expiry_warning == 0 else None), limits)
    session.tick(NOW + 9)
    assert session.actions() == []


def test_too_many_messages_close_with_4429() -> None:
    """So many at once, so many a second after that; one more ends the connection and is counted."""
    session = ready(principal(), SessionLimits(messages=Rate(2.0, 3.0)))
    for _ in range(3):
        assert said(ask(session, type="ping", t=1))[0]["type"] == "pong"
    assert said(ask(session, NOW + 0.5, type="ping", t=1))[0]["type"] == "pong"
    actions = ask(session, NOW + 0.6, type="ping", t=1)
    assert (codes(actions), actions[0]) == (["too_many_messages"], Reached("messages_per_second"))
    assert actions[-1] == Close(CloseCode.LIMIT, "too_many_messages")


@pytest.mark.parametrize("data", ["é" * 60, b"x" * 120], ids=["text", "binary"])
def test_too_many_bytes_close_with_4429(data: str | bytes) -> None:
    """What counts is what came over the wire, whether or not it is understood."""
    session = ready(principal(), SessionLimits(bytes=Rate(1.0, 100.0)))
    ask(session, type="ping", t=1)
    session.receive(data, NOW)
    actions = session.actions()
    assert (codes(actions), actions[0]) == (["too_many_messages"], Reached("bytes_per_second"))


def test_who_is_not_known_yet_is_limited_as_well() -> None:
    """A socket that never authenticates cannot keep the gateway busy."""
    session = Session(catalog(), SessionLimits(messages=Rate(1.0, 1.0)), now=NOW)
    session.actions()
    ask(session, type="ping", t=1)
    assert codes(ask(session, type="ping", t=1)) == ["too_many_messages"]


@pytest.mark.parametrize(
    ("filter_", "limit"),
    [
        ({"type": "stream_end", "stream_id": "s", "node_id": "n"}, "filter_fields"),
        ({"node_id": ["a", "b", "c", "d"]}, "filter_values"),
        ({"type": ["stream_end", "stream_buffer"], "node_id": ["a", "b"]}, "filter_values"),
    ],
)
def test_a_filter_that_is_too_large_is_refused(filter_: dict[str, object], limit: str) -> None:
    """Fields are counted, and the values of all of them together; the socket stays open and the id free."""
    session = ready(principal(), SessionLimits(filter_fields=2, filter_values=3))
    actions = ask(session, type="subscribe", id="s", channel="streams", filter=filter_)
    assert (codes(actions), actions[0]) == (["filter_too_large"], Reached(limit))
    subscribe(session, "streams")
    accepted = ask(session, type="subscribe", id="s", channel="streams", filter={"node_id": ["a", "b", "c"]})
    assert [type(action) for action in accepted] == [Join]


def test_limits_are_announced() -> None:
    """A client can go by what `hello` says."""
    limits = SessionLimits(messages=Rate(2.0, 3.0), bytes=Rate(4.0, 5.0), filter_fields=6, filter_values=7)
    [hello] = said(Session(catalog(), limits, now=NOW).actions())
    assert hello["limits"] == {
        "max_message_bytes": 65536,
        "max_subscriptions": 64,
        "messages_per_second": 2.0,
        "message_burst": 3.0,
        "bytes_per_second": 4.0,
        "byte_burst": 5.0,
        "filter_fields": 6,
        "filter_values": 7,
    }


def test_an_operator_asks_for_the_platform_by_name() -> None:
    """What belongs to no tenant is a feed of its own; without the name it is the own tenant's, as for everybody."""
    session = ready(principal(operator=True), pack=platform_catalog())
    [join] = ask(session, type="subscribe", id="p", channel="system", scope=["@platform"])
    assert isinstance(join, Join)
    assert join.feed == Feed("system", PLATFORM)
    [join] = ask(session, type="subscribe", id="s", channel="system")
    assert isinstance(join, Join)
    assert join.feed == Feed("system", (TENANT,))


def ask_for_platform(session: Session, channel: str) -> list[Action]:
    """What comes of asking for what belongs to no tenant."""
    return ask(session, type="subscribe", id="p", channel=channel, scope=["@platform"])


def test_nobody_else_gets_the_platform() -> None:
    """Neither a tenant's own people, nor an operator on a channel that has nothing of the platform; and who stops being
    an operator loses it.
    """
    assert codes(ask_for_platform(ready(principal(), pack=platform_catalog()), "system")) == ["forbidden"]
    session = ready(principal(operator=True), pack=platform_catalog())
    assert codes(ask_for_platform(session, "streams")) == ["forbidden"]
    ask_for_platform(session, "system")
    session.reauthorize(principal())
    assert [action.id for action in session.actions() if isinstance(action, Leave)] == ["p"]
