"""Log lines: how they look, whose they are, and what never reaches them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from signalman import logs
from signalman.addresses import holds_address

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoiNWVlZDUxN2Ui.p786hVnkGwYIToAfHCA7pF0fd3o"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Logging as it was: it belongs to the process, and other tests have theirs."""
    root, own = logging.getLogger(), logging.getLogger("signalman")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before
    structlog.reset_defaults()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The JSON lines of *stream*."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def logged(**values: Any) -> dict[str, Any]:
    """One line with *values*, as it is written."""
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    structlog.get_logger("signalman.test").info("happened", **values)
    (line,) = lines(stream)
    return line


def test_a_json_line_says_what_happened_when_and_where() -> None:
    """One object a line: event, level, logger, UTC time, and the values as they were."""
    line = logged(records=3, topic="analytics", nested={"a": [1, None, True]}, names=("x", "y"))

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "happened",
        "level": "info",
        "logger": "signalman.test",
        "records": 3,
        "topic": "analytics",
        "nested": {"a": [1, None, True]},
        "names": ["x", "y"],
    }


def test_auto_is_coloured_on_a_terminal_and_json_elsewhere() -> None:
    """A person reads colours, a machine reads JSON."""
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        logs.configure("info", "auto", stream)
        structlog.get_logger("signalman.test").info("happened")

    assert "\x1b[" in terminal.getvalue()
    assert lines(pipe)[0]["event"] == "happened"


def test_console_without_a_terminal_has_no_colours() -> None:
    """A file of console lines holds no escape codes."""
    stream = io.StringIO()
    logs.configure("info", "console", stream)
    structlog.get_logger("signalman.test").info("happened", n=1)

    assert "happened" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is for what a command prints."""
    logs.configure("info", "json")
    structlog.get_logger("signalman.test").info("happened")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "happened"


def test_libraries_log_in_the_same_form() -> None:
    """A library's line is scrubbed and rendered like our own, its arguments filled in."""
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    logging.getLogger("aiokafka.consumer").warning("no answer from %s", "10.1.2.3:9092")

    (line,) = lines(stream)
    assert line["event"] == "no answer from [address]"
    assert (line["level"], line["logger"]) == ("warning", "aiokafka.consumer")


LIBRARIES = (
    "aiokafka aiokafka.consumer.fetcher asyncio asyncpg clickhouse_connect redis redis.asyncio urllib3 uvicorn.access "
    "uvicorn.error websockets.client websockets.server new"
)


@pytest.mark.parametrize("name", LIBRARIES.split())
def test_libraries_are_quiet_below_warning(name: str) -> None:
    """Even at debug: what libraries tell there holds values, addresses and query strings."""
    stream = io.StringIO()
    logs.configure("debug", "json", stream)
    logging.getLogger(name).info("value")
    logging.getLogger(name).debug("value")
    structlog.get_logger("signalman.test").debug("ours")

    assert [line["event"] for line in lines(stream)] == ["ours"]


def test_the_level_holds_for_everybody() -> None:
    """At error, neither we nor libraries warn."""
    stream = io.StringIO()
    logs.configure("error", "json", stream)
    logging.getLogger("redis").warning("quiet")
    structlog.get_logger("signalman.test").warning("quiet")
    structlog.get_logger("signalman.test").error("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_configuring_again_replaces_the_first() -> None:
    """No line is written twice."""
    first, second = io.StringIO(), io.StringIO()
    logs.configure("info", "json", first)
    logs.configure("info", "json", second)
    structlog.get_logger("signalman.test").info("happened")

    assert first.getvalue() == ""
    assert len(lines(second)) == 1


def test_bound_context_is_in_the_line() -> None:
    """What was bound for a task appears in its lines."""
    with structlog.contextvars.bound_contextvars(connection="c1"):
        assert logged()["connection"] == "c1"


@pytest.mark.parametrize(
    "key", ["token", "access_token", "Authorization", "password", "jwt_secret", "credentials", "apiToken", "cookie"]
)
def test_secrets_are_hidden_by_name(key: str) -> None:
    """At the top and inside, whatever the value is."""
    line = logged(**{key: "visible", "inside": {key: ["visible"]}})

    assert line[key] == logs.HIDDEN
    assert line["inside"] == {key: logs.HIDDEN}


def test_the_id_of_a_token_is_shown() -> None:
    """It is how one talks about a token without showing it."""
    assert logged(token_id="t-1")["token_id"] == "t-1"


@pytest.mark.parametrize(
    "text",
    [
        "cannot reach redis://user:visible@redis:6379/0",
        "cannot reach redis://:visible@redis",
        "header Authorization: Bearer visible",
        "GET /v1/ws?access_token=visible&x=1",
        "{'password': 'visible', 'x': 1}",
        "token=visible",
        f"got {TOKEN}".replace("p786", "visible"),
        "got fw_visible0123456789abcdef0123456789abcdef",
        "got sgn_visible0123456789abcdef0123456789abcdef",
        "GET /v1/ws?ticket=sgt_visible0123456789abcdef0123456789abcdef",
        "taken: sgt_visible0123456789abcdef0123456789abcdef",
        "Sec-WebSocket-Protocol: signalman.v1, bearer.visible",
        "ticket=visible",
    ],
)
def test_secrets_are_hidden_in_texts(text: str) -> None:
    """Libraries put credentials into their sentences."""
    line = logged(error=text, exception=RuntimeError(text), items=[text], by_key={text: 1})

    assert "visible" not in json.dumps(line)
    assert "visible" not in logs.clean_text(text)


def test_the_rest_of_a_text_stays() -> None:
    """Only the address goes; what one needs to find the trouble stays."""
    assert logs.clean_text("connect to 192.0.2.7:6379 failed: timeout") == "connect to [address] failed: timeout"
    assert logs.clean_text("peer [2001:db8::7]:9092 gone") == "peer [address] gone"
    assert logs.clean_text("kafka-1:9092 at 12:30:01, std::vector") == "kafka-1:9092 at 12:30:01, std::vector"


@given(st.text(st.sampled_from("0123456789abf.:[]% x"), max_size=40))
def test_no_address_passes(text: str) -> None:
    """Whatever the text, what is left holds no address."""
    assert not holds_address(logs.clean_text(text))


def test_bytes_are_counted_and_not_shown() -> None:
    """A payload in a log line would be a leak."""
    assert logged(value=b"visible")["value"] == "<7 bytes>"
