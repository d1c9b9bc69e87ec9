//! Saving, pausing, restoring and deleting senders.

use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, bearer};

const DEFAULT: &str = "/v1/tenants/aurora/senders/default";

#[tokio::test]
async fn the_first_save_makes_an_untested_sender_whose_password_is_never_shown() {
    let world = World::new().await;

    let saved = world.save_default().await;

    assert_eq!(saved.header("etag"), "\"1\"");
    insta::assert_json_snapshot!("sender_saved", saved.settled());
    let loaded = world.get(saved.header("location"), &world.aurora).await;
    assert_eq!((loaded.header("etag"), loaded.json()), ("\"1\"", saved.json()));
    let id = saved.json()["id"].as_str().expect("an id").to_owned();
    let by_id = world.get(&format!("/v1/tenants/self/senders/{id}"), &world.aurora).await;
    assert_eq!(by_id.json(), saved.json());
    let listed = world.get("/v1/tenants/aurora/senders", &world.aurora).await;
    assert_eq!(listed.json()["data"], json!([saved.json()]));
    assert!(!listed.text.contains("practice-password"));
}

#[tokio::test]
async fn a_save_that_changes_nothing_makes_no_version_and_one_that_does_keeps_the_password() {
    let world = World::new().await;
    world.save_default().await;
    let mut settings = world.settings();
    settings.as_object_mut().expect("an object").remove("password");

    let same = world.put(DEFAULT, &world.aurora, &settings).await;
    assert_eq!((same.status, same.header("etag")), (StatusCode::OK, "\"1\""));

    settings["sender_name"] = json!("Aurora");
    let changed = world.put(DEFAULT, &world.aurora, &settings).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"2\""));
    assert_eq!(changed.json()["settings"]["has_password"], true);
}

#[tokio::test]
async fn a_password_does_not_follow_to_another_host() {
    let world = World::new().await;
    world.save_default().await;
    let mut settings = world.settings();
    settings["host"] = json!("smtp.example.net");
    settings["port"] = json!(587);
    settings.as_object_mut().expect("an object").remove("password");

    let answer = world.put(DEFAULT, &world.aurora, &settings).await;

    assert_eq!(answer.refused(), [("/password".to_owned(), "password_required".to_owned())]);
    assert_eq!(world.get(DEFAULT, &world.aurora).await.header("etag"), "\"1\"");
}

#[tokio::test]
async fn every_refused_setting_is_named_at_once_and_no_value_is_repeated() {
    let world = World::new().await;
    let broken = json!({
        "driver": "sendmail", "host": "hunter2 hunter2", "port": 70_000, "encryption": "hunter2",
        "username": "a\nhunter2", "password": "********", "sender_name": "Acme\r\nBcc: x@y",
        "sender_email": "hunter2", "reply_to": "hunter2",
    });

    let answer = world.put(DEFAULT, &world.aurora, &broken).await;

    insta::assert_json_snapshot!("settings_refused", answer.settled());
    assert!(!answer.text.contains("hunter2"));
    let unknown = json!({"tenant_id": "hunter2", "host": "smtp.example.net"});
    let answer = world.put(DEFAULT, &world.aurora, &unknown).await;
    assert!(answer.refused().contains(&("/tenant_id".to_owned(), "unknown_field".to_owned())));
    assert!(!answer.text.contains("hunter2"));
}

#[tokio::test]
async fn a_malformed_field_hides_neither_a_denied_destination_nor_a_missing_password() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings["host"] = json!("169.254.169.254");
    settings["port"] = json!(22);
    settings["encryption"] = json!("none");
    settings["sender_email"] = json!("nobody");
    settings.as_object_mut().expect("an object").remove("password");
    let refused = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let later = [
        refused("/host", "destination_not_allowed"),
        refused("/port", "port_not_allowed"),
        refused("/encryption", "encryption_required"),
        refused("/password", "password_required"),
    ];

    let malformed = world.put(DEFAULT, &world.aurora, &settings).await;
    settings["sender_email"] = json!("ann@aurora.example");
    let well_formed = world.put(DEFAULT, &world.aurora, &settings).await;

    let mut all = vec![refused("/sender_email", "malformed")];
    all.extend(later.clone());
    assert_eq!(malformed.refused(), all);
    assert_eq!(well_formed.refused(), later);
}

#[tokio::test]
async fn nothing_is_refused_that_a_mended_field_may_turn_out_to_allow() {
    let world = World::new().await;
    world.save_default().await;
    let mut settings = world.settings();
    settings.as_object_mut().expect("an object").remove("password");
    // The host is exempt at its own port, and the stored password is for this host.
    let cases = [("port", json!(0)), ("host", json!("not a host")), ("auth", json!("maybe"))];

    for (field, broken) in cases {
        let mut settings = settings.clone();
        settings[field] = broken;
        let answer = world.put(DEFAULT, &world.aurora, &settings).await;

        let pointers: Vec<_> = answer.refused().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, [format!("/{field}")]);
    }
}

#[tokio::test]
async fn a_stale_version_comes_after_malformed_fields_and_before_a_missing_password() {
    let world = World::new().await;
    world.save_default().await;
    let own = bearer(&world.aurora);
    let headers = [own.as_ref(), ("if-match", "\"7\"")];
    let mut settings = world.settings();
    settings["username"] = json!("somebody else");
    settings.as_object_mut().expect("an object").remove("password");

    let stale = world.call(Method::PUT, DEFAULT, &headers, Some(&settings)).await;
    settings["port"] = json!(0);
    let malformed = world.call(Method::PUT, DEFAULT, &headers, Some(&settings)).await;

    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text);
    assert_eq!(malformed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refused = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(
        malformed.refused(),
        [refused("/port", "out_of_range"), refused("/password", "password_required")],
    );
}

#[tokio::test]
async fn destinations_that_are_not_allowed_are_refused_on_save() {
    let world = World::new().await;
    let cases = [
        ("127.0.0.1", 587),
        ("169.254.169.254", 587),
        ("10.0.0.5", 587),
        ("192.168.1.10", 465),
        ("::1", 587),
        ("::ffff:10.0.0.5", 587),
        ("smtp.example.net", 22),
    ];
    for (host, port) in cases {
        let mut settings = world.settings();
        settings["host"] = json!(host);
        settings["port"] = json!(port);
        let answer = world.put(DEFAULT, &world.aurora, &settings).await;
        assert_eq!(answer.refused().len(), 1, "{host}:{port} {}", answer.text);
    }
    assert_eq!(world.get(DEFAULT, &world.aurora).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn preconditions_keep_changes_from_being_lost() {
    let world = World::new().await;
    let own = bearer(&world.aurora);
    let mut settings = world.settings();
    let mut names = ["A", "B", "C", "D", "E", "F", "G", "H", "I"].into_iter();
    let mut save = async |header: &'static str, value: &'static str| {
        settings["sender_name"] = json!(names.next().expect("a name"));
        let headers = [own.as_ref(), (header, value)];
        let answer = world.call(Method::PUT, DEFAULT, &headers, Some(&settings)).await;
        (answer.status.as_u16(), answer.header("etag").to_owned())
    };
    let stale = (412, String::new());

    assert_eq!(save("if-match", "*").await, stale, "there is none yet");
    assert_eq!(save("if-none-match", "*").await, (201, "\"1\"".to_owned()));
    assert_eq!(save("if-none-match", "*").await, stale);
    assert_eq!(save("if-match", "\"1\"").await, (200, "\"2\"".to_owned()));
    assert_eq!(save("if-match", "\"1\"").await, stale);
    assert_eq!(save("if-match", "W/\"2\"").await, stale);
    assert_eq!(save("if-match", "2").await, stale);
    assert_eq!(save("if-match", "\"1\", \"2\"").await, (200, "\"3\"".to_owned()));
    assert_eq!(save("if-match", "*").await, (200, "\"4\"".to_owned()));
}

#[tokio::test]
async fn a_sender_is_paused_and_resumed_and_takes_no_fields_for_it() {
    let world = World::new().await;
    world.save_default().await;
    let (pause, resume) = (format!("{DEFAULT}/pause"), format!("{DEFAULT}/resume"));
    let own = bearer(&world.aurora);

    let paused = world.call(Method::POST, &pause, &[own.as_ref()], None).await;
    assert_eq!((paused.status, paused.header("etag")), (StatusCode::OK, "\"1\""));
    assert_eq!(paused.json()["state"], "paused");
    assert_eq!(paused.json()["pause"]["reason"], "by_hand");

    let resumed = world.post(&resume, &world.aurora, &json!({})).await.json();
    assert_eq!((&resumed["state"], &resumed["pause"]), (&json!("untested"), &json!(null)));

    let answer = world.post(&pause, &world.aurora, &json!({"reason": "x"})).await;
    assert_eq!(answer.refused(), [("/reason".to_owned(), "unknown_field".to_owned())]);
}

#[tokio::test]
async fn versions_are_listed_restored_and_dropped() {
    let world = World::new().await;
    world.save_default().await;
    let mut settings = world.settings();
    settings["sender_name"] = json!("Aurora");
    world.put(DEFAULT, &world.aurora, &settings).await;

    let restored =
        world.post(&format!("{DEFAULT}/versions/1/restore"), &world.aurora, &json!({})).await;
    assert_eq!((restored.status, restored.header("etag")), (StatusCode::OK, "\"3\""));

    let versions = world.get(&format!("{DEFAULT}/versions"), &world.aurora).await;
    insta::assert_json_snapshot!("versions", versions.settled());
    for number in ["9", "0", "x", "-1", "4294967296"] {
        let path = format!("{DEFAULT}/versions/{number}/restore");
        let answer = world.post(&path, &world.aurora, &json!({})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{number}");
    }
}

#[tokio::test]
async fn a_deleted_sender_is_gone_and_its_slug_is_free_again() {
    let world = World::new().await;
    let first = world.save_default().await.json();

    assert_eq!(world.delete(DEFAULT, &world.aurora).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(DEFAULT, &world.aurora).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.delete(DEFAULT, &world.aurora).await.status, StatusCode::NOT_FOUND);

    let by_id = format!("/v1/tenants/aurora/senders/{}", first["id"].as_str().expect("an id"));
    let answer = world.put(&by_id, &world.aurora, &world.settings()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let again = world.save_default().await.json();
    assert_ne!(again["id"], first["id"]);
}
