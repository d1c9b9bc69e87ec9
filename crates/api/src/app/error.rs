//! Why a use case did not do what it was asked, without a word of HTTP.

use letterhead_domain::field_errors::FieldErrors;
use letterhead_storage::error::StorageError;

/// Why a use case was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// No key, or one that does not work; it is never said why.
    #[error("the key does not work")]
    Unauthorized,
    /// There is no such thing, or it is another tenant's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The key may not do this; the words say what it lacks.
    #[error("{0}")]
    Forbidden(String),
    /// Fields were refused.
    #[error("refused fields")]
    Invalid(FieldErrors),
    /// The thing has changed since it was read.
    #[error("the thing has changed since it was read")]
    Stale,
    /// It cannot be done as things stand; the words say why.
    #[error("{0}")]
    Conflict(String),
    /// Too often; try again after the seconds given.
    #[error("too many, again after {retry_after} s")]
    TooMany {
        /// Whole seconds to wait, at least 1.
        retry_after: u64,
    },
    /// A part that we need is out of reach; trying again may help.
    #[error("a part is out of reach")]
    Unavailable(#[source] StorageError),
    /// Something is broken on our side.
    #[error("something is broken")]
    Internal(#[source] StorageError),
}

impl From<StorageError> for AppError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound(what) => Self::NotFound(what),
            StorageError::Stale => Self::Stale,
            StorageError::Taken(what) => Self::Conflict(format!("this {what} is taken")),
            StorageError::Conflict(words) => Self::Conflict(words.to_owned()),
            StorageError::Refused(errors) => Self::Invalid(errors),
            away @ StorageError::Unavailable { .. } => Self::Unavailable(away),
            broken @ (StorageError::Sealed(_)
            | StorageError::Corrupt { .. }
            | StorageError::Database { .. }) => Self::Internal(broken),
        }
    }
}

impl From<FieldErrors> for AppError {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}
