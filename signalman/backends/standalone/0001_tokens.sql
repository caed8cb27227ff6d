-- API tokens of an installation that has no platform of its own to ask.
--
-- Applied by `signalman migrate`, in one transaction with its entry in signalman.migrations. Once released, this file does not change
-- any more: what changes comes as the next one.
--
-- What a gateway's role needs, and no more; LISTEN asks for no right:
--
--     GRANT USAGE ON SCHEMA signalman TO gateway;
--     GRANT SELECT ON signalman.tokens, signalman.suspended_scopes TO gateway;

CREATE TABLE signalman.tokens (
    id uuid PRIMARY KEY,
    -- For people: what or who uses it.
    name text NOT NULL CHECK (name <> ''),
    -- SHA-256 of the token's text in hexadecimal. 256 random bits cannot be guessed from it, so it needs no salt and no slow hash.
    digest text NOT NULL UNIQUE CHECK (digest ~ '^[0-9a-f]{64}$'),
    -- Widest level first; all levels of the pack, or the upper ones of them.
    scope text[] NOT NULL CHECK (cardinality(scope) > 0 AND '' <> ALL (scope) AND array_position(scope, NULL) IS NULL),
    roles text[] NOT NULL DEFAULT '{}',
    -- A token opens what these open. None opens nothing.
    permissions text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE signalman.suspended_scopes (
    -- An id of the widest level, such as a tenant's. As long as it stands here, no token of it is good.
    scope text PRIMARY KEY CHECK (scope <> ''),
    reason text NOT NULL DEFAULT '',
    suspended_at timestamptz NOT NULL DEFAULT now()
);

-- Gateways are told at once of whatever may end or change somebody's access. A notice names whom to look at again and decides nothing.
CREATE FUNCTION signalman.tell() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    -- What the row is about, and the column that names it.
    about text := TG_ARGV[0];
    named text := TG_ARGV[1];
    id text;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('signalman_access', 'everybody');
        RETURN NULL;
    END IF;
    -- A trigger's row that is not there is NULL.
    FOREACH id IN ARRAY ARRAY[to_jsonb(OLD) ->> named, to_jsonb(NEW) ->> named] LOOP
        IF id ~ '\s' THEN
            -- In a payload a space begins the next level's id.
            PERFORM pg_notify('signalman_access', 'everybody');
        ELSIF id IS NOT NULL THEN
            PERFORM pg_notify('signalman_access', about || ' ' || id);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE TRIGGER tell_changed AFTER UPDATE ON signalman.tokens FOR EACH ROW
WHEN ((OLD.id, OLD.digest, OLD.scope, OLD.roles, OLD.permissions, OLD.expires_at, OLD.revoked_at)
    IS DISTINCT FROM (NEW.id, NEW.digest, NEW.scope, NEW.roles, NEW.permissions, NEW.expires_at, NEW.revoked_at))
EXECUTE FUNCTION signalman.tell('token', 'id');

CREATE TRIGGER tell_deleted AFTER DELETE ON signalman.tokens FOR EACH ROW
EXECUTE FUNCTION signalman.tell('token', 'id');

CREATE TRIGGER tell_truncated AFTER TRUNCATE ON signalman.tokens FOR EACH STATEMENT
EXECUTE FUNCTION signalman.tell();

CREATE TRIGGER tell_changed AFTER INSERT OR UPDATE OF scope OR DELETE ON signalman.suspended_scopes FOR EACH ROW
EXECUTE FUNCTION signalman.tell('scope', 'scope');

CREATE TRIGGER tell_truncated AFTER TRUNCATE ON signalman.suspended_scopes FOR EACH STATEMENT
EXECUTE FUNCTION signalman.tell();
