-- Tenants, their keys, and what every later table stands on.
--
-- Row-level security: each policy is TO one role, so the login role by itself sees nothing. A
-- transaction enters letterhead_tenant together with one tenant, or letterhead_system.

-- The one clock that decides anything. Tests replace it to move time.
CREATE FUNCTION letterhead_now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN now();

-- After a transaction-local set_config the setting reads back as '', not NULL.
CREATE FUNCTION letterhead_current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('letterhead.tenant', true), '')::uuid;

CREATE TABLE tenants (
    id          uuid PRIMARY KEY,
    slug        text NOT NULL,
    name        text NOT NULL,
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    created_at  timestamptz NOT NULL DEFAULT letterhead_now(),
    updated_at  timestamptz NOT NULL DEFAULT letterhead_now(),
    -- Set once and for good; the rest is removed in batches.
    deleted_at  timestamptz
);
-- A deleted tenant gives its slug free.
CREATE UNIQUE INDEX tenants_by_slug ON tenants (slug) WHERE deleted_at IS NULL;

-- One wrapped data key per tenant and generation. The master key's id is authenticated in the
-- wrapping and stored here, never in what the data key seals.
CREATE TABLE data_keys (
    tenant_id      uuid NOT NULL REFERENCES tenants (id),
    id             uuid NOT NULL,
    generation     integer NOT NULL CHECK (generation > 0),
    master_key_id  text NOT NULL,
    wrapped        bytea NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT letterhead_now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, generation)
);

CREATE TABLE api_keys (
    tenant_id     uuid NOT NULL REFERENCES tenants (id),
    id            uuid NOT NULL,
    name          text NOT NULL,
    scopes        text[] NOT NULL,
    secret_hash   bytea NOT NULL CHECK (length(secret_hash) = 32),
    created_at    timestamptz NOT NULL DEFAULT letterhead_now(),
    created_by    text NOT NULL,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz,
    PRIMARY KEY (tenant_id, id)
);
-- A key names itself before its tenant is known.
CREATE UNIQUE INDEX api_keys_by_id ON api_keys (id);

CREATE TABLE operator_keys (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    secret_hash   bytea NOT NULL CHECK (length(secret_hash) = 32),
    created_at    timestamptz NOT NULL DEFAULT letterhead_now(),
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);

-- Append-only for everybody but the owner.
CREATE TABLE audit_events (
    tenant_id  uuid NOT NULL REFERENCES tenants (id),
    id         uuid NOT NULL,
    at         timestamptz NOT NULL DEFAULT letterhead_now(),
    actor      text NOT NULL,
    action     text NOT NULL,
    target     text NOT NULL,
    detail     jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, id)
);

-- What the operator reads by cursor, oldest first. Numbers drawn while writing would not do: a
-- transaction may commit after another that drew a higher one, and a reader that has passed it
-- would never see it. So readers, one at a time, number what has been committed since.
CREATE TABLE operator_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq         bigint UNIQUE,
    at          timestamptz NOT NULL DEFAULT letterhead_now(),
    kind        text NOT NULL,
    tenant_id   uuid NOT NULL,
    sender_id   uuid,
    message_id  uuid,
    detail      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX operator_events_unnumbered ON operator_events (id) WHERE seq IS NULL;
