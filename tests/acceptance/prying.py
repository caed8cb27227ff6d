"""Somebody who asks a gateway for what it should refuse, with secrets in all the wrong places, and keeps every byte
that it answers.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from urllib.parse import quote

import httpx
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from signalman.protocol import SUBPROTOCOL

_OTHER_TENANT = "5eed517e-ba5e-da7a-517e-ba5eda7a0f00"
_GARBAGE = ("{", '["subscribe"]', '{"type":"subscribe","id":', "[" * 2000)


async def pry(url: str, tokens: Sequence[str], secrets: Sequence[str]) -> bytes:
    """Everything that the gateway at *url* answers to requests with each of *tokens*, good and bad ones, and with
    *secrets* where names, filters, cursors and paths belong.
    """
    async with asyncio.TaskGroup() as tasks:
        answers = [
            *(tasks.create_task(_rest(url, token, secrets)) for token in tokens),
            *(tasks.create_task(_handshake(url, token)) for token in tokens),
            *(tasks.create_task(_handshake_as_page(url, token)) for token in tokens),
            *(tasks.create_task(_converse(url, tokens[0], message)) for message in _messages(tokens, secrets)),
        ]
    return b"\n".join(answer.result() for answer in answers)


async def read_tables(url: str, token: str) -> bytes:
    """Every table of every channel that *token* may read, page by page; and what is said about them."""
    async with httpx.AsyncClient(base_url=_http(url), trust_env=False, timeout=20) as client:
        listed = await client.get("/v1/channels", headers=_bearer(token))
        parts = [listed.content]
        for channel in listed.json()["channels"]:
            for table in channel["tables"]:
                parts += [
                    part async for part in _pages(client, f"/v1/channels/{channel['name']}/snapshot", table, token)
                ]
    return b"\n".join(parts)


async def look(port: int, *paths: str, token: str = "") -> bytes:
    """What the process on *port* answers at *paths*, headers and all."""
    headers = _bearer(token) if token else {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
        return b"\n".join([_bytes(await client.get(path, headers=headers)) for path in paths])


async def _pages(client: httpx.AsyncClient, path: str, table: str, token: str) -> AsyncIterator[bytes]:
    after: str | None = None
    while True:
        query = {"table": table, "first": "500"} | ({"after": after} if after else {})
        answer = await client.get(path, params=query, headers=_bearer(token))
        yield _bytes(answer)
        if answer.status_code != 200 or not answer.json()["pageInfo"]["hasNextPage"]:
            return
        after = answer.json()["pageInfo"]["endCursor"]


async def _rest(url: str, token: str, secrets: Sequence[str]) -> bytes:
    async with httpx.AsyncClient(base_url=_http(url), trust_env=False, timeout=20) as client:
        answers = [await client.get(path, headers=_bearer(token)) for path in ("/v1/channels", "/v1/stats")]
        for secret in secrets:
            table = {"table": "streams"}
            for path, query in (
                (f"/v1/channels/{quote(secret, safe='')}/snapshot", {}),
                (f"/{quote(secret)}", {}),
                ("/v1/channels/streams/snapshot", {"table": secret}),
                ("/v1/channels/streams/snapshot", table | {"after": secret}),
                ("/v1/channels/streams/snapshot", table | {"first": secret}),
                ("/v1/channels/streams/snapshot", table | {"scope": secret}),
                ("/v1/channels/streams/snapshot", table | {"stream_id": secret}),
                ("/v1/channels/streams/snapshot", table | {secret: "x"}),
            ):
                answers.append(await client.get(httpx.URL(path, params=query), headers=_bearer(token)))
        # A ticket is its buyer's: that it was sold is all that others may learn.
        answers.append(await client.post("/v1/tickets", headers=_bearer(token)))
        # Where people put it by mistake.
        answers.append(await client.get("/v1/channels", params={"access_token": token, "token": token}))
        answers.append(await client.post("/v1/channels", content=token.encode(), headers=_bearer(token)))
    return b"\n".join(map(_bytes, answers))


async def _handshake(url: str, token: str) -> bytes:
    try:
        async with connect(f"{url}/v1/ws", additional_headers=_bearer(token), proxy=None) as socket:
            frame = await socket.recv()
            return frame if isinstance(frame, bytes) else frame.encode()
    except InvalidStatus as refused:
        return _refusal(refused)


async def _handshake_as_page(url: str, token: str) -> bytes:
    """As a browser hands it over, and where it must not be; what is told of that."""
    answers = []
    for path, offered, headers in (
        ("", (SUBPROTOCOL, f"bearer.{token}"), {}),
        (f"?ticket={quote(token)}", (SUBPROTOCOL,), {}),
        ("", (SUBPROTOCOL,), {"Cookie": f"access_token={quote(token)}", "Origin": "https://elsewhere.example"}),
    ):
        try:
            connecting = connect(
                f"{url}/v1/ws{path}",
                subprotocols=list(map(Subprotocol, offered)),
                additional_headers=headers,
                proxy=None,
            )
            async with connecting as socket:
                answers.append(str(socket.response and socket.response.headers).encode())
        except InvalidStatus as refused:
            answers.append(_refusal(refused))
        except ValueError:
            continue  # no subprotocol can be written like that
    return b"\n".join(answers)


def _messages(tokens: Sequence[str], secrets: Sequence[str]) -> Iterator[str]:
    yield from _GARBAGE
    for token in tokens:
        yield _json(type="auth", token=token)
        yield _json(type=token)
    for secret in secrets:
        for wrong in (
            {"type": secret},
            {"type": "subscribe", "id": "a", "channel": secret},
            {"type": "subscribe", "id": "a", "channel": "streams", "scope": [secret]},
            {"type": "subscribe", "id": "a", "channel": "streams", "filter": {"stream_id": secret}},
            {"type": "subscribe", "id": "a", "channel": "streams", "filter": {secret: "x"}},
            {"type": "subscribe", "id": "a", "channel": "streams", "filter": {"type": secret}},
            {"type": "subscribe", "id": "a", "channel": "streams", "cursor": secret},
            {"type": "subscribe", "id": "a", "channel": "streams", secret: 1},
            {"type": "subscribe", "id": "a", "channel": ["streams", secret]},
            {"type": "unsubscribe", "id": ["a", secret]},
        ):
            yield _json(**wrong)
    yield _json(type="subscribe", id="a", channel="streams", scope=[_OTHER_TENANT])


async def _converse(url: str, token: str, message: str) -> bytes:
    """What comes after *message*, up to the answer to a question after it, or to the end."""
    heard = bytearray()
    try:
        async with connect(f"{url}/v1/ws", additional_headers=_bearer(token), proxy=None) as socket:
            await socket.send(message)
            await socket.send(_json(type="ping", t="last"))
            async with asyncio.timeout(20):
                while b'"pong"' not in heard:
                    frame = await socket.recv()
                    heard += frame if isinstance(frame, bytes) else frame.encode()
    except ConnectionClosed as closed:
        heard += str(closed.rcvd).encode()
    except InvalidStatus as refused:  # where nobody can look the token's user up
        heard += _refusal(refused)
    return bytes(heard)


def _refusal(refused: InvalidStatus) -> bytes:
    return b"\n".join([str(refused.response.headers).encode(), refused.response.body or b""])


def _bytes(answer: httpx.Response) -> bytes:
    headers = b"\n".join(name + b": " + value for name, value in answer.headers.raw)
    return headers + b"\n\n" + answer.content


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _http(url: str) -> str:
    return url.replace("ws://", "http://")


def _json(**message: object) -> str:
    return orjson.dumps(message).decode()
