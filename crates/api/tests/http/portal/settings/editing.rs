//! The form: what it refuses, what it keeps, and two people at once.

use poem::http::StatusCode;

use super::{EDIT, PAGE, go_live, save};
use crate::world::World;

#[tokio::test]
async fn every_refused_field_says_so_at_once_and_what_was_typed_is_kept() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let refused = save(
        &ann,
        &world,
        &[
            ("host", "not a host"),
            ("port", "22"),
            ("encryption", "maybe"),
            ("username", ""),
            ("password", "hunter2-hunter2"),
            ("sender_name", "Acme\r\nBcc: x@y"),
            ("sender_email", "nobody"),
            ("reply_to", "x"),
        ],
    )
    .await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_has(&["Not saved yet: 7 fields need a correction.", "data-guarded=\"unsaved\""]);
    let fields =
        ["host", "port", "encryption", "username", "sender_name", "sender_email", "reply_to"];
    for field in fields {
        refused.assert_has(&[
            &format!("id=\"{field}-error\""),
            &format!("aria-describedby=\"{field}-error"),
            &format!("<a href=\"#{field}\">"),
        ]);
    }
    assert_eq!(refused.text.matches("aria-invalid=\"true\"").count(), fields.len());
    refused.assert_has(&["value=\"not a host\"", "value=\"22\"", "value=\"nobody\""]);
    refused.assert_lacks(&["hunter2", "id=\"password-error\""]);
    ann.get(PAGE).await.assert_has(&["No mail server is set up yet"]);
}

#[tokio::test]
async fn a_first_save_without_a_password_says_so_beside_the_other_errors() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let refused = save(&ann, &world, &[("password", ""), ("sender_name", "")]).await;

    refused.assert_has(&["Please type the password.", "Please fill in this field."]);
}

#[tokio::test]
async fn a_stored_password_is_kept_by_leaving_its_field_empty_until_the_destination_changes() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;

    let kept = save(&ann, &world, &[("base", "1"), ("password", ""), ("sender_name", "New")]).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.text);
    ann.get(PAGE).await.assert_has(&["<dd>New</dd>", "Version 2, live.", "Stored, never shown"]);

    let moved = [("base", "2"), ("password", ""), ("username", "somebody else")];
    let refused = save(&ann, &world, &moved).await;

    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_has(&[
        "id=\"password-error\">Type the password again: it was stored for another host",
        "value=\"somebody else\"",
    ]);
    ann.get(PAGE).await.assert_has(&["<dd>practice</dd>"]);
}

#[tokio::test]
async fn a_save_says_what_became_of_it() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let form =
        |changes: &[(&str, &str)]| super::fields(&world, changes).into_iter().collect::<Vec<_>>();
    let cases = [
        (form(&[]), "Saved. Test the settings now"),
        (form(&[("base", "1"), ("password", "")]), "Nothing was changed"),
    ];
    for (fields, said) in cases {
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        ann.post_and_follow(PAGE, &fields).await.assert_has(&[said, "role=\"status\""]);
    }
}

#[tokio::test]
async fn of_two_who_edit_the_second_sees_what_the_first_saved_and_may_go_over_it() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;
    save(&ann, &world, &[("base", "1"), ("password", ""), ("sender_name", "First")]).await;

    let second = [("base", "1"), ("password", "typed-secret"), ("sender_name", "Second")];
    let told = save(&ann, &world, &second).await;

    assert_eq!(told.status, StatusCode::CONFLICT);
    told.assert_has(&[
        "somebody else saved other settings while you were typing",
        "Version 2 was saved by ann@aurora.example,",
        "value=\"Second\"",
        "Stored now: <strong>First</strong>",
        "name=\"base\" value=\"2\"",
    ]);
    told.assert_lacks(&["typed-secret", "id=\"host-stored\""]);
    ann.get(PAGE).await.assert_has(&["<dd>First</dd>"]);
    let again = [("base", "2"), ("password", ""), ("sender_name", "Second")];
    assert_eq!(save(&ann, &world, &again).await.status, StatusCode::SEE_OTHER);
    ann.get(PAGE).await.assert_has(&["<dd>Second</dd>"]);
}

#[tokio::test]
async fn of_two_who_begin_the_second_is_told_as_well() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    save(&ann, &world, &[("sender_name", "First")]).await;

    let told = save(&ann, &world, &[("sender_name", "Second")]).await;

    assert_eq!(told.status, StatusCode::CONFLICT);
    told.assert_has(&[
        "Stored now: <strong>First</strong>",
        "value=\"Second\"",
        ">Update</button>",
    ]);
}

#[tokio::test]
async fn a_form_with_errors_still_knows_on_what_it_was_based() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    go_live(&ann, &world).await;
    save(&ann, &world, &[("base", "1"), ("password", ""), ("sender_name", "First")]).await;

    let refused = save(&ann, &world, &[("base", "1"), ("sender_email", "nobody")]).await;

    refused.assert_has(&["name=\"base\" value=\"1\""]);
}

#[tokio::test]
async fn a_known_service_is_filled_in_without_a_script() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let fill = [
        ("do", "fill"),
        ("provider", "smtp.zoho.eu"),
        ("host", ""),
        ("sender_name", "Kept"),
        ("password", "typed-secret"),
    ];
    let filled = save(&ann, &world, &fill).await;

    assert_eq!(filled.status, StatusCode::OK);
    filled.assert_has(&[
        "Host, port and encryption of Zoho Mail are filled in. Nothing is saved yet.",
        "value=\"smtp.zoho.eu\"",
        "value=\"465\"",
        "<option value=\"implicit_tls\" selected>",
        "value=\"Kept\"",
        "<p class=\"hint\" data-note=\"zoho\">Zoho Mail: Username: the full e-mail address.",
    ]);
    filled.assert_lacks(&["typed-secret"]);
    ann.get(PAGE).await.assert_has(&["No mail server is set up yet"]);
}

#[tokio::test]
async fn a_service_without_a_guide_of_its_own_says_what_it_wants_as_well() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let fill = [("do", "fill"), ("provider", "smtp.resend.com"), ("host", ""), ("username", "")];
    let filled = save(&ann, &world, &fill).await;

    filled.assert_has(&[
        "<optgroup label=\"Other sending services\">",
        "value=\"smtp.resend.com\"",
        "value=\"resend\"",
        "<p class=\"hint\" data-note=\"fixed.resend.api_key.sender_must_be_verified\">Username: the \
         word resend, the same for everybody. Password: an API key that may send mail. The \
         sender’s address or domain has to be verified with the service first.",
        "Guide: Any other mail server",
    ]);
}

#[tokio::test]
async fn an_address_of_a_known_service_suggests_its_server() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;

    let typed = [("host", ""), ("sender_email", "ann@gmail.com")];
    let refused = save(&ann, &world, &typed).await;
    refused.assert_has(&["<strong id=\"suggested\">Gmail and Google Workspace</strong>"]);

    let filled = save(&ann, &world, &[typed[0], typed[1], ("do", "fill-suggested")]).await;
    filled.assert_has(&["value=\"smtp.gmail.com\"", "value=\"587\""]);
    filled.assert_has(&["id=\"suggestion\" role=\"status\" hidden"]);

    let of_a_region = [("host", ""), ("sender_email", "ann@zoho.eu"), ("do", "fill-suggested")];
    let filled = save(&ann, &world, &of_a_region).await;
    filled.assert_has(&["value=\"smtp.zoho.eu\"", "value=\"465\""]);
}

#[tokio::test]
async fn what_people_type_is_text_wherever_it_is_shown() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let evil = "\"><script>alert(1)</script>";
    let names =
        ["host", "port", "encryption", "username", "sender_name", "sender_email", "reply_to"];

    for name in names {
        let refused = save(&ann, &world, &[(name, evil), ("sender_email", "nobody")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        refused.assert_lacks(&["<script>alert"]);
    }
    let stored = [("sender_name", evil), ("username", evil)];
    assert_eq!(save(&ann, &world, &stored).await.status, StatusCode::SEE_OTHER);
    for path in [PAGE, EDIT] {
        let page = ann.get(path).await;
        page.assert_has(&["&#62;&#60;script&#62;alert(1)"]);
        page.assert_lacks(&["<script>alert"]);
    }
}

#[tokio::test]
async fn settings_that_a_program_made_without_sign_in_stay_so_until_a_user_name_is_entered() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings["auth"] = serde_json::json!("none");
    for name in ["username", "password"] {
        settings.as_object_mut().expect("an object").remove(name);
    }
    let made = world.put("/v1/tenants/aurora/senders/default", &world.aurora, &settings).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let ann = world.sign_in("aurora", "admin").await;
    let base = [("base", "1"), ("sender_name", "Renamed")];

    ann.get(PAGE).await.assert_has(&["<dd>Not needed</dd>"]);
    let changes = [base[0], base[1], ("username", ""), ("password", "")];
    assert_eq!(save(&ann, &world, &changes).await.status, StatusCode::SEE_OTHER);
    ann.get(PAGE).await.assert_has(&["<dd>Renamed</dd>", "<dd>Not needed</dd>"]);

    let refused = save(&ann, &world, &[("base", "2"), ("password", "")]).await;
    refused.assert_has(&["Please type the password."]);
}
