"""A client whose credential ends and changes, against a server that follows a script."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from signalman.client.connection import Client
from signalman.client.messages import (
    Connected,
    Disconnected,
    Events,
    Expiring,
    Refused,
    Renewed,
    Subscribed,
    Subscription,
    Trouble,
)
from signalman.errors import NotAuthenticated
from tests.integration.scripted import Line, scripted
from tests.integration.test_client import soon, until

STREAMS = Subscription("streams")
PRINCIPAL = {"kind": "account", "id": "dev", "scope": ["t"]}


def bearer(line: Line) -> str:
    """The credential of the handshake."""
    assert line.socket.request is not None
    return line.socket.request.headers["Authorization"]


async def expire(line: Line) -> None:
    """Say that the end is near."""
    await line.say("expiring", expires_at="2026-08-20T10:12:00Z", in_seconds=60)


async def renew(line: Line, *channels: str, until: str = "2026-08-20T11:12:00Z") -> None:
    """Take the new credential."""
    await line.say("welcome", principal=PRINCIPAL, channels=channels or ["streams"], expires_at=until)


async def end(line: Line, code: str = "token_expired") -> None:
    """End access."""
    await line.say("error", code=code, detail="Because.", title="", status=401)
    await line.socket.close(4401, "not authenticated")


async def test_a_changing_credential_is_renewed_in_place() -> None:
    """When its end is announced: on the same connection, the subscription goes on without a gap, and says so."""
    tokens = iter(["first", "second"])

    async def ask() -> str:
        await asyncio.sleep(0)
        return next(tokens)

    async def goes_on(line: Line) -> None:
        assert bearer(line) == "Bearer first"
        await line.welcome()
        await line.begin(seq=5)
        await line.catch_up(5)
        await expire(line)
        await line.happen(5, "meanwhile")
        assert await line.hear() == {"type": "auth", "token": "second"}
        await renew(line)
        await line.happen(6, "after")
        await line.stay()

    async with scripted(goes_on) as url, Client(url, ask, [STREAMS]) as client:
        heard = await until(client, Renewed)
        assert [type(each) for each in heard if isinstance(each, Connected | Expiring | Renewed)] == [
            Connected, Expiring, Renewed,
        ]  # fmt: skip
        assert heard[-1] == Renewed(PRINCIPAL, ("streams",), "2026-08-20T11:12:00Z")
        assert [e["id"] for each in heard if isinstance(each, Events) for e in each.news] == ["meanwhile"]
        assert [e["id"] for e in (await until(client, Events))[-1].news] == ["after"]


async def test_a_fixed_credential_ends() -> None:
    """Its end is told beforehand; then it is over, with the server's sentence, and it is not tried again."""

    async def ends(line: Line) -> None:
        await line.welcome()
        await line.begin()
        await expire(line)
        await end(line)

    async with scripted(ends) as url, Client(url, "t", [STREAMS], delays=soon) as client:
        assert isinstance((await until(client, Expiring))[-1], Expiring)
        with pytest.raises(NotAuthenticated, match="Because"):
            await until(client, Disconnected)


@pytest.mark.parametrize("code", ["token_expired", "access_ended"])
async def test_a_changing_credential_comes_back_with_another(code: str) -> None:
    """What ended an open connection may be over with the next credential, which is asked for anew, and what was missed
    comes.
    """
    tokens = iter(["first", "second"])

    async def ends(line: Line) -> None:
        await line.welcome()
        await line.begin(seq=5)
        await line.catch_up(5)
        await end(line, code)

    async def goes_on(line: Line) -> None:
        assert bearer(line) == "Bearer second"
        await line.welcome()
        assert (await line.go_on())["resume"] == {"epoch": "e1", "seq": 5}
        await line.happen(5, "missed")
        await line.stay()

    async with scripted(ends, goes_on) as url, Client(url, lambda: next(tokens), [STREAMS], delays=soon) as client:
        assert (await until(client, Disconnected))[-1].reason == "Because."
        assert [e["id"] for e in (await until(client, Events))[-1].news] == ["missed"]


async def test_one_that_is_refused_at_once_is_not_tried_again() -> None:
    """It was asked for a moment ago: whoever hammers a gateway with bad credentials is locked out."""
    refusal = orjson.dumps({"code": "token_invalid", "detail": "Nobody's."})
    async with scripted((401, refusal)) as url, Client(url, lambda: "t", [STREAMS], delays=soon) as client:
        with pytest.raises(NotAuthenticated, match="Nobody's"):
            await until(client, Connected)


async def test_who_gives_credentials_may_be_away() -> None:
    """Without any connection so far that is the end; later it is waited for, and a renewal that fails is told, while
    the connection goes on.
    """

    def nobody() -> str:
        raise NotAuthenticated("not_authenticated", "Nobody is there.")

    async with scripted() as url, Client(url, nobody, [STREAMS], delays=soon) as client:
        with pytest.raises(NotAuthenticated, match="Nobody is there"):
            await until(client, Connected)

    asked: Iterator[Any] = iter(["first", None, None, "second"])

    def now_and_then() -> str:
        return next(asked) or nobody()

    async def ends(line: Line) -> None:
        await line.welcome()
        await line.begin()
        await expire(line)
        assert await line.hear() == {"type": "ping", "t": 1}
        await line.say("error", code="refresh_refused", detail="Somebody else.", title="", status=401)
        await end(line)

    async def goes_on(line: Line) -> None:
        assert bearer(line) == "Bearer second"
        await line.welcome()
        await line.stay()

    async with scripted(ends, goes_on) as url, Client(url, now_and_then, [STREAMS], delays=soon) as client:
        await until(client, Expiring)
        trouble = (await until(client, Trouble))[-1]
        assert (trouble.code, trouble.detail) == ("not_authenticated", "Nobody is there.")
        assert client._socket is not None
        await client._socket.send('{"type":"ping","t":1}')
        assert (await until(client, Trouble))[-1].code == "refresh_refused"
        assert [(await until(client, Disconnected))[-1].reason for _ in range(2)] == ["Because.", "Nobody is there."]
        await until(client, Connected)


async def test_what_goes_wrong_in_the_asking_is_raised() -> None:
    """A mistake in the program that gives the credential is not swallowed in a task."""
    answers: Iterator[Any] = iter(["first"])

    async def mistaken(line: Line) -> None:
        await line.welcome()
        await line.begin()
        await expire(line)
        await line.happen(0, "a")
        await line.happen(1, "b")
        await line.happen(2, "c")
        await line.stay()

    async def ask() -> str:
        return str(next(answers, None) or 1 // 0)

    async with scripted(mistaken) as url, Client(url, ask, [STREAMS]) as client:
        with pytest.raises(ZeroDivisionError):
            async for _ in client:
                pass


async def test_a_renewal_does_not_outlive_its_connection() -> None:
    """What an older connection had asked for is not sent on a newer one."""
    answered, given_up = 0, asyncio.Event()

    async def ask() -> str:
        nonlocal answered
        answered += 1
        if answered == 2:
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
        return f"t{answered}"

    async def breaks(line: Line) -> None:
        await line.welcome()
        await line.begin()
        await expire(line)
        await line.catch_up(0)
        line.socket.transport.abort()

    async def goes_on(line: Line) -> None:
        await line.welcome()
        await line.begin()
        assert await line.hear() == {"type": "ping", "t": 1}
        await line.happen(0, "a")
        await line.stay()

    async with scripted(breaks, goes_on) as url, Client(url, ask, [STREAMS], delays=soon) as client:
        await until(client, Disconnected)
        await until(client, Subscribed)
        assert given_up.is_set()
        assert client._socket is not None
        await client._socket.send('{"type":"ping","t":1}')
        await until(client, Events)


async def test_a_grant_that_ended_is_told_and_comes_again() -> None:
    """The other subscriptions go on; granted again, it begins anew without being asked for twice."""

    async def shrinks(line: Line) -> None:
        await line.welcome("streams", "system")
        first = await line.begin(seq=5)
        await line.begin(seq=7, view="v2")
        await line.say("error", id=first["id"], code="grant_ended", detail="No longer.", title="", status=403)
        await line.say("unsubscribed", id=first["id"])
        await renew(line, "system")
        await line.happen(7, "still", view="v2")
        await renew(line, "streams", "system")
        await line.begin(seq=9, view="v3")
        await line.happen(9, "again", view="v3")
        await line.stay()

    async with scripted(shrinks) as url, Client(url, "t") as client:
        assert (await until(client, Refused))[-1].code == "grant_ended"
        assert (await until(client, Renewed))[-1].channels == ("system",)
        assert [e["id"] for e in (await until(client, Events))[-1].news] == ["still"]
        assert [e["id"] for e in (await until(client, Events))[-1].news] == ["again"]
