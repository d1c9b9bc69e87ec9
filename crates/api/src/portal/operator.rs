//! The operator's side: all tenants, tests of many, links, suspending, the operator's own sessions.
//!
//! For everybody else these pages are not there. A tenant's own pages are the ordinary ones, which the
//! operator may open for each.

use letterhead_domain::access::Deed;

use super::{Table, refusal::Refusal, visit::Visit};

mod bulk_runs;
mod links;
mod sessions;
mod tenants;

pub(super) fn routes(table: &mut Table) {
    bulk_runs::routes(table);
    links::routes(table);
    sessions::routes(table);
    tenants::routes(table);
}

/// Hides a page from everybody but the operator.
fn operator_only(visit: &Visit) -> Result<(), Refusal> {
    visit.require(Deed::Operate).map_err(|_| Refusal::NotFound)
}
