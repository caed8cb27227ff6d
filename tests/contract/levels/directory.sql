-- A pack's questions to accounts with three levels: organization, workspace, tenant.

-- name: keys
-- database: accounts
-- A key is of a workspace, or of one tenant in it. One that was rotated is good until its grace ends.
SELECT
    api_key.key_id AS key,
    api_key.key_id AS id,
    array_remove(ARRAY[space.organization_id, space.workspace_id, tenant.tenant_id]::text[], NULL) AS scope,
    ARRAY[]::text[] AS roles,
    ARRAY(SELECT held.permission::text FROM api_key_permissions AS held WHERE held.api_key_id = api_key.api_key_id) AS permissions,
    NULL::text AS user_id,
    EXTRACT(EPOCH FROM LEAST(
        api_key.expires_at, CASE WHEN api_key.status = 'rotated' THEN api_key.grace_period_expires_at END
    ))::float8 AS expires_at,
    api_key.secret_hash AS secret_hash
FROM api_keys AS api_key
JOIN workspaces AS space ON space.workspace_id = api_key.workspace_id AND space.is_active AND space.deleted_at IS NULL
LEFT JOIN tenants AS tenant
    ON tenant.tenant_id = api_key.tenant_id AND tenant.workspace_id = api_key.workspace_id
    AND tenant.is_active AND tenant.deleted_at IS NULL
WHERE api_key.key_id = ANY($1::text[])
    AND (api_key.tenant_id IS NULL OR tenant.tenant_id IS NOT NULL)
    AND api_key.revoked_at IS NULL
    AND (api_key.expires_at IS NULL OR api_key.expires_at > NOW() AT TIME ZONE 'utc')
    AND (
        api_key.status = 'active'
        OR api_key.status = 'rotated' AND api_key.grace_period_expires_at > NOW() AT TIME ZONE 'utc'
    )

-- name: users
-- database: accounts
-- A role is held in the whole organization, or in one tenant. Who has one in the organization is somebody there, with what he may
-- do everywhere in it; who has roles in a single tenant only, somebody in that tenant; who has them in several is nobody here.
WITH assigned AS (
    SELECT
        person.user_id, person.organization_id, space.workspace_id, assignment.tenant_id, role.name AS role, given.permission,
        bool_or(assignment.tenant_id IS NULL) OVER everything AS everywhere,
        min(assignment.tenant_id::text) OVER everything = max(assignment.tenant_id::text) OVER everything AS in_one_place
    FROM users AS person
    JOIN user_roles AS assignment USING (user_id)
    JOIN roles AS role USING (role_id)
    LEFT JOIN role_permissions AS given USING (role_id)
    LEFT JOIN tenants AS tenant
        ON tenant.tenant_id = assignment.tenant_id AND tenant.is_active AND tenant.deleted_at IS NULL
    LEFT JOIN workspaces AS space
        ON space.workspace_id = tenant.workspace_id AND space.organization_id = person.organization_id
        AND space.is_active AND space.deleted_at IS NULL
    WHERE person.user_id = ANY(ARRAY(
            SELECT CASE WHEN asked ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN asked::uuid END
            FROM unnest($1::text[]) AS asked
        ))
        AND person.is_active AND person.deleted_at IS NULL
        AND NOT (person.is_locked AND (person.locked_until IS NULL OR person.locked_until > NOW() AT TIME ZONE 'utc'))
        AND (assignment.expires_at IS NULL OR assignment.expires_at > NOW() AT TIME ZONE 'utc')
        AND (assignment.tenant_id IS NULL OR space.workspace_id IS NOT NULL)
    WINDOW everything AS (PARTITION BY person.user_id)
)
SELECT
    user_id::text AS key,
    user_id::text AS id,
    array_remove(ARRAY[organization_id, workspace_id, tenant_id]::text[], NULL) AS scope,
    array_agg(DISTINCT role::text) AS roles,
    array_remove(array_agg(DISTINCT permission::text), NULL) AS permissions,
    user_id::text AS user_id,
    NULL::float8 AS expires_at
FROM assigned
WHERE CASE WHEN everywhere THEN tenant_id IS NULL ELSE in_one_place END
GROUP BY user_id, organization_id, workspace_id, tenant_id

-- name: scopes.active
-- database: accounts
SELECT organization_id::text AS scope
FROM organizations
WHERE organization_id = ANY($1::text[]::uuid[]) AND is_active AND deleted_at IS NULL
