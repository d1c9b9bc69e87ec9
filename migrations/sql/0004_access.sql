-- Who may do what. The roles themselves belong to the cluster and are made before this runs.

DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'data_keys', 'api_keys', 'audit_events', 'senders', 'sender_versions', 'test_runs',
        'messages', 'message_bodies', 'recipients', 'attempts', 'lanes', 'idempotency_keys']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY own_rows ON %I TO letterhead_tenant
                 USING (tenant_id = letterhead_current_tenant())
                 WITH CHECK (tenant_id = letterhead_current_tenant())', tenant_table);
    END LOOP;
    -- Only the tables that the system role has any grant on; what it may do there, the grants say.
    FOREACH tenant_table IN ARRAY ARRAY[
        'data_keys', 'api_keys', 'audit_events', 'senders', 'sender_versions', 'test_runs',
        'messages', 'lanes', 'idempotency_keys']
    LOOP
        EXECUTE format(
            'CREATE POLICY all_rows ON %I TO letterhead_system USING (true) WITH CHECK (true)', tenant_table);
    END LOOP;
    EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_row ON tenants TO letterhead_tenant USING (id = letterhead_current_tenant());
CREATE POLICY all_rows ON tenants TO letterhead_system USING (true) WITH CHECK (true);

ALTER TABLE operator_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON operator_keys TO letterhead_system USING (true) WITH CHECK (true);

ALTER TABLE operator_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_events ON operator_events FOR INSERT TO letterhead_tenant
    WITH CHECK (tenant_id = letterhead_current_tenant());
CREATE POLICY all_rows ON operator_events TO letterhead_system USING (true) WITH CHECK (true);

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO letterhead_tenant, letterhead_system;

-- One tenant's role.
GRANT SELECT ON tenants, data_keys TO letterhead_tenant;
GRANT SELECT, INSERT ON api_keys, audit_events, sender_versions TO letterhead_tenant;
GRANT UPDATE (revoked_at) ON api_keys TO letterhead_tenant;
-- A version is immutable but for its proof, its end and the removal of its password.
GRANT UPDATE (sealed_password, proven_at, proven_by, discarded_at) ON sender_versions
    TO letterhead_tenant;
GRANT SELECT, INSERT, UPDATE ON senders, test_runs, messages, recipients, attempts, lanes
    TO letterhead_tenant;
GRANT SELECT, INSERT, DELETE ON message_bodies, idempotency_keys TO letterhead_tenant;
GRANT INSERT ON operator_events TO letterhead_tenant;

-- Cross-tenant work: no SELECT on sealed passwords or on what messages say.
GRANT SELECT, INSERT ON tenants TO letterhead_system;
GRANT UPDATE (name, status, updated_at, deleted_at) ON tenants TO letterhead_system;
GRANT SELECT, INSERT, DELETE ON data_keys TO letterhead_system;
GRANT UPDATE (wrapped, master_key_id) ON data_keys TO letterhead_system;
GRANT SELECT ON api_keys TO letterhead_system;
GRANT UPDATE (revoked_at, last_used_at) ON api_keys TO letterhead_system;
GRANT SELECT, INSERT ON operator_keys TO letterhead_system;
GRANT UPDATE (revoked_at, last_used_at) ON operator_keys TO letterhead_system;
GRANT SELECT, INSERT, UPDATE (seq) ON operator_events TO letterhead_system;
GRANT INSERT ON audit_events TO letterhead_system;
GRANT SELECT ON senders TO letterhead_system;
GRANT SELECT (tenant_id, id, sender_id, number, created_at, has_password), UPDATE (sealed_password)
    ON sender_versions TO letterhead_system;
GRANT SELECT (tenant_id, id, sender_id, version, status, started_at) ON test_runs
    TO letterhead_system;
GRANT SELECT (tenant_id, id, sender_id, kind, priority, status, due_at, expires_at, created_at) ON messages
    TO letterhead_system;
GRANT SELECT, UPDATE ON lanes TO letterhead_system;
GRANT SELECT, DELETE ON idempotency_keys TO letterhead_system;

-- Removes one batch of what deleted tenants left behind, as the owner and of deleted tenants
-- only; gives back how many rows went. The directory's row goes last.
CREATE FUNCTION letterhead_remove_deleted(batch integer) RETURNS bigint
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
REVOKE ALL ON FUNCTION letterhead_remove_deleted(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION letterhead_remove_deleted(integer) TO letterhead_system;

-- FORCE binds the owner too: give it exactly the rows that the function above removes.
DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'idempotency_keys', 'attempts', 'recipients', 'message_bodies', 'lanes', 'messages',
        'test_runs', 'sender_versions', 'senders', 'api_keys', 'data_keys', 'audit_events']
    LOOP
        EXECUTE format(
            'CREATE POLICY deleted_rows ON %I TO %I USING (EXISTS (
                 SELECT FROM tenants t WHERE t.id = tenant_id AND t.deleted_at IS NOT NULL))',
            tenant_table, current_user);
    END LOOP;
    EXECUTE format(
        'CREATE POLICY deleted_rows ON tenants TO %I USING (deleted_at IS NOT NULL)', current_user);
END $$;
