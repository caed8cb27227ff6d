-- Accounts of a platform with three levels of scope and split keys, as far as access goes. Times are naive and UTC.
CREATE TABLE organizations (
    organization_id UUID PRIMARY KEY, is_active BOOLEAN NOT NULL DEFAULT TRUE, deleted_at TIMESTAMP
);
CREATE TABLE workspaces (
    workspace_id UUID PRIMARY KEY, organization_id UUID NOT NULL REFERENCES organizations,
    is_active BOOLEAN NOT NULL DEFAULT TRUE, deleted_at TIMESTAMP
);
CREATE TABLE tenants (
    tenant_id UUID PRIMARY KEY, workspace_id UUID NOT NULL REFERENCES workspaces,
    is_active BOOLEAN NOT NULL DEFAULT TRUE, deleted_at TIMESTAMP
);
CREATE TABLE api_keys (
    api_key_id UUID PRIMARY KEY DEFAULT gen_random_uuid(), key_id VARCHAR(64) NOT NULL UNIQUE, secret_hash VARCHAR(255),
    workspace_id UUID NOT NULL REFERENCES workspaces, tenant_id UUID REFERENCES tenants,
    status VARCHAR(20) NOT NULL DEFAULT 'active', revoked_at TIMESTAMP, expires_at TIMESTAMP, grace_period_expires_at TIMESTAMP
);
CREATE TABLE api_key_permissions (api_key_id UUID NOT NULL REFERENCES api_keys, permission VARCHAR(100) NOT NULL);
CREATE TABLE users (
    user_id UUID PRIMARY KEY, organization_id UUID REFERENCES organizations,
    is_active BOOLEAN NOT NULL DEFAULT TRUE, deleted_at TIMESTAMP, is_locked BOOLEAN NOT NULL DEFAULT FALSE, locked_until TIMESTAMP
);
CREATE TABLE roles (role_id INT PRIMARY KEY, name VARCHAR(50) NOT NULL);
CREATE TABLE role_permissions (role_id INT NOT NULL REFERENCES roles, permission VARCHAR(100) NOT NULL);
CREATE TABLE user_roles (
    user_id UUID NOT NULL REFERENCES users, role_id INT NOT NULL REFERENCES roles, tenant_id UUID REFERENCES tenants, expires_at TIMESTAMP
);

INSERT INTO roles VALUES (1, 'developer'), (2, 'viewer'), (3, 'guest');
INSERT INTO role_permissions VALUES (1, 'logs:read'), (1, 'logs:write'), (2, 'logs:read'), (2, 'alerts:read');
