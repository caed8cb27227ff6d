"""ClickHouse's HTTP interface in front of the engine in chdb: ``python -m tests.servers.clickhouse_front --help``.

It speaks what clickhouse-connect's client speaks, and says what a server says. What it does not know (sessions, roles,
external tables) it refuses with NOT_IMPLEMENTED, rather than let a test pass on something that did not happen.
"""

import argparse
import asyncio
import base64
import binascii
import gzip
import json
import logging
import signal
import uuid
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import lz4.frame  # type: ignore[import-untyped]
from aiohttp import web

from tests.servers.clickhouse_engine import Answer, Engine, EngineError, Query

# Parameters of the interface itself; what is neither here nor refused is a setting.
_INTERFACE = frozenset(
    {
        *("query", "database", "default_format", "user", "password", "query_id", "quota_key", "stacktrace"),
        *("wait_end_of_query", "buffer_size", "compress", "decompress", "client_protocol_version"),
    }
)
_REFUSED = frozenset({"session_id", "session_timeout", "session_check", "role"})
_DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.decompress,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}
_COMPRESS: Mapping[str, Callable[[bytes], bytes]] = {"lz4": lz4.frame.compress, "gzip": gzip.compress}
_CONTENT_TYPES = {
    "JSON": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
}
_STATUS = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 53, 62, 70, 72, 117, 130, 131, 376, 457), 400),
    **dict.fromkeys((194,), 401),
    **dict.fromkeys((192, 193, 497, 516), 403),
    **dict.fromkeys((16, 46, 47, 50, 56, 60, 73, 81, 115), 404),
    **dict.fromkeys((159,), 408),
    **dict.fromkeys((48,), 501),
}
_BIGGEST = 1 << 30


class Front:
    """The handlers. Queries wait for one another, since the engine serves one at a time."""

    def __init__(self, engine: Engine, *, user: str, password: str, database: str) -> None:
        self._engine = engine
        self._login = (user, password)
        self._database = database
        self._thread = ThreadPoolExecutor(1, "engine")

    async def ping(self, _request: web.Request) -> web.Response:
        """Answer whether the server is there; nobody needs a password for that."""
        return web.Response(text="Ok.\n")

    async def query(self, request: web.Request) -> web.Response:
        """Run the statement of a request."""
        query_id = request.query.get("query_id") or str(uuid.uuid4())
        headers = {"X-ClickHouse-Query-Id": query_id, "X-ClickHouse-Timezone": self._engine.timezone}
        try:
            self._authenticate(request)
            query = await self._read(request)
            if not query.sql.strip():
                return web.Response(text="Ok.\n", headers=headers)
            answer = await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.run, query)
        except EngineError as error:
            headers["X-ClickHouse-Exception-Code"] = str(error.code)
            text = f"{error} (version {self._engine.version} (chdb))\n"
            return web.Response(status=_STATUS.get(error.code, 500), text=text, headers=headers)
        return _response(request, answer, headers)

    def close(self) -> None:
        """Wait for the query that runs and close the engine."""
        self._thread.submit(self._engine.close)
        self._thread.shutdown()

    def _authenticate(self, request: web.Request) -> None:
        user, password = _login(request)
        if (user, password) != self._login:
            raise EngineError(
                f"Code: 516. DB::Exception: {user}: Authentication failed: password is incorrect, "
                "or there is no user with such name. (AUTHENTICATION_FAILED)"
            )

    async def _read(self, request: web.Request) -> Query:
        values = dict(request.query)
        if request.content_type == "multipart/form-data":
            for name, value in (await request.post()).items():
                if not isinstance(value, str):
                    raise _not_implemented(f"external table {name}")
                values[name] = value
            body = b""
        else:
            body = _decompressed(await request.read(), request.headers.get("Content-Encoding", ""))
        if refused := sorted(_REFUSED & values.keys()):
            raise _not_implemented(", ".join(refused))
        settings = {
            name: value for name, value in values.items() if name not in _INTERFACE and not name.startswith("param_")
        }
        if request.method == "GET":
            settings.setdefault("readonly", "2")
        statement = values.get("query", "").encode()
        default_format = request.headers.get("X-ClickHouse-Format") or values.get("default_format") or "TabSeparated"
        return Query(
            # The way to send data beside a statement: it is read as if the body continued it.
            sql=b"\n".join(part for part in (statement, body) if part),
            database=values.get("database") or request.headers.get("X-ClickHouse-Database") or self._database,
            settings=settings,
            parameters={name[6:]: value for name, value in values.items() if name.startswith("param_")},
            default_format=default_format,
        )


def _login(request: web.Request) -> tuple[str, str]:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            user, _, password = base64.b64decode(text).decode().partition(":")
            return user, password
    if "X-ClickHouse-User" in request.headers:
        return request.headers["X-ClickHouse-User"], request.headers.get("X-ClickHouse-Key", "")
    return request.query.get("user", "default"), request.query.get("password", "")


def _decompressed(body: bytes, encoding: str) -> bytes:
    if encoding in {"", "identity"}:
        return body
    if encoding not in _DECOMPRESS:
        raise _not_implemented(f"Content-Encoding {encoding}")
    return _DECOMPRESS[encoding](body)


def _response(request: web.Request, answer: Answer, headers: dict[str, str]) -> web.Response:
    headers["X-ClickHouse-Summary"] = json.dumps(answer.summary)
    headers["Content-Type"] = _CONTENT_TYPES.get(answer.format or "", "application/octet-stream")
    if answer.format:
        headers["X-ClickHouse-Format"] = answer.format
    body = answer.body
    if body and request.query.get("enable_http_compression") == "1":
        accepted = {word.strip() for word in request.headers.get("Accept-Encoding", "").split(",")}
        for encoding, compress in _COMPRESS.items():
            if encoding in accepted:
                headers["Content-Encoding"] = encoding
                body = compress(body)
                break
    return web.Response(body=body, headers=headers)


def _not_implemented(what: str) -> EngineError:
    return EngineError(f"Code: 48. DB::Exception: The tests' front does not know {what}. (NOT_IMPLEMENTED)")


async def _serve(front: Front, port: int) -> None:
    application = web.Application(client_max_size=_BIGGEST)
    application.router.add_get("/ping", front.ping)
    application.router.add_route("*", "/", front.query)
    runner = web.AppRunner(
        application,
        access_log=None,
        # Unpacked here: aiohttp knows no lz4. Parameters make long lines; ClickHouse takes 1 MiB as well.
        auto_decompress=False,
        max_line_size=1 << 20,
        shutdown_timeout=1,
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    stopped = asyncio.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(which, stopped.set)
    await stopped.wait()
    await runner.cleanup()
    front.close()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--user", default="default")
    parser.add_argument("--password", default="")
    parser.add_argument("--database", default="default")
    words = parser.parse_args()
    logging.basicConfig()
    front = Front(Engine(words.path), user=words.user, password=words.password, database=words.database)
    asyncio.run(_serve(front, words.port))


if __name__ == "__main__":
    main()
