"""What an operator and a load balancer ask a process: is it alive, is it ready, how is it doing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import signalman
from signalman.errors import BackendUnavailable
from signalman.metrics import Metrics
from signalman.web import problems

Check = Callable[[], Awaitable[None]]
"""Returns when all is well, raises `BackendUnavailable` when not."""

TIMEOUT = 2.0
"""Seconds that a readiness check waits for a backend."""


def router(metrics: Metrics, checks: Mapping[str, Check]) -> APIRouter:
    """`/healthz`, `/readyz` over *checks*, and `/metrics`."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        """This process is alive. Says nothing about backends: a restart would not heal them."""
        return {"status": "ok"}

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether this process can do its work now; a load balancer sends clients only where it can."""
        states = await asyncio.gather(*(_state(check) for check in checks.values()))
        up = dict(zip(checks, states, strict=True))
        for name, state in up.items():
            metrics.backend_up.labels(name).set(state == "up")
        ready = all(state == "up" for state in states)
        return JSONResponse({"status": "ready" if ready else "not ready", "checks": up}, 200 if ready else 503)

    @routes.get("/metrics")
    async def prometheus() -> Response:
        """Prometheus text format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(TIMEOUT):
            await check()
    except (BackendUnavailable, TimeoutError):
        return "down"
    return "up"


def create_app(metrics: Metrics, checks: Mapping[str, Check]) -> FastAPI:
    """An application of nothing but these routes, for a process that serves no clients."""
    app = FastAPI(title="Signalman", version=signalman.__version__, docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    app.include_router(router(metrics, checks))
    return app
