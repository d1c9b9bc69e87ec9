//! A tenant's audit.

use letterhead_storage::record::{AuditRecord, Page, PageRequest};

use super::{App, AppError, access::Caller};

/// Lists what was done, newest first.
///
/// # Errors
///
/// [`AppError::Unavailable`].
pub async fn list(
    app: &App,
    caller: &Caller,
    page: PageRequest,
) -> Result<Page<AuditRecord>, AppError> {
    Ok(app.store.tenant(caller.tenant).await?.audit().list(page).await?)
}
