-- What Signalman asks its own schema, where the pack brings no directory.sql of its own. The format is that of a pack's file, see
-- channels/README.md; the tables are made by `signalman migrate`.

-- name: tokens
-- API tokens by the SHA-256 of their text, those that are neither revoked nor expired.
SELECT
    token.digest AS key,
    token.id::text AS id,
    token.scope AS scope,
    token.roles AS roles,
    token.permissions AS permissions,
    NULL::text AS user_id,
    EXTRACT(EPOCH FROM token.expires_at)::float8 AS expires_at
FROM signalman.tokens AS token
WHERE token.digest = ANY($1::text[])
    AND token.revoked_at IS NULL
    AND (token.expires_at IS NULL OR token.expires_at > now())

-- name: scopes.not_suspended
-- Whatever is not suspended is good: nobody tells this schema which scopes there are.
SELECT asked AS scope
FROM unnest($1::text[]) AS asked
WHERE NOT EXISTS (SELECT 1 FROM signalman.suspended_scopes AS suspended WHERE suspended.scope = asked)
