//! A private Postgres that may be killed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use letterhead_tests::program::output;

/// A server of the checkout's own, stopped with this value; its data stays.
pub(crate) struct Cluster {
    kind: String,
    url: String,
    /// Held while it is ours: a second run must not be hit by this one's blows.
    _lock: File,
}

impl Cluster {
    /// Starts the server that `deploy/dev/postgres` calls `kind`, making it first if need be; waits
    /// until nobody else uses it.
    pub(crate) fn start(kind: &str) -> Self {
        let state = checkout().join(".letterhead");
        fs::create_dir_all(&state).expect("the folder for state");
        let lock = File::create(state.join(format!("{kind}.lock"))).expect("a file to lock");
        lock.lock().expect("the lock");
        Self { kind: kind.to_owned(), url: output(&mut postgres("start", kind)), _lock: lock }
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
    let mut command = Command::new(checkout().join("deploy/dev/postgres"));
    command.args([action, kind]).stdin(Stdio::null());
    command
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
