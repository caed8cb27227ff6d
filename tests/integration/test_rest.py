"""The HTTP side as a client meets it."""

from typing import Any

import httpx
import pytest

from tests.integration.served import SERVICE_TOKEN, TOKEN, Served, hear, say, served
from tests.unit.gateway.make import OTHER, STREAM

BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def get(world: Served, path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
    """One request; authenticated unless *headers* say otherwise."""
    async with httpx.AsyncClient(base_url=world.http, trust_env=False) as client:
        return await client.get(path, headers=BEARER if headers is None else headers, params=params)


async def test_channels_lists_what_may_be_read() -> None:
    """Names, event types, filters and tables, from which a client builds its subscriptions."""
    async with served() as world:
        body = (await get(world, "/v1/channels")).json()
    streams = next(channel for channel in body["channels"] if channel["name"] == "streams")
    assert streams["events"] == ["stream_buffer", "stream_end"]
    assert streams["filters"]["stream_id"] == {"type": "uuid", "title": "Stream"}
    assert streams["tables"]["streams"]["key"] == ["stream_id"]
    assert streams["tables"]["streams"]["about"] == "One of the streams."
    assert streams["about"] == {name: f"Tells of {name}." for name in streams["events"]}


async def test_pages_walk_all_own_rows_once() -> None:
    """``first`` and ``after`` lead through a table in key order, with the total."""
    seen: list[str] = []
    after: dict[str, Any] = {}
    async with served() as world:
        while True:
            page = (await get(world, "/v1/channels/streams/snapshot", first=3, **after)).json()
            seen += [row["stream_id"] for row in page["rows"]]
            assert page["totalCount"] == 7
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = {"after": page["pageInfo"]["endCursor"]}
    assert seen == [f"{STREAM[:-2]}{n:02}" for n in range(7)]


async def test_pages_can_be_filtered() -> None:
    """The channel's filter fields are query parameters."""
    async with served() as world:
        page = (await get(world, "/v1/channels/streams/snapshot", stream_id=f"{STREAM[:-2]}03")).json()
    assert [row["stream_id"] for row in page["rows"]] == [f"{STREAM[:-2]}03"]
    assert page["totalCount"] == 1


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/v1/channels/streams/snapshot", {"first": 501}, 422, "invalid_request"),
        ("/v1/channels/streams/snapshot", {"first": 0}, 422, "invalid_request"),
        ("/v1/channels/streams/snapshot", {"after": "nonsense"}, 422, "invalid_request"),
        ("/v1/channels/streams/snapshot", {"table": "users"}, 422, "invalid_request"),
        ("/v1/channels/streams/snapshot", {"tenant_id": OTHER}, 422, "invalid_request"),
        ("/v1/channels/streams/snapshot", {"scope": OTHER}, 403, "forbidden"),
        ("/v1/channels/system/snapshot", {}, 422, "invalid_request"),
        ("/v1/channels/nonsense/snapshot", {}, 404, "unknown_channel"),
        ("/v1/nonsense", {}, 404, "not_found"),
    ],
)
async def test_a_bad_request_is_a_problem(path: str, params: dict[str, Any], status: int, code: str) -> None:
    """Every error is problem+json with a code and a sentence."""
    async with served() as world:
        response = await get(world, path, **params)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dTpw"}])
async def test_nobody_reads_without_a_credential(headers: dict[str, str]) -> None:
    """401, with the scheme that would do."""
    async with served() as world:
        for path in ("/v1/channels", "/v1/channels/streams/snapshot"):
            response = await get(world, path, headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_store_that_is_away_is_503() -> None:
    """The client is told to come back."""
    async with served() as world:
        world.store.available = False
        response = await get(world, "/v1/channels/streams/snapshot")
    assert (response.status_code, response.json()["code"]) == (503, "snapshot_unavailable")
    assert response.headers["retry-after"] == "5"


async def test_a_table_at_fault_is_503_and_names_the_channel() -> None:
    """With a sentence of its own; other tables are read, and the gateway is as ready as before."""
    columns = {"tenant_id": "UUID", "stream_id": "UUID", "status": "String", "updated_at": "DateTime"}
    async with served() as world:
        world.store.create("streams_current", {name: type_ for name, type_ in columns.items() if name != "tenant_id"})
        await world.gateway.inspection.look()
        response = await get(world, "/v1/channels/streams/snapshot")
        assert (await get(world, "/readyz", {})).status_code == 200
        world.store.create("streams_current", columns)
        await world.gateway.inspection.look()
        assert (await get(world, "/v1/channels/streams/snapshot")).status_code == 200
    body = response.json()
    assert (response.status_code, body["code"]) == (503, "snapshot_unavailable")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "5"
    assert "channel 'streams'" in body["detail"]
    assert "tenant_id" not in response.text


async def test_a_filter_has_as_many_values_as_the_channel_allows() -> None:
    """The same limit, and the same sentence, as for a subscription."""
    async with served() as world:
        response = await get(world, "/v1/channels/streams/snapshot", node_id=[f"n{n}" for n in range(101)])
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert response.json()["detail"] == "Filter field 'node_id' of channel 'streams' takes at most 100 values."


async def test_liveness_readiness_and_metrics() -> None:
    """What a load balancer and Prometheus ask, without a credential."""
    async with served() as world:
        assert (await get(world, "/healthz", {})).json() == {"status": "ok"}
        assert (await get(world, "/readyz", {})).json() == {"status": "ready", "checks": {"gateway": "up"}}
        world.gateway.hub.lost()
        assert (await get(world, "/healthz", {})).status_code == 200
        assert (await get(world, "/readyz", {})).status_code == 503
        assert "signalman_connections 0.0" in (await get(world, "/metrics", {})).text


async def test_a_token_in_the_url_is_refused() -> None:
    """Even a valid one, on every route: URLs are written to logs."""
    async with served() as world:
        response = await get(world, "/v1/channels", access_token=TOKEN)
    assert (response.status_code, response.json()["code"]) == (400, "token_in_url")
    assert TOKEN not in response.text


async def test_stats_are_for_operators() -> None:
    """The service token opens them; a tenant's credential does not."""
    async with served() as world, world.connect() as socket:
        await hear(socket, "welcome")
        await say(socket, type="subscribe", id="s", channel="streams")
        await hear(socket, "caught_up")
        refused = await get(world, "/v1/stats")
        answer = await get(world, "/v1/stats", {"Authorization": f"Bearer {SERVICE_TOKEN}"})
    assert refused.status_code == 401
    assert answer.json() == {
        "connections": 1,
        "subscriptions": {"streams": 1, "system": 0},
        "feeds": 1,
        "views": 1,
        "bus_lost": False,
        "draining": False,
    }


async def test_the_dashboard_is_served_with_a_strict_policy() -> None:
    """Its page may load nothing from elsewhere, and nobody may frame it."""
    async with served() as world:
        response = await get(world, "/", {})
    assert response.status_code == 200
    assert "default-src 'self'" in response.headers["content-security-policy"]


async def test_the_dashboards_files_are_never_stale() -> None:
    """A browser asks again each time, so that an upgrade does not mix old and new modules."""
    async with served() as world:
        for path in ("/", "/static/signalman.js", "/static/dashboard.css"):
            response = await get(world, path, {})
            assert response.status_code == 200
            assert response.headers["cache-control"] == "no-cache"
            assert response.headers["x-content-type-options"] == "nosniff"


async def test_openapi_describes_the_routes() -> None:
    """The description is served, and knows the pages."""
    async with served() as world:
        body = (await get(world, "/v1/openapi.json", {})).json()
    assert "/v1/channels/{channel}/snapshot" in body["paths"]
