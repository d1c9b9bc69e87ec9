//! What the store says about the database itself.

use letterhead_storage::{
    diagnosis::RoleFault,
    store::{Store, StoreConfig},
};
use letterhead_test_database::TestDatabase;

use crate::support::{World, master_keys};

async fn store_at(url: String) -> Store {
    let config = StoreConfig { url, connections: 2, statement_cache: 100 };
    Store::connect(config, master_keys("a", 1)).await.unwrap()
}

#[tokio::test]
async fn a_migrated_database_with_a_login_role_of_its_own_shows_no_fault() {
    let world = World::new().await;

    let diagnosis = world.store.diagnose().await.unwrap();

    assert!(diagnosis.migrations.iter().eq(letterhead_migrations::names()), "{diagnosis:?}");
    assert_eq!(diagnosis.role_faults, []);
    assert_eq!(diagnosis.login_role, "letterhead_test_login");
    assert!(diagnosis.open_tables.is_empty(), "{diagnosis:?}");
    let major = diagnosis.server_version.split('.').next().unwrap();
    assert!(major.parse::<u32>().is_ok_and(|major| major >= 14), "{diagnosis:?}");
}

#[tokio::test]
async fn a_superuser_is_found_out() {
    let world = World::new().await;
    let store = store_at(world.database.owner_url()).await;

    let faults = store.diagnose().await.unwrap().role_faults;

    assert_eq!(faults, [RoleFault::BoundByNoPolicy, RoleFault::OwnsTables]);
}

#[tokio::test]
async fn a_table_whose_rows_anybody_sees_is_named() {
    let world = World::new().await;
    world
        .database
        .sql(
            "ALTER TABLE senders NO FORCE ROW LEVEL SECURITY;
              ALTER TABLE tenants DISABLE ROW LEVEL SECURITY",
        )
        .await;

    let open = world.store.diagnose().await.unwrap().open_tables;

    assert_eq!(open, ["senders", "tenants"]);
}

#[tokio::test]
async fn an_empty_database_has_no_migrations_and_is_no_error() {
    let database = TestDatabase::create().await;
    let owner = database.give_away_empty().await;

    let diagnosis = store_at(owner).await.diagnose().await.unwrap();

    assert!(diagnosis.migrations.is_empty());
}

/// Roles belong to the whole cluster, so this one has a name of its own.
#[tokio::test]
async fn a_role_that_nobody_let_in_may_not_enter_the_working_roles() {
    let world = World::new().await;
    let login = world.database.url();
    let (account, place) = login.split_once("://").unwrap().1.split_once('@').unwrap();
    let password = account.split_once(':').unwrap().1;
    let role = format!("letterhead_test_stranger_{}", uuid::Uuid::new_v4().simple());
    world.database.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD '{password}'")).await;
    let store = store_at(format!("postgres://{role}:{password}@{place}")).await;

    let diagnosis = store.diagnose().await;

    world.database.sql(&format!("DROP ROLE {role}")).await;
    let diagnosis = diagnosis.unwrap();
    let closed = ["letterhead_tenant", "letterhead_system"].map(RoleFault::MayNotEnter);
    assert_eq!(diagnosis.role_faults, closed);
    assert!(diagnosis.migrations.is_empty(), "they are not for everybody to read");
}
