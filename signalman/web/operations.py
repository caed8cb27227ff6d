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


WATCH_EVERY = 10.0
"""Seconds between looks at the backends for the metrics, whether or not anybody asks for readiness."""


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
        up = await _look(metrics, checks)
        states = {name: "up" if answers else "down" for name, answers in up.items()}
        ready = all(up.values())
        return JSONResponse({"status": "ready" if ready else "not ready", "checks": states}, 200 if ready else 503)

    @routes.get("/metrics")
    async def prometheus() -> Response:
        """Prometheus text format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


async def watch(metrics: Metrics, checks: Mapping[str, Check]) -> None:
    """Keep `signalman_backend_up` true for *checks*, for ever."""
    while True:
        await _look(metrics, checks)
        await asyncio.sleep(WATCH_EVERY)


async def _look(metrics: Metrics, checks: Mapping[str, Check]) -> dict[str, bool]:
    up = dict(zip(checks, await asyncio.gather(*(_is_up(check) for check in checks.values())), strict=True))
    for name, answers in up.items():
        metrics.backend_up.labels(name).set(answers)
    return up


async def _is_up(check: Check) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT):
            await check()
    except (BackendUnavailable, TimeoutError):
        return False
    return True


def create_app(metrics: Metrics, checks: Mapping[str, Check]) -> FastAPI:
    """An application of nothing but these routes, for a process that serves no clients."""
    app = FastAPI(title="Signalman", version=signalman.__version__, docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    app.include_router(router(metrics, checks))
    return app
