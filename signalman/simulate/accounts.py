"""Events of accounts, configuration and money, which no subscriber gets to see."""

from collections.abc import Sequence
from typing import Any

from signalman.simulate.addresses import client_address
from signalman.simulate.announcements import Announcement, subscription_updated, tenant_updated, token_revoked
from signalman.simulate.identity import hexadecimal, uuid4
from signalman.simulate.scene import Scene
from signalman.simulate.streams import Stream
from signalman.simulate.tenants import Tenant
from signalman.simulate.timeline import Life


def account(scene: Scene, tenant: Tenant, streams: Sequence[Stream]) -> Life:
    """People of a tenant sign in, make tokens that nobody uses, change their streams, name and plan, and pay, over and
    over. Nothing of it ends anybody's access, and some of it has the tenant's looked at again.
    """
    while True:
        for act in (_sign_in, _tokens, _configure, _pay, _requests):
            yield scene.dice.uniform(5.0, 25.0)
            act(scene, tenant, streams)


def _sign_in(scene: Scene, tenant: Tenant, _: Sequence[Stream]) -> None:
    address = client_address(scene.dice)
    person = {"user_id": tenant.user_id, "tenant_id": tenant.tenant_id, "auth_type": "wallet"}
    seen = {"wallet_id": f"0x{hexadecimal(scene.dice, 40)}", "ip_bucket": f"{address}/24"}
    scene.ledger.add(address)
    _authentication(scene, tenant, "auth_login_succeeded", person | seen)
    _authentication(scene, tenant, "auth_token_refreshed", person)


def _tokens(scene: Scene, tenant: Tenant, _: Sequence[Stream]) -> None:
    # The token was never anybody's: a subscriber's access must not end by this.
    revoked = token_revoked(tenant.tenant_id, tenant.user_id, uuid4(scene.dice))
    _authentication(scene, tenant, "token_created", revoked.values)
    _announce(scene, revoked)


def _authentication(scene: Scene, tenant: Tenant, event_type: str, values: dict[str, Any]) -> None:
    resource = ("user", tenant.user_id)
    _emit(scene, tenant, event_type, "commodore", "AuthEvent", values, resource, user_id=tenant.user_id)


def _configure(scene: Scene, tenant: Tenant, streams: Sequence[Stream]) -> None:
    stream_id = scene.dice.choice(streams).stream_id if streams else uuid4(scene.dice)
    changed = {"stream_id": stream_id, "changed_fields": ["title"]}
    for event_type in ("stream_created", "stream_updated"):
        _emit(scene, tenant, event_type, "commodore", "StreamChangeEvent", changed, ("stream", stream_id))
    artifact = {"artifact_type": "ARTIFACT_TYPE_CLIP", "artifact_id": hexadecimal(scene.dice, 32), "status": "ready"}
    _emit(scene, tenant, "artifact_registered", "commodore", "ArtifactEvent", artifact, ("artifact", ""))
    _announce(scene, tenant_updated(tenant.tenant_id, "name"))


def _pay(scene: Scene, tenant: Tenant, _: Sequence[Stream]) -> None:
    invoice = uuid4(scene.dice)
    paid = {
        "tenant_id": tenant.tenant_id,
        "invoice_id": invoice,
        "amount": round(scene.dice.uniform(5.0, 500.0), 2),
        "currency": "EUR",
        "status": "paid",
    }
    _emit(scene, tenant, "invoice_paid", "purser", "BillingEvent", paid, ("invoice", invoice))
    _announce(scene, subscription_updated(tenant.tenant_id, uuid4(scene.dice), "active"))


def _requests(scene: Scene, tenant: Tenant, _: Sequence[Stream]) -> None:
    calls = scene.dice.randrange(1, 60)
    aggregate = {
        "tenant_id": tenant.tenant_id,
        "auth_type": "api_token",
        "operation_type": "query",
        "operation_name": "StreamsList",
        "request_count": calls,
        "total_duration_ms": calls * 14,
        "total_complexity": calls * 9,
        "user_hashes": [scene.dice.getrandbits(64)],
        "token_hashes": [scene.dice.getrandbits(64)],
        "timestamp": scene.second,
    }
    batch = {"timestamp": scene.second, "source_node": "bridge-1", "aggregates": [aggregate]}
    _emit(scene, tenant, "api_request_batch", "bridge", "APIRequestBatch", batch, ("", ""))


def _announce(scene: Scene, announcement: Announcement) -> None:
    scene.service(**announcement._asdict())


def _emit(
    scene: Scene,
    tenant: Tenant,
    event_type: str,
    source: str,
    message: str,
    values: dict[str, Any],
    resource: tuple[str, str],
    user_id: str = "",
) -> None:
    scene.service(
        event_type,
        source=source,
        tenant_id=tenant.tenant_id,
        message=message,
        values=values,
        user_id=user_id,
        resource=resource,
    )
