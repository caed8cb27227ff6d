"""What one socket's frames mean, without a socket."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalman.client.conversation import PATIENCE, Conversation
from signalman.client.ending import LastWords
from signalman.client.errors import ConnectionEnded
from signalman.client.messages import (
    CaughtUp,
    Connected,
    Dropped,
    Events,
    Expiring,
    Fresh,
    Message,
    Refused,
    Renewed,
    Reset,
    Snapshot,
    Stale,
    Subscribed,
    Subscription,
    Trouble,
    every_channel,
)

STREAMS = Subscription("streams")
WELCOME: dict[str, Any] = {
    "type": "welcome",
    "principal": {"kind": "account", "id": "dev", "scope": ["t"]},
    "channels": ["streams", "system"],
    "expires_at": None,
}


def hear(talk: Conversation, now: float = 0.0, **frame: Any) -> list[Message]:
    """Let the server say something."""
    return talk.receive(orjson.dumps(frame), now)


def said(talk: Conversation) -> list[dict[str, Any]]:
    """What the client says."""
    return [orjson.loads(frame) for frame in talk.outgoing()]


def subscribed(
    talk: Conversation, id_: str = "1", view: str = "v1", seq: int = 0, *, recovered: bool = False
) -> list[Message]:
    """Let the server begin a subscription, or go on with it."""
    epoch = "e1" if seq else None
    return hear(
        talk, type="subscribed", id=id_, channel="streams", scope=["t"], view=view, epoch=epoch, seq=seq,
        recovered=recovered, partial=False, tables=["streams"],
    )  # fmt: skip


def caught_up(talk: Conversation, seq: int, view: str = "v1") -> list[Message]:
    """Let the server say that all of the beginning is there."""
    return hear(talk, type="caught_up", view=view, seq=seq)


def asked(talk: Conversation) -> list[tuple[str, Any]]:
    """What the client says, as id and what it wants to resume; unsubscribing as id and False."""
    return [
        (frame["id"], frame.get("resume") if frame["type"] == "subscribe" else False)
        for frame in map(orjson.loads, talk.outgoing())
    ]


def events(talk: Conversation, prev: int, seq: int, view: str = "v1", **more: Any) -> list[Message]:
    """Let the server say that something happened."""
    happened = [{"id": str(n)} for n in range(prev, seq)]
    return hear(talk, type="events", view=view, prev=prev, seq=seq, events=happened, **more)


def dropped(talk: Conversation, before: int, to: int, **more: Any) -> list[Message]:
    """Let the server say that forty events are left out."""
    return talk.receive(
        orjson.dumps({"type": "dropped", "view": "v1", "from": before, "to": to, "count": 40, **more}), 0.0
    )


def next_conversation(talk: Conversation) -> Conversation:
    """The one on the next socket, welcomed."""
    found = Conversation([STREAMS], talk.cursors())
    hear(found, **WELCOME)
    return found


@pytest.fixture
def talk() -> Conversation:
    """A conversation that follows channel ``streams``, with its first subscription under way."""
    found = Conversation([STREAMS])
    hear(found, **WELCOME)
    found.outgoing()
    return found


def test_nothing_is_asked_before_the_welcome() -> None:
    """The server refuses what comes before it knows us."""
    talk = Conversation([STREAMS])
    assert hear(talk, type="hello", protocol="signalman.v1", heartbeat_ms=25_000) == []
    assert said(talk) == []
    assert hear(talk, **WELCOME) == [Connected(WELCOME["principal"], ("streams", "system"), None)]
    assert said(talk) == [{"type": "subscribe", "id": "1", "channel": "streams"}]


def test_every_channel_is_what_the_credential_may_read() -> None:
    """Without a choice of one's own, the names in `welcome` are followed."""
    talk = Conversation(every_channel)
    hear(talk, **WELCOME)
    assert [frame["channel"] for frame in said(talk)] == ["streams", "system"]


def test_scope_filter_and_snapshot_are_asked_for_only_where_given() -> None:
    """What a subscription leaves open is left to the server."""
    talk = Conversation([Subscription("streams", ("t",), {"type": ("stream_end", "stream_buffer")}, snapshot=False)])
    hear(talk, **WELCOME)
    assert said(talk) == [
        {
            "type": "subscribe", "id": "1", "channel": "streams", "scope": ["t"],
            "filter": {"type": ["stream_end", "stream_buffer"]}, "snapshot": False,
        }
    ]  # fmt: skip


def test_a_subscription_from_beginning_to_live(talk: Conversation) -> None:
    """Each frame becomes its message, with the subscription in place of the server's name for the view."""
    begun = hear(
        talk, type="subscribed", id="1", channel="streams", scope=["t"], view="v1", epoch="e1", seq=7, recovered=False,
        partial=True, tables=["streams"],
    )  # fmt: skip
    assert begun == [Subscribed(STREAMS, ("t",), "e1", 7, ("streams",), recovered=False, partial=True)]
    rules = {"version": "updated_at", "compared": True, "final": False, "clock": []}
    row = {"stream_id": "s"}
    snapshot = hear(
        talk, type="snapshot", view="v1", table="streams", key=["stream_id"], rows=[row], part=1, last=True,
        as_of="2026-08-20T10:11:12Z", lag_ms=None, rules=rules,
    )  # fmt: skip
    assert snapshot == [
        Snapshot(STREAMS, "streams", ("stream_id",), (row,), 1, True, "2026-08-20T10:11:12Z", None, rules)
    ]
    assert events(talk, 7, 9) == [Events(STREAMS, 7, 9, ({"id": "7"}, {"id": "8"}))]
    assert caught_up(talk, 9) == [CaughtUp(STREAMS, 9)]
    assert events(talk, 9, 10) == [Events(STREAMS, 9, 10, ({"id": "9"},))]


def test_the_next_socket_goes_on_where_the_last_one_stood(talk: Conversation) -> None:
    """The place is asked for, and the missed events come as if nothing had been. No snapshot, no reset."""
    subscribed(talk, seq=7)
    caught_up(talk, 7)
    events(talk, 7, 8)
    hear(talk, type="bookmark", view="v1", seq=11)
    after = next_conversation(talk)
    assert asked(after) == [("1", {"epoch": "e1", "seq": 11})]
    assert subscribed(after, seq=11, recovered=True) == [
        Subscribed(STREAMS, ("t",), "e1", 11, ("streams",), recovered=True)
    ]
    assert events(after, 11, 12) == [Events(STREAMS, 11, 12, ({"id": "11"},))]
    # A second break, before it has caught up: nothing is missing all the same.
    assert asked(next_conversation(after)) == [("1", {"epoch": "e1", "seq": 12})]


def test_an_older_socket_cannot_move_a_newer_one(talk: Conversation) -> None:
    """Whatever still comes out of it after the hand-over."""
    subscribed(talk, seq=7)
    caught_up(talk, 7)
    after = Conversation([STREAMS], talk.cursors())
    events(talk, 7, 8)
    hear(talk, type="reset", view="v1", reason="slow")
    hear(after, **WELCOME)
    assert asked(after) == [("1", {"epoch": "e1", "seq": 7})]


def test_an_attempt_without_an_answer_changes_nothing(talk: Conversation) -> None:
    """Sockets that break before the welcome, before the answer, or while the server says "later" keep the place."""
    subscribed(talk, seq=7)
    caught_up(talk, 7)
    never_welcomed = Conversation([STREAMS], talk.cursors())
    never_answered = next_conversation(never_welcomed)
    put_off = next_conversation(never_answered)
    hear(put_off, type="error", id="1", code="bus_unavailable", detail="Not now.", retry_after_ms=2000)
    last = next_conversation(put_off)
    assert asked(last) == [("1", {"epoch": "e1", "seq": 7})]


def test_what_had_not_caught_up_begins_anew(talk: Conversation) -> None:
    """The rest of its tables would never come otherwise. What it delivered of the events is marked."""
    subscribed(talk, seq=7)
    events(talk, 7, 9)
    after = next_conversation(talk)
    assert asked(after) == [("1", None)]
    subscribed(after, seq=6)
    (replayed,) = events(after, 6, 10)
    assert isinstance(replayed, Events)
    assert [event["id"] for event in replayed.events] == ["6", "7", "8", "9"]
    assert [event["id"] for event in replayed.news] == ["6", "9"]


def test_a_resume_that_fails_is_told_with_its_reason(talk: Conversation) -> None:
    """The reset comes first and has the subscription's id, because there is no view yet."""
    subscribed(talk, seq=7)
    caught_up(talk, 7)
    after = next_conversation(talk)
    assert hear(after, type="reset", view="v9", id="1", reason="trimmed") == [Reset(STREAMS, "trimmed")]
    assert hear(after, type="reset", view="v9", id="elsewhere", reason="trimmed") == []
    assert subscribed(after, view="v9", seq=20) == [Subscribed(STREAMS, ("t",), "e1", 20, ("streams",))]
    assert asked(next_conversation(after)) == [("1", None)]


def test_a_server_that_resumes_elsewhere_is_not_believed(talk: Conversation) -> None:
    """It is asked once more, and then to begin anew."""
    subscribed(talk, seq=7)
    caught_up(talk, 7)
    after = next_conversation(talk)
    asked(after)
    assert subscribed(after, seq=9, recovered=True) == []
    assert asked(after) == [("1", False), ("2", {"epoch": "e1", "seq": 7})]
    assert subscribed(after, "2", seq=9, recovered=True) == [Reset(STREAMS, "hole")]
    assert asked(after) == [("2", False), ("3", None)]


def test_a_hole_is_mended_without_a_word(talk: Conversation) -> None:
    """What does not chain is not taken; the client asks for what comes after the last frame that did."""
    subscribed(talk, seq=7)
    caught_up(talk, 7)
    assert events(talk, 8, 9) == []
    assert asked(talk) == [("1", False), ("2", {"epoch": "e1", "seq": 7})]
    assert events(talk, 9, 10) == []
    subscribed(talk, "2", seq=7, recovered=True)
    assert [m.seq for m in (*events(talk, 7, 8), *events(talk, 8, 10)) if isinstance(m, Events)] == [8, 10]


def test_a_bookmark_behind_the_cursor_is_a_hole(talk: Conversation) -> None:
    """It says that nothing was there which has been there."""
    subscribed(talk, seq=7)
    caught_up(talk, 7)
    assert hear(talk, type="bookmark", view="v1", seq=6) == []
    assert asked(talk) == [("1", False), ("2", {"epoch": "e1", "seq": 7})]


def test_a_hole_that_comes_back_at_once_is_told(talk: Conversation) -> None:
    """Resuming does not help there; the subscription begins anew."""
    subscribed(talk, seq=7)
    caught_up(talk, 7)
    events(talk, 8, 9)
    subscribed(talk, "2", seq=7, recovered=True)
    caught_up(talk, 7)
    asked(talk)
    assert events(talk, 8, 9) == [Reset(STREAMS, "hole")]
    assert asked(talk) == [("2", False), ("3", None)]


def test_a_hole_in_a_beginning_is_told_and_asked_anew(talk: Conversation) -> None:
    """There is no place yet to go back to; the client gives the subscription up and asks under another id."""
    subscribed(talk, seq=7)
    assert events(talk, 8, 9) == [Reset(STREAMS, "hole")]
    assert asked(talk) == [("1", False), ("2", None)]


def test_after_a_hole_only_the_new_attempt_counts(talk: Conversation) -> None:
    """What the server still says about the attempt that was given up reaches nobody, even under the same view."""
    subscribed(talk, seq=7)
    events(talk, 8, 9)
    assert events(talk, 9, 10) == []
    assert subscribed(talk, "1", seq=10) == []
    assert events(talk, 10, 11) == []
    assert hear(talk, type="unsubscribed", id="1") == []
    assert subscribed(talk, "2", seq=11) == [Subscribed(STREAMS, ("t",), "e1", 11, ("streams",))]
    assert events(talk, 11, 12) == [Events(STREAMS, 11, 12, ({"id": "11"},))]


def test_a_reset_of_the_server_needs_no_asking(talk: Conversation) -> None:
    """The server begins anew by itself, perhaps under another view; nothing is taken in between."""
    subscribed(talk, seq=7)
    assert hear(talk, type="reset", view="v1", reason="slow") == [Reset(STREAMS, "slow")]
    assert events(talk, 7, 8) == []
    assert subscribed(talk, "1", "v2", seq=20) == [Subscribed(STREAMS, ("t",), "e1", 20, ("streams",))]
    assert events(talk, 20, 21, "v2") == [Events(STREAMS, 20, 21, ({"id": "20"},))]
    assert said(talk) == []


@pytest.mark.parametrize("code", ["forbidden", "unknown_channel", "invalid_request"])
def test_a_refused_subscription_is_told(talk: Conversation, code: str) -> None:
    """The other subscriptions of the connection are not touched."""
    assert hear(talk, type="error", id="1", code=code, detail="No.") == [Refused(STREAMS, code, "No.")]
    assert talk.wakes_at() is None


def test_a_subscription_that_cannot_begin_now_is_asked_for_later(talk: Conversation) -> None:
    """After exactly as long as the server says."""
    frame: dict[str, Any] = {
        "type": "error",
        "id": "1",
        "code": "bus_unavailable",
        "detail": "Not now.",
        "retry_after_ms": 2000,
    }
    assert hear(talk, now=10.0, **frame) == [Trouble(STREAMS, "bus_unavailable", "Not now.", 2.0)]
    assert talk.wakes_at() == 12.0
    talk.tick(11.9)
    assert said(talk) == []
    talk.tick(12.0)
    assert said(talk) == [{"type": "subscribe", "id": "2", "channel": "streams"}]
    assert talk.wakes_at() is None


@pytest.mark.parametrize("code", ["snapshot_unavailable", "snapshot_too_large"])
def test_tables_that_cannot_be_read_do_not_end_the_subscription(talk: Conversation, code: str) -> None:
    """The error may come before `subscribed`, and live events flow all the same."""
    frame: dict[str, Any] = {"type": "error", "id": "1", "code": code, "detail": "Later.", "retry_after_ms": 2000}
    assert hear(talk, **frame) == [Trouble(STREAMS, code, "Later.", 2.0)]
    subscribed(talk)
    assert events(talk, 0, 1, epoch="e1") == [Events(STREAMS, 0, 1, ({"id": "0"},))]


def test_last_words_are_kept_for_the_close(talk: Conversation) -> None:
    """An error that closes, and a goodbye, say when to come back."""
    assert hear(talk, type="goodbye", reason="restart", retry_after_ms=1500) == []
    assert talk.last_words == LastWords(None, "the gateway says goodbye: restart", 1.5)
    assert hear(talk, type="error", code="overloaded", detail="Full.", retry_after_ms=500) == []
    assert talk.last_words == LastWords("overloaded", "Full.", 0.5)


def test_stale_and_fresh_are_passed_on(talk: Conversation) -> None:
    """A dashboard shows that events may be late."""
    for backend in ("bus", "source"):
        assert hear(talk, type="stale", backend=backend) == [Stale(backend)]
        assert hear(talk, type="fresh", backend=backend) == [Fresh(backend)]


def test_patience_follows_the_heart() -> None:
    """Until `hello` it is fixed; then it is two and a half beats."""
    talk = Conversation([STREAMS])
    assert talk.patience == PATIENCE
    hear(talk, type="hello", protocol="signalman.v1", heartbeat_ms=4000)
    assert talk.patience == 10.0


def test_what_is_not_known_is_ignored(talk: Conversation) -> None:
    """Message types, members and views are only ever added."""
    assert hear(talk, type="rumour", view="v1", seq=3) == []
    assert events(talk, 0, 1, "v9") == []
    assert hear(talk, type="bookmark", view="v9", seq=3) == []
    assert hear(talk, type="heartbeat", time="2026-08-20T10:11:12Z", mood="good") == []


def test_another_protocol_is_not_ours() -> None:
    """A server of a later, incompatible protocol is told apart at once."""
    with pytest.raises(ConnectionEnded):
        hear(Conversation([STREAMS]), type="hello", protocol="signalman.v2", heartbeat_ms=1)


@given(
    st.one_of(st.text(), st.binary(), st.dictionaries(st.text("abc"), st.booleans()).map(orjson.dumps), st.just(b"[]"))
)
def test_nonsense_ends_the_connection_and_nothing_else(text: str | bytes) -> None:
    """Whatever a server says, the only error that comes out is the one that a consumer expects."""
    with pytest.raises(ConnectionEnded):
        Conversation([STREAMS]).receive(text, 0.0)


@given(st.sampled_from(["hello", "welcome", "subscribed", "error", "stale", "goodbye"]), st.sampled_from(["", "1"]))
def test_a_known_message_without_its_members_ends_the_connection(type_: str, value: str) -> None:
    """Half a message is not a message."""
    with pytest.raises(ConnectionEnded):
        hear(Conversation([STREAMS]), type=type_, value=value)


def test_what_was_dropped_is_told_and_gone_on_from(talk: Conversation) -> None:
    """The consumer learns how much is missing; what follows chains to it, and so does the cursor of the next socket."""
    subscribed(talk, seq=5)
    caught_up(talk, 5)
    assert dropped(talk, 5, 90) == [Dropped(STREAMS, 5, 90, 40)]
    assert [type(message) for message in events(talk, 90, 92)] == [Events]
    assert asked(next_conversation(talk)) == [("1", {"epoch": "e1", "seq": 92})]


def test_what_was_dropped_before_anything_came_names_the_epoch(talk: Conversation) -> None:
    """A subscription that began before anything was published learns it there, and can be resumed."""
    subscribed(talk)
    caught_up(talk, 0)
    dropped(talk, 0, 90, epoch="e1")
    assert asked(next_conversation(talk)) == [("1", {"epoch": "e1", "seq": 90})]


def test_what_was_dropped_elsewhere_is_a_hole(talk: Conversation) -> None:
    """Between what we had and what was dropped something else is missing, and that nobody has announced."""
    subscribed(talk, seq=5)
    caught_up(talk, 5)
    assert dropped(talk, 7, 90) == []
    assert asked(talk) == [("1", False), ("2", {"epoch": "e1", "seq": 5})]


@pytest.mark.parametrize("code", ["snapshot_unavailable", "snapshot_too_large"])
def test_one_that_lacks_tables_is_not_resumed(talk: Conversation, code: str) -> None:
    """It has caught up, but tables are missing: on another connection they would never come. Once it has begun with all
    of them, it is resumed as any other.
    """
    subscribed(talk, seq=5)
    assert hear(talk, type="error", id="1", code=code, detail="No.") == [Trouble(STREAMS, code, "No.", None)]
    caught_up(talk, 5)
    events(talk, 5, 6)
    assert asked(next_conversation(talk)) == [("1", None)]
    hear(talk, type="reset", view="v1", reason="snapshot")
    subscribed(talk, seq=6)
    caught_up(talk, 6)
    assert asked(next_conversation(talk)) == [("1", {"epoch": "e1", "seq": 6})]


def test_the_end_of_access_is_announced() -> None:
    """With the moment, and how far away it is by the server's clock."""
    talk = Conversation([STREAMS])
    assert hear(talk, type="expiring", expires_at="2026-08-20T10:12:00Z", in_seconds=60) == [
        Expiring("2026-08-20T10:12:00Z", 60)
    ]


def test_another_welcome_begins_nothing_anew() -> None:
    """What is followed goes on; what may be read from now on is told."""
    talk = Conversation([STREAMS])
    hear(talk, **WELCOME)
    said(talk)
    subscribed(talk, seq=5)
    assert hear(talk, **WELCOME) == [Renewed(WELCOME["principal"], ("streams", "system"), None)]
    assert said(talk) == []
    assert isinstance(events(talk, 5, 6)[0], Events)


def test_a_grant_that_ended_ends_its_subscription_alone() -> None:
    """Nothing more is taken for it; when it is granted again, it begins anew, without a cursor."""
    talk = Conversation(every_channel)
    hear(talk, **WELCOME)
    said(talk)
    subscribed(talk, "1", "v1", seq=5)
    caught_up(talk, 5)
    subscribed(talk, "2", "v2", seq=7)
    (refused,) = hear(talk, type="error", id="1", code="grant_ended", detail="No longer.")
    assert refused == Refused(STREAMS, "grant_ended", "No longer.")
    assert hear(talk, type="unsubscribed", id="1") == []
    assert events(talk, 5, 6) == []
    hear(talk, **{**WELCOME, "channels": ["system"]})
    assert said(talk) == []
    assert [cursor.subscription.channel for cursor in talk.cursors()] == ["system"]
    hear(talk, **WELCOME)
    assert said(talk) == [{"type": "subscribe", "id": "3", "channel": "streams"}]


def test_what_was_refused_for_another_reason_is_not_asked_for_again() -> None:
    """Another welcome would only have it refused once more."""
    talk = Conversation(every_channel)
    hear(talk, **WELCOME)
    said(talk)
    hear(talk, type="error", id="1", code="invalid_request", detail="No.")
    hear(talk, type="error", id="2", code="bus_unavailable", detail="Later.", retry_after_ms=1000)
    hear(talk, **WELCOME)
    assert said(talk) == []


def test_a_refused_refresh_is_trouble_and_no_end() -> None:
    """The connection goes on with what it has."""
    talk = Conversation([STREAMS])
    assert hear(talk, type="error", code="refresh_refused", detail="Another person.") == [
        Trouble(None, "refresh_refused", "Another person.", None)
    ]


@pytest.mark.parametrize("code", ["too_many_connections", "too_many_attempts", "too_many_messages", "access_ended"])
def test_limits_and_ended_access_are_last_words(code: str) -> None:
    """The close that follows says whether to come back; the error says why, and when at the earliest."""
    talk = Conversation([STREAMS])
    assert hear(talk, type="error", code=code, detail="Because.", retry_after_ms=2500) == []
    assert talk.last_words == LastWords(code, "Because.", 2.5)
