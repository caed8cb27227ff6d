"""A session under everything that can happen to it, in any order, against a naive account of what it may have open."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from signalman.access.grants import grants, may_read
from signalman.event import PLATFORM, Feed, Scope
from signalman.gateway.actions import Close, Join, Leave, Send
from signalman.gateway.session import Session, SessionLimits, State
from signalman.principal import Principal
from signalman.protocol import SERVER_MESSAGES
from tests.unit.gateway.make import OTHER, TENANT, platform_catalog

PACK = platform_catalog()
PERMISSIONS = ("streams:read", "infrastructure:read", "unknown:read")
SCOPES: tuple[Scope, ...] = ((TENANT,), (OTHER,), PLATFORM)

anybody = st.builds(
    Principal,
    kind=st.sampled_from(["user", "token"]),
    id=st.sampled_from(["one", "other"]),
    scope=st.sampled_from([(TENANT,), (TENANT,), (OTHER,), ()]),
    roles=st.sampled_from([frozenset({"member"}), frozenset({"stranger"}), frozenset[str]()]),
    permissions=st.none() | st.frozensets(st.sampled_from(PERMISSIONS)),
    expires_at=st.none() | st.sampled_from([50.0, 200.0]),
    operator=st.booleans(),
)
mine = st.builds(
    Principal,
    kind=st.just("user"),
    id=st.just("one"),
    scope=st.just((TENANT,)),
    roles=st.just(frozenset({"member"})),
    permissions=st.sampled_from([None, frozenset({"streams:read"}), frozenset({"infrastructure:read"})]),
    operator=st.booleans(),
)
"""The same one with more or fewer rights, so that much is opened, and taken away again."""
principals = mine | anybody
subscribing = st.fixed_dictionaries(
    {
        "type": st.just("subscribe"),
        "id": st.sampled_from("abc"),
        "channel": st.sampled_from(["streams", "system"]),
        "scope": st.none() | st.sampled_from(SCOPES),
    }
)
messages = st.one_of(
    subscribing,
    subscribing,
    st.fixed_dictionaries({"type": st.just("unsubscribe"), "id": st.sampled_from("abc")}),
    st.just({"type": "auth", "token": "t"}),
    st.just({"type": "ping", "t": 1}),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("message"), messages),
        st.tuples(st.just("message"), messages),
        st.tuples(st.just("authenticated"), principals),
        st.tuples(st.just("reauthorize"), principals),
        st.tuples(st.just("refused"), st.none()),
        st.tuples(st.just("tick"), st.sampled_from([1.0, 60.0])),
        st.tuples(st.just("end"), st.none()),
    ),
    max_size=30,
)


class Watched:
    """A session, and what it has had opened and closed."""

    def __init__(self) -> None:
        self.session = Session(PACK, SessionLimits(), now=0.0)
        self.open: dict[str, Feed] = {}
        self.is_closed = False
        self.now = 0.0

    def take(self, what: str, value: object) -> None:
        """Let one thing happen."""
        match what:
            case "message":
                self.session.receive(orjson.dumps(value).decode(), self.now)
            case "authenticated" | "reauthorize" if isinstance(value, Principal):
                getattr(self.session, what)(value)
            case "refused":
                self.session.refused("token_invalid", "No.")
            case "tick" if isinstance(value, float):
                self.now += value
                self.session.tick(self.now)
            case "end":
                self.session.end()
        self.note()

    def note(self) -> None:
        """Carry the actions out."""
        for action in self.session.actions():
            assert not self.is_closed, "nothing is done after the close"
            match action:
                case Join(request, _, feed, _):
                    assert request.id not in self.open
                    self.open[request.id] = feed
                case Leave(request_id, feed, _):
                    assert self.open.pop(request_id) == feed
                case Close():
                    self.is_closed = True
                case Send(data):
                    assert orjson.loads(data)["type"] in SERVER_MESSAGES


@settings(max_examples=500)
@given(st.none() | principals, steps)
def test_nothing_is_open_outside_of_the_grants(first: Principal | None, happenings: list[tuple[str, object]]) -> None:
    """After each step, whatever it was: nothing is open before somebody is known; what is open is all granted to who is
    known now, at this moment; and who is known is still the one who came first, unless the directory says otherwise.
    """
    watched = Watched()
    if first is not None:
        watched.take("authenticated", first)
    for what, value in happenings:
        before = watched.session.principal
        watched.take(what, value)
        after = watched.session.principal
        if watched.is_closed:
            assert watched.session.state is State.CLOSING
            break
        granted = grants(after, PACK) if after else frozenset()
        assert all(may_read(granted, feed.channel, feed.scope) for feed in watched.open.values())
        assert (after is None) is (watched.session.state is State.CONNECTED)
        assert after is None or after.expires_at is None or watched.now < after.expires_at or what != "tick"
        if what == "authenticated" and before is not None and after is not None:
            assert (before.kind, before.id, before.scope) == (after.kind, after.id, after.scope)
