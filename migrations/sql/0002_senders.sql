-- Senders, their immutable settings versions, and the test runs that prove them.

CREATE TABLE senders (
    tenant_id          uuid NOT NULL REFERENCES tenants (id),
    id                 uuid NOT NULL,
    slug               text NOT NULL,
    -- The highest number ever given: numbers are not used twice.
    last_version       integer NOT NULL DEFAULT 0,
    live_version       integer,
    candidate_version  integer,
    pause_reason       text
        CHECK (pause_reason IN ('auth_refused', 'from_refused', 'secret_unreadable', 'by_hand')),
    paused_at          timestamptz,
    pause_reply        text,
    -- Attempts in a row that failed at the server.
    failures           integer NOT NULL DEFAULT 0,
    created_at         timestamptz NOT NULL DEFAULT letterhead_now(),
    updated_at         timestamptz NOT NULL DEFAULT letterhead_now(),
    deleted_at         timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK ((pause_reason IS NULL) = (paused_at IS NULL)),
    CHECK (candidate_version IS NULL OR live_version IS NULL OR candidate_version > live_version)
);
-- A deleted sender gives its slug free.
CREATE UNIQUE INDEX senders_by_slug ON senders (tenant_id, slug) WHERE deleted_at IS NULL;

CREATE TABLE sender_versions (
    tenant_id        uuid NOT NULL,
    id               uuid NOT NULL,
    sender_id        uuid NOT NULL,
    number           integer NOT NULL CHECK (number > 0),
    host             text NOT NULL,
    port             integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    encryption       text NOT NULL CHECK (encryption IN ('starttls', 'implicit_tls', 'none')),
    auth             text NOT NULL CHECK (auth IN ('password', 'none')),
    username         text,
    sender_name      text NOT NULL,
    sender_email     text NOT NULL,
    reply_to         text,
    -- Equal ids are the same password, carried from version to version.
    secret_id        uuid,
    -- NULL with a secret_id: the version is too old and its password was removed.
    sealed_password  bytea,
    -- For those who may know that there is one, but not read it.
    has_password     boolean NOT NULL GENERATED ALWAYS AS (sealed_password IS NOT NULL) STORED,
    proven_at        timestamptz,
    proven_by        uuid,
    discarded_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT letterhead_now(),
    created_by       text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, sender_id, number),
    FOREIGN KEY (tenant_id, sender_id) REFERENCES senders (tenant_id, id),
    CHECK ((auth = 'password') = (username IS NOT NULL)),
    CHECK ((auth = 'password') = (secret_id IS NOT NULL)),
    CHECK (sealed_password IS NULL OR secret_id IS NOT NULL)
);

CREATE TABLE test_runs (
    tenant_id     uuid NOT NULL,
    id            uuid NOT NULL,
    sender_id     uuid NOT NULL,
    -- NULL: typed settings that were never saved.
    version       integer,
    mode          text NOT NULL CHECK (mode IN ('connection', 'message')),
    status        text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'passed', 'failed')),
    requested_by  text NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT letterhead_now(),
    finished_at   timestamptz,
    took_ms       bigint,
    stages        jsonb,
    tls           jsonb,
    advice        jsonb,
    transcript    text,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, sender_id) REFERENCES senders (tenant_id, id),
    CHECK ((status = 'running') = (finished_at IS NULL))
);
-- Limits count the newest runs of a tenant; the page shows the newest of a sender.
CREATE INDEX test_runs_by_time ON test_runs (tenant_id, started_at);
CREATE INDEX test_runs_by_sender ON test_runs (tenant_id, sender_id, id);
-- Runs whose program died before they ended.
CREATE INDEX test_runs_running ON test_runs (started_at) WHERE status = 'running';
