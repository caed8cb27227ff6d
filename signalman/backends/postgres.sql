-- What `FrameworksDirectory` asks. TIMESTAMP columns are naive and hold the server's own clock, so they are compared
-- here, with NOW(), and never in Python. A flag that is NULL counts as not set: who is not known to be active is not.

-- name: find_token
-- In commodore: a token that is good, whose user is active and still of the token's tenant. An expiry that RFC 3339
-- cannot write, 'infinity' among them, is none.
SELECT
    token.id::text AS token_id,
    token.user_id::text AS user_id,
    token.tenant_id::text AS tenant_id,
    COALESCE(owner.role, '')::text AS role,
    COALESCE(token.permissions, '{}')::text[] AS permissions,
    CASE
        WHEN token.expires_at < TIMESTAMP '9999-12-31' THEN EXTRACT(EPOCH FROM token.expires_at::timestamptz)::float8
    END AS expires_at
FROM commodore.api_tokens AS token
JOIN commodore.users AS owner ON owner.id = token.user_id AND owner.tenant_id = token.tenant_id
WHERE token.token_value = $1::text
    AND token.is_active IS TRUE
    AND (token.expires_at IS NULL OR token.expires_at > NOW())
    AND owner.is_active IS TRUE

-- name: tenant_active
-- In quartermaster.
SELECT EXISTS (
    SELECT 1 FROM quartermaster.tenants WHERE id = $1::text::uuid AND is_active IS TRUE
)

-- name: tenant_suspended
-- In purser. A tenant without a subscription is prepaid, and one that has cancelled may still read.
SELECT EXISTS (
    SELECT 1 FROM purser.tenant_subscriptions WHERE tenant_id = $1::text::uuid AND status = 'suspended'
)
