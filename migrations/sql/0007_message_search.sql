-- Looking for messages among a million of one tenant's.
--
-- Under row-level security an index answers only what can leak nothing of rows that are not shown:
-- comparisons of plain columns, not of lower(..). So the folded reference is a column of its own,
-- compared byte by byte, so that what begins with a text stands together. Adding it writes the
-- table anew: on a large one, migrate while nothing is sent.
ALTER TABLE messages
    ADD COLUMN reference_key text COLLATE "C" GENERATED ALWAYS AS (lower(reference)) STORED;
CREATE INDEX messages_by_reference_key ON messages (tenant_id, reference_key)
    WHERE reference_key IS NOT NULL;
-- What it answered, the one above answers as well.
DROP INDEX messages_by_reference;

-- "The last statements": one kind may be rare among a million receipts.
CREATE INDEX messages_by_kind ON messages (tenant_id, kind, id);
-- "What was not accepted?" A message that is accepted at once never enters it.
CREATE INDEX messages_not_accepted ON messages (tenant_id, status, id)
    WHERE status IN ('partly_accepted', 'rejected', 'uncertain', 'cancelled', 'expired');

-- "Did Ann get it?", the newest first.
CREATE INDEX recipients_by_email_and_message ON recipients (tenant_id, email, message_id);
DROP INDEX recipients_by_email;
