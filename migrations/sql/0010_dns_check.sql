-- What DNS said about the domain of the From address when the run was made: a hint beside its result,
-- written once when the run ends. None if it was not known in time.
ALTER TABLE test_runs ADD COLUMN dns_check jsonb;
