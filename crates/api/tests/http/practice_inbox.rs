//! The page that shows what the practice server caught.

use letterhead_api::practice_inbox;
use poem::{http::StatusCode, test::TestClient};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn a_caught_mail_is_listed_and_given_byte_for_byte() {
    let world = World::new().await;
    world.save_default().await;
    let runs = "/v1/tenants/aurora/senders/default/test-runs";
    let run = world.post(runs, &world.aurora, &json!({"mode": "message"})).await;
    assert_eq!(run.json()["status"], "passed", "{}", run.text);
    let caught = world.practice.inbox().wait_for(1).await;
    let client = TestClient::new(practice_inbox::routes(world.practice.inbox()));

    let list = client.get("/messages.json").send().await.0.into_body().into_string().await;
    let list: Value = serde_json::from_str(&list.expect("text")).expect("JSON");
    assert_eq!(list[0]["mail_from"], "billing@aurora.example");
    assert_eq!(list[0]["rcpt_to"], json!(["billing@aurora.example"]));
    assert_eq!(list[0]["subject"], "Test of your SMTP settings");
    assert_eq!(list[0]["size"], caught[0].bytes.len());
    assert_eq!((&list[0]["tls"], &list[0]["username"]), (&json!(true), &json!("practice")));

    let mail = client.get(format!("/messages/{}.eml", list[0]["id"])).send().await;
    mail.assert_content_type("message/rfc822");
    mail.assert_header("content-disposition", "attachment; filename=\"1.eml\"");
    mail.assert_header("x-content-type-options", "nosniff");
    assert_eq!(mail.0.into_body().into_vec().await.expect("bytes"), caught[0].bytes);

    let page = client.get("/").send().await;
    page.assert_header_exist("content-security-policy");
    let page = page.0.into_body().into_string().await.expect("text");
    assert!(page.contains("<td>Test of your SMTP settings</td>"), "{page}");
    client.get("/messages/2.eml").send().await.assert_status(StatusCode::NOT_FOUND);
}
