//! The guides, as people print them.

use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Binary};

use super::{
    super::{auth::SignedIn, error::ApiError},
    Tag,
};
use crate::app::guides;

/// The operations on guides.
pub(in crate::http) struct GuidesApi;

#[derive(ApiResponse)]
enum Manual {
    /// The manual, under a name to save it by
    #[oai(status = 200, content_type = "application/pdf")]
    Pdf(Binary<&'static [u8]>, #[oai(header = "Content-Disposition")] String),
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Guides")]
impl GuidesApi {
    /// Download a guide
    ///
    /// A printed manual that leads a person through one provider's set-up and says what to enter
    /// here: A4, tagged, in English. A test run's `advice.guide` names the one that helps. Any key
    /// will do.
    #[oai(path = "/guides/:id/pdf", method = "get", operation_id = "downloadGuide")]
    #[expect(clippy::unused_async, reason = "operations are async, also one that asks nobody")]
    async fn pdf(
        &self,
        _key: SignedIn,
        /// The guide's name, such as `gmail`; `other` is for any server that has none of its own
        id: Path<String>,
    ) -> Result<Manual, ApiError> {
        let (guide, pdf) =
            guides::find(&id).zip(guides::pdf(&id)).ok_or_else(|| ApiError::not_found("guide"))?;
        let name = format!("inline; filename=\"letterhead-{}.pdf\"", guide.id);
        Ok(Manual::Pdf(Binary(pdf), name))
    }
}
