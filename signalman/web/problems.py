"""Every HTTP error as RFC 9457 problem+json."""

import math
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from signalman.errors import AccessError, BackendUnavailable, BadMessage, Limited, SnapshotTooLarge, TableFaulty
from signalman.protocol import problem

MEDIA_TYPE = "application/problem+json"

_UNAVAILABLE = {"clickhouse": "snapshot_unavailable", "redis": "tickets_unavailable"}
"""Backend that does not answer → code of the problem; of all others the directory is asked for whom one is."""


def problem_response(code: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The response for error *code* of `protocol.ERRORS`."""
    body = problem(code, detail)
    if body["status"] == HTTPStatus.UNAUTHORIZED:
        # RFC 9110 §15.5.2: a 401 names the scheme that would have been accepted.
        headers = {"WWW-Authenticate": 'Bearer realm="signalman"', **(headers or {})}
    status = body["status"]
    return JSONResponse(body, status if isinstance(status, int) else 500, headers, MEDIA_TYPE)


def error_response(error: AccessError | BackendUnavailable) -> tuple[JSONResponse, str]:
    """The response for *error* of a request or a handshake, and the code that it has."""
    if isinstance(error, BackendUnavailable):
        code = _UNAVAILABLE.get(error.backend, "directory_unavailable")
        detail = "The backend that this request needs does not answer; try again shortly."
        return problem_response(code, detail, {"Retry-After": "5"}), code
    # RFC 9110 §10.2.3 knows whole seconds.
    later = {"Retry-After": str(max(1, math.ceil(error.retry_after)))} if isinstance(error, Limited) else None
    return problem_response(error.code, error.detail, later), error.code


def install(app: FastAPI) -> None:
    """Answer every error of *app* as a problem."""

    @app.exception_handler(AccessError)
    async def refused(_: Request, error: AccessError) -> JSONResponse:
        return error_response(error)[0]

    @app.exception_handler(BadMessage)
    async def bad_message(_: Request, error: BadMessage) -> JSONResponse:
        return problem_response(error.code, error.detail)

    @app.exception_handler(SnapshotTooLarge)
    async def too_large(_: Request, error: SnapshotTooLarge) -> JSONResponse:
        return problem_response("snapshot_too_large", str(error))

    @app.exception_handler(TableFaulty)
    async def faulty(_: Request, error: TableFaulty) -> JSONResponse:
        return problem_response(error.code, str(error), {"Retry-After": "5"})

    @app.exception_handler(BackendUnavailable)
    async def unavailable(_: Request, error: BackendUnavailable) -> JSONResponse:
        return error_response(error)[0]

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        places = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors())
        return problem_response("invalid_request", f"Invalid: {places}.")

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == HTTPStatus.NOT_FOUND:
            return problem_response("not_found", "There is nothing at this address.")
        title = HTTPStatus(error.status_code).phrase
        body = {"type": "about:blank", "title": title, "status": error.status_code}
        return JSONResponse(body, error.status_code, dict(error.headers or {}), MEDIA_TYPE)
