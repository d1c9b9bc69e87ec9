//! What a page of the overview costs, by the rows that its plans look at.

use std::time::Instant;

use letterhead_domain::{sender::SenderState, tenant::SearchText};
use letterhead_test_database::TestDatabase;
use sea_orm::ConnectionTrait;
use serde_json::Value as Json;

use super::*;
use crate::{
    key::MasterKeys,
    store::{Store, StoreConfig, SystemTx},
};

async fn store(database: &TestDatabase) -> Store {
    let keys = MasterKeys::parse(&MasterKeys::generate("a", &[1; 32])).unwrap();
    let config = StoreConfig { url: database.url(), connections: 2, statement_cache: 100 };
    Store::connect(config, keys).await.unwrap()
}

/// 10,000 tenants with a sender, versions and tests each, one of them with a large backlog.
async fn ten_thousand_tenants(database: &TestDatabase) {
    database
        .sql(
            "INSERT INTO tenants (id, slug, name)
             SELECT gen_random_uuid(), 'tenant-' || lpad(n::text, 5, '0'), 'Tenant ' || n
             FROM generate_series(1, 10000) n;
             INSERT INTO senders (tenant_id, id, slug, last_version, live_version)
             SELECT id, gen_random_uuid(), 'default', 3, 3 FROM tenants;
             INSERT INTO lanes (tenant_id, id) SELECT tenant_id, id FROM senders;
             INSERT INTO sender_versions (tenant_id, id, sender_id, number, host, port, encryption,
                 auth, username, sender_name, sender_email, secret_id, sealed_password, created_by)
             SELECT tenant_id, gen_random_uuid(), id, n, 'smtp.gmail.com', 587, 'starttls',
                 'password', 'u', 'Name', 'billing@aurora.example', gen_random_uuid(), 'x', 'test'
             FROM senders, generate_series(1, 3) n;
             INSERT INTO test_runs (tenant_id, id, sender_id, version, mode, requested_by, status,
                 finished_at)
             SELECT tenant_id, gen_random_uuid(), id, 3, 'connection', 'test', 'passed', now()
             FROM senders, generate_series(1, 5);
             UPDATE senders SET failures = 3
             WHERE tenant_id IN (SELECT id FROM tenants WHERE slug = 'tenant-09990');
             INSERT INTO messages (tenant_id, id, sender_id, kind, priority, subject, header_id,
                 size, on_uncertain, due_at, expires_at)
             SELECT s.tenant_id, gen_random_uuid(), s.id, 'statement', 3, 'x', '<x>', 1, 'resend',
                 now(), now() + interval '1 day'
             FROM senders s JOIN tenants t ON t.id = s.tenant_id, generate_series(1, 20000)
             WHERE t.slug = 'tenant-00001';
             ANALYZE",
        )
        .await;
}

/// How many rows of tables and indexes `text` looks at.
async fn rows_looked_at(system: &SystemTx, text: &str, values: Vec<Value>) -> f64 {
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}");
    let plan = system.tx.query_one_raw(statement(&explain, values)).await.unwrap().unwrap();
    let plan: Json = plan.try_get_by_index(0).unwrap();
    scanned(&plan[0]["Plan"])
}

fn scanned(node: &Json) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let is_scan = node["Node Type"].as_str().is_some_and(|name| name.ends_with("Scan"))
        && node["Relation Name"].is_string();
    let here = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
    let below = node["Plans"].as_array().into_iter().flatten().map(scanned).sum::<f64>();
    below + if is_scan { here } else { 0.0 }
}

#[tokio::test]
async fn a_page_of_ten_thousand_tenants_costs_what_it_shows() {
    let database = TestDatabase::create().await;
    ten_thousand_tenants(&database).await;
    let store = store(&database).await;
    let system = store.system().await.unwrap();
    let everyone = TenantFilter::default();

    let begun = Instant::now();
    let page = system.tenants().overview(&everyone, None, 50).await.unwrap();
    println!("a page of everyone: {:?}", begun.elapsed());
    assert_eq!(page.tenants.len(), 50);
    assert_eq!(page.tenants[0].senders[0].waiting.to_string(), "1,000+");

    let values = filter_values(&everyone).into_iter();
    let values = values.chain([None::<String>.into(), 51_i64.into()]).collect();
    let tenants = rows_looked_at(&system, PAGE, values).await;
    assert!(tenants <= 100.0, "{tenants} rows to find 50 tenants");
    let ids: Vec<_> = page.tenants.iter().map(|line| line.tenant.id.get()).collect();
    let senders =
        rows_looked_at(&system, SENDERS, vec![ids.into(), 10_i64.into(), 1_001_i64.into()]);
    let senders = senders.await;
    // The bound of one backlog, and a few rows for each sender.
    assert!(senders <= 1_001.0 + 50.0 * 10.0, "{senders} rows to show 50 tenants");
}

#[tokio::test]
async fn a_rare_state_and_a_text_are_found_without_looking_at_what_was_tested_or_waits() {
    let database = TestDatabase::create().await;
    ten_thousand_tenants(&database).await;
    let store = store(&database).await;
    let system = store.system().await.unwrap();
    let failing = StateFilter::Is(SenderState::Failing);
    let text: SearchText = "TENANT-09990".parse().unwrap();
    let rare = [
        TenantFilter { state: Some(failing), ..TenantFilter::default() },
        TenantFilter { text: Some(text), ..TenantFilter::default() },
    ];

    for filter in rare {
        let begun = Instant::now();
        let page = system.tenants().overview(&filter, None, 50).await.unwrap();
        println!("a page of {filter:?}: {:?}", begun.elapsed());
        assert_eq!(page.tenants.len(), 1);
        let values = filter_values(&filter).into_iter();
        let values = values.chain([None::<String>.into(), 51_i64.into()]).collect();
        let looked_at = rows_looked_at(&system, PAGE, values).await;
        // Each tenant, its sender, and that sender's versions at most.
        assert!(looked_at <= 10_000.0 * 6.0, "{looked_at} rows");
    }
    let begun = Instant::now();
    let counts = system.tenants().counts().await.unwrap();
    println!("the counts: {:?}", begun.elapsed());
    assert_eq!(counts.total, 10_000);
}
