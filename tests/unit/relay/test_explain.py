"""What is told about a record is what the stages do to it, and all of it."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalman.catalog import default_folder, load
from signalman.channel import Catalog
from signalman.event import Json, Record
from signalman.redaction import Pseudonyms
from signalman.relay.decode import Decoder
from signalman.relay.explain import Explanation, Told, explain
from signalman.relay.fates import Field, kind
from signalman.relay.route import Router
from signalman.relay.whereabouts import topic_of
from signalman.simulate.world import World
from tests.unit.catalog.sample import write
from tests.unit.relay.explaining import NAMES, PACK, PLAY, PLAYS, body, leaves, owners, rebuilt, record, without_empty
from tests.unit.relay.make import TENANT

PSEUDONYMS = Pseudonyms(b"a key for nothing but tests")
FOLDER = Path(__file__).parents[2] / "channels" / "frameworks"
SAMPLES = [path for path in sorted(FOLDER.glob("*.json")) if not path.stem.endswith(".published")]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The pack in which everything happens."""
    return load(write(tmp_path_factory.mktemp("pack"), PACK, plays=PLAYS))


@pytest.fixture(scope="module")
def frameworks() -> Catalog:
    """The pack of the repository."""
    return load(default_folder("frameworks"))


def told(made: Explanation) -> Told:
    """The event of *made*, which has one."""
    assert made.refusal is None
    assert made.first is not None
    return made.first


def fields(catalog: Catalog, payload: Json) -> dict[str, Field]:
    """Fields of an event with *payload* by their place, written with slashes."""
    first = told(explain(record(body(payload=payload)), catalog, NAMES, pseudonyms=PSEUDONYMS))
    return {"/".join(map(str, field.place)): field for field in first.fields}


def assert_complete(each: Record, catalog: Catalog, names: dict[str, str]) -> None:
    """Every leaf has one fate, and what is told to be shown is what is published."""
    made = explain(each, catalog, names, pseudonyms=PSEUDONYMS)
    if made.first is None:
        return
    routed = Router(catalog).route(Decoder(catalog, names).decode(each)).events[0]
    for place, _ in leaves(routed.data):
        assert len(owners(place, made.first.fields)) == 1, place
    published = orjson.loads(made.first.json)["data"]
    assert rebuilt(made.first.fields) == without_empty(published)


@pytest.mark.parametrize(
    ("place", "fate", "by", "why"),
    [
        ("stream_id", "shown", "", ""),
        ("node_id", "shown", "", ""),
        ("place/city", "shown", "", "no person"),
        ("place/street", "removed", "keep", "not listed in keep"),
        ("latitude", "changed", "centroid", ""),
        ("longitude", "changed", "centroid", ""),
        ("request_url", "changed", "url", ""),
        ("viewer_ip", "changed", "mask", ""),
        ("session", "changed", "hash", ""),
        ("note", "changed", "scan", ""),
        ("upload_id", "changed", "null", ""),
        ("details", "changed", "json", ""),
        ("labels/team", "shown", "", ""),
        ("labels/owner", "removed", "drop", "a person"),
        ("labels/203.0.113.5", "removed", "net", "its key holds an address"),
        ("labels/edge_host", "removed", "net", "stands under a host-like key"),
        ("hits/0/rule", "shown", "", ""),
        ("hits/0/at", "removed", "net", "holds an address"),
        ("hits/1", "removed", "keep", "keep lists fields of an object here, and this is none"),
        ("hits/2/rule", "shown", "", ""),
        ("hits/2/more", "removed", "keep", "not listed in keep"),
        ("tags/0", "shown", "", ""),
        ("tags/1", "removed", "net", "holds an address"),
        ("tags/2", "shown", "", ""),
        ("name", "removed", "net", "holds an address"),
        ("viewer", "removed", "drop", "who it was"),
        ("secret/key", "removed", "drop", "opens the door"),
        ("secret/size", "removed", "keep", "not listed in keep"),
        ("times", "removed", "drop", "by address"),
        ("brand_new", "removed", "keep", "not listed in keep"),
    ],
)
def test_fates(sample: Catalog, place: str, fate: str, by: str, why: str) -> None:
    """Each step's work is told as that step's, with its reason."""
    field = fields(sample, PLAY)[place]
    assert (field.fate, field.by, field.why) == (fate, by, why)


@pytest.mark.parametrize(
    ("payload", "place", "why"),
    [
        ({"latitude": 91, "longitude": 0}, "latitude", "it is no pair of coordinates"),
        ({"latitude": 91, "longitude": 0}, "longitude", "it is no pair of coordinates"),
        ({"request_url": "no url at all"}, "request_url", "it is no URL"),
        ({"viewer_ip": "somewhere"}, "viewer_ip", "it is no address that could be masked"),
        ({"details": "{"}, "details", "it is no JSON"),
    ],
)
def test_what_an_operator_cannot_read(sample: Catalog, payload: dict[str, Json], place: str, why: str) -> None:
    """It is taken out, and the operator is named."""
    field = fields(sample, {"stream_id": "s-1"} | payload)[place]
    assert (field.fate, field.why) == ("removed", why)
    assert field.by


def test_a_removed_value_is_in_no_explanation(sample: Catalog) -> None:
    """Of what was removed only the place, the kind and the reason are told."""
    gone = [field for field in fields(sample, PLAY).values() if field.fate == "removed"]
    assert {field.kind for field in gone} == {"text", "number", "object of 1", "object of 2", "list of 2"}
    assert all(field.value is None for field in gone)


def test_every_leaf_of_the_sample_has_one_fate(sample: Catalog) -> None:
    """Nothing is told twice or not at all, in lists either, where some items go and others stay."""
    assert_complete(record(body()), sample, NAMES)


_TEXTS = st.sampled_from(["plain", "203.0.113.9", "at [2001:db8::1]:80", "12:30:45", "", '{"ip": "192.0.2.1"}'])
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), _TEXTS)
_KEYS = st.sampled_from(["rule", "at", "city", "owner", "team", "client_ip", "key", "198.51.100.1", "x"])
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(st.sampled_from([*PLAY, "more"]), _VALUES, max_size=8))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_leaf_has_one_fate(sample: Catalog, payload: dict[str, Json]) -> None:
    """Whatever a platform sends, in any shape and at any place."""
    assert_complete(record(body(payload=payload | {"stream_id": "s-1"})), sample, NAMES)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_of_the_platform(frameworks: Catalog, path: Path) -> None:
    """The same for every event type of the pack, each with every field of its message; what subscribers are said to see
    is what its sample is published as.
    """
    names = {topic.default: name for name, topic in frameworks.topics.items()}
    value = path.read_bytes()
    logical = topic_of(value, frameworks)
    assert logical is not None
    each = record(value, frameworks.topics[logical].default)
    assert_complete(each, frameworks, names)
    first = told(explain(each, frameworks, names, pseudonyms=PSEUDONYMS))
    published = orjson.loads(path.with_suffix(".published.json").read_bytes())[0]
    assert published["feed"] == {"channel": first.feed.channel, "scope": list(first.feed.scope)}
    assert published["event"] == orjson.loads(first.json)


def test_everything_that_the_pretend_platform_sends(frameworks: Catalog) -> None:
    """The same for a minute of the simulation; each topic is found out from the record alone."""
    names = {topic.default: name for name, topic in frameworks.topics.items()}
    seen = set()
    world = World(start=1_787_220_000.0)
    for each in world.step(world.start + 60):
        kind_of = each.body["event_type"]
        if (each.topic, kind_of) in frameworks.routes and kind_of not in seen:
            seen.add(kind_of)
            assert topic_of(each.value, frameworks) == each.topic
            assert_complete(record(each.value, frameworks.topics[each.topic].default), frameworks, names)
    assert len(seen) > 10


def test_parts_of_the_envelope(sample: Catalog) -> None:
    """Each with the path or the header where the decoder found it."""
    value = body()
    del value["event_id"]
    made = explain(record(value, "media_events", ("event_id", b"from-header")), sample, NAMES, pseudonyms=PSEUDONYMS)
    assert [(part.name, part.text, part.found) for part in made.parts[:2]] == [
        ("id", "from-header", "header event_id"),
        ("type", "play", "event_type"),
    ]
    assert [(part.name, part.found) for part in made.parts[3:]] == [("source", "source"), ("tenant", "tenant_id")]


def test_the_way(sample: Catalog) -> None:
    """Channel, event type behind an alias, what is lifted, and what lies beside the payload, out of reach."""
    value = body("play_resolve", data={"node_id": "n-1", "user_id": "u", "play": PLAY})
    made = explain(record(value), sample, NAMES, pseudonyms=PSEUDONYMS)
    assert (made.type, made.outcome) == ("play_resolve", "published")
    assert made.way is not None
    assert (made.way.channel, made.way.declared.name, made.way.event_type.name) == ("plays", "play", "play")
    assert made.way.lifted == ("node_id",)
    assert {"region", "data.user_id"} <= set(made.way.beside)
    assert not {"event_id", "tenant_id", "data.node_id"} & set(made.way.beside)


def test_publication(sample: Catalog) -> None:
    """The feed, the rows and the JSON are those of the relay."""
    first = told(explain(record(body()), sample, NAMES, pseudonyms=PSEUDONYMS))
    assert (first.feed.channel, first.feed.scope) == ("plays", (TENANT,))
    assert [row["table"] for row in first.rows] == ["plays"]
    published = orjson.loads(first.json)
    assert (published["subject"], published["rows"]) == ("s-1", list(first.rows))


def test_a_batch(sample: Catalog) -> None:
    """The first item in full, the others counted, and those that contradict their envelope."""
    items: list[Json] = [{"stream_id": f"s-{n}", "item_id": f"i-{n}"} for n in range(3)]
    foreign: Json = {"stream_id": "s", "tenant_id": "5eed517e-ba5e-da7a-517e-ba5eda7a0002"}
    made = explain(record(body("plays", {"items": [*items, foreign]})), sample, NAMES, pseudonyms=PSEUDONYMS)
    assert told(made).event.id == "i-0"
    assert (made.others, made.contradictions) == (2, 1)
    assert made.way is not None
    assert (made.way.declared.name, made.way.event_type.name) == ("plays", "play")


@pytest.mark.parametrize(("kind_of", "outcome"), [("noise", "ignored"), ("brand_new", "unknown")])
def test_event_types_that_go_nowhere(sample: Catalog, kind_of: str, outcome: str) -> None:
    """They are understood, and that is all."""
    made = explain(record(body(kind_of)), sample, NAMES)
    assert (made.outcome, made.way, made.first, made.refusal) == (outcome, None, None, None)


def test_nobodys_event(sample: Catalog) -> None:
    """Without a tenant it has a way, and goes to nobody."""
    made = explain(record(body(tenant_id="")), sample, NAMES)
    assert (made.outcome, made.scope, made.first) == ("unscoped", (), None)
    assert made.way is not None


@pytest.mark.parametrize(
    ("value", "stage", "reason", "where"),
    [
        (b"{", "decode", "not_json", ""),
        (body(timestamp="today"), "decode", "bad_time", "timestamp"),
        (body() | {"data": {}}, "route", "missing", "data.play"),
        (body(payload={"name": "x"}), "route", "missing", "data.play.stream_id"),
        (body(event_id="203.0.113.9"), "redact", "address", "id"),
    ],
)
def test_refusals(sample: Catalog, value: Any, stage: str, reason: str, where: str) -> None:
    """A record that goes to the dead letters is told with the stage that refuses it, and why."""
    refusal = explain(record(value), sample, NAMES, pseudonyms=PSEUDONYMS).refusal
    assert refusal is not None
    assert (refusal.stage, refusal.error.reason, refusal.error.where) == (stage, reason, where)


def test_a_refusal_of_a_later_item(sample: Catalog) -> None:
    """What is wrong with the last item of a batch holds for its record."""
    items: list[Json] = [{"stream_id": "s"}, {"stream_id": "s", "item_id": "203.0.113.9"}]
    made = explain(record(body("plays", {"items": items})), sample, NAMES, pseudonyms=PSEUDONYMS)
    assert made.first is None
    assert made.refusal is not None
    assert (made.refusal.stage, made.refusal.error.reason) == ("redact", "address")


def test_an_event_that_is_too_large(sample: Catalog) -> None:
    """The channel's limit refuses it in the last stage."""
    labels: Json = {f"label{n}": "x" * 100 for n in range(50)}
    refusal = explain(record(body(payload=PLAY | {"labels": labels})), sample, NAMES, pseudonyms=PSEUDONYMS).refusal
    assert refusal is not None
    assert refusal.stage == "publish"


@pytest.mark.parametrize(
    ("value", "topic"),
    [
        (body(), "media"),
        ({"kind": "said", "body": {}}, "plain"),
        ({"kind": "unheard_of"}, "plain"),
        ({"event_type": "unheard_of"}, "media"),
        ({"event_type": 5, "kind": "said"}, "plain"),
        ({}, None),
        (b"[", None),
    ],
)
def test_topics_are_found_out(sample: Catalog, value: Any, topic: str | None) -> None:
    """By the event type, wherever a topic's envelope has it."""
    assert topic_of(value if isinstance(value, bytes) else orjson.dumps(value), sample) == topic


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true or false"),
        (1.5, "number"),
        ("x", "text"),
        ([1], "list of 1"),
        ({}, "object of 0"),
    ],
)
def test_kinds(value: Json, words: str) -> None:
    """In words for people."""
    assert kind(value) == words
