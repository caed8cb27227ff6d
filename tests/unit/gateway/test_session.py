"""The conversation of one connection: every state, every refusal, and what closes the socket."""

import orjson
import pytest

from signalman.errors import BadMessage
from signalman.event import Feed
from signalman.gateway.actions import Action, Authenticate, Close, Denied, Join, Leave, Reached, Send
from signalman.gateway.requests import Cursor
from signalman.gateway.session import Session, SessionLimits, State
from signalman.principal import Principal
from signalman.protocol import CloseCode
from tests.unit.gateway.make import OTHER, STREAM, TENANT, api_token, catalog, principal

NOW = 10.0
LIMITS = SessionLimits(server="signalman/test", max_subscriptions=2)


def sent(actions: list[Action]) -> list[dict[str, object]]:
    """The messages among *actions*."""
    return [orjson.loads(action.data) for action in actions if isinstance(action, Send)]


def connected() -> Session:
    """A session that has said hello at time 0."""
    session = Session(catalog(), LIMITS, now=0.0)
    session.actions()
    return session


def ready(who: Principal | None = None) -> Session:
    """A session with a principal."""
    session = connected()
    session.authenticated(who or principal())
    session.actions()
    return session


def test_hello_comes_first() -> None:
    """The first thing a client hears is what the server speaks and allows."""
    session = Session(catalog(), LIMITS, now=0.0)
    (hello,) = sent(session.actions())
    assert hello == {
        "type": "hello",
        "protocol": "signalman.v1",
        "server": "signalman/test",
        "heartbeat_ms": 25000,
        "auth_timeout_ms": 5000,
        "limits": {
            "max_message_bytes": 65536,
            "max_subscriptions": 2,
            "messages_per_second": None,
            "message_burst": None,
            "bytes_per_second": None,
            "byte_burst": None,
            "filter_fields": None,
            "filter_values": None,
        },
    }


def test_auth_leads_to_welcome() -> None:
    """A credential is handed to whoever can check it, once, and the outcome is announced."""
    session = connected()
    session.receive('{"type":"auth","token":"secret"}', NOW)
    (action,) = session.actions()
    assert action == Authenticate("secret")
    assert "secret" not in repr(action)
    session.authenticated(principal(expires_at=1_000_000_000.5))
    (welcome,) = sent(session.actions())
    assert welcome == {
        "type": "welcome",
        "principal": {"kind": "user", "id": "u-1", "scope": [TENANT]},
        "channels": ["streams", "system"],
        "expires_at": "2001-09-09T01:46:40.500Z",
    }
    assert session.state is State.READY


def test_a_refused_credential_closes_with_4401() -> None:
    """After the error the socket is closed, and nothing more is taken in."""
    session = connected()
    session.receive('{"type":"auth","token":"wrong"}', NOW)
    session.actions()
    session.refused("token_invalid", "This token is not valid.")
    actions = session.actions()
    assert [m["code"] for m in sent(actions)] == ["token_invalid"]
    assert actions[-1] == Close(CloseCode.NOT_AUTHENTICATED, "token_invalid")
    session.receive('{"type":"ping","t":1}', NOW)
    assert session.actions() == []


@pytest.mark.parametrize(
    "data",
    ['{"type":"subscribe","id":"s","channel":"streams"}', '{"type":"unsubscribe","id":"s"}'],
)
def test_nothing_is_subscribed_before_authentication(data: str) -> None:
    """Whoever is not known gets nothing but an end."""
    session = connected()
    session.receive(data, NOW)
    actions = session.actions()
    assert [type(action) for action in actions] == [Send, Close]
    assert sent(actions)[0]["code"] == "not_authenticated"


def test_authentication_that_is_too_late_closes_with_4408() -> None:
    """Five seconds after hello without a credential the socket is closed, not before."""
    session = connected()
    session.tick(4.9)
    assert session.actions() == []
    session.tick(5.0)
    assert session.actions()[-1] == Close(CloseCode.AUTH_TIMEOUT, "auth_timeout")


def test_a_credential_under_examination_is_not_too_late() -> None:
    """A slow directory is not the client's fault."""
    session = connected()
    session.receive('{"type":"auth","token":"t"}', NOW)
    session.actions()
    session.tick(60.0)
    assert session.actions() == []


def test_an_expired_credential_ends_the_session() -> None:
    """At its expiry, and not before, the socket is closed with 4401."""
    session = ready(principal(expires_at=100.0))
    session.tick(20.0)
    assert session.actions() == []
    session.tick(100.0)
    actions = session.actions()
    assert sent(actions)[0]["code"] == "token_expired"
    assert actions[-1] == Close(CloseCode.NOT_AUTHENTICATED, "token_expired")


def test_heartbeats_come_at_their_interval() -> None:
    """A browser can tell a quiet connection from a dead one."""
    session = ready()
    session.tick(24.9)
    assert session.actions() == []
    session.tick(25.0)
    assert sent(session.actions()) == [{"type": "heartbeat", "time": "1970-01-01T00:00:25.000Z"}]
    session.tick(26.0)
    assert session.actions() == []


def test_subscribe_joins_the_principals_own_feed() -> None:
    """The scope is the principal's, whatever the client leaves out."""
    session = ready()
    session.receive('{"type":"subscribe","id":"s","channel":"streams"}', NOW)
    (join,) = session.actions()
    assert isinstance(join, Join)
    assert join.feed == Feed("streams", (TENANT,))


def test_a_cursor_is_handed_on() -> None:
    """Where a client comes back to is part of what it asks for."""
    session = ready()
    session.receive('{"type":"subscribe","id":"s","channel":"streams","resume":{"epoch":"e1.x","seq":4}}', NOW)
    (join,) = session.actions()
    assert isinstance(join, Join)
    assert join.request.resume == Cursor(epoch="e1.x", seq=4)


def test_another_tenant_is_forbidden() -> None:
    """Asking for somebody else's scope is refused, and the socket stays open."""
    session = ready()
    session.receive(
        orjson.dumps({"type": "subscribe", "id": "s", "channel": "streams", "scope": [OTHER]}).decode(), NOW
    )
    actions = session.actions()
    assert [(m["code"], m["id"], m["status"]) for m in sent(actions)] == [("forbidden", "s", 403)]
    assert [type(action) for action in actions] == [Denied, Send]
    assert session.state is State.READY


def test_a_channel_outside_the_grant_is_forbidden() -> None:
    """A token without any of a channel's permissions does not get it."""
    session = ready(api_token("streams:read"))
    session.receive('{"type":"subscribe","id":"s","channel":"system"}', NOW)
    assert sent(session.actions())[0]["code"] == "forbidden"


def test_a_credential_without_any_channel_closes_with_4403() -> None:
    """Nothing granted is said at once."""
    session = connected()
    session.authenticated(api_token())
    assert session.actions()[-1] == Close(CloseCode.FORBIDDEN, "nothing_granted")


@pytest.mark.parametrize(
    ("second", "code", "closes"),
    [
        ({"id": "a", "channel": "system"}, "duplicate_id", CloseCode.DUPLICATE_ID),
        ({"id": "b", "channel": "streams"}, "duplicate_view", None),
        ({"id": "b", "channel": "nonsense"}, "unknown_channel", None),
        ({"id": "b", "channel": "streams", "filter": {"x": "y"}}, "invalid_request", None),
    ],
)
def test_a_second_subscription_that_cannot_be(second: dict[str, object], code: str, closes: CloseCode | None) -> None:
    """Each fault has its code and only an ambiguous id ends the connection."""
    session = ready()
    session.receive('{"type":"subscribe","id":"a","channel":"streams"}', NOW)
    session.actions()
    session.receive(orjson.dumps({"type": "subscribe", **second}).decode(), NOW)
    actions = session.actions()
    assert [m["code"] for m in sent(actions)] == [code]
    assert [a.code for a in actions if isinstance(a, Close)] == ([] if closes is None else [closes])


def test_subscriptions_are_limited() -> None:
    """One more than announced is refused."""
    session = ready()
    for number, filter_ in enumerate(({}, {"node_id": "a"}, {"node_id": "b"})):
        message = {"type": "subscribe", "id": str(number), "channel": "streams", "filter": filter_}
        session.receive(orjson.dumps(message).decode(), NOW)
    actions = session.actions()
    assert [m["code"] for m in sent(actions)] == ["too_many_subscriptions"]
    assert [a.limit for a in actions if isinstance(a, Reached)] == ["max_subscriptions"]


def test_an_id_is_free_again_after_unsubscribe() -> None:
    """Subscribe, unsubscribe, subscribe with one id is well-formed however fast it comes."""
    session = ready()
    for message in ("subscribe", "unsubscribe", "subscribe"):
        body = {"type": message, "id": "s"} | ({"channel": "streams"} if message == "subscribe" else {})
        session.receive(orjson.dumps(body).decode(), NOW)
    assert [type(action) for action in session.actions()] == [Join, Leave, Send, Join]


@pytest.mark.parametrize("data", ["{", b"\x00\x01", "[]", '{"type":1}'])
def test_garbage_closes_with_4400(data: str | bytes) -> None:
    """What is no message at all ends the connection."""
    session = ready()
    session.receive(data, NOW)
    assert session.actions()[-1] == Close(CloseCode.BAD_MESSAGE, "bad_message")


def test_an_unknown_message_type_is_an_error_only() -> None:
    """A newer client may say things this server does not know."""
    session = ready()
    session.receive('{"type":"resume","id":"s"}', NOW)
    actions = session.actions()
    assert [type(action) for action in actions] == [Send]
    assert sent(actions)[0]["code"] == "unknown_type"


def test_ping_is_answered_in_every_open_state() -> None:
    """`pong` carries the same ``t``."""
    for session in (connected(), ready()):
        session.receive('{"type":"ping","t":"x"}', NOW)
        assert sent(session.actions()) == [{"type": "pong", "t": "x"}]


def test_goodbye_is_said_before_a_planned_close() -> None:
    """A drain tells the client why and when to come back."""
    session = ready()
    session.goodbye(CloseCode.RESTART, "restart", 1500)
    actions = session.actions()
    assert sent(actions) == [{"type": "goodbye", "reason": "restart", "retry_after_ms": 1500}]
    assert actions[-1] == Close(CloseCode.RESTART, "restart")


def test_notices_reach_only_those_who_are_known() -> None:
    """`stale` is nothing for somebody who has not authenticated."""
    session = connected()
    session.notice(b'{"type":"stale"}')
    assert session.actions() == []
    session = ready()
    session.notice(b'{"type":"stale"}')
    assert sent(session.actions()) == [{"type": "stale"}]


def test_bad_message_carries_its_request() -> None:
    """An error of a subscription names its id, so that the client knows which one failed."""
    error = BadMessage("invalid_request", "No.", "s")
    assert (error.request_id, str(error)) == ("s", "No.")


def test_filters_reach_the_join() -> None:
    """What was asked for is what is joined, in canonical form."""
    session = ready()
    message = {"type": "subscribe", "id": "s", "channel": "streams", "filter": {"stream_id": STREAM.upper()}}
    session.receive(orjson.dumps(message).decode(), NOW)
    (join,) = session.actions()
    assert isinstance(join, Join)
    assert join.filter.fields == (("stream_id", frozenset({STREAM})),)
