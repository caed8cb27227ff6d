"""`/v1/ws` as a FastAPI route: carries a `Connection`'s frames in and out. All decisions are taken elsewhere."""

import asyncio
from collections.abc import Collection

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.responses import Response
from starlette.websockets import WebSocketState

from signalman.errors import AccessError, BackendUnavailable
from signalman.gateway import frames
from signalman.gateway.connection import Connection
from signalman.gateway.gateway import Gateway
from signalman.principal import Principal
from signalman.protocol import CLOSES, SUBPROTOCOL, CloseCode
from signalman.web.handshake import check_origin, choose_subprotocol, handshake_credential
from signalman.web.problems import problem_response

log = structlog.get_logger(__name__)


def router(gateway: Gateway, *, allowed_origins: Collection[str], send_timeout: float) -> APIRouter:
    """The route. A client that takes no byte for *send_timeout* seconds is given up."""
    routes = APIRouter()

    @routes.websocket("/v1/ws")
    async def websocket(socket: WebSocket) -> None:
        try:
            principal = await _admit(gateway, socket, allowed_origins)
        except _Refused as refused:
            gateway.metrics.handshakes.labels("refused").inc()
            await socket.send_denial_response(refused.response)
            return
        try:
            subprotocol = choose_subprotocol(socket.scope["subprotocols"])
        except LookupError:
            gateway.metrics.handshakes.labels("refused").inc()
            await _close_unserved(socket)
            return
        await socket.accept(subprotocol)
        await _serve(gateway, socket, principal, send_timeout)

    return routes


class _Refused(Exception):  # never leaves this module: it carries the answer out of `_admit`
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def _admit(gateway: Gateway, socket: WebSocket, allowed_origins: Collection[str]) -> Principal | None:
    """The principal of the handshake's credential, None where it carries none; refusals before the upgrade."""
    if gateway.full:
        raise _Refused(problem_response("overloaded", "The gateway takes no connections now.", {"Retry-After": "1"}))
    try:
        check_origin(socket.headers, allowed_origins)
        credential = handshake_credential(socket.headers, socket.url.query)
        return None if credential is None else await gateway.authenticate(credential)
    except AccessError as error:
        raise _Refused(problem_response(error.code, error.detail)) from error
    except BackendUnavailable as error:
        log.warning("directory_unavailable", detail=str(error))
        detail = "Credentials cannot be checked at the moment."
        raise _Refused(problem_response("directory_unavailable", detail, {"Retry-After": "2"})) from error


async def _close_unserved(socket: WebSocket) -> None:
    # A browser sees no reason for a refused upgrade, so the socket is opened to tell it.
    await socket.accept()
    await socket.send_text(frames.error("subprotocol", f"This gateway speaks {SUBPROTOCOL}.").decode())
    await _close(CloseCode.SUBPROTOCOL, socket)


async def _serve(gateway: Gateway, socket: WebSocket, principal: Principal | None, send_timeout: float) -> None:
    news = asyncio.Event()
    connection = gateway.connect(news.set, principal)
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
