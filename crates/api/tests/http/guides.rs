//! The guides as PDF.

use poem::http::StatusCode;

use crate::world::World;

#[tokio::test]
async fn a_guide_is_a_pdf_for_whoever_has_a_key() {
    let world = World::new().await;

    for key in [&world.operator, &world.aurora] {
        let answer = world.get("/v1/guides/gmail/pdf", key).await;

        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/pdf");
        let disposition = "inline; filename=\"letterhead-gmail.pdf\"";
        assert_eq!(answer.header("content-disposition"), disposition);
        assert!(answer.text.starts_with("%PDF-1.7"));
    }
}

#[tokio::test]
async fn there_is_no_guide_for_nobody_and_none_of_an_unknown_name() {
    let world = World::new().await;

    let nobody = world.get("/v1/guides/gmail/pdf", "").await;
    let unknown = world.get("/v1/guides/..%2Fgmail/pdf", &world.aurora).await;

    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["detail"], "There is no such guide.");
}
