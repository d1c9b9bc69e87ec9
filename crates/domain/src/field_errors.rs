//! Refused input: why one text was refused, and all refused fields of a body together.

use std::borrow::Cow;

/// Why one value was refused: a code for programs, a sentence for people.
///
/// The sentence never repeats the value: it may be a secret, and it is always a stranger's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// A stable word, such as `too_long`.
    pub code: &'static str,
    /// What is wrong and what to do, without a closing full stop.
    pub message: Cow<'static, str>,
}

impl Invalid {
    /// A refusal with `code` for programs and `message` for people.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// The field must be given.
    pub fn required() -> Self {
        Self::new("required", "this field is required")
    }

    /// The value is longer than `max` of `unit`.
    pub fn too_long(max: usize, unit: &str) -> Self {
        Self::new("too_long", format!("use at most {max} {unit}"))
    }
}

/// One refused field of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where the field is in the body (RFC 6901), such as `/to/0/email`.
    pub pointer: String,
    /// A stable word, such as `too_long`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: Cow<'static, str>,
}

/// Every refused field of a body, so that a person mends them all at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{} field(s) refused", .0.len())]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// One refused field.
    pub fn one(pointer: impl Into<String>, invalid: Invalid) -> Self {
        let mut errors = Self::default();
        errors.push(pointer, invalid);
        errors
    }

    /// Notes that the field under `pointer` (RFC 6901) was refused.
    pub fn push(&mut self, pointer: impl Into<String>, invalid: Invalid) {
        let Invalid { code, message } = invalid;
        self.0.push(FieldError { pointer: pointer.into(), code, message });
    }

    /// Gives the value on, or notes under `pointer` why there is none.
    pub fn note<T>(&mut self, pointer: impl Into<String>, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|invalid| self.push(pointer, invalid)).ok()
    }

    /// Adds what another check refused.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds what another check refused of the fields that are not refused yet.
    pub fn extend_new(&mut self, other: Self) {
        let new = other.0.into_iter().filter(|error| !self.names(&error.pointer));
        let new: Vec<_> = new.collect();
        self.0.extend(new);
    }

    /// Whether the field under `pointer` was refused.
    pub fn names(&self, pointer: &str) -> bool {
        self.0.iter().any(|error| error.pointer == pointer)
    }

    /// Every refused field of an object that stands under `place` in a larger body.
    #[must_use]
    pub fn below(mut self, place: &str) -> Self {
        for error in &mut self.0 {
            error.pointer.insert_str(0, place);
        }
        self
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The refused fields, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &FieldError> {
        self.0.iter()
    }

    /// `value`, if nothing was refused.
    ///
    /// # Errors
    ///
    /// The refused fields, if there are any or if `value` is missing.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}
