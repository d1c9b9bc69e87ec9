//! Passwords in the database: what is copied, edited or left without its key does not open.

use letterhead_domain::{
    id::TenantId,
    message::SenderRef,
    sender::{PauseReason, SecretState, SenderState, VersionNumber},
};
use letterhead_storage::{
    error::StorageError,
    key::MasterKeys,
    record::{Expected, SenderRecord},
    store::Store,
    vault::VaultError,
};

use crate::support::{World, default_sender, kept, master_keys, save_in, settings, typed};

async fn load(store: &Store, tenant: TenantId) -> SenderRecord {
    let tx = store.tenant(tenant).await.unwrap();
    tx.senders().load(&default_sender()).await.unwrap()
}

/// The sender asks for its password, says so, and gives none out.
async fn assert_unreadable(store: &Store, tenant: TenantId, expected: VaultError) {
    let record = load(store, tenant).await;
    assert_eq!(record.newest().secret_state, SecretState::Unreadable);
    assert_eq!(record.state(), SenderState::NeedsPassword);
    let tx = store.tenant(tenant).await.unwrap();
    let revealed = tx.senders().reveal(record.id, record.newest().number).await;
    let Err(StorageError::Sealed(err)) = revealed else { panic!("a password came out") };
    assert_eq!(err, expected);
}

#[tokio::test]
async fn a_password_copied_to_another_tenants_row_does_not_open_there() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    world.save(aurora, typed("mail.example", "hunter2")).await;
    world.save(borealis, typed("mail.example", "other")).await;

    world
        .database
        .sql(&format!(
            "UPDATE sender_versions SET sealed_password = (SELECT sealed_password
                 FROM sender_versions WHERE tenant_id = '{aurora}') WHERE tenant_id = '{borealis}'"
        ))
        .await;

    assert_unreadable(&world.store, borealis, VaultError::Cipher).await;
}

#[tokio::test]
async fn a_data_key_copied_to_another_tenant_does_not_open_there() {
    let world = World::new().await;
    let (aurora, borealis) = (world.tenant("aurora").await, world.tenant("borealis").await);
    world.save(borealis, typed("mail.example", "other")).await;

    world
        .database
        .sql(&format!(
            "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys
                 WHERE tenant_id = '{aurora}') WHERE tenant_id = '{borealis}'"
        ))
        .await;

    assert_unreadable(&world.store, borealis, VaultError::Cipher).await;
}

#[tokio::test]
async fn a_password_copied_to_another_sender_or_destination_does_not_open_there() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let first = world.save(aurora, typed("mail.example", "hunter2")).await.record;
    let copies = [
        "UPDATE sender_versions SET host = 'evil.example'",
        "UPDATE sender_versions SET host = 'mail.example', username = 'boss'",
        "UPDATE sender_versions SET username = 'billing', encryption = 'none'",
    ];
    for sql in copies {
        world.database.sql(sql).await;
        assert_unreadable(&world.store, aurora, VaultError::Cipher).await;
    }
    world.database.sql("UPDATE sender_versions SET encryption = 'implicit_tls', port = 465").await;
    assert_eq!(load(&world.store, aurora).await.newest().secret_state, SecretState::Readable);

    let tx = world.store.tenant(aurora).await.unwrap();
    let other = SenderRef::parse("other").unwrap();
    let draft = typed("mail.example", "other");
    let other = save_in(&tx, &other, draft, Expected::Any).await.unwrap().record;
    tx.commit().await.unwrap();
    world
        .database
        .sql(&format!(
            "UPDATE sender_versions SET sealed_password = (SELECT sealed_password
                 FROM sender_versions WHERE sender_id = '{}') WHERE sender_id = '{}'",
            first.id, other.id
        ))
        .await;
    let tx = world.store.tenant(aurora).await.unwrap();
    let revealed = tx.senders().reveal(other.id, VersionNumber(1)).await;
    assert!(matches!(revealed, Err(StorageError::Sealed(VaultError::Cipher))));
}

#[tokio::test]
async fn a_row_edited_by_hand_is_not_carried_on_and_takes_a_typed_password() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.live_sender(aurora).await;
    world.database.sql("UPDATE sender_versions SET host = 'evil.example'").await;

    let mut renamed = settings("evil.example");
    renamed.sender_name = "Other".parse().unwrap();
    let carried = world.try_save(aurora, kept(renamed), Expected::Any).await;
    assert!(matches!(carried, Err(StorageError::Refused(_))));

    let typed_anew = world.save(aurora, typed("mail.example", "hunter2")).await.record;
    assert_eq!(typed_anew.newest().secret_state, SecretState::Readable);
}

#[tokio::test]
async fn without_its_master_key_a_sender_still_opens_and_asks_for_its_password() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.live_sender(aurora).await;

    let store = world.with_keys(&master_keys("b", 2)).await;

    assert_unreadable(&store, aurora, VaultError::UnknownMasterKey { id: "a".to_owned() }).await;
    let tx = store.tenant(aurora).await.unwrap();
    let reason = PauseReason::SecretUnreadable;
    tx.senders().pause(&default_sender(), reason, None, None).await.unwrap();
    let resumed = tx.senders().resume(&default_sender()).await;
    assert!(matches!(resumed, Err(StorageError::Conflict(_))));
    drop(store);

    assert_eq!(load(&world.store, aurora).await.state(), SenderState::Live);
}

#[tokio::test]
async fn a_new_master_key_opens_what_the_old_one_wrapped_while_both_are_known() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.live_sender(aurora).await;
    let new = MasterKeys::generate("b", &[2; 32]);
    let old = MasterKeys::generate("a", &[1; 32]);
    let both = format!("{}\n{}", new.as_str(), old.as_str());

    let store = world.with_keys(&MasterKeys::parse(&both).unwrap()).await;

    let record = load(&store, aurora).await;
    assert_eq!(record.newest().secret_state, SecretState::Readable);
}

#[tokio::test]
async fn a_password_is_nowhere_in_the_database_in_the_clear() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.save(aurora, typed("mail.example", "canary-Hs7Qp2")).await;

    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
    for table in world.database.rows(tables).await {
        let table = table["table_name"].as_str().unwrap();
        let found = format!(
            "SELECT count(*) FROM {table} t WHERE t::text ILIKE '%canary%'
                 OR t::text ILIKE '%' || encode('canary-Hs7Qp2', 'hex') || '%'
                 OR t::text LIKE '%' || encode('canary-Hs7Qp2', 'base64') || '%'"
        );
        assert_eq!(world.database.number(&found).await, 0, "{table}");
    }
}
