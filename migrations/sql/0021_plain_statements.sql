-- Accepting and the journal as statements that do one thing each. One statement with everything in it costs
-- more: what its parts hand to each other is written down and read again, and each part is prepared for
-- whether it has anything to do or not.
--
-- Instances of the version before go on using `letterhead_journal`, `letterhead_record` and
-- `letterhead_finish` until they are restarted.

-- A query that reads many rows finds out once whose they may be, not for each row.
ALTER POLICY own_rows ON messages USING (tenant_id = (SELECT letterhead_current_tenant()));
ALTER POLICY own_rows ON message_bodies USING (tenant_id = (SELECT letterhead_current_tenant()));
ALTER POLICY own_rows ON recipients USING (tenant_id = (SELECT letterhead_current_tenant()));
ALTER POLICY own_rows ON attempts USING (tenant_id = (SELECT letterhead_current_tenant()));

-- The second version of such a row, which nearly all get, stands on the page of the first: then no index
-- gets another entry for it. Holds for pages written from now on.
ALTER TABLE attempts SET (fillfactor = 45);
ALTER TABLE recipients SET (fillfactor = 50);

-- One row of each array is one message; `file_of` and `person_of` say of which message a file or a
-- person is, and `way_of` through which of the senders it leaves that `way_tenants` and either
-- `way_senders` or `way_slugs` name, counted from 1.
--
-- The function runs as its caller and enters the role `letterhead_system`: each message says whose it
-- is, and finds its sender among that tenant's alone, to which the foreign key of `messages` binds it
-- once more. All that is locked is locked in one order, so that two calls cannot wait for each other.
--
-- The body of a message without text and HTML comes apart, through `incoming_bodies`.
--
-- An outcome is `new`, `no_sender`, `suspended`, or `known`: under its idempotency key a message was
-- accepted before. A message whose id is there is `new`: a caller that lost the answer asks again.
--
-- Plans are made once, perhaps while there is nothing or nothing waits: then all ways to find a row cost the
-- same, and the worst may be taken. So what is looked up in tables that grow is looked up row by row, by what
-- only one index has, or in the order that only one has, and to sort instead is out of the question.
--
-- The function of the same name with other arguments is that of instances of the version before.
CREATE FUNCTION letterhead_accept(
    way_tenants uuid[], way_senders uuid[], way_slugs text[],
    way_of integer[], ids uuid[], kinds text[], priorities smallint[],
    refs text[], subjects text[], reply_tos text[], sizes bigint[], on_uncertains text[],
    send_ats timestamptz[], longest_wait double precision, texts text[], htmls text[],
    file_of integer[], file_names text[], file_types text[], file_contents bytea[],
    person_of integer[], person_ids uuid[], person_roles text[], person_emails text[],
    person_names text[],
    key_ids uuid[], key_routes text[], keys text[], key_hashes bytea[],
    OUT outcomes text[], OUT headers text[]
)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_sort = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    -- Of each way.
    way_found uuid[];
    way_outcomes text[];
    way_domains text[];
    -- Of each message.
    tenants uuid[];
    found uuid[];
    starts timestamptz[];
    taken boolean[];
    late record;
BEGIN
    PERFORM set_config('role', 'letterhead_system', true);
    -- The lanes are locked before the statement that looks at their rows: its snapshot then shows what a
    -- worker that parked has committed.
    WITH way AS MATERIALIZED (
        SELECT w.*, pg_advisory_xact_lock_shared(w.lock)
        FROM (
            SELECT a.way, s.id AS found, letterhead_lane_lock(s.id) AS lock,
                CASE WHEN v.domain IS NULL THEN 'no_sender' ELSE t.outcome END AS outcome, v.domain
            FROM unnest(way_tenants, way_senders, way_slugs) WITH ORDINALITY AS a(tenant, sender, slug, way)
            LEFT JOIN LATERAL (
                (SELECT s.* FROM senders s WHERE s.tenant_id = a.tenant AND s.id = a.sender LIMIT 1)
                UNION ALL
                (SELECT s.* FROM senders s
                 WHERE s.tenant_id = a.tenant AND s.slug = a.slug AND s.deleted_at IS NULL LIMIT 1)
            ) s ON s.deleted_at IS NULL
            LEFT JOIN LATERAL (
                SELECT CASE WHEN t.status = 'suspended' THEN 'suspended' ELSE 'new' END AS outcome
                FROM tenants t WHERE t.id = a.tenant AND t.deleted_at IS NULL LIMIT 1
            ) t ON true
            LEFT JOIN LATERAL (
                SELECT substring(v.sender_email FROM '@[^@]*$') || '>' AS domain
                FROM sender_versions v
                WHERE v.tenant_id = a.tenant AND v.sender_id = s.id
                    AND v.number = coalesce(s.live_version, s.candidate_version) LIMIT 1
            ) v ON t.outcome IS NOT NULL
            ORDER BY lock
        ) w
    )
    SELECT array_agg(found ORDER BY way), array_agg(outcome ORDER BY way), array_agg(domain ORDER BY way)
    INTO way_found, way_outcomes, way_domains
    FROM way;

    SELECT array_agg(way_tenants[way]), array_agg(way_found[way]), array_agg(way_outcomes[way]),
        array_agg(way_outcomes[way] = 'new'), array_agg('<' || id || way_domains[way]),
        array_agg(greatest(send_at, letterhead_now()))
    INTO tenants, found, outcomes, taken, headers, starts
    FROM (
        SELECT * FROM unnest(way_of, ids, send_ats) WITH ORDINALITY AS a(way, id, send_at, turn) ORDER BY turn
    ) each_message;

    IF array_remove(key_ids, NULL) <> '{}' THEN
        WITH key AS MATERIALIZED (
            INSERT INTO idempotency_keys (tenant_id, id, route, key, body_hash, message_id)
            SELECT tenant, key_id, route, key, hash, id
            FROM unnest(tenants, ids, taken, key_ids, key_routes, keys, key_hashes)
                AS a(tenant, id, is_taken, key_id, route, key, hash)
            WHERE key_id IS NOT NULL AND is_taken
            ORDER BY tenant, route, key
            ON CONFLICT DO NOTHING
            RETURNING message_id
        )
        SELECT array_agg(CASE WHEN is_taken AND is_known THEN 'known' ELSE outcome END),
            array_agg(is_taken AND NOT is_known)
        INTO outcomes, taken
        FROM (
            SELECT outcome, is_taken, key_id IS NOT NULL AND id NOT IN (SELECT message_id FROM key) AS is_known
            FROM unnest(ids, taken, outcomes, key_ids)
                WITH ORDINALITY AS a(id, is_taken, outcome, key_id, turn)
            ORDER BY turn
        ) each_message;
    END IF;

    -- What is there already was stored by a call whose answer was lost. ON CONFLICT would cost each
    -- row of each table a second record in the log; that way a call that meets such a one while it is
    -- still running is refused by the primary key, and asks again.
    --
    -- The first id from a message's own on: in the order of the primary key.
    SELECT array_agg(is_taken AND there IS DISTINCT FROM id) INTO taken
    FROM (
        SELECT id, is_taken, (
                SELECT m.id FROM messages m WHERE m.tenant_id = a.tenant AND m.id >= a.id ORDER BY m.id LIMIT 1
            ) AS there
        FROM unnest(tenants, ids, taken) WITH ORDINALITY AS a(tenant, id, is_taken, turn)
        ORDER BY turn
    ) each_message;

    INSERT INTO messages (tenant_id, id, sender_id, kind, priority, reference, subject, reply_to,
        header_id, size, on_uncertain, send_at, due_at, expires_at)
    SELECT tenant, id, sender, kind, priority, ref, subject, reply_to,
        header, size, on_uncertain, send_at, start_at, start_at + make_interval(secs => longest_wait)
    FROM unnest(tenants, ids, found, kinds, priorities, refs, subjects, reply_tos,
            headers, sizes, on_uncertains, send_ats, starts, taken)
        AS a(tenant, id, sender, kind, priority, ref, subject, reply_to,
            header, size, on_uncertain, send_at, start_at, is_taken)
    WHERE is_taken;

    INSERT INTO message_bodies (tenant_id, id, text_body, html_body, attachment_names,
        attachment_types, attachment_contents)
    SELECT tenant, id, text, html, coalesce(names, '{}'), coalesce(types, '{}'), coalesce(contents, '{}')
    FROM unnest(tenants, ids, texts, htmls, taken) WITH ORDINALITY AS a(tenant, id, text, html, is_taken, turn)
    LEFT JOIN (
        SELECT message, array_agg(name ORDER BY n) AS names, array_agg(type ORDER BY n) AS types,
            array_agg(content ORDER BY n) AS contents
        FROM unnest(file_of, file_names, file_types, file_contents)
            WITH ORDINALITY AS f(message, name, type, content, n)
        GROUP BY message
    ) files ON message = turn
    WHERE is_taken AND (text IS NOT NULL OR html IS NOT NULL);

    INSERT INTO recipients (tenant_id, id, message_id, position, role, email, name)
    SELECT tenants[message], id, ids[message], row_number() OVER (PARTITION BY message ORDER BY n), role,
        email, name
    FROM unnest(person_of, person_ids, person_roles, person_emails, person_names)
        WITH ORDINALITY AS p(message, id, role, email, name, n)
    WHERE taken[message];

    -- A lane's row is touched only if the lane is not due by then anyway: with many accepts at
    -- once it would be the one row that all of them wait for.
    FOR late IN
        SELECT *
        FROM (
            SELECT tenant, sender, min(start_at) AS due_at
            FROM unnest(tenants, found, starts, taken) AS a(tenant, sender, start_at, is_taken)
            WHERE is_taken GROUP BY tenant, sender ORDER BY tenant, sender
        ) m
        WHERE coalesce((SELECT l.due_at FROM lanes l WHERE l.tenant_id = m.tenant AND l.id = m.sender), 'infinity')
            > m.due_at
    LOOP
        UPDATE lanes l SET due_at = late.due_at
        WHERE l.tenant_id = late.tenant AND l.id = late.sender AND (l.due_at IS NULL OR l.due_at > late.due_at);
    END LOOP;
END $$;

-- Closes attempts that are still their messages' open ones, counts them, and settles their recipients;
-- gives the messages that it changed. An empty reply is none. A message whose open attempt is another one
-- is left alone: somebody else has taken it over.
--
-- `tenants` and `lanes_` are those of turns, and each result says of which turn it is; `fate_of` says of
-- which result a recipient's fate is. Messages are locked in the order of turns and ids, as a recovery does:
-- a late worker and the lane's next holder may meet here. Other kinds of joins would not keep that order.
--
-- It runs in the role of the system, which its caller has entered. Under a tenant's row-level security a plan
-- that was made while there were few messages would go through all of the tenant's.
CREATE FUNCTION letterhead_settle(
    tenants uuid[], lanes_ uuid[],
    turn_of integer[], messages_ uuid[], attempts_ uuid[], outcomes text[], replies text[], statuses text[],
    waits double precision[], count_them boolean[],
    fate_of integer[], fate_recipients uuid[], fate_statuses text[], fate_replies text[]
) RETURNS TABLE (turn integer, id uuid, due_at timestamptz)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_material = off
    SET enable_sort = on
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    -- Which results count, and when their messages are due again.
    places bigint[];
    dues timestamptz[];
    -- Of each result: whether it counts.
    counts boolean[];
BEGIN
    WITH settled AS (
        UPDATE messages m
        SET status = r.status, attempt_id = NULL, attempts = m.attempts + r.counts::integer,
            due_at = CASE WHEN r.status IN ('queued', 'deferred', 'held')
                          THEN letterhead_now() + make_interval(secs => r.wait) END,
            last_reply = coalesce(nullif(r.reply, ''), m.last_reply),
            finished_at = CASE WHEN r.status NOT IN ('queued', 'deferred', 'held', 'uncertain')
                               THEN letterhead_now() END,
            updated_at = letterhead_now()
        FROM (
            SELECT *
            FROM unnest(turn_of, messages_, attempts_, statuses, replies, waits, count_them)
                WITH ORDINALITY AS r(turn, message, attempt, status, reply, wait, counts, place)
            ORDER BY turn, message
        ) r
        WHERE m.tenant_id = tenants[r.turn] AND m.id = r.message AND m.attempt_id = r.attempt
        RETURNING r.place, m.due_at
    )
    SELECT array_agg(place ORDER BY place), array_agg(due_at ORDER BY place) INTO places, dues FROM settled;
    IF cardinality(places) = cardinality(messages_) THEN
        counts := array_fill(true, ARRAY[cardinality(places)]);
    ELSE
        counts := ARRAY(SELECT coalesce(place = ANY (places), false)
                        FROM generate_subscripts(messages_, 1) AS place ORDER BY place);
    END IF;

    -- The message is named as well, here and below: to a plan that is made while there are none, any index that
    -- begins with the tenant is as good as the primary key's.
    UPDATE attempts a
    SET outcome = r.outcome, reply = nullif(r.reply, ''), finished_at = letterhead_now()
    FROM unnest(turn_of, messages_, attempts_, outcomes, replies, counts)
        AS r(turn, message, attempt, outcome, reply, counts)
    WHERE r.counts AND a.tenant_id = tenants[r.turn] AND a.id = r.attempt AND a.message_id = r.message;

    UPDATE recipients p
    SET status = f.status, last_reply = coalesce(nullif(f.reply, ''), p.last_reply),
        updated_at = letterhead_now()
    FROM unnest(fate_of, fate_recipients, fate_statuses, fate_replies) AS f(result, recipient, status, reply)
    WHERE counts[f.result] AND p.tenant_id = tenants[turn_of[f.result]] AND p.id = f.recipient
        AND p.message_id = messages_[f.result];

    INSERT INTO sender_counts AS c (tenant_id, id, began_at, accepted, deferred, rejected, uncertain)
    SELECT tenants[r.turn], lanes_[r.turn], date_bin('15 minutes', letterhead_now(), 'epoch'),
        count(*) FILTER (WHERE r.outcome IN ('accepted', 'partly_accepted')),
        count(*) FILTER (WHERE r.outcome IN ('deferred', 'held')),
        count(*) FILTER (WHERE r.outcome = 'rejected'),
        count(*) FILTER (WHERE r.outcome = 'uncertain')
    FROM unnest(turn_of, outcomes, counts) AS r(turn, outcome, counts)
    WHERE r.counts
        AND r.outcome IN ('accepted', 'partly_accepted', 'deferred', 'held', 'rejected', 'uncertain')
    GROUP BY r.turn
    ORDER BY r.turn
    ON CONFLICT (tenant_id, id, began_at) DO UPDATE
    SET accepted = c.accepted + excluded.accepted, deferred = c.deferred + excluded.deferred,
        rejected = c.rejected + excluded.rejected, uncertain = c.uncertain + excluded.uncertain;

    RETURN QUERY
    SELECT turn_of[s.place], messages_[s.place], s.due_at FROM unnest(places, dues) AS s(place, due_at);
END $$;

-- The results of one lane, for a transaction that has entered its tenant and goes on there.
CREATE FUNCTION letterhead_settle_lane(
    mine uuid, lane uuid,
    messages_ uuid[], attempts_ uuid[], outcomes text[], replies text[], statuses text[],
    waits double precision[], count_them boolean[],
    fate_of integer[], fate_recipients uuid[], fate_statuses text[], fate_replies text[]
) RETURNS TABLE (id uuid, due_at timestamptz)
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('role', 'letterhead_system', true);
    RETURN QUERY
    SELECT s.id, s.due_at
    FROM letterhead_settle(ARRAY[mine], ARRAY[lane], array_fill(1, ARRAY[cardinality(messages_)]),
        messages_, attempts_, outcomes, replies, statuses, waits, count_them,
        fate_of, fate_recipients, fate_statuses, fate_replies) s;
    PERFORM set_config('role', 'letterhead_tenant', true);
END $$;

-- How many messages of a lane are marked. Written as a range, which has an order: that of `messages_sending`, which
-- no other index has. To look for them among all of the tenant's may seem as good while there are few.
CREATE FUNCTION letterhead_marked(mine uuid, lane uuid) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_sort = off
    SET enable_incremental_sort = off
    SET jit = off
AS $$
BEGIN
    RETURN (
        SELECT count(*)
        FROM (
            SELECT FROM messages m
            WHERE m.status = 'sending' AND (m.tenant_id, m.sender_id) >= (mine, lane)
                AND (m.tenant_id, m.sender_id) <= (mine, lane)
            ORDER BY m.tenant_id, m.sender_id OFFSET 0
        ) marked
    );
END $$;

-- One turn of each of many lanes: records what became of messages that leave nothing to be tried again,
-- then marks a window of each, then reads what was marked. Turns come in the order of tenants and lanes, so
-- that two calls cannot wait for each other; `attempt_ends` says where a turn's part of `new_attempts` ends.
-- Results are as in `letterhead_settle`.
--
-- It runs as its caller, and enters the role of the system to write, then that of one tenant after the
-- other to read what its messages say.
--
-- There is at least one row a turn, and one for each recipient of each message that was marked. The first of
-- a turn has the `refused` results: another attempt is their message's open one. The first of a message has
-- its body, unless the turn's are larger than `most_inline` together. `is_news`: whether the sender should
-- hear that something was accepted. `is_open` is NULL if the lane is not held under `token`, or nothing was
-- to be marked.
--
-- How windows are marked:
--
-- - `held` locks the lanes' rows, which a claim skips: a lease cannot change hands before the commit,
--   and one that did is seen here.
-- - `most` is what the limits leave: of a day, from what was counted and what is marked; of a minute,
--   from how far the lane is ahead of its pace. One holder marks at a time, under the row's lock, so
--   nobody else uses the same room. Without a limit nothing is read for it.
-- - `due` walks the priorities in turn, each in the order of `messages_waiting`. Its own filter is what
--   a locked row is checked against again, so a message that was cancelled meanwhile is not marked; one
--   that somebody is changing right now waits for the next window. It has one row even where nothing may
--   be marked: that something waits for the limit.
-- - The first attempt of all is known by the Date header: only later ones look for the number before.
CREATE FUNCTION letterhead_take_turns(
    worker_name text, pace_ahead double precision, counted_for double precision, most_inline bigint,
    tenants uuid[], lanes_ uuid[], tokens uuid[], most_bytes bigint[], a_day bigint[], paces double precision[],
    attempt_ends integer[], new_attempts uuid[],
    turn_of integer[], messages_ uuid[], attempts_ uuid[], outcomes text[], replies text[], statuses text[],
    fate_of integer[], fate_recipients uuid[], fate_statuses text[], fate_replies text[]
) RETURNS TABLE (
    turn integer, refused uuid[], is_news boolean,
    is_open boolean, version integer, is_due boolean, day_wait double precision, pace_wait double precision,
    id uuid, attempt_id uuid, attempts integer, on_uncertain text, tried_for double precision,
    reply_to text, subject text, header_id text, header_date timestamptz, size bigint,
    person_id uuid, person_role text, person_email text, person_name text, person_status text,
    person_time timestamptz,
    has_body boolean, text_body text, html_body text,
    attachment_names text[], attachment_types text[], attachment_contents bytea[]
)
    LANGUAGE plpgsql
    -- Making a plan costs more than running it, and a plan that was made while a table was empty would
    -- go on reading all of it when it is not. What is off costs so much on paper that it would be compiled.
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_material = off
    SET enable_sort = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    -- Of each turn.
    news boolean[];
    opens boolean[];
    versions integer[];
    day_waits double precision[];
    pace_waits double precision[];
    mosts bigint[];
    -- The turns that have something due.
    due_turns integer[];
    -- Of each result that counts.
    settled uuid[];
    settled_turns integer[];
    -- Of each message that is marked, in the order of turns; `marked_bytes` are those of its turn up to it.
    marked uuid[];
    marked_turns integer[];
    marked_attempts uuid[];
    marked_firsts boolean[];
    marked_bytes bigint[];
    first_ integer := 1;
    last_ integer := 0;
    mine uuid;
BEGIN
    PERFORM set_config('role', 'letterhead_system', true);
    IF cardinality(messages_) > 0 THEN
        SELECT array_agg(s.id), array_agg(s.turn) INTO settled, settled_turns
        FROM letterhead_settle(tenants, lanes_, turn_of, messages_, attempts_, outcomes, replies, statuses,
            array_fill(0::double precision, ARRAY[cardinality(messages_)]),
            array_fill(true, ARRAY[cardinality(messages_)]),
            fate_of, fate_recipients, fate_statuses, fate_replies) s;
        SELECT array_agg(is_news) INTO news
        FROM (
            SELECT a.turn = ANY (settled_turns) AND (s.failures > 0 OR s.last_accepted_at IS NULL
                OR s.last_accepted_at <= letterhead_now() - interval '1 minute') AS is_news
            FROM unnest(tenants, lanes_) WITH ORDINALITY AS a(tenant, lane, turn)
            LEFT JOIN senders s ON s.tenant_id = a.tenant AND s.id = a.lane
            ORDER BY a.turn
        ) each_turn;
    END IF;

    WITH held AS MATERIALIZED (
        SELECT a.*, extract(epoch FROM greatest(l.paced_to, letterhead_now()) - letterhead_now())::float8 AS ahead
        FROM (
            SELECT *, ends - coalesce(attempt_ends[turn - 1], 0) AS asked
            FROM unnest(tenants, lanes_, tokens, a_day, paces, attempt_ends)
                WITH ORDINALITY AS a(tenant, lane, token, day, pace, ends, turn)
        ) a
        JOIN lanes l ON l.tenant_id = a.tenant AND l.id = a.lane AND l.lease_token = a.token
            AND l.lease_until > letterhead_now()
        WHERE a.asked > 0
        ORDER BY a.turn
        FOR NO KEY UPDATE OF l
    )
    SELECT array_agg(is_open), array_agg(version), array_agg(day_wait), array_agg(pace_wait), array_agg(most)
    INTO opens, versions, day_waits, pace_waits, mosts
    FROM (
        SELECT s.live_version AS version,
            CASE WHEN h.turn IS NOT NULL
                THEN s.live_version IS NOT NULL AND s.pause_reason IS NULL AND s.deleted_at IS NULL
                    AND t.status = 'active' AND t.deleted_at IS NULL
                    AND NOT EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL) END AS is_open,
            CASE WHEN h.day <= counted.used THEN greatest(counted.wait, 1) END AS day_wait,
            CASE WHEN h.pace IS NOT NULL AND h.ahead > pace_ahead THEN h.ahead - pace_ahead END AS pace_wait,
            least(h.asked,
                CASE WHEN h.day IS NOT NULL THEN greatest(h.day - counted.used, 0) END,
                CASE WHEN h.pace IS NULL THEN NULL
                     WHEN h.ahead > pace_ahead THEN 0
                     ELSE floor(least((pace_ahead - h.ahead) / h.pace, 1000000)) + 1 END
            )::bigint AS most
        FROM generate_subscripts(tenants, 1) AS turn
        LEFT JOIN held h ON h.turn = turn.turn
        LEFT JOIN senders s ON s.tenant_id = h.tenant AND s.id = h.lane
        LEFT JOIN tenants t ON t.id = h.tenant
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(c.accepted + c.uncertain), 0)
                    + CASE WHEN h.day IS NOT NULL THEN letterhead_marked(h.tenant, h.lane) ELSE 0 END AS used,
                extract(epoch FROM min(c.began_at) FILTER (WHERE c.accepted + c.uncertain > 0)
                    + make_interval(secs => counted_for) - letterhead_now())::float8 AS wait
            FROM sender_counts c
            WHERE h.day IS NOT NULL AND c.tenant_id = h.tenant AND c.id = h.lane
                AND c.began_at > letterhead_now() - make_interval(secs => counted_for)
        ) counted ON true
        ORDER BY turn.turn
    ) each_turn;

    WITH due AS MATERIALIZED (
        SELECT t.turn::integer, t.most, t.bytes AS most_bytes, head.*
        FROM unnest(tenants, lanes_, opens, mosts, most_bytes)
            WITH ORDINALITY AS t(tenant, lane, is_open, most, bytes, turn)
        CROSS JOIN LATERAL (
            SELECT head.*
            FROM generate_series(0, 3) AS class(priority)
            CROSS JOIN LATERAL (
                SELECT w.id, w.priority, w.due_at, w.size, w.header_date IS NULL AS is_first
                FROM messages w
                WHERE w.tenant_id = t.tenant AND w.sender_id = t.lane AND w.priority = class.priority
                    AND w.status IN ('queued', 'deferred', 'held')
                    AND w.due_at <= letterhead_now() AND w.expires_at > letterhead_now()
                ORDER BY w.due_at, w.id
                LIMIT greatest(t.most, 1)
                FOR NO KEY UPDATE SKIP LOCKED
            ) head
            LIMIT greatest(t.most, 1)
        ) head
        WHERE t.is_open
    ), ranked AS MATERIALIZED (
        SELECT turn, place, id, is_first, bytes, place <= most AND (place = 1 OR bytes <= most_bytes) AS is_marked
        FROM (
            SELECT *, row_number() OVER leaving AS place, sum(size) OVER leaving AS bytes
            FROM due WINDOW leaving AS (PARTITION BY turn ORDER BY priority, due_at, id)
        ) due
        ORDER BY turn, place
    )
    SELECT array_agg(turn) FILTER (WHERE place = 1),
        array_agg(id) FILTER (WHERE is_marked), array_agg(turn) FILTER (WHERE is_marked),
        array_agg(new_attempts[coalesce(attempt_ends[turn - 1], 0) + place]) FILTER (WHERE is_marked),
        array_agg(is_first) FILTER (WHERE is_marked), array_agg(bytes) FILTER (WHERE is_marked)
    INTO due_turns, marked, marked_turns, marked_attempts, marked_firsts, marked_bytes
    FROM ranked;

    IF array_remove(paces, NULL) <> '{}' THEN
        UPDATE lanes l
        SET paced_to = greatest(l.paced_to, letterhead_now()) + make_interval(secs => paces[w.turn] * w.count)
        FROM (SELECT turn, count(*) FROM unnest(marked_turns) AS turn GROUP BY turn) w
        WHERE paces[w.turn] IS NOT NULL AND l.tenant_id = tenants[w.turn] AND l.id = lanes_[w.turn];
    END IF;

    UPDATE messages m
    SET status = 'sending', attempt_id = p.attempt, due_at = NULL,
        first_tried_at = coalesce(m.first_tried_at, letterhead_now()),
        header_date = coalesce(m.header_date, letterhead_now()), updated_at = letterhead_now()
    FROM unnest(marked, marked_turns, marked_attempts) AS p(id, turn, attempt)
    WHERE m.tenant_id = tenants[p.turn] AND m.id = p.id;

    INSERT INTO attempts (tenant_id, id, message_id, number, version, worker, lease_token)
    SELECT tenants[p.turn], p.attempt, p.id,
        CASE WHEN p.is_first THEN 1 ELSE
            1 + coalesce((SELECT a.number FROM attempts a
                          WHERE a.tenant_id = tenants[p.turn] AND a.message_id = p.id
                          ORDER BY a.number DESC LIMIT 1), 0) END,
        versions[p.turn], worker_name, tokens[p.turn]
    FROM unnest(marked, marked_turns, marked_attempts, marked_firsts) AS p(id, turn, attempt, is_first);

    PERFORM set_config('role', 'letterhead_tenant', true);
    FOR t IN 1 .. cardinality(tenants) LOOP
        turn := t;
        refused := '{}';
        IF cardinality(settled) IS DISTINCT FROM cardinality(messages_) THEN
            refused := ARRAY(SELECT message FROM unnest(messages_, turn_of) AS r(message, turn)
                             WHERE r.turn = t AND message <> ALL (coalesce(settled, '{}')));
        END IF;
        is_news := coalesce(news[t], false);
        is_open := opens[t];
        version := versions[t];
        is_due := coalesce(t = ANY (due_turns), false);
        day_wait := day_waits[t];
        pace_wait := pace_waits[t];
        WHILE marked_turns[last_ + 1] = t LOOP
            last_ := last_ + 1;
        END LOOP;
        IF last_ < first_ THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        mine := tenants[t];
        PERFORM set_config('letterhead.tenant', mine::text, true);
        RETURN QUERY
        SELECT t, refused, is_news, is_open, version, is_due, day_wait, pace_wait,
            m.id, m.attempt_id, m.attempts, m.on_uncertain,
            extract(epoch FROM letterhead_now() - m.first_tried_at)::float8,
            m.reply_to, m.subject, m.header_id, m.header_date, m.size,
            p.id, p.role, p.email, p.name, p.status, p.updated_at,
            body.id IS NOT NULL, body.text_body, body.html_body,
            body.attachment_names, body.attachment_types, body.attachment_contents
        FROM unnest(marked[first_ : last_]) WITH ORDINALITY AS ours(id, place)
        -- Row by row: see `letterhead_accept`. Most tenants have few messages, and a plan for those would read all
        -- of one that has many.
        CROSS JOIN LATERAL (
            SELECT * FROM messages m WHERE m.tenant_id = mine AND m.id = ours.id LIMIT 1
        ) m
        CROSS JOIN LATERAL (
            SELECT * FROM recipients p
            WHERE p.tenant_id = mine AND p.message_id = ours.id ORDER BY p.position
        ) p
        LEFT JOIN LATERAL (
            SELECT * FROM message_bodies b
            WHERE b.tenant_id = mine AND b.id = ours.id AND p.position = 1
                AND marked_bytes[last_] <= most_inline
            LIMIT 1
        ) body ON true
        ORDER BY ours.place, p.position;
        first_ := last_ + 1;
    END LOOP;
END $$;
