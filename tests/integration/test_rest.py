"""The HTTP side as a client meets it."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from signalman.event import PLATFORM
from signalman.gateway.session import SessionLimits
from signalman.principal import Grant, Principal
from signalman.web import rest
from tests.access import NO_LIMITS
from tests.integration.served import SERVICE_TOKEN, TOKEN, Served, hear, say, served
from tests.unit.gateway.make import OTHER, STREAM, TENANT

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


@pytest.mark.parametrize("limits", [SessionLimits(filter_fields=1), SessionLimits(filter_values=2)])
async def test_a_filter_has_as_much_as_configuration_allows(limits: SessionLimits) -> None:
    """Fields, and values of all fields together."""
    async with served(limits=limits) as world:
        wanted: dict[str, Any] = {"stream_id": STREAM, "node_id": ["a", "b"]}
        response = await get(world, "/v1/channels/streams/snapshot", **wanted)
        fits: dict[str, Any] = {"stream_id": [STREAM, f"{STREAM[:-2]}03"]}
        assert (await get(world, "/v1/channels/streams/snapshot", **fits)).status_code == 200
    assert (response.status_code, response.json()["code"]) == (422, "filter_too_large")


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
    stats = answer.json()
    assert (stats["connections"], stats["subscriptions"], stats["views"]) == (1, {"streams": 1, "system": 0}, 1)
    assert (stats["bus_lost"], stats["draining"]) == (False, False)
    assert TOKEN not in answer.text


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
    ticket = body["paths"]["/v1/tickets"]["post"]
    answer = ticket["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(body["components"]["schemas"][answer["$ref"].rpartition("/")[2]]["required"]) == {"ticket", "expires_in"}
    assert ticket["security"] == [{"HTTPBearer": []}]
    assert "parameters" not in ticket


async def test_snapshots_are_limited() -> None:
    """429, with the time to wait; other requests of the same principal go on."""
    async with served(doors=replace(NO_LIMITS, snapshots_per_minute=2)) as world:
        for _ in range(2):
            assert (await get(world, "/v1/channels/streams/snapshot")).status_code == 200
        response = await get(world, "/v1/channels/streams/snapshot")
        assert (await get(world, "/v1/channels")).status_code == 200
        assert (await get(world, "/v1/channels/nonsense/snapshot")).status_code == 404
    assert (response.status_code, response.json()["code"]) == (429, "too_many_snapshots")
    assert 1 <= int(response.headers["retry-after"]) <= 60


async def test_the_platforms_own_has_no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs the platform is told so; to everybody else it is a scope like any that is not theirs."""
    async with served() as world:
        tenant = await get(world, "/v1/channels/system/snapshot", scope="@platform", table="system")

        async def operator(_: str) -> Principal:
            return Principal("user", "root", (TENANT,), frozenset({"owner"}), operator=True)

        monkeypatch.setattr(world.known, "authenticate", operator)
        granted = frozenset({Grant("system", PLATFORM)})
        monkeypatch.setattr(rest, "grants", lambda *_: granted)
        response = await get(world, "/v1/channels/system/snapshot", scope="@platform", table="system")
        refused = await get(world, "/v1/channels/streams/snapshot", scope="@platform")
    assert (tenant.status_code, tenant.json()["code"]) == (403, "forbidden")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert "no tables" in response.json()["detail"]
    assert refused.status_code == 403


async def test_several_authorization_headers_are_none() -> None:
    """Which one counts is not a guess."""
    async with served() as world, httpx.AsyncClient(base_url=world.http, trust_env=False) as client:
        headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")]
        response = await client.get("/v1/channels", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
