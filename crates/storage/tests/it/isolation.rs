//! One tenant's data against another: through the repositories, and by raw SQL as the database's
//! roles on every table that the catalogue knows.

use letterhead_domain::{
    id::TenantId,
    message::SenderRef,
    sender::{PauseReason, PromotePolicy, VersionNumber},
};
use letterhead_storage::{
    error::StorageError,
    record::{Expected, PageRequest},
    repo::sender::RestoreVersion,
};
use sea_orm::ConnectionTrait;

use crate::support::{World, as_role, default_sender, id, kept, login, save_in, settings, typed};

const TENANT: &str = "letterhead_tenant";
const SYSTEM: &str = "letterhead_system";

/// Fills every tenant table with a row of each tenant.
async fn two_tenants(world: &World) -> (TenantId, TenantId) {
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    for tenant in [aurora, borealis] {
        let sender = world.live_sender(tenant).await;
        let message = world.waiting_message(tenant, sender).await;
        let (key, run, line) = (id::<uuid::Uuid>(), id::<uuid::Uuid>(), id::<uuid::Uuid>());
        world
            .database
            .sql(&format!(
                "INSERT INTO api_keys (tenant_id, id, name, scopes, secret_hash, created_by)
                 VALUES ('{tenant}', '{key}', 'k', '{{}}', sha256('x'), 'test');
                 INSERT INTO test_runs (tenant_id, id, sender_id, mode, requested_by)
                 VALUES ('{tenant}', '{run}', '{sender}', 'connection', 'test');
                 INSERT INTO audit_events (tenant_id, id, actor, action, target)
                 VALUES ('{tenant}', '{line}', 'a', 'b', 'c');
                 INSERT INTO message_bodies (tenant_id, id, text_body, attachment_names,
                     attachment_types, attachment_contents)
                 VALUES ('{tenant}', '{message}', 'secret', '{{}}', '{{}}', '{{}}');
                 INSERT INTO attempts (tenant_id, id, message_id, number, version, worker,
                     lease_token)
                 VALUES ('{tenant}', '{run}', '{message}', 1, 1, 'w', '{run}');
                 INSERT INTO idempotency_keys (tenant_id, id, route, key, body_hash, message_id)
                 VALUES ('{tenant}', '{run}', 'messages', 'k', sha256('x'), '{message}');
                 INSERT INTO sender_counts (tenant_id, id, began_at)
                 VALUES ('{tenant}', '{sender}', now());
                 INSERT INTO bulk_runs (id, scope, requested_session, requested_by_email,
                     requested_by_name)
                 VALUES ('{run}', 'all', '{run}', 'otto@operator.example', 'Otto');
                 INSERT INTO bulk_run_items (tenant_id, bulk_run_id, sender_id)
                 VALUES ('{tenant}', '{run}', '{sender}');
                 INSERT INTO portal_links (tenant_id, id, token_hash, role, email, name,
                     created_at, created_by, expires_at)
                 VALUES ('{tenant}', '{key}', sha256('{tenant}'), 'admin', 'a@b.example', 'A',
                     now(), 'test', now() + interval '1 minute');
                 INSERT INTO portal_sessions (tenant_id, id, token_hash, role, email, name,
                     started_at, last_seen_at, expires_at)
                 VALUES ('{tenant}', '{key}', sha256('{tenant}'), 'admin', 'a@b.example', 'A',
                     now(), now(), now() + interval '1 minute');
                 INSERT INTO operator_events (kind, tenant_id) VALUES ('sender.paused', '{tenant}')"
            ))
            .await;
    }
    (aurora, borealis)
}

/// The tables that hold tenants' rows, as the catalogue knows them.
async fn tenant_tables(world: &World) -> Vec<String> {
    let query = "SELECT c.relname AS name FROM pg_class c
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                 ORDER BY 1";
    let rows = world.database.rows(query).await;
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_table_with_a_tenant_is_emptied_when_its_tenant_is_deleted() {
    let world = World::new().await;

    let listed = "SELECT unnest(letterhead_tenant_tables()) AS name ORDER BY 1";
    let rows = world.database.rows(listed).await;
    let emptied: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();

    let mut all = tenant_tables(&world).await;
    // The operator's own record of what became of their tenants outlives them.
    all.retain(|table| table != "operator_events");
    all.sort_unstable();
    assert_eq!(emptied, all);
}

#[tokio::test]
async fn every_table_with_a_tenant_forces_row_level_security_and_is_keyed_by_it() {
    let world = World::new().await;
    let tables = tenant_tables(&world).await;
    assert!(tables.len() >= 13, "{tables:?}");

    let open = "SELECT c.relname FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                    AND c.relname <> 'seaql_migrations'
                    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)";
    assert_eq!(world.database.rows(open).await, Vec::<serde_json::Value>::new());

    let otherwise_keyed = "SELECT c.conrelid::regclass::text AS name FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = 'tenant_id'
        WHERE c.contype = 'p' AND c.connamespace = 'public'::regnamespace
            AND c.conkey[1] <> a.attnum AND c.conrelid <> 'operator_events'::regclass";
    assert_eq!(world.database.rows(otherwise_keyed).await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn as_the_tenants_role_no_table_shows_changes_or_loses_another_tenants_row() {
    let world = World::new().await;
    let (aurora, borealis) = two_tenants(&world).await;
    let db = login(&world.database).await;

    for table in tenant_tables(&world).await {
        let filled = format!("SELECT count(*) FROM {table} WHERE tenant_id = '{borealis}'");
        assert!(world.database.number(&filled).await > 0, "{table} is not tried");
        let attempts = [
            format!("SELECT tenant_id FROM {table} WHERE tenant_id <> '{aurora}'"),
            format!("SELECT tenant_id FROM {table} WHERE tenant_id = '{borealis}' FOR SHARE"),
            format!("DELETE FROM {table} WHERE tenant_id = '{borealis}'"),
            format!("UPDATE {table} SET tenant_id = '{aurora}' WHERE tenant_id = '{borealis}'"),
            format!("UPDATE {table} SET tenant_id = '{borealis}'"),
        ];
        for sql in attempts {
            let touched = as_role(&db, TENANT, Some(aurora), &sql).await;
            assert!(touched.is_err() || touched.is_ok_and(|rows| rows == 0), "{sql}");
        }
        let own =
            as_role(&db, TENANT, Some(aurora), &format!("SELECT tenant_id FROM {table}")).await;
        assert!(own.is_err() || own.is_ok_and(|rows| rows > 0), "{table} hides its own rows");
    }
    let other = format!("SELECT FROM tenants WHERE id <> '{aurora}'");
    assert_eq!(as_role(&db, TENANT, Some(aurora), &other).await.unwrap(), 0);
}

#[tokio::test]
async fn without_a_tenant_the_tenants_role_sees_nothing() {
    let world = World::new().await;
    two_tenants(&world).await;
    let db = login(&world.database).await;

    for table in tenant_tables(&world).await.iter().map(String::as_str).chain(["tenants"]) {
        let seen = as_role(&db, TENANT, None, &format!("SELECT FROM {table}")).await;
        assert!(seen.is_err() || seen.is_ok_and(|rows| rows == 0), "{table}");
    }
}

#[tokio::test]
async fn as_the_bare_login_role_nothing_can_be_read() {
    let world = World::new().await;
    let (aurora, _) = two_tenants(&world).await;
    let db = login(&world.database).await;
    // Bound to a tenant, but in no role.
    let bind = format!("SELECT set_config('letterhead.tenant', '{aurora}', false)");
    db.execute_unprepared(&bind).await.unwrap();
    // It enters the role by itself, and leaves it.
    let view = format!("SELECT letterhead_sender('{aurora}', NULL, 'default')");
    db.execute_unprepared(&view).await.unwrap();

    for table in tenant_tables(&world).await.iter().map(String::as_str).chain(["tenants"]) {
        let seen = db.execute_unprepared(&format!("SELECT FROM {table}")).await;
        assert!(seen.is_err(), "{table}");
    }
    assert!(db.execute_unprepared("SELECT letterhead_remove_deleted(1)").await.is_err());
}

#[tokio::test]
async fn no_row_can_be_written_for_another_tenant() {
    let world = World::new().await;
    let (aurora, borealis) = two_tenants(&world).await;
    let db = login(&world.database).await;

    let inserts = [
        format!(
            "INSERT INTO senders (tenant_id, id, slug) VALUES ('{borealis}', '{}', 'x')",
            id::<uuid::Uuid>()
        ),
        format!(
            "INSERT INTO operator_events (kind, tenant_id) VALUES ('sender.paused', '{borealis}')"
        ),
        "INSERT INTO operator_events (kind) VALUES ('operator.signed_in')".to_owned(),
        format!(
            "INSERT INTO portal_links (tenant_id, id, token_hash, role, email, name, created_at,
                 created_by, expires_at)
             VALUES ('{borealis}', '{}', sha256('x'), 'admin', 'a@b.example', 'A', now(), 'test',
                 now() + interval '1 minute')",
            id::<uuid::Uuid>()
        ),
        format!(
            "INSERT INTO audit_events (tenant_id, id, actor, action, target)
             VALUES ('{borealis}', '{}', 'a', 'b', 'c')",
            id::<uuid::Uuid>()
        ),
    ];
    for sql in inserts {
        let written = as_role(&db, TENANT, Some(aurora), &sql).await;
        let refused = written.is_err_and(|err| err.to_string().contains("row-level security"));
        assert!(refused, "{sql}");
    }
}

#[tokio::test]
async fn the_systems_role_reads_neither_passwords_nor_what_messages_say() {
    let world = World::new().await;
    two_tenants(&world).await;
    let db = login(&world.database).await;

    let denied = [
        "SELECT sealed_password FROM sender_versions",
        "SELECT * FROM sender_versions",
        "SELECT username FROM sender_versions",
        "SELECT text_body FROM message_bodies",
        "SELECT subject FROM messages",
        "SELECT email FROM recipients",
        "SELECT transcript FROM test_runs",
        "SELECT actor FROM audit_events",
        "UPDATE sender_versions SET host = 'evil.example'",
        "UPDATE operator_events SET kind = 'x'",
    ];
    for sql in denied {
        let done = as_role(&db, SYSTEM, None, sql).await;
        let denied = done.is_err_and(|err| err.to_string().contains("permission denied"));
        assert!(denied, "{sql}");
    }
}

#[tokio::test]
async fn no_role_makes_tables_functions_or_temporary_ones() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let db = login(&world.database).await;

    for role in [TENANT, SYSTEM] {
        for sql in [
            "CREATE TABLE x ()",
            "CREATE TEMPORARY TABLE x ()",
            "CREATE SCHEMA x",
            "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE senders DISABLE ROW LEVEL SECURITY",
            "DROP POLICY own_rows ON senders",
            "SET LOCAL row_security = off; SELECT FROM senders",
        ] {
            let done = as_role(&db, role, Some(aurora), sql).await;
            // Without row_security the query fails unless the role may see every row anyway.
            let harmless = role == SYSTEM && sql.starts_with("SET LOCAL");
            assert!(done.is_err() || harmless, "{role}: {sql}");
        }
    }
}

#[tokio::test]
async fn another_tenants_sender_is_not_there_for_any_repository() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let sender = world.live_sender(aurora).await;
    let theirs = SenderRef::Id(sender);
    let one = VersionNumber(1);
    let tx = world.store.tenant(borealis).await.unwrap();
    let senders = tx.senders();

    assert!(senders.find(&theirs).await.unwrap().is_none());
    assert!(senders.find(&default_sender()).await.unwrap().is_none());
    assert!(world.store.find_sender(borealis, &theirs).await.unwrap().is_none());
    assert!(senders.identify(&theirs).await.unwrap().is_none());
    assert!(senders.list(PageRequest::first(10)).await.unwrap().items.is_empty());
    assert!(!senders.record_worked(sender).await.unwrap());
    assert!(!senders.record_failed(sender).await.unwrap());
    assert!(!senders.after_test(sender, one, id()).await.unwrap().promote);
    let restore = RestoreVersion {
        sender,
        number: one,
        new_version_id: id(),
        expected: Expected::Any,
        policy: PromotePolicy::AfterTest,
        by: "api-key:test",
    };
    let draft = kept(settings("mail.example"));
    let refusals = [
        senders.load(&theirs).await.err(),
        senders.versions(&theirs, PageRequest::first(10)).await.err(),
        senders.load_version(&theirs, one).await.err(),
        senders.reveal(sender, one).await.err(),
        senders.pause(&theirs, PauseReason::ByHand, None, None).await.err(),
        senders.resume(&theirs).await.err(),
        senders.remove(&theirs).await.err(),
        senders.discard_candidate(&theirs, Expected::Any).await.err(),
        senders.restore(restore).await.err(),
        save_in(&tx, &theirs, draft, Expected::Any).await.err(),
    ];
    for (call, refusal) in refusals.into_iter().enumerate() {
        assert!(matches!(refusal, Some(StorageError::NotFound(_))), "{call}: {refusal:?}");
    }
    tx.commit().await.unwrap();

    let tx = world.store.tenant(aurora).await.unwrap();
    let record = tx.senders().load(&theirs).await.unwrap();
    assert_eq!((record.pause, record.failures), (None, 0));
    drop(tx);
    assert!(world.save(borealis, typed("mail.example", "own")).await.created);
}
