//! Who may do what.

use std::time::Duration;

use crate::{
    email::EmailAddress,
    id::{ApiKeyId, PortalSessionId, TenantId},
    text::PersonName,
    words::words,
};

words! {
    /// What a tenant's API key may do.
    Scope {
        /// Read senders, versions and test runs.
        SettingsRead = "settings:read",
        /// Change senders.
        SettingsWrite = "settings:write",
        /// Start test runs.
        TestRun = "test:run",
        /// Hand over, cancel and retry messages.
        MessagesSend = "messages:send",
        /// Read messages.
        MessagesRead = "messages:read",
        /// Read the audit.
        AuditRead = "audit:read",
    }
}

words! {
    /// What somebody who came by a link may do in the portal.
    PortalRole {
        /// Everything of one tenant.
        Admin = "admin",
        /// Look at everything of one tenant.
        Viewer = "viewer",
        /// Enter settings and test them: for the tenant's IT person.
        Setup = "setup",
        /// Everything of every tenant, and the operator's own pages.
        Operator = "operator",
    }
}

/// What can be done in the portal, in so far as roles differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// See settings, versions, test runs and guides.
    SeeSettings,
    /// Save settings.
    EditSettings,
    /// Start test runs.
    Test,
    /// Pause, resume, restore a version, discard a candidate.
    SteerSender,
    /// See messages and the activity.
    SeeMail,
    /// Cancel and retry messages.
    SteerMail,
    /// See who is signed in, and end sessions.
    SteerSessions,
    /// See all tenants, test many at once, make links, suspend.
    Operate,
}

impl PortalRole {
    /// Whether somebody in this role may do `deed`.
    pub const fn may(self, deed: Deed) -> bool {
        match deed {
            Deed::SeeSettings => true,
            Deed::EditSettings | Deed::Test => !matches!(self, Self::Viewer),
            Deed::SteerSender | Deed::SteerMail | Deed::SteerSessions => {
                matches!(self, Self::Admin | Self::Operator)
            }
            Deed::SeeMail => !matches!(self, Self::Setup),
            Deed::Operate => matches!(self, Self::Operator),
        }
    }

    /// The scopes of the API that go with the role.
    const fn has(self, scope: Scope) -> bool {
        self.may(match scope {
            Scope::SettingsRead => Deed::SeeSettings,
            Scope::SettingsWrite => Deed::EditSettings,
            Scope::TestRun => Deed::Test,
            Scope::MessagesSend => Deed::SteerMail,
            Scope::MessagesRead | Scope::AuditRead => Deed::SeeMail,
        })
    }

    /// For how long a link may wait at most. The IT person who gets a `setup` link is seldom at
    /// hand; everybody else clicks at once.
    pub const fn longest_link(self) -> Duration {
        match self {
            Self::Setup => Duration::from_secs(7 * 24 * 60 * 60),
            Self::Admin | Self::Viewer | Self::Operator => Duration::from_secs(10 * 60),
        }
    }
}

/// Somebody who came into the portal by a link. Who that is, the operator said when making it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The session.
    pub session: PortalSessionId,
    /// What they may do.
    pub role: PortalRole,
    /// The tenant whose person it is; none with [`PortalRole::Operator`].
    pub tenant: Option<TenantId>,
    /// Their address.
    pub email: EmailAddress,
    /// Their name.
    pub name: PersonName,
}

/// Who made a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The operator: every scope on every tenant.
    Operator {
        /// The key that was shown.
        key: ApiKeyId,
    },
    /// Whoever may run the program on the operator's machine: the operator.
    Console,
    /// One tenant's program.
    Tenant {
        /// The key that was shown.
        key: ApiKeyId,
        /// The tenant whose key it is.
        tenant: TenantId,
        /// What the key may do.
        scopes: Vec<Scope>,
    },
    /// Somebody in the portal.
    Person(Person),
}

impl Principal {
    /// Whether the principal may do `scope` on a tenant that it can see.
    pub fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Operator { .. } | Self::Console => true,
            Self::Tenant { scopes, .. } => scopes.contains(&scope),
            Self::Person(person) => person.role.has(scope),
        }
    }

    /// Whether `tenant` exists for the principal.
    pub fn sees(&self, tenant: TenantId) -> bool {
        match self {
            Self::Operator { .. } | Self::Console => true,
            Self::Tenant { tenant: own, .. } => *own == tenant,
            Self::Person(person) => person.role.may(Deed::Operate) || person.tenant == Some(tenant),
        }
    }

    /// How the audit names the principal, such as `api-key:0190…` or `person:ann@aurora.example`.
    pub fn audit_name(&self) -> String {
        match self {
            Self::Operator { key } => format!("operator-key:{key}"),
            Self::Console => "console".to_owned(),
            Self::Tenant { key, .. } => format!("api-key:{key}"),
            Self::Person(person) if person.role.may(Deed::Operate) => {
                format!("operator:{}", person.email)
            }
            Self::Person(person) => format!("person:{}", person.email),
        }
    }
}
