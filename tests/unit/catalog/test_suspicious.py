"""What ``signalman check`` warns of: choices that are allowed, and more often a mistake than meant."""

from pathlib import Path

import pytest

from signalman.catalog import default_folder, load, warnings
from tests.unit.catalog.sample import MINIMAL, faults, write

HEAD = """
[events.seen]
keep = {keep}
"""
EXPOSED = "is exposed: addresses pass the net there; say in `why` that this is meant"
NAMED = "is named for an address, and " + EXPOSED
CAUGHT = 'is always removed by the net, because of its name: "mask" or "hash" it, or leave it out'
CREDENTIAL = "looks like a credential: leave it out"
PERSON = 'looks like a person\'s: leave it out, or "hash" it'
URL = 'is a URL, shown with user, host and query: use operator "url"'
PLACE = 'is a place as exact as it comes: use operator "centroid"'
TEXT = 'is free text, in which names and addresses turn up: use operator "scan", or "json" where it is JSON'
MAP = "is every key of a map, whatever it may be tomorrow: name the keys"
ALL = "is every field that the platform sends, whatever it may be tomorrow: name the keys"

NAMES = {
    "client_ip": CAUGHT,
    "viewer_host": CAUGHT,
    "hosts.*.load": 'is always removed by the net, because of the name above it, "hosts": leave it out',
    "token": CREDENTIAL,
    "playbackToken": CREDENTIAL,
    "stream_key": CREDENTIAL,
    "API-Key": CREDENTIAL,
    "user.password": CREDENTIAL,
    "Authorization": CREDENTIAL,
    "user_id": PERSON,
    "owner.email": PERSON,
    "userAgent": PERSON,
    "wallet_address": PERSON,
    "request_url": URL,
    "pushes[].targetUri": URL,
    "latitude": PLACE,
    "client_lon": PLACE,
    "message": TEXT,
    "last_error": TEXT,
    "labels.*": MAP,
    "*": ALL,
}

HARMLESS = (
    "stream_id session_id key token_count keyed_at input_tokens urls_total curl latency platform along message_id "
    "error_code contents_hash is_public status hostile ship_date nodes.*.load tracks[].codec message_type"
)


def warned(folder: Path, body: str) -> list[str]:
    """The warnings of a pack with one channel that has *body*, a line each."""
    assert faults(write(folder, other=MINIMAL + body)) == []
    return [str(each) for each in warnings(load(folder))]


def toml(path: str) -> str:
    """*path* as TOML has it for people, and as warnings name it: they do not say what is a list."""
    return path.replace("[]", "")


@pytest.mark.parametrize("path", NAMES)
def test_names(tmp_path: Path, path: str) -> None:
    """A kept field of such a name is told of, with what to do; a sentence in `why` is an answer."""
    body = HEAD.format(keep=f'["{path}"]')
    assert warned(tmp_path, body) == [f'other.toml: events.seen.keep: "{toml(path)}" {NAMES[path]}']
    assert warned(tmp_path, f'{body}why = {{ "{path}" = "because" }}') == []


def test_a_reason_for_what_is_above(tmp_path: Path) -> None:
    """One sentence may be about an object and all that is kept of it."""
    body = HEAD.format(keep='["owner.email", "owner.phone", "client_email"]')
    (line,) = warned(tmp_path, f'{body}why = {{ owner = "public" }}')
    assert "client_email" in line


@pytest.mark.parametrize("path", HARMLESS.split())
def test_harmless_names(tmp_path: Path, path: str) -> None:
    """The list is believed only as long as it is right."""
    assert warned(tmp_path, HEAD.format(keep=f'["{path}"]')) == []


OPERATORS = {
    "client_ip": {"mask", "hash", "null"},
    "token": {"hash", "null"},
    "email": {"mask", "hash", "null"},
    "request_url": {"url", "hash", "null"},
    "message": {"scan", "json", "url", "hash", "null"},
    "extra.*": {"hash", "null"},
}


@pytest.mark.parametrize("path", OPERATORS)
def test_operators_are_answers(tmp_path: Path, path: str) -> None:
    """Those after which nothing of it is left; any other leaves the warning where it is."""
    for name in ("mask", "hash", "null", "url", "scan", "json"):
        operator = '{ op = "json", keep = ["a"] }' if name == "json" else f'"{name}"'
        body = HEAD.format(keep=f'["{path}"]') + f'redact = {{ "{path}" = {operator} }}'
        assert (warned(tmp_path, body) == []) is (name in OPERATORS[path]), name


def test_a_centroid_is_an_answer_for_both(tmp_path: Path) -> None:
    """For the latitude that has it, and for the longitude beside."""
    body = HEAD.format(keep='["places[].lat", "places[].lng"]')
    assert len(warned(tmp_path, body)) == 2
    assert warned(tmp_path, body + 'redact = { "places[].lat" = { op = "centroid", longitude = "lng" } }') == []


def test_exposed_paths(tmp_path: Path) -> None:
    """Each is told of, unless there is a reason; one that is named for an address in clearer words."""
    body = HEAD.format(keep='["client_ip", "base", "tags"]') + 'expose = ["client_ip", "base", "tags[]"]\n'
    at = "other.toml: events.seen.expose"
    assert warned(tmp_path, body) == [
        f'{at}: "base" {EXPOSED}',
        f'{at}: "client_ip" {NAMED}',
        f'{at}: "tags[]" {EXPOSED}',
    ]
    assert warned(tmp_path, f'{body}why = {{ client_ip = "a", base = "b", tags = "c" }}') == []


TABLE = """
[tables.users]
title = "Users"
source = "users_current"
key = ["user_id"]
columns = ["user_id", "email", "seen_ip"]
"""


def test_columns(tmp_path: Path) -> None:
    """Tables are looked at the same way."""
    at = "other.toml: tables.users.columns"
    assert warned(tmp_path, TABLE) == [
        f'{at}: "email" {PERSON}',
        f'{at}: "seen_ip" {CAUGHT}',
        f'{at}: "user_id" {PERSON}',
    ]
    done = 'redact = { user_id = "hash", seen_ip = "mask" }\nwhy = { email = "their own" }\n'
    assert warned(tmp_path, TABLE + done) == []


ROWS = """
[events.seen]
keep = ["id", "user"]
redact = { user = "hash" }

[[events.seen.rows]]
table = "users"
columns = { id = "id", owner = { first = ["user.name", "user"] } }

[tables.users]
title = "Users"
source = "users_current"
key = ["id"]
columns = ["id", "owner"]
types = { id = "text", owner = "text" }
"""


def test_a_table_shows_what_the_event_hides(tmp_path: Path) -> None:
    """Row changes read the data as it comes: an operator of the event is none of the table's."""
    reason = (
        'stands as it is in column "owner": operator "hash" has no part in table "users", which may name one of its own'
    )
    assert warned(tmp_path, ROWS) == [f'other.toml: events.seen: "{path}" {reason}' for path in ("user", "user.name")]
    assert warned(tmp_path, f'{ROWS}redact = {{ owner = "hash" }}') == []
    assert warned(tmp_path, f'{ROWS}why = {{ owner = "a team" }}') == []


def test_what_ships_has_an_answer_to_everything() -> None:
    """The pack of FrameWorks argues each of its choices."""
    assert warnings(load(default_folder("frameworks"))) == []
