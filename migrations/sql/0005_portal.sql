-- The way into the portal: links that work once, and the sessions they open. Of a token only the
-- SHA-256 is kept: 256 random bits need no slow hash.

CREATE TABLE portal_links (
    tenant_id   uuid NOT NULL REFERENCES tenants (id),
    id          uuid NOT NULL,
    token_hash  bytea NOT NULL CHECK (length(token_hash) = 32),
    role        text NOT NULL CHECK (role IN ('admin', 'viewer', 'setup')),
    email       text NOT NULL,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > created_at),
    used_at     timestamptz,
    PRIMARY KEY (tenant_id, id)
);
-- Whoever shows a token does not say whose it is.
CREATE UNIQUE INDEX portal_links_by_token ON portal_links (token_hash);
CREATE INDEX portal_links_by_end ON portal_links (coalesce(used_at, expires_at));

CREATE TABLE portal_sessions (
    tenant_id     uuid NOT NULL REFERENCES tenants (id),
    id            uuid NOT NULL,
    token_hash    bytea NOT NULL CHECK (length(token_hash) = 32),
    role          text NOT NULL CHECK (role IN ('admin', 'viewer', 'setup')),
    email         text NOT NULL,
    name          text NOT NULL,
    started_at    timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > started_at),
    ended_at      timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX portal_sessions_by_token ON portal_sessions (token_hash);
CREATE INDEX portal_sessions_by_end ON portal_sessions (coalesce(ended_at, expires_at));

-- The operator's own, of no tenant.
CREATE TABLE operator_links (
    id          uuid PRIMARY KEY,
    token_hash  bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    email       text NOT NULL,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > created_at),
    used_at     timestamptz
);
CREATE INDEX operator_links_by_end ON operator_links (coalesce(used_at, expires_at));

CREATE TABLE operator_sessions (
    id            uuid PRIMARY KEY,
    token_hash    bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    email         text NOT NULL,
    name          text NOT NULL,
    started_at    timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > started_at),
    ended_at      timestamptz
);
CREATE INDEX operator_sessions_by_end ON operator_sessions (coalesce(ended_at, expires_at));

-- What is told of the operator itself is of no tenant.
ALTER TABLE operator_events ALTER COLUMN tenant_id DROP NOT NULL;

DO $$
DECLARE
    portal_table text;
BEGIN
    FOREACH portal_table IN ARRAY ARRAY[
        'portal_links', 'portal_sessions', 'operator_links', 'operator_sessions']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', portal_table);
        EXECUTE format(
            'CREATE POLICY all_rows ON %I TO letterhead_system USING (true) WITH CHECK (true)', portal_table);
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', portal_table);
    END LOOP;
    FOREACH portal_table IN ARRAY ARRAY['portal_links', 'portal_sessions']
    LOOP
        EXECUTE format(
            'CREATE POLICY own_rows ON %I TO letterhead_tenant
                 USING (tenant_id = letterhead_current_tenant())
                 WITH CHECK (tenant_id = letterhead_current_tenant())', portal_table);
        -- FORCE binds the owner too: give it the rows that letterhead_remove_deleted removes.
        EXECUTE format(
            'CREATE POLICY deleted_rows ON %I TO %I USING (EXISTS (
                 SELECT FROM tenants t WHERE t.id = tenant_id AND t.deleted_at IS NOT NULL))',
            portal_table, current_user);
    END LOOP;
END $$;

-- One tenant's role never reads what a token must match.
GRANT INSERT ON portal_links TO letterhead_tenant;
GRANT SELECT (tenant_id, id, role, email, name, started_at, last_seen_at, expires_at, ended_at),
    UPDATE (ended_at) ON portal_sessions TO letterhead_tenant;

GRANT SELECT, UPDATE (used_at), DELETE ON portal_links TO letterhead_system;
GRANT SELECT, INSERT, UPDATE (used_at), DELETE ON operator_links TO letterhead_system;
GRANT SELECT, INSERT, UPDATE (last_seen_at, ended_at), DELETE
    ON portal_sessions, operator_sessions TO letterhead_system;

CREATE OR REPLACE FUNCTION letterhead_remove_deleted(batch integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    gone uuid;
    tenant_table text;
    removed bigint;
BEGIN
    -- Locked: two instances remove two tenants, not the same one twice.
    SELECT id INTO gone FROM tenants WHERE deleted_at IS NOT NULL
        ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF gone IS NULL THEN
        RETURN 0;
    END IF;
    FOREACH tenant_table IN ARRAY ARRAY[
        'portal_sessions', 'portal_links',
        'idempotency_keys', 'attempts', 'recipients', 'message_bodies', 'lanes', 'messages',
        'test_runs', 'sender_versions', 'senders', 'api_keys', 'data_keys', 'audit_events']
    LOOP
        EXECUTE format(
            'DELETE FROM %I WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM %I WHERE tenant_id = $1 LIMIT $2))', tenant_table, tenant_table)
            USING gone, batch;
        GET DIAGNOSTICS removed = ROW_COUNT;
        IF removed > 0 THEN
            RETURN removed;
        END IF;
    END LOOP;
    DELETE FROM tenants WHERE id = gone;
    RETURN 1;
END $$;
