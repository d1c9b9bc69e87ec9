//! Identifiers. Each thing has a type of its own, so that a sender's id cannot stand for a
//! tenant's. The caller brings the UUID: randomness has its own door.

use std::{fmt, str::FromStr};

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// The id as the UUID it is.
            pub const fn get(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// One client business of the operator (UUIDv7).
    TenantId;
    /// One sender of a tenant (UUIDv7).
    SenderId;
    /// One test run (UUIDv7).
    TestRunId;
    /// One message (UUIDv7).
    MessageId;
    /// One recipient of a message (UUIDv7).
    RecipientId;
    /// One try to hand a message to its server (UUIDv7).
    AttemptId;
    /// One API key, a tenant's or an operator's (UUIDv4: it is printed inside the key).
    ApiKeyId;
    /// One link into the portal (UUIDv7).
    PortalLinkId;
    /// One session in the portal (UUIDv7).
    PortalSessionId;
    /// One test of many senders at once (UUIDv7).
    BulkRunId;
    /// One line of a tenant's audit (UUIDv7).
    AuditEventId;
    /// The lease that one worker holds on one lane (UUIDv4).
    LeaseToken;
    /// What stays the same while a stored password is carried from version to version (UUIDv4).
    SecretId;
}
