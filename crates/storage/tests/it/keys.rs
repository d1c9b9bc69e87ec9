//! API keys and operator keys.

use std::time::Duration;

use letterhead_domain::{access::Scope, id::ApiKeyId};
use letterhead_storage::{
    error::StorageError,
    record::{KeyOwner, NewApiKey, NewOperatorKey, PageRequest, StoredKey},
};
use uuid::Uuid;

use crate::support::World;

fn new_key(name: &str) -> NewApiKey {
    NewApiKey {
        id: Uuid::new_v4().into(),
        name: name.parse().unwrap(),
        scopes: vec![Scope::SettingsRead, Scope::MessagesSend],
        secret_hash: [7; 32],
        created_by: "operator-key:test".to_owned(),
        expires_at: None,
    }
}

async fn find(world: &World, id: ApiKeyId) -> Option<StoredKey> {
    world.store.system().await.unwrap().api_keys().find(id).await.unwrap()
}

#[tokio::test]
async fn a_shown_key_is_found_with_its_owner_and_its_scopes() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let key = new_key("shop");
    let tx = world.store.tenant(aurora).await.unwrap();
    tx.api_keys().create(&key).await.unwrap();
    tx.commit().await.unwrap();
    let operator = NewOperatorKey {
        id: Uuid::new_v4().into(),
        name: "ops".parse().unwrap(),
        secret_hash: [8; 32],
        expires_at: None,
    };
    let system = world.store.system().await.unwrap();
    system.operator_keys().create(&operator).await.unwrap();
    system.commit().await.unwrap();

    let stored = find(&world, key.id).await.unwrap();
    assert_eq!(stored.secret_hash, [7; 32]);
    assert_eq!(stored.owner, KeyOwner::Tenant { tenant: aurora, scopes: key.scopes });
    assert!(!stored.revoked);

    let stored = find(&world, operator.id).await.unwrap();
    assert_eq!(stored.secret_hash, [8; 32]);
    assert_eq!(stored.owner, KeyOwner::Operator);
    assert!(find(&world, Uuid::new_v4().into()).await.is_none());
}

#[tokio::test]
async fn a_revoked_key_is_revoked_for_good() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let key = new_key("shop");
    let tx = world.store.tenant(aurora).await.unwrap();
    tx.api_keys().create(&key).await.unwrap();
    tx.api_keys().revoke(key.id).await.unwrap();
    tx.api_keys().revoke(key.id).await.unwrap();
    tx.commit().await.unwrap();

    assert!(find(&world, key.id).await.unwrap().revoked);
    let tx = world.store.tenant(aurora).await.unwrap();
    let unknown = tx.api_keys().revoke(Uuid::new_v4().into()).await;
    assert!(matches!(unknown, Err(StorageError::NotFound("API key"))));
}

#[tokio::test]
async fn a_deleted_tenants_keys_are_revoked() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let key = new_key("shop");
    let tx = world.store.tenant(aurora).await.unwrap();
    tx.api_keys().create(&key).await.unwrap();
    tx.commit().await.unwrap();

    let system = world.store.system().await.unwrap();
    system.tenants().remove(aurora).await.unwrap();
    system.commit().await.unwrap();

    assert!(find(&world, key.id).await.unwrap().revoked);
}

#[tokio::test]
async fn a_use_is_noted_at_most_once_a_minute() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let key = new_key("shop");
    let tx = world.store.tenant(aurora).await.unwrap();
    tx.api_keys().create(&key).await.unwrap();
    tx.commit().await.unwrap();
    let use_it = async || {
        let system = world.store.system().await.unwrap();
        system.api_keys().touch(key.id).await.unwrap();
        system.commit().await.unwrap();
        let tx = world.store.tenant(aurora).await.unwrap();
        tx.api_keys().list(PageRequest::first(1)).await.unwrap().items[0].last_used_at.unwrap()
    };

    let first = use_it().await;
    assert_eq!(use_it().await, first);

    world.database.advance(Duration::from_secs(61)).await;
    assert!(use_it().await > first);
}

#[tokio::test]
async fn keys_are_listed_newest_first_page_by_page_although_their_ids_are_random() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    for name in ["one", "two", "three"] {
        let tx = world.store.tenant(aurora).await.unwrap();
        tx.api_keys().create(&new_key(name)).await.unwrap();
        tx.commit().await.unwrap();
        world.database.advance(Duration::from_secs(1)).await;
    }

    let tx = world.store.tenant(aurora).await.unwrap();
    let first = tx.api_keys().list(PageRequest::first(2)).await.unwrap();
    let rest = PageRequest { limit: 2, after: first.next };
    let second = tx.api_keys().list(rest).await.unwrap();

    let names: Vec<_> =
        first.items.iter().chain(&second.items).map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["three", "two", "one"]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn another_tenants_key_can_be_neither_seen_nor_revoked() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    let key = new_key("shop");
    let tx = world.store.tenant(aurora).await.unwrap();
    tx.api_keys().create(&key).await.unwrap();
    tx.commit().await.unwrap();

    let tx = world.store.tenant(borealis).await.unwrap();
    assert!(tx.api_keys().list(PageRequest::first(10)).await.unwrap().items.is_empty());
    assert!(tx.api_keys().revoke(key.id).await.is_err());
    tx.commit().await.unwrap();

    assert!(!find(&world, key.id).await.unwrap().revoked);
}

#[tokio::test]
async fn operator_keys_are_listed_and_revoked() {
    let world = World::new().await;
    let new = NewOperatorKey {
        id: Uuid::new_v4().into(),
        name: "ops".parse().unwrap(),
        secret_hash: [8; 32],
        expires_at: None,
    };
    let system = world.store.system().await.unwrap();
    let created = system.operator_keys().create(&new).await.unwrap();
    assert_eq!(system.operator_keys().list(PageRequest::first(10)).await.unwrap().items, [created]);

    system.operator_keys().revoke(new.id).await.unwrap();
    system.commit().await.unwrap();

    assert!(find(&world, new.id).await.unwrap().revoked);
}
