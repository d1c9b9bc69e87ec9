//! Proof of arrival: the code from the test mail, handed back.

use std::time::Duration;

use letterhead_mailer::practice_server::PracticeServer;
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Answer, World};

const RUNS: &str = "/v1/tenants/aurora/senders/default/test-runs";

/// The code in the newest mail that the server has caught, as people read it.
pub(crate) fn newest_code(practice: &PracticeServer) -> String {
    let mail = practice.inbox().list().first().cloned().expect("a mail");
    let text = String::from_utf8_lossy(&mail.bytes).into_owned();
    let (_, rest) = text.split_once("Your code: ").expect("a code");
    let code: String = rest.chars().take(7).collect();
    let (first, second) = code.split_once(' ').expect("two groups");
    assert!(
        [first, second]
            .iter()
            .all(|group| { group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()) })
    );
    code
}

/// Another code than `code`, without its spaces.
pub(crate) fn another(code: &str) -> String {
    let number: u32 = code.replace(' ', "").parse().expect("a number");
    format!("{:06}", (number + 1) % 1_000_000)
}

/// A run in `mode`, and the address where its code is taken.
async fn run(world: &World, mode: &str) -> (Answer, String) {
    let run = world.post(RUNS, &world.aurora, &json!({"mode": mode})).await;
    assert_eq!(run.status, StatusCode::CREATED, "{}", run.text);
    let confirm = format!("{}/confirm", run.header("location"));
    (run, confirm)
}

async fn confirm(world: &World, path: &str, code: &str) -> Answer {
    world.post(path, &world.aurora, &json!({"code": code})).await
}

#[tokio::test]
async fn the_code_in_the_mail_proves_that_it_arrived_and_stands_nowhere_else() {
    let world = World::new().await;
    world.save_default().await;
    let (sent, path) = run(&world, "message").await;
    assert_eq!(
        (&sent.json()["status"], &sent.json()["arrived_at"]),
        (&json!("passed"), &Value::Null)
    );
    let code = newest_code(&world.practice);

    let confirmed = confirm(&world, &path, &format!(" {code}  ")).await;

    assert_eq!(confirmed.status, StatusCode::OK, "{}", confirmed.text);
    assert!(confirmed.json()["arrived_at"].is_string(), "{}", confirmed.text);
    let again = confirm(&world, &path, &code.replace(' ', "")).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, confirmed.json()));
    let loaded = world.get(sent.header("location"), &world.aurora).await;
    assert_eq!(loaded.json(), confirmed.json());
    let transcript = format!("{}/transcript", sent.header("location"));
    let transcript = world.get(&transcript, &world.aurora).await;
    let audit = world.get("/v1/tenants/aurora/audit-events", &world.aurora).await;
    let newest = &audit.json()["data"][0];
    assert_eq!(newest["action"], "test_run.arrival_confirmed");
    assert_eq!(newest["detail"]["test_run"], loaded.json()["id"]);
    for answer in [sent, confirmed, again, loaded, transcript, audit] {
        for spelling in [code.clone(), code.replace(' ', "")] {
            // Ids and times are made of digits as well.
            let words = answer.text.split(|c: char| !c.is_ascii_digit() && c != ' ');
            assert!(words.into_iter().all(|word| word != spelling), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_wrong_code_tells_how_many_tries_are_left_until_none_is() {
    let world = World::new().await;
    world.save_default().await;
    let (_, path) = run(&world, "message").await;
    let code = newest_code(&world.practice);
    let wrong = another(&code);

    for left in ["4 tries are left", "3 tries are left", "2 tries are left", "1 try is left"] {
        let refused = confirm(&world, &path, &wrong).await;
        assert_eq!(refused.refused(), [("/code".to_owned(), "code_wrong".to_owned())]);
        let message =
            refused.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.ends_with(left), "{message}");
    }
    let malformed = confirm(&world, &path, "12345").await;
    assert_eq!(malformed.refused(), [("/code".to_owned(), "malformed".to_owned())]);
    let last = confirm(&world, &path, &wrong).await;
    assert!(last.text.contains("no try is left; run the test again"), "{}", last.text);

    let right = confirm(&world, &path, &code).await;
    assert_eq!((right.status, right.code().as_str()), (StatusCode::CONFLICT, "conflict"));
    assert!(right.text.contains("run the test again"), "{}", right.text);
}

#[tokio::test]
async fn a_run_without_an_accepted_mail_takes_no_code() {
    let world = World::new().await;
    world.save_default().await;
    let (_, no_mail) = run(&world, "connection").await;
    let mut wrong = world.settings();
    wrong["password"] = json!("hunter2-hunter2");
    world.put("/v1/tenants/aurora/senders/default", &world.aurora, &wrong).await;
    let (_, failed) = run(&world, "message").await;

    for (path, words) in [(no_mail, "sent no mail"), (failed, "did not accept the mail")] {
        let refused = confirm(&world, &path, "123456").await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
        assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains(words)));
    }
}

#[tokio::test]
async fn a_code_works_for_24_hours() {
    let world = World::new().await;
    world.save_default().await;
    let (_, path) = run(&world, "message").await;
    let code = newest_code(&world.practice);

    world.database.advance(Duration::from_secs(24 * 3600 + 60)).await;

    let refused = confirm(&world, &path, &code).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("too old"), "{}", refused.text);
}

#[tokio::test]
async fn confirming_is_answered_in_the_order_of_the_contract() {
    let world = World::new().await;
    world.save_default().await;
    let (_, path) = run(&world, "connection").await;
    let reader = world.key("aurora", &["settings:read"]).await;
    let nonsense = json!({"code": 5, "more": true});

    assert_eq!(world.post(&path, "lhk_tn_no", &nonsense).await.status, StatusCode::UNAUTHORIZED);
    let (run, _) = path.rsplit_once("/confirm").expect("a path");
    let (runs, _) = run.rsplit_once('/').expect("a path");
    let unknown = format!("{runs}/019a0000-0000-7000-8000-000000000000/confirm");
    for path in [unknown.as_str(), &format!("{runs}/5/confirm")] {
        let answer = world.post(path, &world.aurora, &nonsense).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    let other = world.post(&path, &world.borealis, &nonsense).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    assert_eq!(world.post(&path, &reader, &nonsense).await.status, StatusCode::FORBIDDEN);
    let mistyped = world.post(&path, &world.aurora, &nonsense).await;
    assert!(mistyped.refused().contains(&("/code".to_owned(), "wrong_type".to_owned())));
    let empty = world.post(&path, &world.aurora, &json!({"code": " "})).await;
    assert_eq!(empty.refused(), [("/code".to_owned(), "required".to_owned())]);
    assert_eq!(confirm(&world, &path, "123456").await.status, StatusCode::CONFLICT);
}
