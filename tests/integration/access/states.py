"""What happens to people in the platform's databases: for each state the statements that bring it about."""

import uuid

from argon2 import PasswordHasher

STANDALONE = "matrix"
"""Database of Signalman's own schema."""
OTHER_TENANT = str(uuid.uuid5(uuid.NAMESPACE_DNS, "the other tenant"))

HASHER = PasswordHasher(memory_cost=64, time_cost=1, parallelism=1)
"""As cheap as Argon2id can be."""
ANOTHER_HASH = HASHER.hash("tfs_another-secret")

_SUSPENSION = """
INSERT INTO purser.tenant_subscriptions (tenant_id, status)
SELECT tenant::uuid, 'suspended' FROM unnest($1::text[]) AS tenant
"""

HAPPENS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "expired": (
        ("commodore", "UPDATE commodore.api_tokens SET expires_at = NOW() WHERE id = ANY($1::text[]::uuid[])", "token"),
        ("commodore", "UPDATE commodore.service_keys SET expires_at = NOW() WHERE id = ANY($1::text[])", "key_id"),
        (STANDALONE, "UPDATE signalman.tokens SET expires_at = NOW() WHERE id = ANY($1::text[]::uuid[])", "token"),
    ),
    "revoked": (
        ("commodore", "UPDATE commodore.api_tokens SET is_active = false WHERE id = ANY($1::text[]::uuid[])", "token"),
        ("commodore", "UPDATE commodore.service_keys SET is_active = false WHERE id = ANY($1::text[])", "key_id"),
        (STANDALONE, "UPDATE signalman.tokens SET revoked_at = NOW() WHERE id = ANY($1::text[]::uuid[])", "token"),
    ),
    "secret replaced": (
        (
            "commodore",
            f"UPDATE commodore.service_keys SET secret_hash = '{ANOTHER_HASH}' WHERE id = ANY($1::text[])",
            "key_id",
        ),
    ),
    "unknown": (
        ("commodore", "DELETE FROM commodore.api_tokens WHERE id = ANY($1::text[]::uuid[])", "token"),
        ("commodore", "DELETE FROM commodore.service_keys WHERE id = ANY($1::text[])", "key_id"),
        ("commodore", "DELETE FROM commodore.users WHERE id = ANY($1::text[]::uuid[])", "user"),
        (STANDALONE, "DELETE FROM signalman.tokens WHERE id = ANY($1::text[]::uuid[])", "token"),
    ),
    "other tenant": (
        (
            "commodore",
            f"UPDATE commodore.users SET tenant_id = '{OTHER_TENANT}' WHERE id = ANY($1::text[]::uuid[])",
            "user",
        ),
        (
            STANDALONE,
            f"UPDATE signalman.tokens SET scope = ARRAY['{OTHER_TENANT}'] WHERE id = ANY($1::text[]::uuid[])",
            "token",
        ),
    ),
    "suspended tenant": (
        (
            "purser",
            _SUSPENSION,
            "tenant",
        ),
        (STANDALONE, "INSERT INTO signalman.suspended_scopes (scope) SELECT unnest($1::text[])", "tenant"),
    ),
    "inactive tenant": (
        (
            "quartermaster",
            "UPDATE quartermaster.tenants SET is_active = false WHERE id = ANY($1::text[]::uuid[])",
            "tenant",
        ),
    ),
    "inactive user": (
        ("commodore", "UPDATE commodore.users SET is_active = false WHERE id = ANY($1::text[]::uuid[])", "user"),
    ),
}


def _grants(role: str, permissions: str) -> tuple[tuple[str, str, str], ...]:
    may = f"permissions = '{permissions}'"
    return (
        ("commodore", f"UPDATE commodore.users SET role = '{role}' WHERE id = ANY($1::text[]::uuid[])", "user"),
        ("commodore", f"UPDATE commodore.api_tokens SET {may} WHERE id = ANY($1::text[]::uuid[])", "token"),
        ("commodore", f"UPDATE commodore.service_keys SET {may} WHERE id = ANY($1::text[])", "key_id"),
        (STANDALONE, f"UPDATE signalman.tokens SET {may} WHERE id = ANY($1::text[]::uuid[])", "token"),
    )


HAPPENS["shrunk grant"] = _grants("viewer", "{analytics:read}")
HAPPENS["no grant"] = _grants("nobody", "{streams:write}")
