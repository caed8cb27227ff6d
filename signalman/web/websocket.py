"""`/v1/ws` as a FastAPI route: carries a `Connection`'s frames in and out. All decisions are taken elsewhere."""

import asyncio
import contextlib

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from signalman.errors import Limited
from signalman.gateway import frames
from signalman.gateway.connection import Connection
from signalman.gateway.gateway import Gateway
from signalman.protocol import CLOSES, SUBPROTOCOL, CloseCode
from signalman.web.arrival import Arrival, Refused, admit, refusal
from signalman.web.handshake import Rules, choose_subprotocol
from signalman.web.link import Link, link_of
from signalman.web.peers import Peers

log = structlog.get_logger(__name__)


def router(gateway: Gateway, peers: Peers, rules: Rules, *, send_timeout: float, close_seconds: float) -> APIRouter:
    """The route. A client that takes no byte for *send_timeout* seconds is given up; one whose connection ends has
    *close_seconds* to take what was said last, and is cut off then.
    """
    routes = APIRouter()

    @routes.websocket("/v1/ws")
    async def websocket(socket: WebSocket) -> None:
        try:
            if gateway.full:
                detail = "The gateway takes no connections now."
                raise Limited("overloaded", detail, limit="max_connections", retry_after=1)
            visitor = await gateway.admission.arrive(peers.address(socket))
        except Limited as error:
            await _refuse(gateway, socket, refusal(error, None))
            return
        try:
            arrival = await admit(gateway, socket, visitor, rules)
            await _welcome(gateway, socket, arrival, send_timeout, close_seconds)
        except Refused as refused:
            await _refuse(gateway, socket, refused)
        except WebSocketDisconnect:
            log.debug("gone_before_accept")
        finally:
            # Whatever has happened, and only once the client is gone: until then it takes up a place.
            await visitor.leave()

    return routes


async def _refuse(gateway: Gateway, socket: WebSocket, refused: Refused) -> None:
    gateway.metrics.handshakes.labels(refused.outcome).inc()
    with contextlib.suppress(WebSocketDisconnect):  # there is nobody to be told
        await socket.send_denial_response(refused.response)


async def _welcome(
    gateway: Gateway, socket: WebSocket, arrival: Arrival, send_timeout: float, close_seconds: float
) -> None:
    link = link_of(socket.scope)
    try:
        subprotocol = choose_subprotocol(socket.scope["subprotocols"])
    except LookupError:
        gateway.metrics.handshakes.labels("refused").inc()
        await _close_unserved(socket)
    else:
        await socket.accept(subprotocol)
        await _serve(gateway, socket, arrival, link, send_timeout)
    if link is not None:
        await _part(gateway, link, close_seconds)


async def _close_unserved(socket: WebSocket) -> None:
    # A browser sees no reason for a refused upgrade, so the socket is opened to tell it.
    await socket.accept()
    await socket.send_text(frames.error("subprotocol", f"This gateway speaks {SUBPROTOCOL}.").decode())
    await _close(CloseCode.SUBPROTOCOL, socket)


async def _serve(gateway: Gateway, socket: WebSocket, arrival: Arrival, link: Link | None, send_timeout: float) -> None:
    news = asyncio.Event()
    connection = gateway.connect(
        news.set, arrival.visitor, arrival.principal, heard=arrival.heard, abort=link.abort if link else None
    )
    news.set()
    writer = asyncio.create_task(_write(connection, socket, news, send_timeout))
    reader = asyncio.create_task(_read(connection, socket))
    try:
        # Whichever ends first ends the other: a closed socket has nobody to write to, and a close that we began is
        # complete once it has been written.
        await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reader, writer):
            task.cancel()
        results = await asyncio.gather(reader, writer, return_exceptions=True)
        await gateway.disconnect(connection)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
            log.error("connection_failed", connection=connection.id, exc_info=result)


async def _part(gateway: Gateway, link: Link, close_seconds: float) -> None:
    """Wait for the client to go. One that does not read, or never answers a close frame, would stay for ever."""
    try:
        async with asyncio.timeout(close_seconds):
            await link.gone.wait()
    except TimeoutError:
        gateway.metrics.aborted.inc()
        link.abort()


async def _read(connection: Connection, socket: WebSocket) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        connection.receive(message["bytes"] if text is None else text)


async def _write(connection: Connection, socket: WebSocket, news: asyncio.Event, send_timeout: float) -> None:
    while True:
        await news.wait()
        news.clear()
        try:
            async with asyncio.timeout(send_timeout):
                for frame in connection.pull():
                    await socket.send({"type": "websocket.send", "text": frame.decode()})
                if connection.closing is not None:
                    await _close(connection.closing, socket)
                    return
        except TimeoutError:
            log.warning("client_stuck", connection=connection.id, seconds=send_timeout)
            return


async def _close(code: CloseCode, socket: WebSocket) -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        await socket.close(code, CLOSES[code].reason)
