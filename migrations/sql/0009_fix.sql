-- What was found after a failed test run, and whom the run signed in as.
ALTER TABLE test_runs
    -- The offer and what was tried; NULL if nothing was looked for.
    ADD COLUMN fix jsonb,
    -- Every sign-in of the run and of the fix after it, in order, so that no password is tried too
    -- often on one account: {account, secret, accepted}. The account is a digest: where user name
    -- and password are the same, settings that were never saved must leave neither here.
    ADD COLUMN sign_ins jsonb;
