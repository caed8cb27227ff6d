"""A bug in a stage of the relay: what is logged, counted and written about it holds nothing of the record."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from prometheus_client import generate_latest

from signalman import logs
from signalman.errors import DecodeError
from signalman.metrics import Metrics
from signalman.relay.relay import Relay
from tests.acceptance.leaks import Search
from tests.unit.relay.make import CATALOG, NAMES, FakeBus, FakeSource, body, record

SECRETS = ("very-personal-value", "203.0.113.9", "vt_0123456789abcdef")
STAGES = {
    "decode": "signalman.relay.relay.Decoder.decode",
    "route": "signalman.relay.relay.Router.route",
    "redact": "signalman.relay.relay.Redactor.redact",
    "rows": "signalman.relay.relay.Rows.changes",
    "address": "signalman.relay.relay.address",
}
BUGS: dict[str, Callable[[str], object]] = {
    "a missing key": lambda value: dict[str, str]()[value],
    "no number": int,
    "no text": lambda value: f"{value}\udc80".encode(),
    "no attribute": lambda value: getattr(object(), value),
    "raised with it": lambda value: _raise(ValueError(value, {"value": value})),
    "raised from it": lambda value: _raise(RuntimeError(), KeyError(value)),
    "noted": lambda value: _raise(_noted(RuntimeError(), value)),
}


def _raise(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


def _noted(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


@pytest.fixture(params=["json", "console"])
def stream(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What is logged at debug level, in each format."""
    root, own = logging.getLogger(), logging.getLogger("signalman")
    before = root.handlers[:], root.level, own.level
    written = io.StringIO()
    logs.configure("debug", request.param, written)
    yield written
    root.handlers[:], root.level, own.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("stage", STAGES)
async def test_a_bug_in_a_stage_tells_no_value(
    stage: str, bug: str, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in log lines, nor in the letter beside the record itself, nor in metrics."""
    text = " ".join(SECRETS)

    def broken(*_: object, **__: object) -> None:
        BUGS[bug](text)

    monkeypatch.setattr(STAGES[stage], broken)
    source, metrics = FakeSource([record(body(payload={"status": text}))]), Metrics()
    await Relay(source, FakeBus(), CATALOG, NAMES, metrics, clock=lambda: 0.0).run()

    (written,) = source.letters
    letter = json.loads(written)
    assert letter.pop("value_base64")
    assert letter["error"].startswith("internal at ")
    outputs = {
        "log": stream.getvalue().encode(),
        "letter": json.dumps(letter).encode(),
        "metrics": generate_latest(metrics.registry),
    }
    assert "record_failed" in stream.getvalue()
    assert Search(SECRETS).report(outputs) == []


def test_a_reason_is_no_place_for_a_value() -> None:
    """The search would see one: it is found where an error's text holds it."""
    error = DecodeError("wrong_type", SECRETS[0])
    assert Search(SECRETS).report({"letter": str(error).encode()}) == ["letter: a-a-a (19 characters)"]
