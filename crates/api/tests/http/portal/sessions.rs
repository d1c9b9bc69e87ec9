//! Who is signed in, and ending somebody's session.

use poem::http::StatusCode;

use crate::world::{Answer, World};

const SESSIONS: &str = "/portal/tenants/aurora/sessions";

/// The ids of the sessions that the page offers to end.
fn offered(page: &Answer) -> Vec<String> {
    let forms = page.text.split("action=\"/portal/tenants/aurora/sessions/").skip(1);
    forms.map(|form| form.split("/end\"").next().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn ending_a_session_ends_it() {
    let world = World::new().await;
    let viewer = world.sign_in("aurora", "viewer").await;
    let ann = world.sign_in("aurora", "admin").await;
    let page = ann.get(SESSIONS).await;
    page.assert_has(&["Viewer", "Administrator", "This is you", "End session: Ann Reyes"]);
    let others = offered(&page);
    assert_eq!(others.len(), 1, "one's own ends by signing out");

    let after = ann.post_and_follow(&format!("{SESSIONS}/{}/end", others[0]), &[]).await;

    after.assert_has(&["The session was ended.", "Ended"]);
    assert_eq!(offered(&after), Vec::<String>::new());
    let home = "/portal/tenants/aurora/senders/default";
    assert_eq!(viewer.get(home).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.get(home).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_nobody_used_is_over_and_cannot_be_ended() {
    let world = World::new().await;
    world.sign_in("aurora", "viewer").await;
    world.database.advance(std::time::Duration::from_secs(31 * 60)).await;
    let ann = world.sign_in("aurora", "admin").await;

    let page = ann.get(SESSIONS).await;

    page.assert_has(&["Over"]);
    assert_eq!(offered(&page), Vec::<String>::new());
}

#[tokio::test]
async fn only_an_admin_and_the_operator_see_and_end_sessions() {
    let world = World::new().await;
    let ann = world.sign_in("aurora", "admin").await;
    let jo = world.sign_in("", "operator").await;
    let page = jo.get(SESSIONS).await;
    page.assert_has(&["ann@aurora.example"]);
    let end = format!("{SESSIONS}/{}/end", offered(&page)[0]);

    for role in ["viewer", "setup"] {
        let visitor = world.sign_in("aurora", role).await;
        assert_eq!(visitor.get(SESSIONS).await.status, StatusCode::FORBIDDEN, "{role}");
        assert_eq!(visitor.post(&end, &[]).await.status, StatusCode::FORBIDDEN, "{role}");
    }
    let bob = world.sign_in("borealis", "admin").await;
    assert_eq!(bob.get(SESSIONS).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bob.post(&end, &[]).await.status, StatusCode::NOT_FOUND);
    let through_own = end.replace("aurora", "borealis");
    assert_eq!(bob.post(&through_own, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ann.get(SESSIONS).await.status, StatusCode::OK, "still signed in");
    let nonsense = format!("{SESSIONS}/nonsense/end");
    assert_eq!(ann.post(&nonsense, &[]).await.status, StatusCode::NOT_FOUND);
}
