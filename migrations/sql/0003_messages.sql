-- Messages and the lanes on which they wait.

CREATE TABLE messages (
    tenant_id       uuid NOT NULL,
    id              uuid NOT NULL,
    sender_id       uuid NOT NULL,
    kind            text NOT NULL
        CHECK (kind IN ('receipt', 'notification', 'collection', 'statement')),
    -- Order within a lane: 0 for receipts to 3 for statements.
    priority        smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
    reference       text,
    subject         text NOT NULL,
    reply_to        text,
    -- The Message-ID header: fixed when the message is accepted.
    header_id       text NOT NULL,
    -- The Date header: fixed at the first mark.
    header_date     timestamptz,
    -- Text, HTML and decoded attachments, in bytes.
    size            bigint NOT NULL,
    on_uncertain    text NOT NULL CHECK (on_uncertain IN ('resend', 'wait')),
    status          text NOT NULL DEFAULT 'queued' CHECK (status IN (
        'queued', 'sending', 'accepted', 'partly_accepted', 'deferred', 'held', 'rejected',
        'uncertain', 'cancelled', 'expired')),
    send_at         timestamptz,
    -- When it may be tried next; NULL when it does not wait.
    due_at          timestamptz,
    -- Waiting ends here, pauses included.
    expires_at      timestamptz NOT NULL,
    -- Attempts that count towards the back-off.
    attempts        integer NOT NULL DEFAULT 0,
    first_tried_at  timestamptz,
    -- The open attempt: set by a mark, cleared by its result. Late results find another id here.
    attempt_id      uuid,
    last_reply      text,
    created_at      timestamptz NOT NULL DEFAULT letterhead_now(),
    updated_at      timestamptz NOT NULL DEFAULT letterhead_now(),
    finished_at     timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, sender_id) REFERENCES senders (tenant_id, id),
    CHECK ((status = 'sending') = (attempt_id IS NOT NULL)),
    CHECK ((status IN ('queued', 'deferred', 'held')) = (due_at IS NOT NULL))
);
-- A mark walks it once per priority, so that neither a hundred thousand receipts that wait for
-- their next try nor a statement run stand in its way.
CREATE INDEX messages_waiting ON messages (tenant_id, sender_id, priority, due_at, id)
    WHERE status IN ('queued', 'deferred', 'held');
CREATE INDEX messages_sending ON messages (tenant_id, sender_id) WHERE status = 'sending';
CREATE INDEX messages_expiring ON messages (expires_at)
    WHERE status IN ('queued', 'deferred', 'held');
-- "What became of receipt 4711?", and below, "Did Ann get it?"
CREATE INDEX messages_by_reference ON messages (tenant_id, reference) WHERE reference IS NOT NULL;

-- Apart from the queue's rows: a body there would cost seven times the WAL of a claim.
CREATE TABLE message_bodies (
    tenant_id            uuid NOT NULL,
    -- The message's id.
    id                   uuid NOT NULL,
    text_body            text,
    html_body            text,
    attachment_names     text[] NOT NULL,
    attachment_types     text[] NOT NULL,
    attachment_contents  bytea[] NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, id) REFERENCES messages (tenant_id, id)
);

CREATE TABLE recipients (
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,
    message_id  uuid NOT NULL,
    position    smallint NOT NULL,
    role        text NOT NULL CHECK (role IN ('to', 'cc', 'bcc')),
    email       text NOT NULL,
    name        text,
    status      text NOT NULL DEFAULT 'queued' CHECK (status IN (
        'queued', 'accepted', 'deferred', 'rejected', 'uncertain', 'cancelled', 'expired')),
    last_reply  text,
    updated_at  timestamptz NOT NULL DEFAULT letterhead_now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, message_id, position),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id)
);
CREATE INDEX recipients_by_email ON recipients (tenant_id, email);

-- A row is written with the mark, before the first byte leaves, and finished with the result: so
-- every mail that a server may have got is explained here.
CREATE TABLE attempts (
    tenant_id    uuid NOT NULL,
    id           uuid NOT NULL,
    message_id   uuid NOT NULL,
    number       integer NOT NULL,
    -- The settings version that was used.
    version      integer NOT NULL,
    worker       text NOT NULL,
    lease_token  uuid NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT letterhead_now(),
    finished_at  timestamptz,
    outcome      text CHECK (outcome IN (
        'accepted', 'partly_accepted', 'deferred', 'held', 'rejected', 'auth_refused',
        'from_refused', 'not_sent', 'uncertain', 'worker_lost')),
    reply        text,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, message_id, number),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id),
    CHECK ((outcome IS NULL) = (finished_at IS NULL))
);

-- One row per sender. A worker leases a whole lane, never single messages.
CREATE TABLE lanes (
    tenant_id    uuid NOT NULL,
    -- The sender's id.
    id           uuid NOT NULL,
    -- When its earliest message is due; NULL when none waits. In the past while it is served.
    due_at       timestamptz,
    -- Back-off and quota holds.
    not_before   timestamptz NOT NULL DEFAULT '-infinity',
    -- Whether not_before is a quota's: what waits is then shown as held.
    held         boolean NOT NULL DEFAULT false,
    -- Nothing may leave: not live, paused, suspended or deleted.
    blocked      boolean NOT NULL DEFAULT true,
    -- Times in a row that the server or the way to it was in trouble.
    trouble      integer NOT NULL DEFAULT 0,
    lease_token  uuid,
    lease_until  timestamptz,
    worker       text,
    -- Lanes are served in turn: the one that waited longest since its last slice comes first.
    served_at    timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, id) REFERENCES senders (tenant_id, id),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);
CREATE INDEX lanes_due ON lanes (served_at) WHERE NOT blocked AND due_at IS NOT NULL;
CREATE INDEX lanes_by_token ON lanes (lease_token) WHERE lease_token IS NOT NULL;

-- Whether nothing may leave on a lane. VOLATILE on purpose: an UPDATE that waited for the lane's row
-- calls it anew, and a volatile function reads what has been committed meanwhile. So of a resumed
-- sender and a suspended tenant, whichever comes last knows of the other.
CREATE FUNCTION letterhead_lane_is_blocked(tenant uuid, sender uuid) RETURNS boolean
    LANGUAGE sql VOLATILE
AS $$
    SELECT NOT EXISTS (
        SELECT FROM senders s JOIN tenants t ON t.id = s.tenant_id
        WHERE s.tenant_id = tenant AND s.id = sender
            AND t.status = 'active' AND t.deleted_at IS NULL
            AND s.deleted_at IS NULL AND s.live_version IS NOT NULL AND s.pause_reason IS NULL)
$$;

CREATE TABLE idempotency_keys (
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,
    route       text NOT NULL,
    key         text NOT NULL,
    body_hash   bytea NOT NULL CHECK (length(body_hash) = 32),
    message_id  uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT letterhead_now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, route, key),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
