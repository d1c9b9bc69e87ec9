//! The migrations: as an ordinary owner, again, and by several instances at once.

use letterhead_test_database::TestDatabase;

use crate::support::{World, as_role, kept, login, settings};

const LOGIN_ROLE: &str = "letterhead_test_login";

#[tokio::test]
async fn several_instances_may_migrate_at_once_and_again() {
    let database = TestDatabase::create().await;
    let owner = database.give_away_empty().await;

    let migrate = || letterhead_migrations::migrate(&owner, Some(LOGIN_ROLE));
    let (one, two, three) = tokio::join!(migrate(), migrate(), migrate());
    for migrated in [one, two, three, migrate().await] {
        migrated.unwrap();
    }

    let applied = "SELECT count(*) FROM seaql_migrations";
    let files = i64::try_from(letterhead_migrations::sql().count()).unwrap();
    assert_eq!(database.number(applied).await, files);
    let world = World::over(database).await;
    world.store.ready().await.unwrap();
}

/// A superuser is bound by no policy, and would hide one that is missing.
#[tokio::test]
async fn an_ordinary_owner_serves_a_tenant_and_removes_it_and_sees_no_other() {
    let database = TestDatabase::create().await;
    let owner = database.give_away_empty().await;
    letterhead_migrations::migrate(&owner, Some(LOGIN_ROLE)).await.unwrap();
    let world = World::over(database).await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    for tenant in [aurora, borealis] {
        let sender = world.live_sender(tenant).await;
        let mut renamed = settings("mail.example");
        renamed.sender_name = "Other".parse().unwrap();
        world.save(tenant, kept(renamed)).await;
        world.waiting_message(tenant, sender).await;
    }
    let db = login(&world.database).await;
    let remove = "SELECT letterhead_remove_deleted(1000)";
    as_role(&db, "letterhead_tenant", Some(aurora), remove).await.unwrap_err();

    let system = world.store.system().await.unwrap();
    system.tenants().remove(aurora).await.unwrap();
    system.commit().await.unwrap();
    loop {
        let system = world.store.system().await.unwrap();
        let removed = system.sweep().remove_deleted_tenants(1).await.unwrap();
        system.commit().await.unwrap();
        if removed == 0 {
            break;
        }
    }

    for (table, key) in [("tenants", "id"), ("senders", "tenant_id"), ("messages", "tenant_id")] {
        let rows = world.database.rows(&format!("SELECT {key} AS tenant FROM {table}")).await;
        assert_eq!(rows.len(), 1, "{table}");
        assert_eq!(rows[0]["tenant"].as_str(), Some(borealis.to_string().as_str()), "{table}");
    }
}
