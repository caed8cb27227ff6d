"""The ways of handing a credential over, and what comes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response

from signalman.protocol import ERRORS, SUBPROTOCOL
from tests.integration.access.gateways import COOKIE, ORIGIN, Served
from tests.integration.access.states import OTHER_TENANT

CHANNELS = ("analytics", "messaging")
"""What is asked for: everybody who may read less may still read the first of them."""
_OUTCOMES = {frozenset(CHANNELS): "all", frozenset(CHANNELS[:1]): "less"}


class Refused(Exception):
    """Nobody is behind the credential; the text is the code."""


async def outcome(served: Served, way: str, credential: str) -> str:
    """What becomes of who hands *credential* over: a word of the table, or the code of the refusal."""
    try:
        async with arrived(served, way, credential) as socket:
            return _OUTCOMES[await _readable(socket)]
    except Refused as refused:
        return str(refused)


@asynccontextmanager
async def arrived(served: Served, way: str, credential: str) -> AsyncIterator[ClientConnection]:
    """A socket of who has been welcomed.

    Raises:
        Refused: Somebody was not; by HTTP before the upgrade, or as the first answer behind it.
    """
    if way == "ticket" and not credential.startswith("sgt_"):
        credential = await buy(served, credential)
    query, options = _handed_over(way, credential)
    try:
        async with connect(served.url + query, proxy=None, compression=None, **options) as socket:
            # The token is in the subprotocols that were offered, and must not come back.
            assert socket.subprotocol == (SUBPROTOCOL if way == "subprotocol" else None)
            if way == "first message":
                await socket.send(orjson.dumps({"type": "auth", "token": credential}).decode())
            await _welcome(socket)
            yield socket
    except InvalidStatus as refused:
        raise _refused(refused.response, credential) from None


def _refused(response: Response, credential: str) -> Refused:
    body = orjson.loads(response.body or b"{}")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.status_code == body["status"] == ERRORS[body["code"]].status
    assert credential not in str(body)
    return Refused(body["code"])


async def buy(served: Served, credential: str) -> str:
    """A ticket.

    Raises:
        Refused: There is none for this credential.
    """
    headers = {"Authorization": f"Bearer {credential}"}
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501  # plain HTTP; authorities take long to load
        answer = await client.post(f"http://127.0.0.1:{served.port}/v1/tickets", headers=headers)
    if answer.status_code != httpx.codes.OK:
        raise Refused(answer.json()["code"])
    return str(answer.json()["ticket"])


def _handed_over(way: str, credential: str) -> tuple[str, dict[str, Any]]:
    match way:
        case "header":
            return "", {"additional_headers": {"Authorization": f"Bearer {credential}"}}
        case "subprotocol":
            return "", {"subprotocols": [SUBPROTOCOL, f"bearer.{credential}"]}
        case "ticket":
            return f"?ticket={credential}", {}
        case "cookie":
            return "", {"origin": ORIGIN, "additional_headers": {"Cookie": f"theme=dark; {COOKIE}={credential}"}}
        case "query":
            return f"?access_token={credential}", {}
        case _:
            return "", {}


async def _welcome(socket: ClientConnection) -> None:
    message: dict[str, Any] = {}
    while message.get("type") not in {"welcome", "error"}:
        message = await hear(socket)
    if message["type"] == "error":
        with suppress(ConnectionClosed):
            raise AssertionError(f"who was refused is told more: {await hear(socket)}")
        assert socket.close_code == ERRORS[message["code"]].close
        raise Refused(message["code"])


async def _readable(socket: ClientConnection) -> frozenset[str]:
    """The channels that can be read here; those of another tenant cannot in any case."""
    for channel in CHANNELS:
        await subscribe(socket, channel)
        await subscribe(socket, channel, scope=[OTHER_TENANT], id=f"{channel} elsewhere")
    answers: dict[str, str] = {}
    while len(answers) < 2 * len(CHANNELS):
        message = await hear(socket)
        if message["type"] in {"subscribed", "error"}:
            answers.setdefault(message["id"], message.get("code", "subscribed"))
    assert {answers.pop(f"{channel} elsewhere") for channel in CHANNELS} == {"forbidden"}
    assert set(answers.values()) <= {"subscribed", "forbidden"}
    return frozenset(channel for channel, answer in answers.items() if answer == "subscribed")


async def subscribe(socket: ClientConnection, channel: str, **members: Any) -> None:
    """Ask for a channel's live events, by its name where no id is given."""
    asked = {"type": "subscribe", "id": channel, "channel": channel, "snapshot": False, **members}
    await socket.send(orjson.dumps(asked).decode())


async def hear(socket: ClientConnection) -> dict[str, Any]:
    """The next message."""
    message: dict[str, Any] = orjson.loads(await socket.recv())
    return message
