//! Where the pages about a tenant are.

use std::fmt::Display;

/// The slug of a tenant's first sender.
pub(super) const FIRST_SENDER: &str = "default";

/// All tenants, for the operator.
pub(super) const OPERATOR_TENANTS: &str = "/portal/operator/tenants";

/// One of a tenant's own pages, by the tenant's slug.
pub(super) fn of_tenant(tenant: impl Display, rest: impl Display) -> String {
    format!("/portal/tenants/{tenant}/{rest}")
}

/// One of a sender's pages, by the slugs of both; `rest` is empty, or begins with a slash.
pub(crate) fn of_sender(tenant: impl Display, sender: impl Display, rest: impl Display) -> String {
    of_tenant(tenant, format_args!("senders/{sender}{rest}"))
}

/// One of the operator's pages about a tenant; `rest` is empty, or begins with a slash.
pub(super) fn about_tenant(tenant: impl Display, rest: impl Display) -> String {
    format!("{OPERATOR_TENANTS}/{tenant}{rest}")
}
