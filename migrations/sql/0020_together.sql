-- What workers write while they send is written for all their lanes at once, by keys, as the system's role:
-- a lane after the other, each under its tenant's row-level security, cost the database half a millisecond
-- for each. What messages say and who gets them is still read under their tenants' row-level security alone.

-- A key that begins with the tenant and has the kind, or the address, before the message's id looks to
-- the planner like a way to find one message, as good as the primary key as long as the tables are small:
-- a plan made then reads all of a tenant's entries for each message. Making them takes a while on large
-- tables: migrate such a one while nothing is sent.
DROP INDEX messages_by_kind;
CREATE INDEX messages_by_kind ON messages (kind, tenant_id, id);
DROP INDEX recipients_by_email_and_message;
CREATE INDEX recipients_by_email_and_message ON recipients (email, tenant_id, message_id);

-- As in the journal below, no plan reads a whole table: one made while `messages` was empty would go on
-- doing so for each call until somebody analyses it.
ALTER FUNCTION letterhead_accept(
    uuid[], uuid[], uuid[], text[], text[], smallint[], text[], text[], text[], bigint[], text[],
    timestamptz[], double precision, text[], text[], integer[], text[], text[], bytea[],
    integer[], uuid[], text[], text[], text[], uuid[], text[], text[], bytea[]
)
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off;

-- Texts of more than 2 KB are compressed, by what takes a fraction of a processor's time where the server
-- has it. Files are seldom smaller for it.
ALTER TABLE message_bodies ALTER COLUMN attachment_contents SET STORAGE EXTERNAL;
DO $$
BEGIN
    ALTER TABLE message_bodies ALTER COLUMN text_body SET COMPRESSION lz4,
        ALTER COLUMN html_body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

-- The system's role marks messages and records what became of them.
GRANT SELECT (attempt_id, attempts, size, header_date, first_tried_at, last_reply),
    UPDATE (status, attempt_id, attempts, due_at, first_tried_at, header_date, last_reply, finished_at,
        updated_at) ON messages TO letterhead_system;
GRANT SELECT (id, number), INSERT, UPDATE (outcome, reply, finished_at) ON attempts TO letterhead_system;
GRANT SELECT (id, last_reply), UPDATE (status, last_reply, updated_at) ON recipients TO letterhead_system;
GRANT SELECT, INSERT, UPDATE ON sender_counts TO letterhead_system;

-- Closes attempts that are still their messages' open ones, counts them, and settles their recipients;
-- gives the messages that it changed, with the turn of each. An empty reply is none. A message whose open
-- attempt is another one is left alone: somebody else has taken it over. Locked in the order of turns and
-- ids, as a recovery does: a late worker and the lane's next holder may meet here.
--
-- It runs in the role that its caller has entered.
CREATE FUNCTION letterhead_record(
    turns integer[], tenants uuid[], lanes_ uuid[],
    messages_ uuid[], attempts_ uuid[], outcomes text[], replies text[], statuses text[],
    waits double precision[], count_them boolean[],
    fate_messages uuid[], fate_recipients uuid[], fate_statuses text[], fate_replies text[]
) RETURNS TABLE (turn integer, id uuid, due_at timestamptz)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH ours AS MATERIALIZED (
        SELECT r.*
        FROM unnest(turns, tenants, lanes_, messages_, attempts_, outcomes, replies, statuses, waits, count_them)
            AS r(turn, tenant, lane, message, attempt, outcome, reply, status, wait, counts)
        JOIN messages m ON m.tenant_id = r.tenant AND m.id = r.message AND m.attempt_id = r.attempt
        ORDER BY r.turn, r.message
        FOR NO KEY UPDATE OF m
    ), closed AS (
        UPDATE attempts a
        SET outcome = r.outcome, reply = nullif(r.reply, ''), finished_at = letterhead_now()
        FROM ours r
        WHERE a.tenant_id = r.tenant AND a.id = r.attempt
    ), settled AS (
        UPDATE recipients p
        SET status = f.status, last_reply = coalesce(nullif(f.reply, ''), p.last_reply),
            updated_at = letterhead_now()
        FROM unnest(fate_messages, fate_recipients, fate_statuses, fate_replies)
                AS f(message, recipient, status, reply)
            JOIN ours r ON r.message = f.message
        WHERE p.tenant_id = r.tenant AND p.id = f.recipient AND p.message_id = f.message
    ), counted AS (
        INSERT INTO sender_counts AS c (tenant_id, id, began_at, accepted, deferred, rejected, uncertain)
        SELECT r.tenant, r.lane, date_bin('15 minutes', letterhead_now(), 'epoch'),
            count(*) FILTER (WHERE r.outcome IN ('accepted', 'partly_accepted')),
            count(*) FILTER (WHERE r.outcome IN ('deferred', 'held')),
            count(*) FILTER (WHERE r.outcome = 'rejected'),
            count(*) FILTER (WHERE r.outcome = 'uncertain')
        FROM ours r
        WHERE r.outcome IN ('accepted', 'partly_accepted', 'deferred', 'held', 'rejected', 'uncertain')
        GROUP BY r.turn, r.tenant, r.lane
        ORDER BY r.turn
        ON CONFLICT (tenant_id, id, began_at) DO UPDATE
        SET accepted = c.accepted + excluded.accepted, deferred = c.deferred + excluded.deferred,
            rejected = c.rejected + excluded.rejected, uncertain = c.uncertain + excluded.uncertain
    )
    UPDATE messages m
    SET status = r.status, attempt_id = NULL, attempts = m.attempts + r.counts::integer,
        due_at = CASE WHEN r.status IN ('queued', 'deferred', 'held')
                      THEN letterhead_now() + make_interval(secs => r.wait) END,
        last_reply = coalesce(nullif(r.reply, ''), m.last_reply),
        finished_at = CASE WHEN r.status NOT IN ('queued', 'deferred', 'held', 'uncertain')
                           THEN letterhead_now() END,
        updated_at = letterhead_now()
    FROM ours r
    WHERE m.tenant_id = r.tenant AND m.id = r.message
    RETURNING r.turn, m.id, m.due_at;
END $$;

-- The results of one lane.
CREATE OR REPLACE FUNCTION letterhead_finish(
    mine uuid, lane uuid,
    messages_ uuid[], attempts_ uuid[], outcomes text[], replies text[], statuses text[],
    waits double precision[], count_them boolean[],
    fate_messages uuid[], fate_recipients uuid[], fate_statuses text[], fate_replies text[]
) RETURNS TABLE (id uuid, due_at timestamptz)
    LANGUAGE sql
BEGIN ATOMIC
    SELECT done.id, done.due_at
    FROM letterhead_record(
        array_fill(1, ARRAY[cardinality(messages_)]), array_fill(mine, ARRAY[cardinality(messages_)]),
        array_fill(lane, ARRAY[cardinality(messages_)]),
        messages_, attempts_, outcomes, replies, statuses, waits, count_them,
        fate_messages, fate_recipients, fate_statuses, fate_replies) done;
END;
ALTER FUNCTION letterhead_finish(
    uuid, uuid, uuid[], uuid[], text[], text[], text[], double precision[], boolean[],
    uuid[], uuid[], text[], text[]) RESET ALL;

-- One turn of each of many lanes: records what became of messages that leave nothing to be tried again,
-- then marks a window of each, then reads what was marked. Turns come in the order of tenants and lanes, so
-- that two calls cannot wait for each other; the `…_ends` say where a turn's part of an array ends.
--
-- It runs as its caller, and enters the role of the system to write, then that of one tenant after the
-- other to read what its messages say.
--
-- There is at least one row a turn. `finished` are the messages whose results were recorded; `is_news`,
-- whether the sender should hear that something was accepted. `is_open` is NULL if the lane is not
-- held under `token`, or nothing was to be marked.
--
-- How windows are marked:
--
-- - `held` locks the lanes' rows, which a claim skips: a lease cannot change hands before the commit,
--   and one that did is seen here.
-- - `room` is what the limits leave: of a day, from what was counted and what is marked; of a minute,
--   from how far the lane is ahead of its pace. One holder marks at a time, under the row's lock, so
--   nobody else uses the same room. Without a limit nothing is read for it.
-- - `due` walks the priorities in turn, each in the order of `messages_waiting`. Its own filter is what
--   a locked row is checked against again, so a message that was cancelled meanwhile is not marked; one
--   that somebody is changing right now waits for the next window.
-- - The first attempt of all is known by the Date header: only later ones look for the number before.
-- - Bodies come with their messages unless they are larger than `most_inline` together.
CREATE OR REPLACE FUNCTION letterhead_journal(
    worker_name text, pace_ahead double precision, counted_for double precision, most_inline bigint,
    tenants uuid[], lanes_ uuid[], tokens uuid[], most_bytes bigint[], a_day bigint[], paces double precision[],
    attempt_ends integer[], new_attempts uuid[],
    result_ends integer[], messages_ uuid[], attempts_ uuid[], outcomes text[], replies text[], statuses text[],
    fate_ends integer[], fate_messages uuid[], fate_recipients uuid[], fate_statuses text[], fate_replies text[]
) RETURNS TABLE (
    turn integer, finished uuid[], is_news boolean,
    is_open boolean, version integer, is_due boolean, day_wait double precision, pace_wait double precision,
    id uuid, attempt_id uuid, attempts integer, on_uncertain text, tried_for double precision,
    reply_to text, subject text, header_id text, header_date timestamptz, size bigint,
    person_ids uuid[], person_roles text[], person_emails text[], person_names text[],
    person_statuses text[], person_times timestamptz[],
    has_body boolean, text_body text, html_body text,
    attachment_names text[], attachment_types text[], attachment_contents bytea[]
)
    LANGUAGE plpgsql
    -- Making a plan costs more than running it, and a plan that was made while a table was empty would
    -- go on reading all of it when it is not. What is off costs so much on paper that it would be compiled.
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    mine uuid;
    -- Of all turns, one after the other.
    done uuid[] := '{}';
    done_ends integer[] := array_fill(0, ARRAY[cardinality(tenants)]);
    news boolean[] := array_fill(false, ARRAY[cardinality(tenants)]);
    marked uuid[];
    marked_attempts uuid[];
    marked_ends integer[];
    -- Of each turn.
    opens boolean[];
    versions integer[];
    dues boolean[];
    day_waits double precision[];
    pace_waits double precision[];
    inlines boolean[];
    d integer := 0;
    m integer := 0;
BEGIN
    PERFORM set_config('role', 'letterhead_system', true);
    IF cardinality(messages_) > 0 THEN
        WITH result AS MATERIALIZED (
            SELECT array_agg(a.turn::integer ORDER BY n) AS turns, array_agg(a.tenant ORDER BY n) AS tenants,
                array_agg(a.lane ORDER BY n) AS lanes
            FROM (SELECT a.*, lag(ends, 1, 0) OVER (ORDER BY turn) AS begins
                  FROM unnest(tenants, lanes_, result_ends) WITH ORDINALITY AS a(tenant, lane, ends, turn)) a
            CROSS JOIN generate_series(begins + 1, ends) AS n
        ), recorded AS MATERIALIZED (
            SELECT done.turn, done.id
            FROM result, letterhead_record(result.turns, result.tenants, result.lanes,
                messages_, attempts_, outcomes, replies, statuses,
                array_fill(0::double precision, ARRAY[cardinality(messages_)]),
                array_fill(true, ARRAY[cardinality(messages_)]),
                fate_messages, fate_recipients, fate_statuses, fate_replies) done
        )
        SELECT array_agg(t.ids_end ORDER BY t.turn), array_agg(t.news ORDER BY t.turn),
            (SELECT array_agg(r.id ORDER BY r.turn) FROM recorded r)
        INTO done_ends, news, done
        FROM (
            SELECT a.turn, sum(count(r.id)) OVER (ORDER BY a.turn)::integer AS ids_end,
                count(r.id) > 0 AND (s.failures > 0 OR s.last_accepted_at IS NULL
                    OR s.last_accepted_at <= letterhead_now() - interval '1 minute') AS news
            FROM unnest(tenants, lanes_) WITH ORDINALITY AS a(tenant, lane, turn)
            LEFT JOIN senders s ON s.tenant_id = a.tenant AND s.id = a.lane
            LEFT JOIN recorded r ON r.turn = a.turn
            GROUP BY a.turn, s.failures, s.last_accepted_at
        ) t;
    END IF;

    WITH asked AS MATERIALIZED (
        SELECT a.*, lag(a.ends, 1, 0) OVER (ORDER BY a.turn) AS begins
        FROM unnest(tenants, lanes_, tokens, most_bytes, a_day, paces, attempt_ends)
            WITH ORDINALITY AS a(tenant, lane, token, bytes, day, pace, ends, turn)
    ), held AS MATERIALIZED (
        SELECT a.*, extract(epoch FROM
            greatest(l.paced_to, letterhead_now()) - letterhead_now())::float8 AS ahead
        FROM asked a
        JOIN lanes l ON l.tenant_id = a.tenant AND l.id = a.lane AND l.lease_token = a.token
            AND l.lease_until > letterhead_now()
        WHERE a.ends > a.begins
        ORDER BY a.turn
        FOR NO KEY UPDATE OF l
    ), room AS MATERIALIZED (
        SELECT h.*, s.live_version AS version,
            s.live_version IS NOT NULL AND s.pause_reason IS NULL AND s.deleted_at IS NULL
                AND t.status = 'active' AND t.deleted_at IS NULL
                AND NOT EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL) AS is_open,
            CASE WHEN h.day <= counted.used THEN greatest(counted.wait, 1) END AS day_wait,
            CASE WHEN h.pace IS NOT NULL AND h.ahead > pace_ahead THEN h.ahead - pace_ahead END AS pace_wait,
            least(h.ends - h.begins,
                CASE WHEN h.day IS NOT NULL THEN greatest(h.day - counted.used, 0) END,
                CASE WHEN h.pace IS NULL THEN NULL
                     WHEN h.ahead > pace_ahead THEN 0
                     ELSE floor(least((pace_ahead - h.ahead) / h.pace, 1000000)) + 1 END
            )::bigint AS most
        FROM held h
        JOIN senders s ON s.tenant_id = h.tenant AND s.id = h.lane
        JOIN tenants t ON t.id = h.tenant
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(c.accepted + c.uncertain), 0) + (
                    SELECT count(*) FROM messages w
                    WHERE h.day IS NOT NULL AND w.tenant_id = h.tenant AND w.sender_id = h.lane
                        AND w.status = 'sending') AS used,
                extract(epoch FROM min(c.began_at) FILTER (WHERE c.accepted + c.uncertain > 0)
                    + make_interval(secs => counted_for) - letterhead_now())::float8 AS wait
            FROM sender_counts c
            WHERE h.day IS NOT NULL AND c.tenant_id = h.tenant AND c.id = h.lane
                AND c.began_at > letterhead_now() - make_interval(secs => counted_for)
        ) counted
    ), due AS MATERIALIZED (
        SELECT r.turn, r.tenant, r.token, r.version, r.begins, r.bytes AS most_bytes, r.most, head.*
        FROM room r
        CROSS JOIN LATERAL (
            SELECT head.*
            FROM generate_series(0, 3) AS class(priority)
            CROSS JOIN LATERAL (
                SELECT w.id, w.priority, w.due_at, w.size, w.header_date IS NULL AS is_first
                FROM messages w
                WHERE w.tenant_id = r.tenant AND w.sender_id = r.lane AND w.priority = class.priority
                    AND w.status IN ('queued', 'deferred', 'held')
                    AND w.due_at <= letterhead_now() AND w.expires_at > letterhead_now()
                ORDER BY w.due_at, w.id
                LIMIT greatest(r.most, 1)
                FOR NO KEY UPDATE SKIP LOCKED
            ) head
            LIMIT greatest(r.most, 1)
        ) head
        WHERE r.is_open
    ), picked AS MATERIALIZED (
        SELECT ranked.*, new_attempts[begins + place] AS attempt
        FROM (
            SELECT due.*, row_number() OVER leaving AS place, sum(size) OVER leaving AS bytes
            FROM due WINDOW leaving AS (PARTITION BY turn ORDER BY priority, due_at, id)
        ) ranked
        WHERE place <= most AND (place = 1 OR bytes <= most_bytes)
    ), window_ AS MATERIALIZED (
        SELECT p.turn, count(*) AS count, sum(p.size) <= most_inline AS is_inline FROM picked p GROUP BY p.turn
    ), paced AS (
        UPDATE lanes l
        SET paced_to = greatest(l.paced_to, letterhead_now()) + make_interval(secs => r.pace * w.count)
        FROM room r JOIN window_ w ON w.turn = r.turn
        WHERE r.pace IS NOT NULL AND l.tenant_id = r.tenant AND l.id = r.lane
    ), tried AS (
        UPDATE messages m
        SET status = 'sending', attempt_id = p.attempt, due_at = NULL,
            first_tried_at = coalesce(m.first_tried_at, letterhead_now()),
            header_date = coalesce(m.header_date, letterhead_now()), updated_at = letterhead_now()
        FROM picked p
        WHERE m.tenant_id = p.tenant AND m.id = p.id
    ), opened AS (
        INSERT INTO attempts (tenant_id, id, message_id, number, version, worker, lease_token)
        SELECT p.tenant, p.attempt, p.id,
            CASE WHEN p.is_first THEN 1 ELSE
                1 + coalesce((SELECT max(a.number) FROM attempts a
                              WHERE a.tenant_id = p.tenant AND a.message_id = p.id), 0) END,
            p.version, worker_name, p.token
        FROM picked p
    )
    SELECT array_agg(t.is_open ORDER BY t.turn), array_agg(t.version ORDER BY t.turn),
        array_agg(t.is_due ORDER BY t.turn), array_agg(t.day_wait ORDER BY t.turn),
        array_agg(t.pace_wait ORDER BY t.turn), array_agg(t.is_inline ORDER BY t.turn),
        array_agg(t.ids_end ORDER BY t.turn),
        (SELECT array_agg(p.id ORDER BY p.turn, p.place) FROM picked p),
        (SELECT array_agg(p.attempt ORDER BY p.turn, p.place) FROM picked p)
    INTO opens, versions, dues, day_waits, pace_waits, inlines, marked_ends, marked, marked_attempts
    FROM (
        SELECT a.turn, r.is_open, r.version, r.day_wait, r.pace_wait, w.is_inline,
            r.turn IN (SELECT turn FROM due) AS is_due,
            sum(coalesce(w.count, 0)) OVER (ORDER BY a.turn)::integer AS ids_end
        FROM asked a
        LEFT JOIN room r ON r.turn = a.turn
        LEFT JOIN window_ w ON w.turn = a.turn
    ) t;

    PERFORM set_config('role', 'letterhead_tenant', true);
    FOR t IN 1 .. cardinality(tenants) LOOP
        turn := t;
        finished := coalesce(done[d + 1 : done_ends[t]], '{}');
        is_news := news[t];
        is_open := opens[t];
        version := versions[t];
        is_due := dues[t];
        day_wait := day_waits[t];
        pace_wait := pace_waits[t];
        d := done_ends[t];
        IF marked_ends[t] = m THEN
            id := NULL;
            RETURN NEXT;
            CONTINUE;
        END IF;
        mine := tenants[t];
        PERFORM set_config('letterhead.tenant', mine::text, true);
        RETURN QUERY
        SELECT t, finished, is_news, is_open, version, is_due, day_wait, pace_wait,
            m.id, m.attempt_id, m.attempts, m.on_uncertain,
            extract(epoch FROM letterhead_now() - m.first_tried_at)::float8,
            m.reply_to, m.subject, m.header_id, m.header_date, m.size,
            people.ids, people.roles, people.emails, people.names, people.statuses, people.times,
            body.id IS NOT NULL, body.text_body, body.html_body,
            body.attachment_names, body.attachment_types, body.attachment_contents
        FROM unnest(marked[m + 1 : marked_ends[t]]) WITH ORDINALITY AS ours(id, place)
        JOIN messages m ON m.tenant_id = mine AND m.id = ours.id
        CROSS JOIN LATERAL (
            SELECT array_agg(p.id) AS ids, array_agg(p.role) AS roles, array_agg(p.email) AS emails,
                array_agg(p.name) AS names, array_agg(p.status) AS statuses,
                array_agg(p.updated_at) AS times
            FROM (
                SELECT * FROM recipients
                WHERE tenant_id = mine AND message_id = ours.id ORDER BY position
            ) p
        ) people
        LEFT JOIN message_bodies body ON body.tenant_id = mine AND body.id = ours.id AND inlines[t]
        ORDER BY ours.place;
        m := marked_ends[t];
    END LOOP;
END $$;
