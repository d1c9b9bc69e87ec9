//! A real Chromium for one test, driven as a person would: by what stands on the page.
//!
//! Elements are found by role and name (`Host`, `Save`), never by class, so that a test fails when a
//! person would not find them either. Scripts of the test run through the driver, which the
//! page's Content-Security-Policy does not bind; the page itself stays under its policy, and every
//! breach of it is kept and asked for by [`Browser::finish`].
//!
//! A browser says nothing when it is done, so what is waited for is asked for again until it is so.

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{
    CapabilitiesHelper, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel,
    WebDriver,
};

mod axe;
mod download;
mod driver;
mod keys;
mod look;
mod page;
mod problems;

use driver::Driver;

pub use axe::Violation;
pub use keys::Focus;

/// Flags without which Chromium needs a screen, a user other than root, or the internet.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-extensions",
    "--window-size=1280,900",
    "--lang=en-US",
];

/// A browser with a profile of its own; dropping it leaves nothing behind.
pub struct Browser {
    /// The session, for what the methods here do not offer.
    pub driver: WebDriver,
    base: String,
    axe: PathBuf,
    // Before the folder that it writes to.
    _process: Driver,
    folder: TempDir,
}

impl Browser {
    /// Starts a browser for the server at `base`, or tells on the terminal that the test is
    /// skipped because Chromium with its driver, pdftotext or axe-core is not here.
    ///
    /// # Panics
    ///
    /// If they are here and do not start.
    pub async fn start_or_skip(base: &str) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "make test says where axe-core is")]
        let axe = env::var("LETTERHEAD_AXE").ok();
        let missing = match axe {
            _ if !driver::is_installed() => "Chromium",
            _ if !download::can_be_read() => "pdftotext",
            Some(axe) => return Some(Self::start(base, axe.into()).await),
            None => "axe",
        };
        // Past the runner's capture, which would hide it in a test that passes.
        let _unwritten = writeln!(io::stderr(), "skipped: needs {missing}");
        None
    }

    async fn start(base: &str, axe: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("letterhead-browser-").tempdir();
        let folder = folder.expect("a folder for the profile");
        let mut process = Driver::start(folder.path());
        let mut wanted = DesiredCapabilities::chrome();
        let set = |done: Result<(), _>| done.expect("a capability");
        for flag in FLAGS {
            set(wanted.add_arg(flag));
        }
        set(wanted.add_arg(&format!("--user-data-dir={}", folder.path().join("profile").display())));
        set(wanted.set_browser_log_level(LoggingPrefsLogLevel::All));
        let preferences = json!({
            "download.default_directory": folder.path().join(download::FOLDER),
            "plugins.always_open_pdf_externally": true,
            "intl.accept_languages": "en-US,en",
        });
        set(wanted.add_experimental_option("prefs", preferences));
        // A question such as "leave this page?" is the test's to answer.
        set(wanted.set("unhandledPromptBehavior", "ignore"));
        let driver = WebDriver::builder(process.url(), wanted).await.expect("a session");
        let pid = driver.capabilities().get("goog:processID").and_then(serde_json::Value::as_i64);
        process.own(pid.expect("Chromium's process number"));
        Self { driver, base: base.to_owned(), axe, _process: process, folder }
    }

    /// Writes what the window shows to `path`, as PNG.
    pub async fn screenshot(&self, path: &Path) {
        self.driver.screenshot(path).await.expect("a picture");
    }

    /// Ends the browser.
    ///
    /// # Panics
    ///
    /// If the browser has seen a breach of the page's policy, an error on the console or an
    /// exception that nobody caught.
    pub async fn finish(self) {
        assert_eq!(self.problems().await, Vec::<String>::new());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its processes end with `_process`; asking it to quit would block this thread.
        let _quit_already = self.driver.clone().leak();
    }
}
