//! The processes behind a browser: chromedriver, and the Chromium that it starts.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::program::PATIENCE;

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// Whether this machine has both programs.
pub(super) fn is_installed() -> bool {
    Path::new(CHROMIUM).exists() && Path::new(CHROMEDRIVER).exists()
}

/// A running chromedriver; dropping it ends it together with its Chromium.
pub(super) struct Driver {
    child: Child,
    port: u16,
    /// Chromium outlives a chromedriver that is killed, so its number is kept too.
    chromium: Option<i64>,
    folder: PathBuf,
}

impl Driver {
    /// Starts one on a free port; it and its browser write below `folder` only.
    pub(super) fn start(folder: &Path) -> Self {
        // The port that it finds free for IPv4 may be taken for IPv6, and then it gives up.
        let mut tries = (0..5).map(|_| Self::start_once(folder));
        tries.find_map(Result::ok).expect("chromedriver listens")
    }

    fn start_once(folder: &Path) -> Result<Self, RecvTimeoutError> {
        let mut child = Command::new(CHROMEDRIVER)
            .arg("--port=0")
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env("XDG_CONFIG_HOME", folder)
            .env("XDG_CACHE_HOME", folder)
            .env("LANG", "en_US.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (found, port) = mpsc::channel();
        // Reads to the end, so that it never waits for its own output.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    let _gone = found.send(port.trim_end_matches('.').parse().expect("a port"));
                }
            }
        });
        let mut driver = Self { child, port: 0, chromium: None, folder: folder.to_owned() };
        driver.port = port.recv_timeout(PATIENCE)?;
        Ok(driver)
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Takes over the Chromium with the process number `pid`.
    pub(super) fn own(&mut self, pid: i64) {
        self.chromium = Some(pid);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(pid) = self.chromium {
            // While its parent lives, the number cannot belong to anybody else.
            let _gone = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
        let _gone = self.child.kill();
        let _gone = self.child.wait();
        let end = Instant::now() + Duration::from_secs(5);
        // The folder can be removed only when nobody writes to it any more.
        while is_used(&self.folder) && Instant::now() < end {
            pause();
        }
    }
}

/// Whether a process that lives was started with a path in `folder`.
fn is_used(folder: &Path) -> bool {
    let folder = folder.as_os_str().as_bytes();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut commands =
        processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    commands.any(|command| command.windows(folder.len()).any(|part| part == folder))
}

/// Another process does not tell when it has ended.
#[expect(clippy::disallowed_methods, reason = "nothing can be awaited here")]
fn pause() {
    thread::sleep(Duration::from_millis(5));
}
