//! Whether the process lives, and whether it can do its work.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json};

use super::{error::ApiError, v1::Tag};
use crate::app::{App, AppError};

/// Liveness and readiness.
pub(super) struct HealthApi;

/// The state of this process.
#[derive(Object)]
struct Health {
    /// Always `ok`: anything else is a problem
    status: String,
}

impl Health {
    fn ok() -> Json<Self> {
        Json(Self { status: "ok".to_owned() })
    }
}

#[OpenApi(tag = "Tag::Health")]
impl HealthApi {
    /// Is the process alive?
    ///
    /// Asks nobody else, so that a process is not restarted because its database is away.
    #[oai(path = "/livez", method = "get", operation_id = "isAlive")]
    #[expect(clippy::unused_async, reason = "operations are async, also one that asks nobody")]
    async fn livez(&self) -> Result<Json<Health>, ApiError> {
        Ok(Health::ok())
    }

    /// Can the process do its work?
    ///
    /// 503 while the database is away or not migrated: send no requests here until it is 200.
    #[oai(path = "/readyz", method = "get", operation_id = "isReady")]
    async fn readyz(&self, app: Data<&App>) -> Result<Json<Health>, ApiError> {
        match app.store.ready().await {
            Ok(()) => Ok(Health::ok()),
            // A database that is not migrated is as little ready as one that is away.
            Err(err) => Err(AppError::Unavailable(err).into()),
        }
    }
}
