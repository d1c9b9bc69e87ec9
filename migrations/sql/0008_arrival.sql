-- Whether the mail of a test run arrived: its code came back.
--
-- The code stands here as it is. Of a million codes, whoever has read the database would find the
-- one behind any hash at once, salted or not; sealing it under a key would hide it from a backup,
-- where it is worth nothing: it opens nothing, works for a day, and proves no more than that
-- somebody saw the mail. The system's role cannot read it: its rights go by column.
ALTER TABLE test_runs
    ADD COLUMN arrival_code text CHECK (arrival_code ~ '^[0-9]{6}$'),
    ADD COLUMN wrong_codes  smallint NOT NULL DEFAULT 0 CHECK (wrong_codes BETWEEN 0 AND 5),
    ADD COLUMN arrived_at   timestamptz,
    ADD CHECK (arrival_code IS NULL OR mode = 'message'),
    ADD CHECK (arrived_at IS NULL OR arrival_code IS NOT NULL);
