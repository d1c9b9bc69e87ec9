-- What a page or an answer shows of one sender, in one statement that is a transaction of its own. One
-- statement at a time costs seven round trips, and they are most of what the answer costs.
--
-- It runs as its caller and enters the role and the tenant itself, so that the rows are read under that
-- tenant's row-level security. No row: there is no such sender.
CREATE FUNCTION letterhead_sender(mine uuid, wanted uuid, wanted_slug text)
    RETURNS TABLE (sender json, versions json, tests json, data_keys json)
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('role', 'letterhead_tenant', true),
        set_config('letterhead.tenant', mine::text, true);
    RETURN QUERY
    SELECT row_to_json(s),
        (SELECT json_agg(v) FROM sender_versions v
         WHERE v.tenant_id = mine AND v.sender_id = s.id
             AND v.number IN (s.live_version, s.candidate_version)),
        (SELECT json_agg(r) FROM (
            SELECT sender_id, id, version, status, started_at, advice ->> 'code' AS advice_code,
                jsonb_path_query_first(stages, '$[*] ? (@.status == "failed").stage') #>> '{}'
                    AS failed_stage
            FROM test_runs
            WHERE tenant_id = mine AND sender_id = s.id
            ORDER BY id DESC LIMIT 1) r),
        (SELECT json_agg(k) FROM (
            SELECT generation, master_key_id, wrapped FROM data_keys WHERE tenant_id = mine) k)
    FROM (
        SELECT s.*, t.status = 'suspended' AS tenant_suspended, l.hold_reason,
            CASE WHEN l.held AND NOT l.blocked AND l.not_before > letterhead_now()
                 THEN l.not_before END AS held_until
        FROM senders s
        JOIN tenants t ON t.id = s.tenant_id
        LEFT JOIN lanes l ON l.tenant_id = s.tenant_id AND l.id = s.id
        WHERE s.tenant_id = mine AND (s.id = wanted OR s.slug = wanted_slug)
            AND s.deleted_at IS NULL AND t.deleted_at IS NULL
    ) s;
END $$;
