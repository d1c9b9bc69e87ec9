-- What workers write while they send: results and marks, of any number of lanes, in one statement and
-- one commit. A statement a lane costs ten round trips and two commits for each window.

-- A mark and a result change each of these rows once: with room on their page they need no new entry in
-- any index.
ALTER TABLE attempts SET (fillfactor = 80);
ALTER TABLE recipients SET (fillfactor = 80);

-- Closes attempts of one lane that are still their messages' open ones, counts them, and settles their
-- recipients; gives the messages that it changed. An empty reply is none. A message whose open attempt is another one is left
-- alone: somebody else has taken it over. Locked in the order of ids, as a recovery does: a late worker
-- and the lane's next holder may meet here.
CREATE FUNCTION letterhead_finish(
    mine uuid, lane uuid,
    messages_ uuid[], attempts_ uuid[], outcomes text[], replies text[], statuses text[],
    waits double precision[], count_them boolean[],
    fate_messages uuid[], fate_recipients uuid[], fate_statuses text[], fate_replies text[]
) RETURNS TABLE (id uuid, due_at timestamptz)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH result AS MATERIALIZED (
        SELECT * FROM unnest(messages_, attempts_, outcomes, replies, statuses, waits, count_them)
            AS r(message_id, attempt_id, outcome, reply, status, wait, counts)
    ), ours AS MATERIALIZED (
        SELECT m.id
        FROM messages m
        JOIN result r ON r.message_id = m.id AND r.attempt_id = m.attempt_id
        WHERE m.tenant_id = mine AND m.sender_id = lane AND m.status = 'sending'
        ORDER BY m.id
        FOR NO KEY UPDATE OF m
    ), closed AS (
        UPDATE attempts a
        SET outcome = r.outcome, reply = nullif(r.reply, ''), finished_at = letterhead_now()
        FROM result r JOIN ours ON ours.id = r.message_id
        WHERE a.tenant_id = mine AND a.id = r.attempt_id
    ), settled AS (
        UPDATE recipients r
        SET status = f.status, last_reply = coalesce(nullif(f.reply, ''), r.last_reply),
            updated_at = letterhead_now()
        FROM unnest(fate_messages, fate_recipients, fate_statuses, fate_replies)
                AS f(message_id, recipient_id, status, reply)
            JOIN ours ON ours.id = f.message_id
        WHERE r.tenant_id = mine AND r.id = f.recipient_id AND r.message_id = f.message_id
    ), counted AS (
        INSERT INTO sender_counts AS c (tenant_id, id, began_at, accepted, deferred, rejected, uncertain)
        SELECT mine, lane, date_bin('15 minutes', letterhead_now(), 'epoch'),
            count(*) FILTER (WHERE r.outcome IN ('accepted', 'partly_accepted')),
            count(*) FILTER (WHERE r.outcome IN ('deferred', 'held')),
            count(*) FILTER (WHERE r.outcome = 'rejected'),
            count(*) FILTER (WHERE r.outcome = 'uncertain')
        FROM result r JOIN ours ON ours.id = r.message_id
        WHERE r.outcome IN ('accepted', 'partly_accepted', 'deferred', 'held', 'rejected', 'uncertain')
        HAVING count(*) > 0
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
    FROM result r JOIN ours ON ours.id = r.message_id
    WHERE m.tenant_id = mine AND m.id = ours.id
    RETURNING m.id, m.due_at;
END $$;

-- One turn of each of many lanes: records what became of messages that leave nothing to be tried again,
-- then marks a window. Turns come in the order of tenants and lanes, so that two calls cannot wait for
-- each other; the `…_ends` say where a turn's part of an array ends.
--
-- It runs as its caller, enters the role and one tenant after the other, and writes each tenant's rows
-- under that tenant's row-level security.
--
-- There is at least one row a turn. `finished` are the messages whose results were recorded; `is_news`,
-- whether the sender should hear that something was accepted. `is_open` is NULL if the lane is not
-- held under `token`, or nothing was to be marked.
--
-- How a window is marked:
--
-- - `lane` locks the lane's row, which a claim skips: the lease cannot change hands before the commit,
--   and a lease that did is seen here.
-- - `due` walks the priorities in turn, each in the order of `messages_waiting`. Its own filter is what
--   a locked row is checked against again, so a message that was cancelled meanwhile is not marked; one
--   that somebody is changing right now waits for the next window.
-- - `room` is what the limits leave: of a day, from what was counted and what is marked; of a minute,
--   from how far the lane is ahead of its pace. One holder marks at a time, under the row's lock, so
--   nobody else uses the same room. Without a limit nothing is read for it.
-- - Bodies come with their messages unless they are larger than `most_inline` together.
CREATE FUNCTION letterhead_journal(
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
    mine_lane uuid;
    mine_token uuid;
    a integer := 0;
    r integer := 0;
    f integer := 0;
    wanted uuid[];
    day_limit bigint;
    pace double precision;
    done uuid[];
    news boolean;
BEGIN
    PERFORM set_config('role', 'letterhead_tenant', true);
    FOR t IN 1 .. cardinality(tenants) LOOP
        mine := tenants[t];
        mine_lane := lanes_[t];
        mine_token := tokens[t];
        PERFORM set_config('letterhead.tenant', mine::text, true);

        done := '{}';
        news := false;
        IF result_ends[t] > r THEN
            SELECT coalesce(array_agg(finish.id), '{}') INTO done
            FROM letterhead_finish(mine, mine_lane,
                messages_[r + 1 : result_ends[t]], attempts_[r + 1 : result_ends[t]],
                outcomes[r + 1 : result_ends[t]], replies[r + 1 : result_ends[t]],
                statuses[r + 1 : result_ends[t]],
                array_fill(0::double precision, ARRAY[result_ends[t] - r]),
                array_fill(true, ARRAY[result_ends[t] - r]),
                fate_messages[f + 1 : fate_ends[t]], fate_recipients[f + 1 : fate_ends[t]],
                fate_statuses[f + 1 : fate_ends[t]], fate_replies[f + 1 : fate_ends[t]]) finish;
            news := cardinality(done) > 0 AND EXISTS (
                SELECT FROM senders s
                WHERE s.tenant_id = mine AND s.id = mine_lane
                    AND (s.failures > 0 OR s.last_accepted_at IS NULL
                        OR s.last_accepted_at <= letterhead_now() - interval '1 minute'));
        END IF;
        wanted := new_attempts[a + 1 : attempt_ends[t]];
        day_limit := a_day[t];
        pace := paces[t];
        r := result_ends[t];
        f := fate_ends[t];
        a := attempt_ends[t];
        IF cardinality(wanted) = 0 THEN
            turn := t;
            finished := done;
            is_news := news;
            is_open := NULL;
            id := NULL;
            RETURN NEXT;
            CONTINUE;
        END IF;

        RETURN QUERY
        WITH lane AS MATERIALIZED (
            SELECT l.id, extract(epoch FROM
                greatest(l.paced_to, letterhead_now()) - letterhead_now())::float8 AS ahead
            FROM lanes l
            WHERE l.tenant_id = mine AND l.id = mine_lane AND l.lease_token = mine_token
                AND l.lease_until > letterhead_now()
            FOR NO KEY UPDATE
        ), state AS MATERIALIZED (
            SELECT s.live_version AS version,
                s.live_version IS NOT NULL AND s.pause_reason IS NULL AND s.deleted_at IS NULL
                    AND t.status = 'active' AND t.deleted_at IS NULL
                    AND NOT EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL) AS is_open
            FROM lane
            JOIN senders s ON s.tenant_id = mine AND s.id = lane.id
            JOIN tenants t ON t.id = mine
        ), day AS MATERIALIZED (
            SELECT coalesce(sum(accepted + uncertain), 0) + (
                    SELECT count(*) FROM messages
                    WHERE day_limit IS NOT NULL AND tenant_id = mine AND sender_id = mine_lane
                        AND status = 'sending') AS used,
                extract(epoch FROM min(began_at) FILTER (WHERE accepted + uncertain > 0)
                    + make_interval(secs => counted_for) - letterhead_now())::float8 AS wait
            FROM sender_counts
            WHERE day_limit IS NOT NULL AND tenant_id = mine AND id = mine_lane
                AND began_at > letterhead_now() - make_interval(secs => counted_for)
        ), room AS MATERIALIZED (
            SELECT day_limit <= day.used AS is_full, greatest(day.wait, 1) AS day_wait,
                lane.ahead > pace_ahead AS is_paced, lane.ahead - pace_ahead AS pace_wait,
                least(cardinality(wanted),
                    CASE WHEN day_limit IS NOT NULL THEN greatest(day_limit - day.used, 0) END,
                    CASE WHEN pace IS NULL THEN NULL
                         WHEN lane.ahead > pace_ahead THEN 0
                         ELSE floor(least((pace_ahead - lane.ahead) / pace, 1000000)) + 1 END
                )::bigint AS most
            FROM lane CROSS JOIN day
        ), due AS MATERIALIZED (
            SELECT head.id, head.priority, head.due_at, head.size
            FROM generate_series(0, 3) AS class(priority)
            CROSS JOIN LATERAL (
                SELECT w.id, w.priority, w.due_at, w.size
                FROM messages w
                WHERE w.tenant_id = mine AND w.sender_id = mine_lane AND w.priority = class.priority
                    AND w.status IN ('queued', 'deferred', 'held')
                    AND w.due_at <= letterhead_now() AND w.expires_at > letterhead_now()
                ORDER BY w.due_at, w.id
                LIMIT (SELECT greatest(most, 1) FROM room)
                FOR NO KEY UPDATE SKIP LOCKED
            ) head
            WHERE (SELECT is_open FROM state)
            LIMIT (SELECT greatest(most, 1) FROM room)
        ), picked AS MATERIALIZED (
            SELECT id, turn, wanted[turn] AS attempt, size
            FROM (
                SELECT id, size, row_number() OVER leaving AS turn, sum(size) OVER leaving AS bytes
                FROM due WINDOW leaving AS (ORDER BY priority, due_at, id)
            ) ranked
            WHERE turn <= (SELECT most FROM room) AND (turn = 1 OR bytes <= most_bytes[t])
        ), paced AS (
            UPDATE lanes l
            SET paced_to = greatest(l.paced_to, letterhead_now())
                + make_interval(secs => pace * left_now.count)
            FROM (SELECT count(*) FROM picked) left_now
            WHERE pace IS NOT NULL AND l.tenant_id = mine AND l.id = mine_lane AND left_now.count > 0
        ), marked AS (
            UPDATE messages m
            SET status = 'sending', attempt_id = p.attempt, due_at = NULL,
                first_tried_at = coalesce(m.first_tried_at, letterhead_now()),
                header_date = coalesce(m.header_date, letterhead_now()), updated_at = letterhead_now()
            FROM picked p
            WHERE m.tenant_id = mine AND m.id = p.id
            RETURNING p.turn, m.id, m.attempt_id, m.attempts, m.first_tried_at, m.on_uncertain,
                m.reply_to, m.subject, m.header_id, m.header_date, m.size
        ), opened AS (
            INSERT INTO attempts (tenant_id, id, message_id, number, version, worker, lease_token)
            SELECT mine, p.attempt, p.id,
                1 + coalesce((SELECT max(a.number) FROM attempts a
                              WHERE a.tenant_id = mine AND a.message_id = p.id), 0),
                state.version, worker_name, mine_token
            FROM picked p CROSS JOIN state
        )
        SELECT t, done, news, state.is_open, state.version, EXISTS (SELECT FROM due),
            CASE WHEN room.is_full THEN room.day_wait END,
            CASE WHEN pace IS NOT NULL AND room.is_paced THEN room.pace_wait END,
            m.id, m.attempt_id, m.attempts, m.on_uncertain,
            extract(epoch FROM letterhead_now() - m.first_tried_at)::float8,
            m.reply_to, m.subject, m.header_id, m.header_date, m.size,
            people.ids, people.roles, people.emails, people.names, people.statuses, people.times,
            body.id IS NOT NULL, body.text_body, body.html_body,
            body.attachment_names, body.attachment_types, body.attachment_contents
        FROM (SELECT) one
        LEFT JOIN (state CROSS JOIN room) ON true
        LEFT JOIN marked m ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(p.id) AS ids, array_agg(p.role) AS roles, array_agg(p.email) AS emails,
                array_agg(p.name) AS names, array_agg(p.status) AS statuses,
                array_agg(p.updated_at) AS times
            FROM (
                SELECT * FROM recipients
                WHERE tenant_id = mine AND message_id = m.id ORDER BY position
            ) p
        ) people ON m.id IS NOT NULL
        LEFT JOIN message_bodies body ON body.tenant_id = mine AND body.id = m.id
            AND (SELECT sum(size) FROM picked) <= most_inline
        ORDER BY m.turn;
    END LOOP;
END $$;
