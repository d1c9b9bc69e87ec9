//! A private Postgres that may be killed.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use letterhead_tests::program::output;

/// A server of the checkout's own, stopped with this value; its data stays.
pub(crate) struct Cluster {
    kind: String,
    url: String,
}

impl Cluster {
    /// Starts the server that `deploy/dev/postgres` calls `kind`, making it first if need be.
    pub(crate) fn start(kind: &str) -> Self {
        Self { kind: kind.to_owned(), url: output(&mut postgres("start", kind)) }
    }

    /// Its superuser's URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it at once, without a checkpoint, and starts it again. It recovers by itself.
    pub(crate) fn crash(&self) {
        output(&mut postgres("crash", &self.kind));
        let url = output(&mut postgres("start", &self.kind));
        assert_eq!(url, self.url, "the server came back where nobody looks for it");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Whoever comes next stops or uses it.
        let _left = postgres("stop", &self.kind).status();
    }
}

fn postgres(action: &str, kind: &str) -> Command {
    let checkout: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(checkout.join("deploy/dev/postgres"));
    command.args([action, kind]).stdin(Stdio::null());
    command
}
