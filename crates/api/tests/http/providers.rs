//! The known mail services.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn every_mail_service_is_listed_for_whoever_has_a_key() {
    let world = World::new().await;

    for key in [&world.operator, &world.aurora] {
        let answer = world.get("/v1/providers", key).await;

        assert_eq!(answer.status, StatusCode::OK);
        let list = answer.json();
        assert_eq!(list["next_cursor"], Value::Null);
        let services = list["data"].as_array().expect("a list");
        assert_eq!(services[0]["id"], "gmail");
        assert!(services.len() > 60, "{}", services.len());
    }
}

#[tokio::test]
async fn a_mail_service_says_where_its_servers_are_and_what_they_want() {
    let world = World::new().await;

    let answer = world.get("/v1/providers/smtp2go", &world.aurora).await;

    assert_eq!(answer.status, StatusCode::OK);
    let service = answer.json();
    assert_eq!(service["name"], "SMTP2GO");
    assert_eq!(service["kind"], "sending");
    assert_eq!(service["servers"][0]["host"], "mail.smtp2go.com");
    assert_eq!(service["servers"][0]["place"], Value::Null);
    assert_eq!(service["servers"][1]["place"], "US");
    assert_eq!(service["ways"][0], json!({"port": 587, "encryption": "starttls"}));
    assert_eq!(service["username"], "given");
    assert_eq!(service["fixed_username"], Value::Null);
    assert_eq!(service["password"], "smtp_password");
    assert_eq!(service["guide"], "smtp2go");
    let dns = json!({"spf": "nothing", "spf_include": null, "dkim_selectors": []});
    assert_eq!(service["dns"], dns);
}

#[tokio::test]
async fn what_is_known_of_limits_names_and_notes_is_said_in_words() {
    let world = World::new().await;

    let gmail = world.get("/v1/providers/gmail", &world.aurora).await.json();
    let sendgrid = world.get("/v1/providers/sendgrid", &world.aurora).await.json();
    let unknown = world.get("/v1/providers/lettermint", &world.aurora).await.json();

    let limit = json!({"most": 500, "on": "messages", "per": "day", "plan": "Gmail"});
    assert_eq!(gmail["limits"][0], limit);
    assert_eq!(gmail["sign_in"], json!(["password", "oauth2"]));
    assert_eq!(gmail["notes"], json!(["two_step_first", "from_rewritten"]));
    assert_eq!(gmail["servers"][0]["mx"], json!(["google.com", "googlemail.com"]));
    assert_eq!(gmail["dns"]["spf_include"], "_spf.google.com");
    assert_eq!(sendgrid["username"], "fixed");
    assert_eq!(sendgrid["fixed_username"], "apikey");
    assert_eq!(unknown["username"], Value::Null);
    assert_eq!(unknown["password"], Value::Null);
    assert_eq!(unknown["guide"], "other");
}

#[tokio::test]
async fn there_is_no_mail_service_for_nobody_and_none_of_an_unknown_name() {
    let world = World::new().await;

    let nobody = world.get("/v1/providers", "").await;
    let nobody_loads = world.get("/v1/providers/gmail", "").await;
    let unknown = world.get("/v1/providers/GMAIL", &world.aurora).await;

    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert_eq!(nobody_loads.status, StatusCode::UNAUTHORIZED);
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["detail"], "There is no such mail service.");
}
