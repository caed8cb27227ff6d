"""What the platform's services announce when access may have ended: by accounts now and then, and for tests at will."""

from random import Random
from typing import Any, NamedTuple

from signalman.simulate.ledger import Ledger
from signalman.simulate.wire import Emitted, Producer


class Announcement(NamedTuple):
    """A control-plane event, as `Producer.service` takes it."""

    event_type: str
    source: str
    message: str
    tenant_id: str
    values: dict[str, Any]
    resource: tuple[str, str]
    user_id: str = ""


def token_revoked(tenant_id: str, user_id: str, token_id: str) -> Announcement:
    """An API token was revoked by its owner."""
    values = {"user_id": user_id, "tenant_id": tenant_id, "auth_type": "api_token", "token_id": token_id}
    return Announcement("token_revoked", "commodore", "AuthEvent", tenant_id, values, ("user", user_id), user_id)


def wallet_unlinked(tenant_id: str, user_id: str, wallet_id: str) -> Announcement:
    """A way to log in was taken from a user."""
    values = {"user_id": user_id, "tenant_id": tenant_id, "auth_type": "wallet", "wallet_id": wallet_id}
    return Announcement("wallet_unlinked", "commodore", "AuthEvent", tenant_id, values, ("user", user_id), user_id)


def tenant_updated(tenant_id: str, *changed: str) -> Announcement:
    """Fields of a tenant have *changed*, ``is_active`` perhaps. To what is not said."""
    values = {"tenant_id": tenant_id, "changed_fields": list(changed)}
    return Announcement("tenant_updated", "quartermaster", "TenantEvent", tenant_id, values, ("tenant", tenant_id))


def tenant_deleted(tenant_id: str) -> Announcement:
    """A tenant is gone."""
    values = {"tenant_id": tenant_id}
    return Announcement("tenant_deleted", "quartermaster", "TenantEvent", tenant_id, values, ("tenant", tenant_id))


def subscription_updated(tenant_id: str, subscription_id: str, status: str) -> Announcement:
    """A tenant's subscription is ``active``, ``suspended`` or ``cancelled`` now."""
    return _subscription("subscription_updated", tenant_id, subscription_id, status)


def subscription_canceled(tenant_id: str, subscription_id: str) -> Announcement:
    """A tenant's subscription has ended."""
    return _subscription("subscription_canceled", tenant_id, subscription_id, "cancelled")


def announced(announcement: Announcement, time: float) -> Emitted:
    """The record of *announcement*, at *time* in Unix seconds. The same at the same time is the same record."""
    return Producer(Random(f"{time} {announcement}"), Ledger()).service(time, **announcement._asdict())


def _subscription(event_type: str, tenant_id: str, subscription_id: str, status: str) -> Announcement:
    values = {"tenant_id": tenant_id, "subscription_id": subscription_id, "provider": "stripe", "status": status}
    resource = ("subscription", subscription_id)
    return Announcement(event_type, "purser", "BillingEvent", tenant_id, values, resource)
