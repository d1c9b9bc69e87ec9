-- Whether mail leaves at all. The operator stops the whole queue with it, above all before the first
-- start on a restored backup.

CREATE TABLE queue_hold (
    -- One row, always.
    id       boolean PRIMARY KEY DEFAULT true CHECK (id),
    -- NULL while mail leaves.
    held_at  timestamptz,
    -- What the operator wrote down about it.
    reason   text
);
INSERT INTO queue_hold DEFAULT VALUES;

-- A mark reads it, in a tenant's transaction; only the system changes it.
ALTER TABLE queue_hold ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY everybodys ON queue_hold FOR SELECT TO letterhead_tenant USING (true);
CREATE POLICY all_rows ON queue_hold TO letterhead_system USING (true) WITH CHECK (true);
REVOKE ALL ON queue_hold FROM PUBLIC;
GRANT SELECT ON queue_hold TO letterhead_tenant;
GRANT SELECT ON queue_hold TO letterhead_system;
GRANT UPDATE (held_at, reason) ON queue_hold TO letterhead_system;

-- Which messages a lost database may have sent: not those that were to wait until later.
GRANT SELECT (send_at) ON messages TO letterhead_system;
