//! Tests of many tenants: begun from the table of tenants, followed while they run, and what came
//! of them by cause.

use askama::Template;
use letterhead_domain::{bulk_run::BulkItemStatus, id::TenantId};
use letterhead_storage::record::{BulkGroupKey, BulkTarget};
use poem::http::StatusCode;

use self::view::{Counts, GroupView, RunLine, RunView, SenderLink};
use super::{
    operator_only,
    tenants::{self, filter_of},
};
use crate::{
    app::{AppError, bulk_runs},
    portal::{
        Table,
        form::Form,
        layout::{Banner, Layout, Nav},
        paging,
        refusal::Refusal,
        visit::{Outcome, Visit, see_other},
    },
};

mod events;
mod view;

const RUNS: &str = "/portal/operator/bulk-runs";
/// Tenants that are named in each group on the run's own page.
const NAMED: u64 = 8;

pub(super) fn routes(table: &mut Table) {
    table.page("/portal/operator/bulk-runs", list);
    table.act("/portal/operator/bulk-runs", create);
    table.page("/portal/operator/bulk-runs/:bulk_run", show);
    table.page("/portal/operator/bulk-runs/:bulk_run/events", events::stream);
    table.page("/portal/operator/bulk-runs/:bulk_run/senders", senders);
    table.act("/portal/operator/bulk-runs/:bulk_run/cancel", cancel);
}

#[derive(Template)]
#[template(path = "operator_bulk_runs.html")]
struct BulkRunsPage {
    layout: Layout,
    runs: Vec<RunLine>,
    newest: Option<String>,
    older: Option<String>,
}

#[derive(Template)]
#[template(path = "operator_bulk_run.html")]
struct BulkRunPage {
    layout: Layout,
    script: String,
    run: RunView,
    counts: Counts,
    groups: Vec<GroupView>,
}

#[derive(Template)]
#[template(path = "operator_bulk_senders.html")]
struct SendersPage {
    layout: Layout,
    title: String,
    back: String,
    senders: Vec<SenderLink>,
    newest: Option<String>,
    older: Option<String>,
}

async fn list(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let page = paging::asked_for(&visit);
    let page = bulk_runs::list(&visit.app, &visit.principal(), page).await?;
    visit.show(&BulkRunsPage {
        runs: page.items.iter().map(|run| RunLine::of(visit.texts(), run)).collect(),
        newest: paging::newest(&visit, RUNS, &[]),
        older: paging::older(RUNS, &[], page.next),
        layout: visit.layout(Nav::BulkRuns),
    })
}

/// Begins a bulk run over the marked tenants, or over all that the filter finds.
async fn create(visit: Visit, form: Form) -> Outcome {
    operator_only(&visit)?;
    let filter = || filter_of(form.text("text"), form.text("state"), form.text("provider"));
    let target = if form.text("scope") == "matching" {
        BulkTarget::Filter(filter())
    } else {
        let marked: Vec<TenantId> = form.all("tenant").filter_map(|id| id.parse().ok()).collect();
        BulkTarget::Selection(marked)
    };
    match bulk_runs::create(&visit.app, &visit.principal(), target).await {
        Ok(id) => Ok(see_other(&format!("{RUNS}/{id}"))),
        Err(AppError::Conflict(_)) => {
            let banner = Banner::failure(visit.texts().say("nobody-to-test"));
            tenants::show(&visit, filter(), None, StatusCode::CONFLICT, Some(banner)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn show(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let (principal, t) = (visit.principal(), visit.texts());
    let run = bulk_runs::load(&visit.app, &principal, visit.param("bulk_run")).await?;
    let groups = bulk_runs::groups(&visit.app, &principal, run.id, NAMED).await?;
    let view = RunView::of(t, &run);
    visit.show(&BulkRunPage {
        layout: visit.layout(Nav::BulkRuns).with_reload(view.goes_on.then_some(3)),
        script: visit.site.assets.address("operator.js"),
        groups: groups.iter().map(|(group, named)| GroupView::of(t, &run, group, named)).collect(),
        counts: Counts::of(t, &run),
        run: view,
    })
}

/// Every sender of one group.
async fn senders(visit: Visit) -> Outcome {
    operator_only(&visit)?;
    let (principal, t) = (visit.principal(), visit.texts());
    let run = bulk_runs::load(&visit.app, &principal, visit.param("bulk_run")).await?;
    let key = key_of(&visit)?;
    let page = paging::asked_for(&visit);
    let page = bulk_runs::items_of(&visit.app, &principal, run.id, &key, page).await?;
    let path = format!("{RUNS}/{}/senders", run.id);
    let port = view::port(&key);
    let query = view::query(&key, &port);
    visit.show(&SendersPage {
        title: view::title(t, &key),
        back: format!("{RUNS}/{}", run.id),
        newest: paging::newest(&visit, &path, &query),
        older: paging::older(&path, &query, page.next),
        senders: page.items.iter().map(SenderLink::of).collect(),
        layout: visit.layout(Nav::BulkRuns),
    })
}

fn key_of(visit: &Visit) -> Result<BulkGroupKey, Refusal> {
    let said = |name| Some(visit.query(name).to_owned()).filter(|text| !text.is_empty());
    Ok(BulkGroupKey {
        status: visit.query("status").parse::<BulkItemStatus>().map_err(|_| Refusal::NotFound)?,
        cause: said("cause"),
        provider: said("provider"),
        port: said("port").and_then(|port| port.parse().ok()),
    })
}

async fn cancel(visit: Visit, _: Form) -> Outcome {
    operator_only(&visit)?;
    let id = visit.param("bulk_run");
    bulk_runs::cancel(&visit.app, &visit.principal(), id).await?;
    Ok(visit.did("did-bulk-run-cancelled", &format!("{RUNS}/{id}")))
}
