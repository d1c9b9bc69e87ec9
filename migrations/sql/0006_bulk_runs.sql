-- The operator's overview of all tenants, and tests of many senders at once.

-- For the overview only, so it is written at most once a minute.
ALTER TABLE senders ADD COLUMN last_accepted_at timestamptz;

-- What did not leave, for counts that cost the same at any history.
CREATE INDEX messages_failed ON messages (tenant_id, sender_id, created_at)
    WHERE status IN ('rejected', 'expired', 'uncertain');

CREATE TABLE bulk_runs (
    id                  uuid PRIMARY KEY,
    scope               text NOT NULL CHECK (scope IN ('all', 'filter', 'selection')),
    filter_text         text,
    filter_state        text,
    filter_provider     text,
    -- The person of the operator's who asked; each test run's audit names them.
    requested_session   uuid NOT NULL,
    requested_by_email  text NOT NULL,
    requested_by_name   text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT letterhead_now(),
    cancelled_at        timestamptz,
    cancelled_by        text
);

-- One sender to be tested, or one tenant that has none.
CREATE TABLE bulk_run_items (
    tenant_id    uuid NOT NULL REFERENCES tenants (id),
    id           uuid NOT NULL DEFAULT gen_random_uuid(),
    bulk_run_id  uuid NOT NULL REFERENCES bulk_runs (id),
    sender_id    uuid,
    -- The newest test run of it; an earlier one may have been interrupted.
    test_run_id  uuid,
    status       text NOT NULL DEFAULT 'waiting' CHECK (status IN (
        'waiting', 'running', 'passed', 'failed', 'skipped', 'cancelled')),
    -- How many times somebody began it.
    attempts     integer NOT NULL DEFAULT 0,
    lease_token  uuid,
    lease_until  timestamptz,
    -- The code of the advice, or why it was skipped.
    cause        text,
    -- What the advice said at the time.
    title        text,
    host         text,
    port         integer,
    provider     text,
    finished_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, sender_id) REFERENCES senders (tenant_id, id),
    FOREIGN KEY (tenant_id, test_run_id) REFERENCES test_runs (tenant_id, id),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK ((status = 'running') = (lease_token IS NOT NULL)),
    CHECK ((status IN ('waiting', 'running')) = (finished_at IS NULL))
);
CREATE UNIQUE INDEX bulk_run_items_by_run ON bulk_run_items (bulk_run_id, tenant_id, sender_id);
-- Ids tell nothing about tenants, so work in their order is spread over all mail servers.
CREATE INDEX bulk_run_items_open ON bulk_run_items (bulk_run_id, id)
    WHERE status IN ('waiting', 'running');

ALTER TABLE bulk_runs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON bulk_runs TO letterhead_system USING (true) WITH CHECK (true);
ALTER TABLE bulk_run_items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON bulk_run_items TO letterhead_system USING (true) WITH CHECK (true);
DO $$
BEGIN
    -- FORCE binds the owner too: give it the rows that letterhead_remove_deleted removes.
    EXECUTE format(
        'CREATE POLICY deleted_rows ON bulk_run_items TO %I USING (EXISTS (
             SELECT FROM tenants t WHERE t.id = tenant_id AND t.deleted_at IS NOT NULL))',
        current_user);
END $$;
REVOKE ALL ON bulk_runs, bulk_run_items FROM PUBLIC;

-- Tenants neither see nor write these: what concerns one stands in its test runs and its audit.
GRANT SELECT, INSERT, UPDATE (cancelled_at, cancelled_by), DELETE ON bulk_runs
    TO letterhead_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON bulk_run_items TO letterhead_system;

-- What the overview shows: where mail goes and under which address, never a user name or password.
GRANT SELECT (host, port, encryption, auth, sender_email, proven_at) ON sender_versions
    TO letterhead_system;
GRANT SELECT (advice, finished_at) ON test_runs TO letterhead_system;

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
        'bulk_run_items', 'portal_sessions', 'portal_links',
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
