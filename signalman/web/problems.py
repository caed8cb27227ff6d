"""Every HTTP error as RFC 9457 problem+json."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from signalman.errors import AccessError, BackendUnavailable, BadMessage, SnapshotTooLarge, TableFaulty
from signalman.protocol import problem

MEDIA_TYPE = "application/problem+json"


def problem_response(code: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The response for error *code* of `protocol.ERRORS`."""
    body = problem(code, detail)
    if body["status"] == HTTPStatus.UNAUTHORIZED:
        # RFC 9110 §15.5.2: a 401 names the scheme that would have been accepted.
        headers = {"WWW-Authenticate": 'Bearer realm="signalman"', **(headers or {})}
    status = body["status"]
    return JSONResponse(body, status if isinstance(status, int) else 500, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of *app* as a problem."""

    @app.exception_handler(AccessError)
    async def refused(_: Request, error: AccessError) -> JSONResponse:
        return problem_response(error.code, error.detail)

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
        code = "snapshot_unavailable" if error.backend == "clickhouse" else "directory_unavailable"
        detail = "The backend that this request needs does not answer; try again shortly."
        return problem_response(code, detail, {"Retry-After": "5"})

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
