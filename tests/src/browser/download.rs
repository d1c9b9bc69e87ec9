//! Files that the browser was given to keep.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use super::{Browser, page};
use crate::program::output;

/// Where they go, below the browser's own folder.
pub(super) const FOLDER: &str = "downloads";

const PDFTOTEXT: &str = "/usr/bin/pdftotext";

/// Whether this machine can read a PDF.
pub(super) fn can_be_read() -> bool {
    Path::new(PDFTOTEXT).exists()
}

impl Browser {
    /// Waits for a PDF that is being downloaded, and gives its text.
    ///
    /// # Panics
    ///
    /// If none comes, or it is not one.
    pub async fn downloaded_pdf(&self) -> String {
        let end = Instant::now() + page::PATIENCE;
        // While it comes, its name ends otherwise.
        while self.pdf().is_none() {
            assert!(Instant::now() < end, "nothing was downloaded");
            page::pause().await;
        }
        output(Command::new(PDFTOTEXT).arg(self.pdf().expect("a file")).arg("-"))
    }

    fn pdf(&self) -> Option<PathBuf> {
        let files = fs::read_dir(self.folder.path().join(FOLDER)).ok()?;
        let mut paths = files.filter_map(|file| Some(file.ok()?.path()));
        paths.find(|path| path.extension().is_some_and(|ending| ending == "pdf"))
    }
}
