//! What a form sends: bounded, read once, and wiped afterwards, since it may hold a password.

use std::time::Duration;

use poem::{Body, http::HeaderMap};
use tokio::{io::AsyncReadExt, time::timeout};
use zeroize::Zeroizing;

use super::refusal::Refusal;

/// Most bytes of a form: the largest one marks a page of tenants, the others are far smaller.
const MAX_BYTES: usize = 64 * 1024;
/// How long a whole form may take.
const WHOLE: Duration = Duration::from_secs(30);

/// The fields of a form, in the order in which they came.
pub(crate) struct Form(Vec<(Zeroizing<String>, Zeroizing<String>)>);

impl Form {
    /// Reads a form.
    ///
    /// # Errors
    ///
    /// [`Refusal::BadForm`] if it is none, is too large, or does not come.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Refusal> {
        let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Err(Refusal::BadForm);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
        let mut source = body.into_async_read().take(MAX_BYTES as u64 + 1);
        let read = timeout(WHOLE, source.read_to_end(&mut bytes)).await;
        if !matches!(read, Ok(Ok(_))) || bytes.len() > MAX_BYTES {
            return Err(Refusal::BadForm);
        }
        let fields = form_urlencoded::parse(&bytes);
        let owned = |text: std::borrow::Cow<'_, str>| Zeroizing::new(text.into_owned());
        Ok(Self(fields.map(|(name, value)| (owned(name), owned(value))).collect()))
    }

    /// The first field called `name`; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field.as_str() == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Every field called `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(field, _)| field.as_str() == name)
            .map(|(_, value)| value.as_str())
    }
}
