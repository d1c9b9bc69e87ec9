//! Strings of bodies and queries that are described in the API document but parsed by the domain.
//!
//! poem-openapi's own types refuse a value one at a time and repeat it in their message. A
//! [`Text`] takes any string; what it must be stands in the document, and the domain's types say
//! what is wrong with it together with every other field.

use std::{borrow::Cow, marker::PhantomData};

use letterhead_domain::{
    access::Scope,
    advice::Side,
    delivery::AttemptWord,
    discovery::{self, Confidence},
    domain_check::{CheckStatus, Policy},
    event::OperatorEventKind,
    fix::{Change, FixOutcome, TryResult},
    message::{MessageKind, MessageStatus, OnUncertain, RecipientRole, RecipientStatus},
    provider::{self, LimitOn, LimitPer, Note, ServiceKind, SignInKind, UsernameKind},
    sender::{PauseReason, SenderState},
    tenant::TenantStatus,
    test_run::{Stage, StageStatus, TestMode, TestStatus, TestTarget},
};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde_json::Value;

/// What the API document says about a kind of text.
pub(super) trait TextKind: 'static {
    /// The schema. Its type may be a number's where the text comes from a query.
    fn schema() -> MetaSchema;
}

/// A text that is not parsed yet.
pub(super) struct Text<K>(String, PhantomData<fn() -> K>);

impl<K> Text<K> {
    /// Takes `text` as it is.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into(), PhantomData)
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, by value.
    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl<K: TextKind> Type for Text<K> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "text".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(K::schema()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<K: TextKind> ParseFromJSON for Text<K> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::String(text)) => Ok(Self::new(text)),
            // The check against the schema has refused everything else.
            _ => Err(ParseError::expected_input()),
        }
    }
}

impl<K: TextKind> ParseFromParameter for Text<K> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        Ok(Self::new(value))
    }
}

impl<K: TextKind> ToJSON for Text<K> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.clone()))
    }
}

/// A password: the document says that it is one.
pub(super) struct PasswordKind;

impl TextKind for PasswordKind {
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "password")
    }
}

/// A domain's enumeration whose values are words.
pub(super) trait Vocabulary: Sized + Copy + 'static {
    /// Its words, in order; in requests, aliases too.
    fn words() -> Vec<&'static str>;

    /// The word of one value.
    fn word(self) -> &'static str;
}

/// The kind of [`Word`].
pub(super) struct WordKind<V>(PhantomData<V>);

impl<V: Vocabulary> TextKind for WordKind<V> {
    fn schema() -> MetaSchema {
        let mut schema = MetaSchema::new("string");
        schema.enum_items = V::words().into_iter().map(Value::from).collect();
        schema
    }
}

/// A word of `V`, or in a request what should be one.
pub(super) type Word<V> = Text<WordKind<V>>;

impl<V: Vocabulary> From<V> for Word<V> {
    fn from(value: V) -> Self {
        Self::new(value.word())
    }
}

macro_rules! vocabularies {
    ($($name:ty),+ $(,)?) => {$(
        impl Vocabulary for $name {
            fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|value| value.as_str()).collect()
            }

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+};
}

vocabularies!(
    AttemptWord,
    CheckStatus,
    Change,
    Confidence,
    FixOutcome,
    LimitOn,
    LimitPer,
    MessageKind,
    MessageStatus,
    Note,
    OnUncertain,
    OperatorEventKind,
    PauseReason,
    Policy,
    RecipientRole,
    RecipientStatus,
    Scope,
    SenderState,
    ServiceKind,
    Side,
    SignInKind,
    Stage,
    StageStatus,
    TenantStatus,
    TestMode,
    TestStatus,
    TestTarget,
    TryResult,
    UsernameKind,
    discovery::Source,
    provider::PasswordKind,
    super::problem::ProblemCode,
);

macro_rules! word_lists {
    ($($(#[$doc:meta])* $name:ident = [$($word:literal),+];)+) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl TextKind for $name {
            fn schema() -> MetaSchema {
                let mut schema = MetaSchema::new("string");
                schema.enum_items = vec![$(Value::from($word)),+];
                schema
            }
        }
    )+};
}

word_lists! {
    /// The only mail protocol.
    DriverKind = ["smtp"];
    /// How to sign in.
    AuthKind = ["password", "none"];
    /// How the connection is protected, as answers say it.
    EncryptionKind = ["starttls", "implicit_tls", "none"];
    /// How the connection is protected, as requests may say it.
    EncryptionInputKind = ["starttls", "implicit_tls", "none", "tls", "ssl"];
    /// What an SPF record needs.
    SpfKind = ["include", "nothing"];
    /// What whoever uses a link into a tenant's pages may do.
    TenantRoleKind = ["admin", "viewer", "setup"];
    /// What whoever uses a link to the operator's own pages may do.
    OperatorRoleKind = ["operator"];
    /// What became of a version.
    VersionStatusKind = ["live", "candidate", "superseded", "discarded"];
}
