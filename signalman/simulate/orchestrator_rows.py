"""Rows of orchestrators: as such, per address, and as each gateway sees them."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from signalman.event import Json
from signalman.simulate.reported import Reported, Row

STATES = "orchestrator_state_current"
INSTANCES = "orchestrator_instance_state_current"
VANTAGES = "orchestrator_vantage_current"


def state_update(event: Reported) -> Iterator[tuple[str, Row]]:
    """What an orchestrator offers."""
    metadata = {"canonical_url": event.text("canonical_url"), "hardware": event.text("hardware")}
    seen: Row = {"last_seen": event.time, "metadata": metadata, "updated_at": event.seen}
    key: Row = {"tenant_id": event.tenant_id, "orch_addr": event.text("orch_addr")}
    yield STATES, key | seen
    address = _vantage(event).get("resolved_ip")
    if address:
        yield INSTANCES, key | {"resolved_ip": address} | _offer(event) | seen


def _offer(event: Reported) -> Row:
    prices = event.payload.get("capability_price_entries", [])
    return {
        "canonical_url": event.text("canonical_url"),
        "advertised_node_urls": event.payload.get("advertised_node_urls", []),
        "capabilities": event.payload.get("capabilities", []),
        "price_per_unit": event.whole("price_per_unit"),
        "pixels_per_unit": event.whole("pixels_per_unit"),
        "capability_price_capabilities": [price.get("capability", "") for price in prices],
        "capability_price_positions": [price.get("position", 0) for price in prices],
        "capability_price_price_per_units": [int(price.get("price_per_unit", 0)) for price in prices],
        "capability_price_pixels_per_units": [int(price.get("pixels_per_unit", 0)) for price in prices],
        "hardware": event.text("hardware"),
        "source": event.text("source") or "gateway_pool",
    }


def discovery_observed(event: Reported) -> Iterator[tuple[str, Row]]:
    """How a gateway found an orchestrator, when it called there."""
    vantage, reachable = _vantage(event), bool(event.payload.get("reachable"))
    if not vantage.get("dialed"):
        return
    row: Row = {
        "tenant_id": event.tenant_id,
        "gateway_id": event.text("gateway_id"),
        "gateway_region": event.text("gateway_region"),
        "orch_addr": event.text("orch_addr"),
        **{name: vantage.get(name, "") for name in ("resolved_ip", "city", "country_code")},
        **{name: float(vantage.get(name, 0)) for name in ("latitude", "longitude")},
        "geo_source": vantage.get("geo_source") or "unknown",
        "geo_resolved_at": _resolved_at(event, vantage),
        "latest_latency_ms": event.whole("discovery_latency_ms") if reachable else 0,
        "score": event.number("score"),
        "dialed_recently": int(reachable),
        "last_seen": event.time,
        "updated_at": event.seen,
    }
    yield VANTAGES, row


def _vantage(event: Reported) -> Mapping[str, Json]:
    found: Mapping[str, Json] = event.payload.get("vantage", {})
    return found


def _resolved_at(event: Reported, vantage: Mapping[str, Json]) -> datetime:
    at = vantage.get("geo_resolved_at")
    return datetime.fromisoformat(at) if at else event.time
