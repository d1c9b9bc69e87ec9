//! What the server keeps in memory.

use std::fs;

use serde_json::json;

use crate::{
    Failure,
    clients::{Connection, Request},
    stand::{SLUG, Stand},
};

/// Bytes of memory that `process` has resident.
pub(crate) fn resident(process: u32) -> Result<u64, Failure> {
    status(process, "VmRSS:")
}

/// How far the server's memory grows at its peak while it takes over one message of 20 MiB.
pub(crate) async fn of_one_large_message(stand: &Stand) -> Result<u64, Failure> {
    const FILE: usize = 20 * 1024 * 1024 - 1024;
    let server = stand.server.id();
    // 5 makes the peak begin again.
    fs::write(format!("/proc/{server}/clear_refs"), "5")?;
    let before = resident(server)?;
    let message = json!({
        "kind": "statement", "to": [{"email": "ann@example.net"}], "subject": "Statement",
        "text": "Attached.",
        "attachments": [{
            "filename": "statement.pdf", "content_type": "application/pdf",
            "content_base64": "A".repeat(FILE / 3 * 4),
        }],
    });
    let request = Request::post(&format!("/v1/tenants/{SLUG}-0/messages"), &stand.key, &message);
    let (status_code, body) = Connection::open(stand.address).await?.ask(&request).await?;
    if status_code != 202 {
        return Err(String::from_utf8_lossy(&body).into());
    }
    Ok(status(server, "VmHWM:")?.saturating_sub(before))
}

/// Bytes as mebibytes.
pub(crate) fn mib(bytes: u64) -> f64 {
    u32::try_from(bytes / 1024).map_or(f64::INFINITY, f64::from) / 1024.0
}

fn status(process: u32, name: &str) -> Result<u64, Failure> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    let kib: u64 = value.ok_or("no such line in /proc/<pid>/status")?.parse()?;
    Ok(kib * 1024)
}
