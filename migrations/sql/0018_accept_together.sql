-- Accepting messages of many tenants in one pass. One tenant after the other, each under its own
-- row-level security, cost a quarter of a millisecond of a processor for each tenant of a call.

-- As before, in one expression: what reads from a subquery is not inlined, and costs a call of its
-- own for each row.
CREATE OR REPLACE FUNCTION letterhead_lane_lock(sender uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ('x' || substr(sender::text, 1, 8) || substr(sender::text, 10, 4) || substr(sender::text, 15, 4))
            ::bit(64)::bigint
        # ('x' || substr(sender::text, 20, 4) || substr(sender::text, 25, 12))::bit(64)::bigint;

-- The system's role writes what messages say and who gets them; it still cannot read either.
GRANT INSERT ON messages, message_bodies, recipients, idempotency_keys TO letterhead_system;
GRANT SELECT (sender_email) ON sender_versions TO letterhead_system;

-- One row of each array is one message; `file_of` and `person_of` say of which message a file or a
-- person is, counted from 1.
--
-- The function runs as its caller and enters the role `letterhead_system`: each message says whose it
-- is, and finds its sender among that tenant's alone, to which the foreign key of `messages` binds it
-- once more. All that is locked is locked in one order, so that two calls cannot wait for each other.
--
-- The body of a message without text and HTML comes apart, through `incoming_bodies`.
--
-- `outcome` is `new`, `no_sender`, `suspended`, or `known`: under its idempotency key a message was
-- accepted before. A message whose id is there is `new`: a caller that lost the answer asks again.
CREATE OR REPLACE FUNCTION letterhead_accept(
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
BEGIN
    PERFORM set_config('role', 'letterhead_system', true);
    -- In a statement of its own, before the one that looks at the lanes' rows: that one's snapshot then
    -- shows what a worker that parked has committed.
    PERFORM pg_advisory_xact_lock_shared(lock)
    FROM (
        SELECT letterhead_lane_lock(s.id) AS lock
        FROM (SELECT DISTINCT * FROM unnest(tenants, senders, slugs)) AS a(tenant, sender, slug)
        JOIN senders s ON s.tenant_id = a.tenant AND (s.id = a.sender OR s.slug = a.slug)
        ORDER BY lock
    ) lanes_to_keep;
    RETURN QUERY
    -- What many messages have in common is looked up once.
    WITH way AS MATERIALIZED (
        SELECT a.*, s.id AS sender_id, t.status = 'suspended' AS suspended,
            substring(v.sender_email FROM '@[^@]*$') || '>' AS domain
        FROM (SELECT DISTINCT * FROM unnest(tenants, senders, slugs)) AS a(tenant, sender, slug)
        JOIN senders s ON s.tenant_id = a.tenant AND (s.id = a.sender OR s.slug = a.slug)
            AND s.deleted_at IS NULL
        JOIN tenants t ON t.id = s.tenant_id AND t.deleted_at IS NULL
        JOIN sender_versions v ON v.tenant_id = s.tenant_id AND v.sender_id = s.id
            AND v.number = coalesce(s.live_version, s.candidate_version)
    ), asked AS MATERIALIZED (
        SELECT a.*, w.sender_id, w.suspended, '<' || a.id || w.domain AS header,
            greatest(a.send_at, letterhead_now()) AS start_at
        FROM unnest(tenants, ids, senders, slugs, kinds, priorities, refs, subjects, reply_tos, sizes,
                on_uncertains, send_ats, texts, htmls, key_ids, key_routes, keys, key_hashes)
            WITH ORDINALITY AS a(tenant, id, sender, slug, kind, priority, ref, subject, reply_to, size,
                on_uncertain, send_at, text, html, key_id, route, key, hash, turn)
        LEFT JOIN way w ON w.tenant = a.tenant AND (w.sender = a.sender OR w.slug = a.slug)
    ), key AS (
        INSERT INTO idempotency_keys (tenant_id, id, route, key, body_hash, message_id)
        SELECT tenant, key_id, route, key, hash, id FROM asked
        WHERE key_id IS NOT NULL AND sender_id IS NOT NULL AND NOT suspended
        ORDER BY tenant, route, key
        ON CONFLICT DO NOTHING
        RETURNING message_id
    ), taken AS MATERIALIZED (
        -- What is there already was stored by a call whose answer was lost. ON CONFLICT would cost each
        -- row of each table a second record in the log; that way a call that meets such a one while it is
        -- still running is refused by the primary key, and asks again.
        SELECT * FROM asked
        WHERE sender_id IS NOT NULL AND NOT suspended
            AND (key_id IS NULL OR id IN (SELECT message_id FROM key))
            AND NOT EXISTS (SELECT FROM messages m WHERE m.tenant_id = asked.tenant AND m.id = asked.id)
    ), message AS (
        INSERT INTO messages (tenant_id, id, sender_id, kind, priority, reference, subject, reply_to,
            header_id, size, on_uncertain, send_at, due_at, expires_at)
        SELECT tenant, id, sender_id, kind, priority, ref, subject, reply_to,
            header, size, on_uncertain, send_at, start_at, start_at + make_interval(secs => longest_wait)
        FROM taken
    ), file AS MATERIALIZED (
        SELECT message, array_agg(name ORDER BY n) AS names, array_agg(type ORDER BY n) AS types,
            array_agg(content ORDER BY n) AS contents
        FROM unnest(file_of, file_names, file_types, file_contents)
            WITH ORDINALITY AS f(message, name, type, content, n)
        GROUP BY message
    ), body AS (
        INSERT INTO message_bodies (tenant_id, id, text_body, html_body, attachment_names,
            attachment_types, attachment_contents)
        SELECT a.tenant, a.id, a.text, a.html, coalesce(f.names, '{}'), coalesce(f.types, '{}'),
            coalesce(f.contents, '{}')
        FROM taken a LEFT JOIN file f ON f.message = a.turn
        WHERE a.text IS NOT NULL OR a.html IS NOT NULL
    ), recipient AS (
        INSERT INTO recipients (tenant_id, id, message_id, position, role, email, name)
        SELECT a.tenant, p.id, a.id, row_number() OVER (PARTITION BY p.message ORDER BY p.n), p.role,
            p.email, p.name
        FROM unnest(person_of, person_ids, person_roles, person_emails, person_names)
            WITH ORDINALITY AS p(message, id, role, email, name, n)
        JOIN taken a ON a.turn = p.message
    ), wake AS (
        -- A lane's row is touched only if the lane is not due by then anyway: with many accepts at
        -- once it would be the one row that all of them wait for.
        UPDATE lanes l SET due_at = due.due_at
        FROM (
            SELECT l.tenant_id, l.id, m.due_at
            FROM (SELECT tenant, sender_id, min(start_at) AS due_at FROM taken GROUP BY tenant, sender_id) m
            JOIN lanes l ON l.tenant_id = m.tenant AND l.id = m.sender_id
            WHERE l.due_at IS NULL OR l.due_at > m.due_at
            ORDER BY l.tenant_id, l.id FOR NO KEY UPDATE OF l
        ) due
        WHERE l.tenant_id = due.tenant_id AND l.id = due.id
    )
    SELECT a.turn::integer,
        CASE WHEN a.sender_id IS NULL THEN 'no_sender'
            WHEN a.suspended THEN 'suspended'
            WHEN a.key_id IS NULL OR a.id IN (SELECT message_id FROM key) THEN 'new'
            ELSE 'known' END,
        a.header
    FROM asked a;
END $$;

-- Where the bodies of large messages are copied to (COPY) in the transaction that accepts them: piece by
-- piece, while a parameter would be held several times more. COPY does not go into a table with
-- row-level security; through this view it inserts as everything else does.
CREATE VIEW incoming_bodies WITH (security_invoker = true) AS
    SELECT tenant_id, id, text_body, html_body, attachment_names, attachment_types, attachment_contents
    FROM message_bodies;
REVOKE ALL ON incoming_bodies FROM PUBLIC;
GRANT INSERT ON incoming_bodies TO letterhead_system;
CREATE FUNCTION letterhead_take_body() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO message_bodies (tenant_id, id, text_body, html_body, attachment_names,
        attachment_types, attachment_contents)
    VALUES (NEW.tenant_id, NEW.id, NEW.text_body, NEW.html_body, NEW.attachment_names,
        NEW.attachment_types, NEW.attachment_contents)
    ON CONFLICT DO NOTHING;
    RETURN NEW;
END $$;
CREATE TRIGGER takes_body INSTEAD OF INSERT ON incoming_bodies
    FOR EACH ROW EXECUTE FUNCTION letterhead_take_body();
