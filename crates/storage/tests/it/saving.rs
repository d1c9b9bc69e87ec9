//! Saving settings: versions, what they are based on, which go live.

use letterhead_domain::{
    id::{SenderId, TenantId},
    message::SenderRef,
    sender::{PauseReason, PromotePolicy, SecretState, SenderState, VersionNumber},
    smtp_settings::{Encryption, SettingsDraft, SmtpSettings},
};
use letterhead_storage::{
    error::StorageError,
    record::{Expected, PageRequest},
    repo::sender::{RestoreVersion, SaveSender, Saved},
};
use uuid::Uuid;

use crate::support::{World, default_sender, id, kept, number, save_in, settings, typed};

fn code(refused: Result<Saved, StorageError>) -> &'static str {
    let Err(StorageError::Refused(errors)) = refused else { panic!("not refused: {refused:?}") };
    errors.iter().next().map(|error| error.code).unwrap()
}

fn renamed(name: &str) -> SmtpSettings {
    SmtpSettings { sender_name: name.parse().unwrap(), ..settings("mail.example") }
}

#[tokio::test]
async fn the_first_save_makes_a_sender_with_an_untested_candidate() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;

    let saved = world.save(aurora, typed("mail.example", "hunter2")).await;

    assert!(saved.created && saved.changed && !saved.promoted);
    let record = saved.record;
    assert_eq!(record.state(), SenderState::Untested);
    assert_eq!((number(record.live.as_ref()), number(record.candidate.as_ref())), (None, Some(1)));
    assert_eq!(record.newest().settings, settings("mail.example"));
    assert_eq!(record.newest().secret_state, SecretState::Readable);
    assert_eq!(record.newest().created_by, "api-key:test");
    assert!(world.is_blocked(record.id).await);

    let tx = world.store.tenant(aurora).await.unwrap();
    assert_eq!(tx.senders().load(&default_sender()).await.unwrap(), record);
    assert_eq!(tx.senders().load(&SenderRef::Id(record.id)).await.unwrap(), record);
    let (revealed, password) = tx.senders().reveal(record.id, VersionNumber(1)).await.unwrap();
    assert_eq!(revealed, settings("mail.example"));
    assert!(password.unwrap().expose() == "hunter2");
}

#[tokio::test]
async fn a_save_that_changes_nothing_makes_no_version() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let before = world.save(aurora, typed("mail.example", "hunter2")).await.record;

    let saved = world.save(aurora, kept(settings("mail.example"))).await;

    assert!(!saved.created && !saved.changed && !saved.promoted);
    assert_eq!(saved.record, before);
}

#[tokio::test]
async fn an_id_that_is_nobodys_makes_no_sender() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let tx = world.store.tenant(aurora).await.unwrap();

    let reference = SenderRef::Id(id());
    let saved = save_in(&tx, &reference, typed("mail.example", "x"), Expected::Any).await;

    assert!(matches!(saved, Err(StorageError::NotFound("sender"))));
}

#[tokio::test]
async fn a_stale_save_is_refused_and_nothing_changes() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let other = || typed("other.example", "other");
    let version = |number| Expected::Version(VersionNumber(number));
    assert!(matches!(world.try_save(aurora, other(), version(1)).await, Err(StorageError::Stale)));
    world.try_save(aurora, typed("mail.example", "x"), Expected::Absent).await.unwrap();

    for expected in [Expected::Absent, version(2)] {
        let saved = world.try_save(aurora, other(), expected).await;
        assert!(matches!(saved, Err(StorageError::Stale)), "{expected:?}");
    }

    let tx = world.store.tenant(aurora).await.unwrap();
    let record = tx.senders().load(&default_sender()).await.unwrap();
    assert_eq!(record.newest().settings.host.as_str(), "mail.example");
    drop(tx);
    let saved = world.try_save(aurora, other(), version(1)).await.unwrap();
    assert_eq!(saved.record.etag_version(), VersionNumber(2));
}

#[tokio::test]
async fn of_two_saves_at_once_that_are_based_on_the_same_version_one_is_stale() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.save(aurora, typed("mail.example", "x")).await;

    let save = |host| world.try_save(aurora, typed(host, "y"), Expected::Version(VersionNumber(1)));
    let (one, two) = tokio::join!(save("one.example"), save("two.example"));

    let stale = |result: &Result<_, _>| matches!(result, Err(StorageError::Stale));
    assert!(one.is_ok() && stale(&two) || two.is_ok() && stale(&one), "{one:?} {two:?}");
}

#[tokio::test]
async fn of_two_first_saves_at_once_both_land_on_one_sender() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;

    let save = |host| world.try_save(aurora, typed(host, "y"), Expected::Any);
    let (one, two) = tokio::join!(save("one.example"), save("two.example"));

    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.record.id, two.record.id);
    assert!(one.created != two.created);
    let newest = one.record.etag_version().max(two.record.etag_version());
    assert_eq!(newest, VersionNumber(2));
}

#[tokio::test]
async fn of_two_first_saves_at_once_that_want_a_new_sender_one_is_stale() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;

    let save = |host| world.try_save(aurora, typed(host, "y"), Expected::Absent);
    let (one, two) = tokio::join!(save("one.example"), save("two.example"));

    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let lost = one.err().or(two.err());
    assert!(matches!(lost, Some(StorageError::Stale)), "{lost:?}");
}

#[tokio::test]
async fn a_password_is_asked_for_where_none_may_be_used_and_nothing_changes() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let try_save = |draft| world.try_save(aurora, draft, Expected::Any);
    assert_eq!(code(try_save(kept(settings("mail.example"))).await), "password_required");
    world.save(aurora, typed("mail.example", "hunter2")).await;

    let in_clear = SmtpSettings { encryption: Encryption::None, ..settings("mail.example") };
    for draft in [kept(settings("evil.example")), kept(in_clear)] {
        assert_eq!(code(try_save(draft).await), "password_required");
    }

    let tx = world.store.tenant(aurora).await.unwrap();
    let record = tx.senders().load(&default_sender()).await.unwrap();
    assert_eq!(record.newest().settings, settings("mail.example"));
}

#[tokio::test]
async fn a_password_is_carried_to_another_port_of_the_same_host() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let first = world.save(aurora, typed("mail.example", "hunter2")).await.record;
    let moved = SmtpSettings {
        port: 465_u16.try_into().unwrap(),
        encryption: Encryption::ImplicitTls,
        ..settings("mail.example")
    };

    let second = world.save(aurora, kept(moved)).await.record;

    assert_eq!(second.newest().secret, first.newest().secret);
    let tx = world.store.tenant(aurora).await.unwrap();
    let (_, password) = tx.senders().reveal(second.id, VersionNumber(2)).await.unwrap();
    assert!(password.unwrap().expose() == "hunter2");
}

#[tokio::test]
async fn editing_leaves_the_live_version_sending_until_the_candidate_is_proven() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;

    let edited = world.save(aurora, typed("new.example", "new")).await.record;
    assert_eq!(
        (number(edited.live.as_ref()), number(edited.candidate.as_ref())),
        (Some(1), Some(2))
    );
    assert_eq!(edited.state(), SenderState::Live);
    assert!(!world.is_blocked(sender).await);

    world.prove(aurora, sender, 2).await;
    let tx = world.store.tenant(aurora).await.unwrap();
    let proven = tx.senders().load(&default_sender()).await.unwrap();
    assert_eq!((number(proven.live.as_ref()), number(proven.candidate.as_ref())), (Some(2), None));
    assert!(proven.live.unwrap().proven_at.is_some());
}

#[tokio::test]
async fn a_new_name_is_live_at_once_with_the_live_versions_proof() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.live_sender(aurora).await;

    let saved = world.save(aurora, kept(renamed("Aurora Ltd"))).await;

    assert!(saved.promoted);
    assert_eq!(number(saved.record.live.as_ref()), Some(2));
    assert!(saved.record.newest().proven_at.is_some());
    assert_eq!(saved.record.candidate, None);
}

#[tokio::test]
async fn with_the_other_policy_a_save_is_live_at_once_and_ends_a_pause_for_refused_settings() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    for (reason, resumed) in [(PauseReason::AuthRefused, true), (PauseReason::ByHand, false)] {
        let tx = world.store.tenant(aurora).await.unwrap();
        tx.senders().pause(&default_sender(), reason, None, None).await.unwrap();
        let saved = tx
            .senders()
            .save(SaveSender {
                reference: &default_sender(),
                new_id: id(),
                new_version_id: id(),
                new_secret_id: Uuid::new_v4().into(),
                draft: typed("mail.example", "right this time"),
                expected: Expected::Any,
                policy: PromotePolicy::OnSave,
                by: "api-key:test",
            })
            .await
            .unwrap();
        tx.commit().await.unwrap();

        assert!(saved.promoted);
        assert_eq!(saved.resumed, resumed, "{reason:?}");
        assert_eq!(saved.record.pause.is_none(), resumed);
        assert_eq!(world.is_blocked(sender).await, !resumed);
    }
}

#[tokio::test]
async fn passwords_are_kept_for_live_candidate_and_the_last_five_versions() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    for number in 2..=9 {
        world.save(aurora, typed(&format!("mail{number}.example"), "x")).await;
    }

    let tx = world.store.tenant(aurora).await.unwrap();
    let versions = tx.senders().versions(&SenderRef::Id(sender), PageRequest::first(100)).await;
    let states: Vec<_> = versions
        .unwrap()
        .items
        .iter()
        .map(|version| (version.version.number.0, version.version.secret_state))
        .collect();

    let kept = |number| {
        if number == 1 || number >= 5 { SecretState::Readable } else { SecretState::Missing }
    };
    let expected: Vec<_> = (1..=9).rev().map(|number| (number, kept(number))).collect();
    assert_eq!(states, expected);
    drop(tx);
    assert_eq!(code(restore(&world, aurora, sender, 3).await), "password_required");
}

async fn restore(
    world: &World,
    tenant: TenantId,
    sender: SenderId,
    number: u32,
) -> Result<Saved, StorageError> {
    let tx = world.store.tenant(tenant).await.unwrap();
    let restore = RestoreVersion {
        sender,
        number: VersionNumber(number),
        new_version_id: id(),
        expected: Expected::Any,
        policy: PromotePolicy::AfterTest,
        by: "api-key:test",
    };
    let saved = tx.senders().restore(restore).await?;
    tx.commit().await.unwrap();
    Ok(saved)
}

#[tokio::test]
async fn a_version_that_was_proven_comes_back_live_with_its_password() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    world.save(aurora, typed("new.example", "new")).await;
    world.prove(aurora, sender, 2).await;

    let saved = restore(&world, aurora, sender, 1).await.unwrap();

    assert!(saved.promoted && saved.changed);
    assert_eq!(number(saved.record.live.as_ref()), Some(3));
    assert_eq!(saved.record.newest().settings.host.as_str(), "mail.example");
    let tx = world.store.tenant(aurora).await.unwrap();
    let (_, password) = tx.senders().reveal(sender, VersionNumber(3)).await.unwrap();
    assert!(password.unwrap().expose() == "hunter2");
}

#[tokio::test]
async fn restoring_the_live_version_drops_the_candidate() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    world.save(aurora, typed("new.example", "new")).await;

    let saved = restore(&world, aurora, sender, 1).await.unwrap();

    assert!(saved.changed && !saved.promoted);
    assert_eq!(saved.record.candidate, None);
    assert_eq!(saved.record.etag_version(), VersionNumber(1));
    assert!(!restore(&world, aurora, sender, 1).await.unwrap().changed);
    let unknown = restore(&world, aurora, sender, 7).await;
    assert!(matches!(unknown, Err(StorageError::NotFound("version"))));
}

#[tokio::test]
async fn a_discarded_candidate_never_becomes_live_nor_does_one_it_had_replaced() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    let sender = world.live_sender(aurora).await;
    world.save(aurora, typed("two.example", "x")).await;
    world.save(aurora, typed("three.example", "x")).await;
    let tx = world.store.tenant(aurora).await.unwrap();
    let stale = Expected::Version(VersionNumber(2));
    let discarded = tx.senders().discard_candidate(&default_sender(), stale).await;
    assert!(matches!(discarded, Err(StorageError::Stale)));
    let record = tx.senders().discard_candidate(&default_sender(), Expected::Any).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(record.candidate, None);

    world.prove(aurora, sender, 2).await;
    world.prove(aurora, sender, 3).await;

    let tx = world.store.tenant(aurora).await.unwrap();
    let record = tx.senders().load(&default_sender()).await.unwrap();
    assert_eq!(number(record.live.as_ref()), Some(1));
    let none = tx.senders().discard_candidate(&default_sender(), Expected::Any).await;
    assert!(matches!(none, Err(StorageError::NotFound("candidate"))));
}

#[tokio::test]
async fn the_only_version_there_is_cannot_be_discarded() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    world.save(aurora, typed("mail.example", "x")).await;

    let tx = world.store.tenant(aurora).await.unwrap();
    let discarded = tx.senders().discard_candidate(&default_sender(), Expected::Any).await;

    assert!(matches!(discarded, Err(StorageError::Conflict(_))));
}

#[tokio::test]
async fn versions_are_listed_newest_first_page_by_page() {
    let world = World::new().await;
    let aurora = world.tenant("aurora").await;
    for name in ["One", "Two", "Three"] {
        let draft = typed("mail.example", "x");
        let settings = SmtpSettings { sender_name: name.parse().unwrap(), ..draft.settings };
        world.save(aurora, SettingsDraft { settings, ..draft }).await;
    }

    let tx = world.store.tenant(aurora).await.unwrap();
    let first = tx.senders().versions(&default_sender(), PageRequest::first(2)).await.unwrap();
    let rest = PageRequest { limit: 2, after: first.next };
    let second = tx.senders().versions(&default_sender(), rest).await.unwrap();

    let numbers: Vec<_> =
        first.items.iter().chain(&second.items).map(|item| item.version.number.0).collect();
    assert_eq!(numbers, [3, 2, 1]);
    let two = tx.senders().load_version(&default_sender(), VersionNumber(2)).await.unwrap();
    assert_eq!(two.version.settings.sender_name.as_str(), "Two");
}
