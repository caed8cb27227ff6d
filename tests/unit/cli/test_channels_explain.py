"""`signalman channels explain`: what an operator reads about a record."""

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console
from typer.testing import CliRunner

from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.cli import app, refusal
from signalman.cli.explained import Explained
from signalman.errors import DecodeError
from signalman.event import Json, Record
from signalman.redaction import Pseudonyms
from signalman.relay.deadletter import letter
from signalman.relay.decode import Decoder
from signalman.relay.explain import explain
from signalman.relay.route import Router
from signalman.relay.whereabouts import topic_of
from signalman.simulate import announcements
from signalman.simulate.announcements import Announcement, announced
from signalman.simulate.world import World
from tests.unit.catalog.sample import write
from tests.unit.relay.explaining import PACK, PLAY, PLAYS, body, leaves, owners, record
from tests.unit.relay.make import TENANT

Told = Callable[..., Any]
FOLDER = Path(__file__).parents[2] / "channels" / "frameworks"
SAMPLES = [path for path in sorted(FOLDER.glob("*.json")) if not path.stem.endswith(".published")]
KEY = {"SIGNALMAN_CHANNELS__PSEUDONYM_KEY": "a key for nothing but tests"}


@pytest.fixture
def told(runner: CliRunner, tmp_path: Path) -> Told:
    """Explains a file's contents by the pack in which everything happens."""
    folder = tmp_path / "pack"
    folder.mkdir()
    write(folder, PACK, plays=PLAYS)

    def explained(value: object, *options: str, columns: int = 200, **env: str) -> Any:
        path = tmp_path / "event.json"
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value, indent=1).encode())
        arguments = ["channels", "explain", str(path), "--channels", str(folder), *options]
        return runner.invoke(app, arguments, env={**KEY, "COLUMNS": str(columns), **env})

    return explained


@pytest.fixture(scope="module")
def frameworks() -> Catalog:
    """The pack of the repository."""
    return load(default_folder("frameworks"))


def lines(result: Any) -> list[str]:
    """What was printed, spaces made one."""
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_stage_by_stage(told: Told) -> None:
    """Envelope, way, counts, rows and feed, each under its stage's name."""
    shown = told(body())
    assert shown.exit_code == 0, shown.output
    found = lines(shown)
    for line in (
        "record of topic media_events",
        "id e-1 event_id",
        "source player source",
        f"tenant {TENANT} tenant_id",
        "route channel plays, event type play",
        "Somebody plays a stream.",
        "payload data.play",
        "lifted node_id",
        "beside region, data {user_id} (out of reach)",
        "redact 9 shown, 8 changed, 14 removed",
        "rows 1 change",
    ):
        assert line in found
    assert any(line.startswith(f"publish on feed plays / {TENANT}, ") for line in found)


def test_the_diff(told: Told) -> None:
    """A sign, the place, what is seen there or of what kind it was, and who took it out for which reason."""
    found = lines(told(body()))
    for line in (
        'stream_id "s-1"',
        'place.city "Berlin" (no person)',
        '~ request_url "https:/live/index.m3u8" (url)',
        '~ viewer_ip "203.0.113.0/24" (mask)',
        '~ note "seen from [address] twice" (scan)',
        "~ upload_id null (null)",
        "- labels.owner text drop: a person",
        "- hits[1] text keep lists fields of an object here, and this is none",
        "- brand_new list of 2 not listed in keep",
        "- name text net: holds an address",
        "- labels.edge_host text net: stands under a host-like key",
        '- labels."[address]" text net: its key holds an address',
    ):
        assert line in found


def test_what_subscribers_see(told: Told) -> None:
    """The printed event is the published one, whole, with its rows."""
    shown = told(body()).stdout
    event = json.loads(shown[shown.index("\n{\n") :])
    assert (event["id"], event["type"], event["subject"]) == ("e-1", "play", "s-1")
    assert event["data"]["labels"] == {"team": "video"}
    assert event["rows"][0]["row"]["stream_id"] == "s-1"


def test_removed_values_are_not_printed(told: Told) -> None:
    """Neither those that are gone nor those that became something else."""
    shown = told(body()).output
    secrets = (
        "203.0.113.2",
        "203.0.113.9",
        "token",
        "somebody",
        "upload-0815",
        "viewer-4711",
        "key-12345",
        "user-4711",
    )
    assert [secret for secret in secrets if secret in shown.replace("Somebody", "")] == []


def printed(catalog: Catalog, each: Record, names: dict[str, str]) -> tuple[str, list[str]]:
    """The explanation of a record, and the values that were removed or changed, as they came in."""
    made = explain(each, catalog, names, pseudonyms=Pseudonyms(b"k" * 16))
    stream = StringIO()
    Explained(Console(file=stream, width=100), catalog, has_key=True).show(made)
    if made.first is None:
        return stream.getvalue(), []
    published = made.first.json.decode()
    event = Router(catalog).route(Decoder(catalog, names).decode(each)).events[0]
    gone = [
        value
        for place, value in leaves(event.data)
        if isinstance(value, str)
        and len(value) >= 6
        and owners(place, made.first.fields)[0].fate != "shown"
        # Ids may stand elsewhere too: in the envelope, or in a field that is shown.
        and value not in published
        and value not in (made.scope or ())
        and value not in {part.text for part in made.parts}
    ]
    return stream.getvalue(), gone


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_no_removed_value_of_a_sample_is_printed(frameworks: Catalog, path: Path) -> None:
    """For every event type of the pack, each with every field of its message."""
    names = {topic.default: name for name, topic in frameworks.topics.items()}
    logical = topic_of(path.read_bytes(), frameworks)
    assert logical is not None
    text, gone = printed(frameworks, record(path.read_bytes(), frameworks.topics[logical].default), names)
    assert [value for value in gone if value in text] == []


def test_no_secret_of_the_pretend_platform_is_printed(frameworks: Catalog) -> None:
    """A minute of the simulation, with all that it knows to be secret."""
    names = {topic.default: name for name, topic in frameworks.topics.items()}
    world = World(start=1_787_220_000.0, viewers_per_stream=2)
    seen = set()
    texts = []
    for each in world.step(world.start + 60):
        if each.body["event_type"] not in seen:
            seen.add(each.body["event_type"])
            texts.append(printed(frameworks, record(each.value, frameworks.topics[each.topic].default), names)[0])
    assert len(texts) > 10
    whole = "\n".join(texts)
    assert [secret for secret in world.secrets() if len(secret) >= 6 and secret in whole] == []


def test_items_alike_are_counted(told: Told) -> None:
    """A list of fifty objects is not fifty times as long."""
    hits: Json = [{"rule": f"rule-{n}", "more": n} for n in range(50)]
    found = lines(told(body(payload={"stream_id": "s-1", "hits": [*hits, {"rule": "last"}]})))
    assert 'hits[0].rule "rule-0"' in found
    assert "… 49 more items alike" in found
    assert not [line for line in found if line.startswith("hits[49]")]
    assert 'hits[50].rule "last"' in found


def test_a_throw_away_key(told: Told) -> None:
    """Without a configured key pseudonyms can be shown all the same, and it is said that they mean nothing."""
    without = told(body(), SIGNALMAN_CHANNELS__PSEUDONYM_KEY="")
    assert without.exit_code == 0, without.output
    assert "throw-away key: channels.pseudonym_key is not set" in without.stdout
    assert "throw-away" not in told(body()).stdout


def test_a_batch(told: Told) -> None:
    """The first item in full, the others counted."""
    items: list[Json] = [{"stream_id": f"s-{n}", "item_id": f"i-{n}"} for n in range(3)]
    foreign: Json = {"stream_id": "s", "tenant_id": "5eed517e-ba5e-da7a-517e-ba5eda7a0002"}
    found = " ".join(lines(told(body("plays", {"items": [*items, foreign]}))))
    assert "a batch of 3 play: the first of them is shown; 1 more name another scope and are left out" in found
    assert "bytes and 2 more:" in found
    assert '"id": "i-0"' in found


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (body("noise"), "route ignored: the pack knows noise and sends it nowhere"),
        (body("brand_new"), "route unknown: no channel file of the pack names brand_new; it goes nowhere"),
        (body(tenant_id=""), "unscoped: without a tenant it is nobody's, and is shown to nobody"),
        (body("at 203.0.113.9"), "route unknown: no channel file of the pack names at [address]; it goes nowhere"),
    ],
)
def test_records_that_go_nowhere(told: Told, value: Any, said: str) -> None:
    """It is said why; that is no failure."""
    shown = told(value)
    assert shown.exit_code == 0
    assert said in lines(shown)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b'{"event_id": ', "decode the record is not JSON (not_json)"),
        (b"5", "decode the record is JSON, and not an object (not_object)"),
        (body(event_id=""), "decode event_id: is missing or empty (missing)"),
        (body(timestamp="soon"), "decode timestamp: is no time by RFC 3339 (bad_time)"),
        (body(payload="x"), "route data.play: is of another type than it must be (wrong_type)"),
        (
            body(payload=PLAY | {"labels": {f"label{n}": "x" * 100 for n in range(50)}}),
            "publish play: the event is larger than limits.event_bytes of its channel (too_large)",
        ),
    ],
)
def test_refused_records(told: Told, value: Any, said: str) -> None:
    """The stage, the place and the reason in words, and exit code 1."""
    shown = told(value)
    assert shown.exit_code == 1
    assert f"{said}; the record goes to the dead letters" in lines(shown)


@pytest.mark.parametrize(
    ("announcement", "said"),
    [
        (announcements.tenant_deleted(TENANT), "again at whoever has the scope that it names"),
        (announcements.token_revoked(TENANT, "u", "t"), "again at whoever has the token or user that it names"),
        (
            announcements.token_revoked(TENANT, "", ""),
            "again at everybody, since the record names nobody whom it could find",
        ),
    ],
)
def test_signals(runner: CliRunner, tmp_path: Path, announcement: Announcement, said: str) -> None:
    """What is told to gateways and to nobody else is no failure; it says whom it concerns, and not who that is."""
    file = tmp_path / "event.json"
    file.write_bytes(announced(announcement, 1_787_000_000.0).value)
    shown = runner.invoke(app, ["channels", "explain", str(file)], env=KEY)
    assert shown.exit_code == 0, shown.output
    found = " ".join(lines(shown))
    assert (
        f"route a signal of access: {announcement.event_type} is shown to nobody; every gateway looks {said}" in found
    )
    assert "publish" not in found


def test_every_reason_has_its_words() -> None:
    """Whatever reason a stage may give."""
    relay = Path(__file__).parents[3] / "signalman" / "relay"
    sources = "".join(
        (relay / f"{name}.py").read_text() for name in ("decode", "document", "expand", "redact", "route", "scope")
    )
    given = set(re.findall(r'DecodeError\("(\w+)"', sources)) | set(re.findall(r'reason = "(\w+)"', sources))
    assert given
    assert given <= set(refusal._SENTENCES)


def test_several_records(told: Told) -> None:
    """JSON lines as a consumer of Kafka prints them, and a JSON list; a broken one does not hide the others."""
    three = [json.dumps(body(event_id="e-1")), "{oops", json.dumps(body(event_id="e-3"))]
    shown = told("\n".join(three).encode())
    assert shown.exit_code == 1
    assert [line.strip("─ ") for line in shown.stdout.splitlines() if "record" in line and "of 3" in line] == [
        f"record {n} of 3" for n in (1, 2, 3)
    ]
    assert shown.stdout.count('"id": "e-3"') == 1
    assert told([body(event_id="e-1"), body(event_id="e-2")]).stdout.count("\npublish") == 2


def test_a_dead_letter(told: Told) -> None:
    """The record inside of it is explained, with its headers and its topic."""
    value = body()
    del value["event_id"]
    lost = record(value, "eu.media_events", ("event_id", b"e-9"))
    dead = letter(lost, DecodeError("missing", "event_id"), "signalman-media")
    shown = told(dead, SIGNALMAN_KAFKA__MIRROR_REGIONS="eu")
    assert shown.exit_code == 0, shown.output
    assert lines(shown)[0] == "record of topic eu.media_events"
    assert "id e-9 header event_id" in lines(shown)


@pytest.mark.parametrize(
    ("dead", "said"),
    [
        ({"topic": "media_events", "value_base64": "%"}, "value_base64 is not base64"),
        ({"topic": "media_events", "value_base64": "", "value_omitted_bytes": 9}, "is without its record"),
    ],
)
def test_dead_letters_without_a_record(told: Told, dead: Json, said: str) -> None:
    """It is said, and nothing is explained."""
    shown = told(dead)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert said in shown.stderr


def test_the_topic_may_be_named(told: Told) -> None:
    """By the pack's name or by Kafka's, and is found out otherwise; a wrong one gets the nearest name."""
    said = {
        "id": "1",
        "kind": "said",
        "at": "2026-08-20T10:11:12Z",
        "by": "x",
        "tenant": TENANT,
        "body": {"text": "hm"},
    }
    for options in ([], ["--topic", "plain"], ["--topic", "plain_events"]):
        assert lines(told(said, *options))[0] == "record of topic plain_events"
    wrong = told(said, "--topic", "media")
    assert "event_id: is missing or empty" in wrong.stdout
    assert 'did you mean "plain"?' in told(said, "--topic", "plane").stderr


def test_standard_input(runner: CliRunner, frameworks: Catalog) -> None:
    """A dash reads from there."""
    value = orjson.dumps(body("stream_end", {"stream_id": "5eedfeed-11fe-ca57-feed-11feca570001"}))
    shown = runner.invoke(app, ["channels", "explain", "-"], input=value)
    assert shown.exit_code == 0, shown.output
    assert "channel streams, event type stream_end" in shown.stdout


def test_files_that_hold_nothing(runner: CliRunner, tmp_path: Path) -> None:
    """A sentence, exit code 1."""
    empty = tmp_path / "empty.json"
    empty.write_text(" \n")
    for path, said in (
        (tmp_path / "nowhere.json", "there is no such file"),
        (empty, "is empty"),
        (tmp_path, "cannot be read"),
    ):
        shown = runner.invoke(app, ["channels", "explain", str(path)])
        assert (shown.exit_code, shown.stdout) == (1, "")
        assert said in shown.stderr


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_it_fits_and_can_be_pasted(told: Told, columns: int) -> None:
    """No line above the event is wider than the terminal, and none ends in spaces."""
    shown = told(body(), columns=columns).stdout
    above = shown[: shown.index("\n{\n")].splitlines()
    assert [line for line in shown.splitlines() if line != line.rstrip()] == []
    if columns >= 80:
        assert [line for line in above if len(line) > columns] == []


def test_what_a_terminal_would_act_upon(told: Told) -> None:
    """Controls in a record are shown as what they are."""
    value = body(payload={"stream_id": "\x1b[31mred", "labels": {"\x1b]0;x": 1}}, source="\x1b[2J") | {"\x1bkey": 1}
    shown = told(value)
    assert "\x1b" not in shown.output
    assert shown.stdout.count("\\u001b") >= 4
