-- The tables that hold what is a tenant's, in the order in which they are emptied: those that refer
-- to others come before these. A migration that adds such a table replaces this list, and nothing of
-- the function below.
CREATE FUNCTION letterhead_tenant_tables() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT ARRAY[
    'bulk_run_items', 'portal_sessions', 'portal_links',
    'idempotency_keys', 'attempts', 'recipients', 'message_bodies', 'lanes', 'messages',
    'test_runs', 'sender_versions', 'senders', 'api_keys', 'data_keys', 'audit_events'] $$;
REVOKE ALL ON FUNCTION letterhead_tenant_tables() FROM PUBLIC;

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
    FOREACH tenant_table IN ARRAY letterhead_tenant_tables() LOOP
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
