//! Version 1 of the API: one module for each resource.
//!
//! Every operation asks in the same order: who is calling, is it there, may they, what does the
//! body say, and only then does a use case run.

mod api_keys;
mod audit_events;
mod discoveries;
mod dns_checks;
mod events;
mod guides;
mod messages;
pub(super) mod portal_links;
mod providers;
mod senders;
mod tenants;
pub(super) mod test_runs;
mod versions;

use poem_openapi::Tags;

/// Where an operation stands in the API document.
#[derive(Tags)]
pub(super) enum Tag {
    /// How a tenant's mail leaves: its SMTP settings and its From identity. Editing never breaks
    /// what works: the live version goes on sending until a test run has proven the new one.
    Senders,
    /// Staged tries of a sender's settings, with a reason and advice when one fails.
    #[oai(rename = "Test runs")]
    TestRuns,
    /// Mails handed over for sending, and what became of them.
    Messages,
    /// Who changed what.
    Audit,
    /// How to set a mail service up, in print.
    Guides,
    /// Known mail services: their servers, what they want and what they limit.
    #[oai(rename = "Mail services")]
    Providers,
    /// For the operator: its client businesses.
    Tenants,
    /// For the operator: the keys of its client businesses.
    #[oai(rename = "API keys")]
    ApiKeys,
    /// For the operator: links that let a tenant's people, or its own, into the portal.
    #[oai(rename = "Portal links")]
    PortalLinks,
    /// For the operator: what its client businesses' mail ran into.
    Events,
    /// Whether this process works.
    Health,
}

/// Everything under `/v1`.
pub(super) type Api = (
    tenants::TenantsApi,
    api_keys::ApiKeysApi,
    portal_links::PortalLinksApi,
    senders::SendersApi,
    versions::VersionsApi,
    test_runs::TestRunsApi,
    discoveries::DiscoveriesApi,
    messages::MessagesApi,
    audit_events::AuditEventsApi,
    guides::GuidesApi,
    providers::ProvidersApi,
    dns_checks::DnsChecksApi,
    events::EventsApi,
);

/// Everything under `/v1`.
pub(super) fn api() -> Api {
    (
        tenants::TenantsApi,
        api_keys::ApiKeysApi,
        portal_links::PortalLinksApi,
        senders::SendersApi,
        versions::VersionsApi,
        test_runs::TestRunsApi,
        discoveries::DiscoveriesApi,
        messages::MessagesApi,
        audit_events::AuditEventsApi,
        guides::GuidesApi,
        providers::ProvidersApi,
        dns_checks::DnsChecksApi,
        events::EventsApi,
    )
}
