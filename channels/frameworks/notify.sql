-- Optional: has FrameWorks' databases tell Signalman at once whose access has changed. A psql script for PostgreSQL 14 or later,
-- run by the owner of the three schemas, as often as wanted; the names of the databases are in the \connect lines:
--
--     psql -v ON_ERROR_STOP=1 -d postgres://…/commodore -f notify.sql
--
-- Without it Signalman has the platform's own events and looks again every access.recheck_seconds; and so it does on YugabyteDB,
-- which tells nothing unless ysql_yb_enable_listen_notify is set (2025.2.3 or later).
--
-- A row is told of only when something changes that decides about access, and only by its id: on the channel signalman_access,
-- as `token <id>`, `user <id>` or `scope <tenant id>`. To take it away again, in each of the databases:
--
--     DROP FUNCTION commodore.signalman_tell() CASCADE;

\connect commodore

CREATE OR REPLACE FUNCTION commodore.signalman_tell() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    -- Arguments: what it is, and the column of its id. The same payload is sent once in a transaction.
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('signalman_access', 'everybody');
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM pg_notify('signalman_access', TG_ARGV[0] || ' ' || (to_jsonb(OLD) ->> TG_ARGV[1]));
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM pg_notify('signalman_access', TG_ARGV[0] || ' ' || (to_jsonb(NEW) ->> TG_ARGV[1]));
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER signalman_changed
AFTER UPDATE ON commodore.api_tokens FOR EACH ROW
WHEN ((OLD.id, OLD.tenant_id, OLD.user_id, OLD.token_value, OLD.permissions, OLD.is_active, OLD.expires_at)
    IS DISTINCT FROM (NEW.id, NEW.tenant_id, NEW.user_id, NEW.token_value, NEW.permissions, NEW.is_active, NEW.expires_at))
EXECUTE FUNCTION commodore.signalman_tell('token', 'id');

CREATE OR REPLACE TRIGGER signalman_deleted
AFTER DELETE ON commodore.api_tokens FOR EACH ROW EXECUTE FUNCTION commodore.signalman_tell('token', 'id');

CREATE OR REPLACE TRIGGER signalman_truncated
AFTER TRUNCATE ON commodore.api_tokens FOR EACH STATEMENT EXECUTE FUNCTION commodore.signalman_tell();

CREATE OR REPLACE TRIGGER signalman_changed
AFTER UPDATE ON commodore.users FOR EACH ROW
WHEN ((OLD.id, OLD.tenant_id, OLD.role, OLD.platform_operator, OLD.is_active)
    IS DISTINCT FROM (NEW.id, NEW.tenant_id, NEW.role, NEW.platform_operator, NEW.is_active))
EXECUTE FUNCTION commodore.signalman_tell('user', 'id');

CREATE OR REPLACE TRIGGER signalman_deleted
AFTER DELETE ON commodore.users FOR EACH ROW EXECUTE FUNCTION commodore.signalman_tell('user', 'id');

CREATE OR REPLACE TRIGGER signalman_truncated
AFTER TRUNCATE ON commodore.users FOR EACH STATEMENT EXECUTE FUNCTION commodore.signalman_tell();

\connect quartermaster

CREATE OR REPLACE FUNCTION quartermaster.signalman_tell() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('signalman_access', 'everybody');
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM pg_notify('signalman_access', TG_ARGV[0] || ' ' || (to_jsonb(OLD) ->> TG_ARGV[1]));
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM pg_notify('signalman_access', TG_ARGV[0] || ' ' || (to_jsonb(NEW) ->> TG_ARGV[1]));
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER signalman_changed
AFTER UPDATE ON quartermaster.tenants FOR EACH ROW
WHEN ((OLD.id, OLD.is_active) IS DISTINCT FROM (NEW.id, NEW.is_active))
EXECUTE FUNCTION quartermaster.signalman_tell('scope', 'id');

CREATE OR REPLACE TRIGGER signalman_deleted
AFTER DELETE ON quartermaster.tenants FOR EACH ROW EXECUTE FUNCTION quartermaster.signalman_tell('scope', 'id');

CREATE OR REPLACE TRIGGER signalman_truncated
AFTER TRUNCATE ON quartermaster.tenants FOR EACH STATEMENT EXECUTE FUNCTION quartermaster.signalman_tell();

\connect purser

CREATE OR REPLACE FUNCTION purser.signalman_tell() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('signalman_access', 'everybody');
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM pg_notify('signalman_access', TG_ARGV[0] || ' ' || (to_jsonb(OLD) ->> TG_ARGV[1]));
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM pg_notify('signalman_access', TG_ARGV[0] || ' ' || (to_jsonb(NEW) ->> TG_ARGV[1]));
    END IF;
    RETURN NULL;
END
$$;

-- A tenant may be suspended by the very row that is its first.
CREATE OR REPLACE TRIGGER signalman_added
AFTER INSERT ON purser.tenant_subscriptions FOR EACH ROW WHEN (NEW.status = 'suspended')
EXECUTE FUNCTION purser.signalman_tell('scope', 'tenant_id');

CREATE OR REPLACE TRIGGER signalman_changed
AFTER UPDATE ON purser.tenant_subscriptions FOR EACH ROW
WHEN ((OLD.tenant_id, OLD.status) IS DISTINCT FROM (NEW.tenant_id, NEW.status))
EXECUTE FUNCTION purser.signalman_tell('scope', 'tenant_id');

CREATE OR REPLACE TRIGGER signalman_deleted
AFTER DELETE ON purser.tenant_subscriptions FOR EACH ROW EXECUTE FUNCTION purser.signalman_tell('scope', 'tenant_id');

CREATE OR REPLACE TRIGGER signalman_truncated
AFTER TRUNCATE ON purser.tenant_subscriptions FOR EACH STATEMENT EXECUTE FUNCTION purser.signalman_tell();
