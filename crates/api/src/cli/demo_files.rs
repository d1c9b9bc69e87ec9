//! What the demo keeps: its master key, `demo.json` for scripts, and a receipt to send.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Failure;

/// `demo.json`: everything a script needs to use the demo.
#[derive(Serialize, Deserialize)]
pub(super) struct DemoFile {
    pub(super) url: String,
    /// The first tenant's link into the portal. Links are of this start: they work once.
    #[serde(default)]
    pub(super) portal_url: String,
    #[serde(default)]
    pub(super) operator_portal_url: String,
    pub(super) operator_key: String,
    pub(super) tenants: Vec<DemoTenant>,
    pub(super) practice: DemoPractice,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DemoTenant {
    pub(super) slug: String,
    pub(super) api_key: String,
    #[serde(default)]
    pub(super) portal_url: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DemoPractice {
    pub(super) host: String,
    pub(super) starttls_port: u16,
    pub(super) implicit_tls_port: u16,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) inbox_url: String,
    /// Allowed, and nothing listens there.
    pub(super) closed_port: u16,
    /// The port of each fault, by its word.
    pub(super) fault_ports: BTreeMap<String, u16>,
}

impl DemoFile {
    pub(super) fn api_key(&self, slug: &str) -> Option<&str> {
        let tenant = self.tenants.iter().find(|tenant| tenant.slug == slug)?;
        Some(&tenant.api_key)
    }
}

/// The demo's folder, readable by its owner only.
pub(super) struct StateFolder(PathBuf);

impl StateFolder {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |err| Failure::new(format!("cannot use the folder {}", path.display()), err);
        if !path.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        }
        let state = Self(path.to_owned());
        Self::replace(&state.receipt(), &receipt().to_string())?;
        Ok(state)
    }

    pub(super) fn demo_file(&self) -> PathBuf {
        self.0.join("demo.json")
    }

    pub(super) fn receipt(&self) -> PathBuf {
        self.0.join("receipt-4711.json")
    }

    /// What the last start wrote, if it can be read.
    pub(super) fn read(&self) -> Option<DemoFile> {
        serde_json::from_slice(&fs::read(self.demo_file()).ok()?).ok()
    }

    pub(super) fn write(&self, file: &DemoFile) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(file)
            .map_err(|err| Failure::new("cannot write demo.json", err))?;
        Self::replace(&self.demo_file(), &text)
    }

    /// The file with the master key, made on the first start and then never touched.
    pub(super) fn master_key(
        &self,
        make: impl FnOnce() -> Zeroizing<String>,
    ) -> Result<PathBuf, Failure> {
        let path = self.0.join("master.key");
        if !path.exists() {
            Self::replace(&path, &make())?;
        }
        Ok(path)
    }

    /// Writes a whole file or none, readable by its owner only.
    fn replace(path: &Path, text: &str) -> Result<(), Failure> {
        let failed = |err| Failure::new(format!("cannot write {}", path.display()), err);
        let fresh = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.write_all(b"\n").map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&fresh, path).map_err(failed)
    }
}

fn receipt() -> serde_json::Value {
    serde_json::json!({
        "kind": "receipt",
        "reference": "INV-4711",
        "to": [{"email": "ann@example.net", "name": "Ann"}],
        "subject": "Your receipt 4711",
        "text": "Thank you for your purchase. Your receipt is attached.\n",
        "attachments": [{
            "filename": "receipt-4711.pdf",
            "content_type": "application/pdf",
            "content_base64": STANDARD.encode(pdf("Receipt 4711: thank you!")),
        }],
    })
}

/// A PDF of one page with one line of text (ISO 32000-1, annex H.3, is the pattern).
fn pdf(line: &str) -> Vec<u8> {
    let content = format!("BT /F1 24 Tf 72 720 Td ({line}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let size = objects.len() + 1;
    let mut file = "%PDF-1.4\n".to_owned();
    let mut table = format!("xref\n0 {size}\n0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        let entry = format!("{:010} 00000 n \n", file.len());
        let object = format!("{} 0 obj\n{object}\nendobj\n", index + 1);
        table.push_str(&entry);
        file.push_str(&object);
    }
    let table_at = file.len();
    let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table_at}\n");
    [file, table, trailer, "%%EOF\n".to_owned()].concat().into_bytes()
}
