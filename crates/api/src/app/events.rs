//! What the operator is told.

use letterhead_domain::access::Principal;
use letterhead_storage::record::EventRecord;

use super::{App, AppError, access::require_operator};

/// Lists at most `limit` events after the one numbered `after`, oldest first.
///
/// # Errors
///
/// [`AppError::Forbidden`] for anybody but the operator.
pub async fn list(
    app: &App,
    principal: &Principal,
    after: Option<i64>,
    limit: u64,
) -> Result<Vec<EventRecord>, AppError> {
    require_operator(principal)?;
    Ok(app.store.system().await?.list_events(after, limit).await?)
}
