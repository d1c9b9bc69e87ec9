-- Instances keep for some seconds what they show of senders. Whatever changes it, a worker, another
-- instance, the command line or a person with SQL, tells all of them with its commit. Few transactions
-- do: one that tells waits for others that tell, so what changes with each message must not.

CREATE FUNCTION letterhead_tell_senders_changed() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_TABLE_NAME = 'tenants' THEN
        PERFORM pg_notify('letterhead_changed', 'senders ' || NEW.id);
    ELSE
        PERFORM pg_notify('letterhead_changed', 'senders ' || NEW.tenant_id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tells_senders_changed
    AFTER UPDATE OF status, deleted_at ON tenants
    FOR EACH ROW EXECUTE FUNCTION letterhead_tell_senders_changed();
-- Not when a message was last accepted: no page shows it.
CREATE TRIGGER tells_senders_changed
    AFTER INSERT OR UPDATE OF slug, last_version, live_version, candidate_version, pause_reason, paused_at,
        pause_reply, failures, deleted_at, updated_at,
        messages_per_minute, messages_per_day, recipients_per_message, connections ON senders
    FOR EACH ROW EXECUTE FUNCTION letterhead_tell_senders_changed();
CREATE TRIGGER tells_senders_changed
    AFTER UPDATE OF sealed_password ON sender_versions
    FOR EACH ROW EXECUTE FUNCTION letterhead_tell_senders_changed();
CREATE TRIGGER tells_senders_changed
    AFTER INSERT OR UPDATE OF status, stages, advice ON test_runs
    FOR EACH ROW EXECUTE FUNCTION letterhead_tell_senders_changed();
-- A lane's row changes with every slice; a hold is seldom.
CREATE TRIGGER tells_senders_changed
    AFTER UPDATE OF held, blocked, not_before, hold_reason ON lanes
    FOR EACH ROW
    WHEN ((OLD.held OR NEW.held) AND (OLD.held, OLD.blocked, OLD.not_before, OLD.hold_reason)
        IS DISTINCT FROM (NEW.held, NEW.blocked, NEW.not_before, NEW.hold_reason))
    EXECUTE FUNCTION letterhead_tell_senders_changed();
