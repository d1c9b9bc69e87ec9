//! Who may do what.

use crate::{
    id::{ApiKeyId, TenantId},
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

/// Whose key made a call.
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
}

impl Principal {
    /// Whether the principal may do `scope` on a tenant that it can see.
    pub fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Operator { .. } | Self::Console => true,
            Self::Tenant { scopes, .. } => scopes.contains(&scope),
        }
    }

    /// Whether `tenant` exists for the principal.
    pub fn sees(&self, tenant: TenantId) -> bool {
        match self {
            Self::Operator { .. } | Self::Console => true,
            Self::Tenant { tenant: own, .. } => *own == tenant,
        }
    }

    /// How the audit names the principal, such as `api-key:0190…`.
    pub fn audit_name(&self) -> String {
        match self {
            Self::Operator { key } => format!("operator-key:{key}"),
            Self::Console => "console".to_owned(),
            Self::Tenant { key, .. } => format!("api-key:{key}"),
        }
    }
}
