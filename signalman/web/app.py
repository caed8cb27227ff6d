"""The gateway as an ASGI application."""

from collections.abc import Collection, Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

import signalman
from signalman.access.credentials import token_prefixes
from signalman.gateway.gateway import Gateway
from signalman.web import operations, problems, rest, websocket
from signalman.web.bearer import Bearers
from signalman.web.doorman import Doorman
from signalman.web.handshake import Rules
from signalman.web.peers import Peers

STATIC = Path(__file__).parent / "static"

# The dashboard needs nothing from anywhere else, and nobody may frame it.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class _Static(StaticFiles):
    """The dashboard's files, asked for anew each time: after an upgrade old and new modules must not mix."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})
        return response


def create_app(
    gateway: Gateway,
    *,
    checks: Mapping[str, operations.Check] | None = None,
    allowed_origins: Collection[str] = (),
    trusted_proxies: Collection[str] = (),
    cookie: str = "",
    send_timeout: float = 30.0,
    close_seconds: float = 1.0,
    service_token: str = "",
    dashboard: bool = True,
) -> FastAPI:
    """WebSocket, REST and, where wanted, the dashboard over *gateway*, which the caller owns.

    *checks*: what else must be well in this process for it to be ready. The others are settings of ``[gateway]`` and
    ``[access]`` by their names there.
    """
    app = FastAPI(
        title="Signalman",
        version=signalman.__version__,
        summary="Real-time events of your platform: redacted, tenant-authorized, joined to a snapshot.",
        docs_url=None,  # its pages load scripts from another host
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    problems.install(app)
    prefixes = token_prefixes(gateway.catalog.access.tokens)
    rules = Rules(frozenset(allowed_origins), cookie, prefixes)
    peers = Peers(trusted_proxies, limited=gateway.admission.by_address)
    app.state.doorman = Doorman(gateway.admission, peers, gateway.metrics)
    bearers = Bearers(gateway, peers, prefixes=prefixes, service_token=service_token)
    app.include_router(websocket.router(gateway, peers, rules, send_timeout=send_timeout, close_seconds=close_seconds))
    app.include_router(rest.router(gateway, bearers))
    app.include_router(operations.router(gateway.metrics, {"gateway": gateway.ready, **(checks or {})}))
    if dashboard:
        app.mount("/static", _Static(directory=STATIC), name="static")

        @app.get("/", include_in_schema=False)
        async def page() -> FileResponse:
            return FileResponse(STATIC / "index.html", headers=_PAGE_HEADERS)

    return app
