//! pgbench: what Postgres does with the same rows when nobody asks for them over HTTP.

use std::{fs, process::Stdio};

use tokio::process::Command;

use crate::{
    Failure,
    api::Stand,
    clients::{CLIENTS, Sample},
    machine::{Meter, children_cpu_time},
};

/// The row that the API stores for a message, without what it stores beside it (body, recipient). Ids
/// ascend as the API's do.
const INSERT: &str =
    "INSERT INTO messages (tenant_id, id, sender_id, kind, priority, reference, subject, reply_to,
    header_id, size, on_uncertain, send_at, due_at, expires_at)
SELECT s.tenant_id, new.id, s.id, 'receipt', 0, NULL, 'Your receipt 4711', NULL,
    '<' || new.id || '@aurora.example>', 800, 'resend', NULL, now(), now() + interval '30 days'
FROM (VALUES ('{tenant}'::uuid, '{sender}'::uuid)) AS s (tenant_id, id),
    (SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(nextval('bench_ids')), 12, '0'))::uuid AS id
     FROM generate_series(1, {rows})) AS new;
";

/// Inserts `rows` rows a statement, each statement a transaction, with as many clients as the API
/// has, for `seconds`; rows a second.
pub(crate) async fn run(stand: &Stand, rows: u32, seconds: u32) -> Result<Sample, Failure> {
    let text = INSERT
        .replace("{tenant}", &stand.tenant)
        .replace("{sender}", &stand.sender)
        .replace("{rows}", &rows.to_string());
    let file = stand.folder.path().join(format!("insert-{rows}.sql"));
    fs::write(&file, text)?;
    let clients = CLIENTS.to_string();
    let (meter, before) = (Meter::start(&[])?, children_cpu_time()?);
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--client", &clients, "--jobs=2"])
        .args(["--time", &seconds.to_string(), "--file"])
        .arg(&file)
        .arg(&stand.installation.url)
        .stdin(Stdio::null())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    let Some(tps) = tps.filter(|_| output.status.success()) else {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("pgbench, {}: {errors}{text}", output.status).into());
    };
    let tps: f64 = tps.parse()?;
    let mut busy = meter.read()?;
    busy.processes.push((children_cpu_time()? - before) / f64::from(seconds));
    Ok(Sample { per_second: tps * f64::from(rows), busy })
}
