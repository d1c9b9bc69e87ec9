//! Media types of attachments.

use std::fmt;

use crate::field_errors::Invalid;

/// A media type (RFC 2045) without parameters that could break a header; never `multipart/*` or
/// `message/*`, which may not be base64 (RFC 2046).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType(String);

impl ContentType {
    /// The media type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ContentType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let malformed = || Invalid::new("malformed", "use a media type such as application/pdf");
        let is_token = |part: &str| {
            !part.is_empty()
                && part.len() <= 127
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
        };
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').ok_or_else(malformed)?;
        if !is_token(kind) || !is_token(subtype) {
            return Err(malformed());
        }
        if matches!(kind, "multipart" | "message") {
            let message = "attach mails and multipart bodies as application/octet-stream";
            return Err(Invalid::new("not_allowed", message));
        }
        let mut text = essence.clone();
        for parameter in parameters.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or_else(malformed)?;
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
            if !is_token(name) || !is_token(value) || text.len() > 200 {
                return Err(malformed());
            }
            text.push_str("; ");
            text.push_str(&name.to_ascii_lowercase());
            text.push('=');
            text.push_str(value);
        }
        Ok(Self(text))
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
