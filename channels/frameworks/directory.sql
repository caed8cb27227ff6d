-- What Signalman asks FrameWorks' accounts. One server has a database for each service, and a schema of the same name in it.
--
-- Every statement gets the list of what is asked for and returns a row for each that is good now. TIMESTAMP columns are naive
-- and hold the server's own clock, so that they are compared here, with NOW(), and never in Python. A flag that is NULL counts
-- as not set: who is not known to be active is not. Nothing is written: last_used_at is the platform's own business.
--
-- What the role needs to read it, in each of the databases, beside CONNECT, which everybody has unless it was taken away. Columns are
-- named because the table of users has passwords in it:
--
--     commodore: GRANT USAGE ON SCHEMA commodore TO signalman;
--     commodore: GRANT SELECT (id, tenant_id, user_id, token_value, permissions, is_active, expires_at) ON commodore.api_tokens TO signalman;
--     commodore: GRANT SELECT (id, tenant_id, role, platform_operator, is_active) ON commodore.users TO signalman;
--     quartermaster: GRANT USAGE ON SCHEMA quartermaster TO signalman;
--     quartermaster: GRANT SELECT (id, is_active) ON quartermaster.tenants TO signalman;
--     purser: GRANT USAGE ON SCHEMA purser TO signalman;
--     purser: GRANT SELECT (tenant_id, status) ON purser.tenant_subscriptions TO signalman;
--
-- It need not own anything, nor be able to write, to be told of changes: LISTEN asks for no right. notify.sql has the triggers.

-- name: tokens
-- database: commodore
-- API tokens by the SHA-256 of their text, in which the platform keeps them. The user must be active, and still of the token's
-- tenant. A token speaks with its user's role and its own permissions, and never as an operator of the platform. An expiry that
-- RFC 3339 cannot write, 'infinity' among them, is none.
SELECT
    token.token_value::text AS key,
    token.id::text AS id,
    ARRAY[token.tenant_id::text] AS scope,
    array_remove(ARRAY[owner.role::text], 'platform_operator') AS roles,
    COALESCE(token.permissions, '{}')::text[] AS permissions,
    token.user_id::text AS user_id,
    CASE
        WHEN token.expires_at < TIMESTAMP '9999-12-31' THEN EXTRACT(EPOCH FROM token.expires_at::timestamptz)::float8
    END AS expires_at
FROM commodore.api_tokens AS token
JOIN commodore.users AS owner ON owner.id = token.user_id AND owner.tenant_id = token.tenant_id
WHERE token.token_value = ANY($1::text[])
    AND token.is_active IS TRUE
    AND (token.expires_at IS NULL OR token.expires_at > NOW())
    AND owner.is_active IS TRUE

-- name: users
-- database: commodore
-- Users by their id, for those who come with a JSON Web Token: it says who somebody was when it was signed, this who he is now. What
-- is no UUID is nobody's id. The platform limits people by role and not by permission, which is what NULL says.
SELECT
    person.id::text AS key,
    person.id::text AS id,
    ARRAY[person.tenant_id::text] AS scope,
    array_remove(ARRAY[person.role::text], 'platform_operator')
        || CASE WHEN person.platform_operator IS TRUE THEN ARRAY['platform_operator'] ELSE ARRAY[]::text[] END AS roles,
    NULL::text[] AS permissions,
    person.id::text AS user_id,
    NULL::float8 AS expires_at
FROM commodore.users AS person
WHERE person.id = ANY(ARRAY(
        SELECT CASE WHEN asked ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN asked::uuid END
        FROM unnest($1::text[]) AS asked
    ))
    AND person.is_active IS TRUE

-- name: scopes.active
-- database: quartermaster
-- Tenants that are active. One without a row is not.
SELECT tenant.id::text AS scope
FROM quartermaster.tenants AS tenant
WHERE tenant.id = ANY($1::text[]::uuid[]) AND tenant.is_active IS TRUE

-- name: scopes.not_suspended
-- database: purser
-- Tenants whose subscription is not suspended. One without a subscription is prepaid, and one that has cancelled may still read.
SELECT asked AS scope
FROM unnest($1::text[]) AS asked
WHERE NOT EXISTS (
    SELECT 1
    FROM purser.tenant_subscriptions AS subscription
    WHERE subscription.tenant_id = asked::uuid AND subscription.status = 'suspended'
)
