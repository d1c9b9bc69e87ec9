-- Accepting messages: any number, of any tenants, in one statement and one commit. One statement at
-- a time costs five round trips and a commit for each message.

-- The advisory lock of a lane. Two lanes that share one only wait for each other a little.
CREATE FUNCTION letterhead_lane_lock(sender uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT ('x' || left(digits, 16))::bit(64)::bigint # ('x' || right(digits, 16))::bit(64)::bigint
    FROM (SELECT replace(sender::text, '-', '') AS digits) hex
$$;

-- One row of each array is one message; `file_of` and `person_of` say of which message a file or a
-- person is, counted from 1.
--
-- Each tenant's messages are inserted under its own row-level security: the function runs as its
-- caller, enters the role `letterhead_tenant` and then one tenant after the other, in one order, as
-- all that is locked is, so that two calls cannot wait for each other.
--
-- `outcome` is `new`, `no_sender`, `suspended`, or `known`: under its idempotency key a message was
-- accepted before. A message whose id is there is `new`: a caller that lost the answer asks again.
CREATE FUNCTION letterhead_accept(
    tenants uuid[], ids uuid[], senders uuid[], slugs text[], kinds text[], priorities smallint[],
    refs text[], subjects text[], reply_tos text[], sizes bigint[], on_uncertains text[],
    send_ats timestamptz[], longest_wait double precision, texts text[], htmls text[],
    file_of integer[], file_names text[], file_types text[], file_contents bytea[],
    person_of integer[], person_ids uuid[], person_roles text[], person_emails text[],
    person_names text[],
    key_ids uuid[], key_routes text[], keys text[], key_hashes bytea[]
) RETURNS TABLE (turn integer, outcome text, header_id text)
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    mine uuid;
BEGIN
    PERFORM set_config('role', 'letterhead_tenant', true);
    FOR mine IN SELECT DISTINCT t FROM unnest(tenants) AS t ORDER BY t LOOP
        PERFORM set_config('letterhead.tenant', mine::text, true);
        -- In a statement of its own, before the one that looks at the lanes' rows: that one's snapshot
        -- then shows what a worker that parked has committed.
        PERFORM pg_advisory_xact_lock_shared(lock)
        FROM (
            SELECT DISTINCT letterhead_lane_lock(s.id) AS lock
            FROM unnest(tenants, senders, slugs) AS a(tenant, sender, slug)
            JOIN senders s ON s.tenant_id = mine AND (s.id = a.sender OR s.slug = a.slug)
            WHERE a.tenant = mine
            ORDER BY lock
        ) lanes_to_keep;
        RETURN QUERY
        WITH asked AS MATERIALIZED (
            SELECT a.*, s.id AS sender_id, t.status = 'suspended' AS suspended,
                '<' || a.id || '@' || substring(v.sender_email FROM '[^@]*$') || '>' AS header,
                greatest(a.send_at, letterhead_now()) AS start_at
            FROM unnest(tenants, ids, senders, slugs, kinds, priorities, refs, subjects, reply_tos, sizes,
                    on_uncertains, send_ats, texts, htmls, key_ids, key_routes, keys, key_hashes)
                WITH ORDINALITY AS a(tenant, id, sender, slug, kind, priority, ref, subject, reply_to, size,
                    on_uncertain, send_at, text, html, key_id, route, key, hash, turn)
            LEFT JOIN (senders s
                JOIN tenants t ON t.id = s.tenant_id AND t.deleted_at IS NULL
                JOIN sender_versions v ON v.tenant_id = s.tenant_id AND v.sender_id = s.id
                    AND v.number = coalesce(s.live_version, s.candidate_version))
                ON s.tenant_id = mine AND (s.id = a.sender OR s.slug = a.slug) AND s.deleted_at IS NULL
            WHERE a.tenant = mine
        ), key AS (
            INSERT INTO idempotency_keys (tenant_id, id, route, key, body_hash, message_id)
            SELECT mine, key_id, route, key, hash, id FROM asked
            WHERE key_id IS NOT NULL AND sender_id IS NOT NULL AND NOT suspended
            ORDER BY route, key
            ON CONFLICT (tenant_id, route, key) DO NOTHING
            RETURNING message_id
        ), message AS (
            INSERT INTO messages (tenant_id, id, sender_id, kind, priority, reference, subject, reply_to,
                header_id, size, on_uncertain, send_at, due_at, expires_at)
            SELECT mine, id, sender_id, kind, priority, ref, subject, reply_to,
                header, size, on_uncertain, send_at, start_at,
                start_at + make_interval(secs => longest_wait)
            FROM asked
            WHERE sender_id IS NOT NULL AND NOT suspended
                AND (key_id IS NULL OR id IN (SELECT message_id FROM key))
            ON CONFLICT (tenant_id, id) DO NOTHING
            RETURNING id, sender_id, due_at
        ), body AS (
            INSERT INTO message_bodies (tenant_id, id, text_body, html_body, attachment_names,
                attachment_types, attachment_contents)
            SELECT mine, a.id, a.text, a.html, coalesce(f.names, '{}'), coalesce(f.types, '{}'),
                coalesce(f.contents, '{}')
            FROM asked a
            JOIN message m ON m.id = a.id
            LEFT JOIN LATERAL (
                SELECT array_agg(f.name ORDER BY f.n) AS names, array_agg(f.type ORDER BY f.n) AS types,
                    array_agg(f.content ORDER BY f.n) AS contents
                FROM unnest(file_of, file_names, file_types, file_contents)
                    WITH ORDINALITY AS f(message, name, type, content, n)
                WHERE f.message = a.turn
            ) f ON true
        ), recipient AS (
            INSERT INTO recipients (tenant_id, id, message_id, position, role, email, name)
            SELECT mine, p.id, m.id, row_number() OVER (PARTITION BY m.id ORDER BY p.n), p.role, p.email, p.name
            FROM unnest(person_of, person_ids, person_roles, person_emails, person_names)
                WITH ORDINALITY AS p(message, id, role, email, name, n)
            JOIN asked a ON a.turn = p.message
            JOIN message m ON m.id = a.id
        ), wake AS (
            -- A lane's row is touched only if the lane is not due by then anyway: with many accepts at
            -- once it would be the one row that all of them wait for.
            UPDATE lanes l SET due_at = due.due_at
            FROM (
                SELECT l.id, m.due_at
                FROM (SELECT sender_id, min(due_at) AS due_at FROM message GROUP BY sender_id) m
                JOIN lanes l ON l.tenant_id = mine AND l.id = m.sender_id
                WHERE l.due_at IS NULL OR l.due_at > m.due_at
                ORDER BY l.id FOR NO KEY UPDATE OF l
            ) due
            WHERE l.tenant_id = mine AND l.id = due.id
        )
        SELECT a.turn::integer,
            CASE WHEN a.sender_id IS NULL THEN 'no_sender'
                WHEN a.suspended THEN 'suspended'
                WHEN a.key_id IS NULL OR a.id IN (SELECT message_id FROM key) THEN 'new'
                ELSE 'known' END,
            a.header
        FROM asked a;
    END LOOP;
END $$;
