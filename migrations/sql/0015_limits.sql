-- What an account lets through, what was sent through it, and why its mail waits.

-- What the tenant set; NULL: the service's own limit, if it is known.
ALTER TABLE senders
    ADD COLUMN messages_per_minute     integer CHECK (messages_per_minute > 0),
    ADD COLUMN messages_per_day        integer CHECK (messages_per_day > 0),
    ADD COLUMN recipients_per_message  integer CHECK (recipients_per_message > 0),
    ADD COLUMN connections             integer CHECK (connections > 0);

ALTER TABLE lanes
    -- Why what waits is shown as held; without a word while `held`, a quota.
    ADD COLUMN hold_reason  text CHECK (hold_reason IN ('daily_limit', 'quota')),
    -- Times in a row that the server said that the quota is spent.
    ADD COLUMN holds        integer NOT NULL DEFAULT 0,
    -- When the next message would leave if all had left at the pace of the limit a minute.
    ADD COLUMN paced_to     timestamptz NOT NULL DEFAULT '-infinity';

-- What became of attempts, by the quarter of an hour in which it was recorded: written with the
-- results, so that neither a limit nor a page ever counts attempts.
CREATE TABLE sender_counts (
    tenant_id   uuid NOT NULL,
    -- The sender's id.
    id          uuid NOT NULL,
    began_at    timestamptz NOT NULL,
    accepted    integer NOT NULL DEFAULT 0,
    deferred    integer NOT NULL DEFAULT 0,
    rejected    integer NOT NULL DEFAULT 0,
    -- Perhaps accepted: for a limit they are.
    uncertain   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id, began_at),
    FOREIGN KEY (tenant_id, id) REFERENCES senders (tenant_id, id)
);
CREATE INDEX sender_counts_by_age ON sender_counts (began_at);

ALTER TABLE sender_counts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON sender_counts TO letterhead_tenant
    USING (tenant_id = letterhead_current_tenant())
    WITH CHECK (tenant_id = letterhead_current_tenant());
CREATE POLICY all_rows ON sender_counts TO letterhead_system USING (true);
REVOKE ALL ON sender_counts FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON sender_counts TO letterhead_tenant;
GRANT SELECT (tenant_id, id, began_at), DELETE ON sender_counts TO letterhead_system;

CREATE OR REPLACE FUNCTION letterhead_tenant_tables() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT ARRAY[
    'bulk_run_items', 'portal_sessions', 'portal_links',
    'idempotency_keys', 'attempts', 'recipients', 'message_bodies', 'lanes', 'messages',
    'sender_counts', 'test_runs', 'sender_versions', 'senders', 'api_keys', 'data_keys',
    'audit_events'] $$;
REVOKE ALL ON FUNCTION letterhead_tenant_tables() FROM PUBLIC;
