-- How long messages are kept. What they say goes first, the rows that tell what became of them later.

-- When what it says was removed; NULL while it is there.
ALTER TABLE messages ADD COLUMN body_removed_at timestamptz;

-- Each is walked from its old end, and what was dealt with is not in it any more. The second one gets
-- its entries only from the sweep, so delivering a message costs nothing for it.
CREATE INDEX messages_with_old_body ON messages ((coalesce(finished_at, updated_at)))
    WHERE body_removed_at IS NULL
        AND status IN ('accepted', 'partly_accepted', 'rejected', 'uncertain', 'cancelled', 'expired');
CREATE INDEX messages_without_body ON messages ((coalesce(finished_at, updated_at)))
    WHERE body_removed_at IS NOT NULL;

-- The sweep removes by keys alone: it still reads nothing of what messages say or of who got them.
GRANT SELECT (finished_at, updated_at, body_removed_at), UPDATE (body_removed_at), DELETE ON messages
    TO letterhead_system;
GRANT SELECT (tenant_id, id), DELETE ON message_bodies TO letterhead_system;
GRANT SELECT (tenant_id, message_id), DELETE ON recipients, attempts TO letterhead_system;
CREATE POLICY old_rows ON message_bodies TO letterhead_system USING (true);
CREATE POLICY old_rows ON recipients TO letterhead_system USING (true);
CREATE POLICY old_rows ON attempts TO letterhead_system USING (true);

-- Keys are forgotten long before their messages; without an index on what it names, this key would
-- make the removal of each message read all of them.
ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_tenant_id_message_id_fkey;
