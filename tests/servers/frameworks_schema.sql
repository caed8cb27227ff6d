-- The part of the platform's databases that Signalman's directory reads: a psql script, run while connected to any
-- database. Columns and defaults are the platform's; where it has CITEXT this has TEXT, because the server in the
-- pgserver wheel comes without contrib modules. TIMESTAMP columns are naive and hold the server's own clock.

CREATE DATABASE commodore;
CREATE DATABASE quartermaster;
CREATE DATABASE purser;

\connect commodore
CREATE SCHEMA commodore;

CREATE TABLE commodore.users (
    id                UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id         UUID NOT NULL,
    email             TEXT,
    password_hash     VARCHAR(255),
    verified          BOOLEAN DEFAULT FALSE,
    first_name        VARCHAR(100),
    last_name         VARCHAR(100),
    role              VARCHAR(50) DEFAULT 'member',
    permissions       TEXT[] DEFAULT ARRAY['streams:read'],
    platform_operator BOOLEAN NOT NULL DEFAULT FALSE,
    is_active         BOOLEAN DEFAULT TRUE,
    last_login_at     TIMESTAMP,
    created_at        TIMESTAMP DEFAULT NOW(),
    updated_at        TIMESTAMP DEFAULT NOW()
);

CREATE TABLE commodore.api_tokens (
    id           UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id    UUID NOT NULL,
    user_id      UUID NOT NULL REFERENCES commodore.users (id),
    token_value  VARCHAR(100) NOT NULL UNIQUE,
    token_name   VARCHAR(255) NOT NULL,
    permissions  TEXT[] DEFAULT ARRAY['read'],
    is_active    BOOLEAN DEFAULT TRUE,
    last_used_at TIMESTAMP,
    expires_at   TIMESTAMP,
    created_at   TIMESTAMP DEFAULT NOW(),
    updated_at   TIMESTAMP DEFAULT NOW()
);
COMMENT ON COLUMN commodore.api_tokens.token_value IS 'SHA-256 of the whole token, in hexadecimal';

\connect quartermaster
CREATE SCHEMA quartermaster;

CREATE TABLE quartermaster.tenants (
    id                    UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name                  VARCHAR(255) NOT NULL,
    subdomain             VARCHAR(100) UNIQUE,
    custom_domain         VARCHAR(255),
    deployment_tier       VARCHAR(50) DEFAULT 'free',
    primary_cluster_id    VARCHAR(100),
    official_cluster_id   VARCHAR(100),
    rate_limit_per_minute INTEGER NOT NULL DEFAULT 100,
    rate_limit_burst      INTEGER NOT NULL DEFAULT 20,
    is_provider           BOOLEAN NOT NULL DEFAULT FALSE,
    is_active             BOOLEAN DEFAULT TRUE,
    monitoring_enabled    BOOLEAN NOT NULL DEFAULT FALSE,
    trial_ends_at         TIMESTAMP,
    created_at            TIMESTAMP DEFAULT NOW(),
    updated_at            TIMESTAMP DEFAULT NOW()
);

\connect purser
CREATE SCHEMA purser;

CREATE TABLE purser.tenant_subscriptions (
    id              UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id       UUID NOT NULL UNIQUE,
    tier_id         UUID,
    status          VARCHAR(50) NOT NULL DEFAULT 'active',
    billing_model   VARCHAR(20) NOT NULL DEFAULT 'postpaid',
    trial_ends_at   TIMESTAMP,
    cancelled_at    TIMESTAMP,
    custom_features JSONB NOT NULL DEFAULT '{}',
    created_at      TIMESTAMP DEFAULT NOW(),
    updated_at      TIMESTAMP DEFAULT NOW()
);
