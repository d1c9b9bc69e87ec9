-- Claiming lanes and giving them back as one statement each, which is a transaction of its own: a claim says
-- what its worker has to know of each lane, so that nothing has to be asked before its first mark.

-- When the earliest message of a lane is due that waits and has not expired; NULL if none does. One probe of
-- `messages_waiting` per priority.
CREATE FUNCTION letterhead_earliest_due(mine uuid, lane uuid) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_sort = off
    SET jit = off
AS $$
BEGIN
    RETURN (
        SELECT min(head.due_at)
        FROM generate_series(0, 3) AS class(priority)
        CROSS JOIN LATERAL (
            SELECT w.due_at FROM messages w
            WHERE w.tenant_id = mine AND w.sender_id = lane AND w.priority = class.priority
                AND w.status IN ('queued', 'deferred', 'held') AND w.expires_at > letterhead_now()
            ORDER BY w.due_at LIMIT 1
        ) head
    );
END $$;

-- Claims due lanes, those first that have waited longest for their turn: one for each of `tokens`, and of those
-- whose server may not answer no more than their shares. Nobody else gets them before `lease` seconds are over.
-- A lane is known if it was served well within `lately` seconds. While the queue is held none may be claimed.
--
-- It runs as its caller, and enters the role of the system.
--
-- `is_left`: a holder before left messages marked, which are to be put right before the first mark. It is looked
-- at in a statement of its own: marks lock the lane's row, so its snapshot shows what the holder before committed.
CREATE FUNCTION letterhead_claim(
    worker_name text, tokens uuid[], lease double precision, lately double precision,
    most_unknown bigint, most_in_trouble bigint
) RETURNS TABLE (
    tenant_id uuid, id uuid, lease_token uuid, standing text, trouble integer, holds integer,
    waited double precision, is_left boolean,
    messages_per_minute integer, messages_per_day integer, recipients_per_message integer, connections integer,
    host text, sender_email text
)
    LANGUAGE plpgsql
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
    -- Of each lane that is claimed.
    tenants uuid[];
    lanes_ uuid[];
    tokens_ uuid[];
    standings text[];
    troubles integer[];
    holds_ integer[];
    waits double precision[];
BEGIN
    PERFORM set_config('role', 'letterhead_system', true);
    -- What decides stands beside FOR NO KEY UPDATE: that is where a row that somebody else has changed since
    -- the snapshot is checked again.
    WITH picked AS MATERIALIZED (
        SELECT lane.*, class.standing, row_number() OVER (ORDER BY lane.served_at) AS turn
        FROM (VALUES
            ('known', letterhead_now() - make_interval(secs => lately), 'infinity', 0, 0, NULL),
            ('unknown', '-infinity', letterhead_now() - make_interval(secs => lately), 0, 0, most_unknown),
            ('in_trouble', '-infinity', 'infinity', 1, 2147483647, most_in_trouble)
        ) AS class(standing, served_from, served_before, least_trouble, most_trouble, share)
        CROSS JOIN LATERAL (
            SELECT l.tenant_id, l.id, l.served_at
            FROM lanes l
            WHERE NOT l.blocked AND l.due_at <= letterhead_now() AND l.not_before <= letterhead_now()
                AND (l.lease_until IS NULL OR l.lease_until <= letterhead_now())
                AND NOT EXISTS (SELECT FROM queue_hold WHERE held_at IS NOT NULL)
                AND l.served_at >= class.served_from AND l.served_at < class.served_before
                AND l.trouble BETWEEN class.least_trouble AND class.most_trouble
            ORDER BY l.served_at
            LIMIT least(class.share, cardinality(tokens))
            FOR NO KEY UPDATE SKIP LOCKED
        ) lane
    ), claimed AS (
        UPDATE lanes l
        SET lease_token = tokens[p.turn], worker = worker_name,
            lease_until = letterhead_now() + make_interval(secs => lease)
        FROM picked p
        WHERE l.tenant_id = p.tenant_id AND l.id = p.id AND p.turn <= cardinality(tokens)
        RETURNING p.turn, l.tenant_id, l.id, l.lease_token, p.standing, l.trouble, l.holds,
            extract(epoch FROM letterhead_now() - greatest(l.due_at, l.not_before, l.served_at))::float8 AS waited
    )
    SELECT array_agg(tenant_id ORDER BY turn), array_agg(id ORDER BY turn), array_agg(lease_token ORDER BY turn),
        array_agg(standing ORDER BY turn), array_agg(trouble ORDER BY turn), array_agg(holds ORDER BY turn),
        array_agg(waited ORDER BY turn)
    INTO tenants, lanes_, tokens_, standings, troubles, holds_, waits
    FROM claimed;

    RETURN QUERY
    SELECT c.tenant, c.lane, c.token, c.standing, c.trouble, c.holds, c.waited,
        letterhead_marked(c.tenant, c.lane) > 0,
        s.messages_per_minute, s.messages_per_day, s.recipients_per_message, s.connections,
        v.host, v.sender_email
    FROM unnest(tenants, lanes_, tokens_, standings, troubles, holds_, waits)
        WITH ORDINALITY AS c(tenant, lane, token, standing, trouble, holds, waited, turn)
    JOIN senders s ON s.tenant_id = c.tenant AND s.id = c.lane
    LEFT JOIN sender_versions v ON v.tenant_id = c.tenant AND v.sender_id = c.lane AND v.number = s.live_version
    ORDER BY c.turn;
END $$;

-- Gives a lane back that is held under `token`. Without `wait`, its slice went well: it is due again when its
-- earliest message is, at once or never, and its trouble is forgotten. Otherwise it is due no sooner than after
-- `wait` seconds: `reason` says what holds it, if what waits is to be shown as held, and `in_trouble` whether its
-- server or the way to it is in trouble. A quota's holds are counted until something leaves again; a limit of
-- our own is no word of the server.
--
-- Gives `lost` if the lane was not held any more, `due` if something of it is due now, or else `resting`.
--
-- It runs as its caller, and enters the role of the system.
CREATE FUNCTION letterhead_release(
    mine uuid, lane uuid, token uuid, wait double precision, reason text, in_trouble boolean
) RETURNS text
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
DECLARE
    due timestamptz;
BEGIN
    PERFORM set_config('role', 'letterhead_system', true);
    IF wait IS NULL THEN
        due := letterhead_earliest_due(mine, lane);
        -- If something is due now nobody's accept can be missed: whoever found the lane due had nothing to do,
        -- and it stays due. Otherwise accepts are kept out, so that what they made wait is seen; messages that
        -- are still marked are nobody's then, and the next holder must find them.
        IF due IS NULL OR due > letterhead_now() THEN
            PERFORM pg_advisory_xact_lock(letterhead_lane_lock(lane));
            due := CASE WHEN letterhead_marked(mine, lane) > 0
                        THEN letterhead_now() ELSE letterhead_earliest_due(mine, lane) END;
        END IF;
        UPDATE lanes l
        SET lease_token = NULL, lease_until = NULL, worker = NULL, served_at = letterhead_now(),
            due_at = due, trouble = 0, held = false, holds = 0
        WHERE l.tenant_id = mine AND l.id = lane AND l.lease_token = token;
    ELSE
        -- The lane stays due, so accepts leave its row alone; only `not_before` keeps it from a claim.
        UPDATE lanes l
        SET lease_token = NULL, lease_until = NULL, worker = NULL, served_at = letterhead_now(),
            not_before = letterhead_now() + make_interval(secs => wait),
            held = reason IS NOT NULL, hold_reason = reason,
            holds = CASE WHEN reason = 'quota' THEN l.holds + 1 WHEN in_trouble THEN l.holds ELSE 0 END,
            trouble = CASE WHEN in_trouble THEN l.trouble + 1 WHEN reason = 'quota' THEN l.trouble ELSE 0 END
        WHERE l.tenant_id = mine AND l.id = lane AND l.lease_token = token;
    END IF;
    RETURN CASE WHEN NOT FOUND THEN 'lost' WHEN due <= letterhead_now() THEN 'due' ELSE 'resting' END;
END $$;

-- Makes lanes due whose earliest message is due before they are; at most so many, and gives how many. `busy` hops
-- from lane to lane through `messages_waiting`, so it costs what waits in lanes, not in messages. It only ever
-- makes a lane due earlier: racing with an accept or a worker it wakes once in vain at worst.
--
-- It runs as its caller, who is in the role of the system.
CREATE FUNCTION letterhead_repair_lanes(most bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_material = off
    SET enable_sort = off
    SET enable_incremental_sort = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    changed bigint;
BEGIN
    WITH RECURSIVE busy AS (
        (SELECT tenant_id, sender_id FROM messages
         WHERE status IN ('queued', 'deferred', 'held')
         ORDER BY tenant_id, sender_id LIMIT 1)
        UNION ALL
        SELECT next.tenant_id, next.sender_id
        FROM busy CROSS JOIN LATERAL (
            SELECT m.tenant_id, m.sender_id FROM messages m
            WHERE m.status IN ('queued', 'deferred', 'held')
                AND (m.tenant_id, m.sender_id) > (busy.tenant_id, busy.sender_id)
            ORDER BY m.tenant_id, m.sender_id LIMIT 1
        ) next
    ), late AS MATERIALIZED (
        SELECT l.tenant_id, l.id, first.due_at
        FROM busy
        JOIN lanes l ON l.tenant_id = busy.tenant_id AND l.id = busy.sender_id
        CROSS JOIN LATERAL (SELECT letterhead_earliest_due(l.tenant_id, l.id) AS due_at OFFSET 0) first
        WHERE NOT l.blocked AND first.due_at < coalesce(l.due_at, 'infinity')
        LIMIT most
        FOR NO KEY UPDATE OF l SKIP LOCKED
    )
    UPDATE lanes l SET due_at = late.due_at
    FROM late
    WHERE l.tenant_id = late.tenant_id AND l.id = late.id;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;
