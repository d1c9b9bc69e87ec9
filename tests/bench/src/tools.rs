//! What `make bench` has prepared, as it says in the environment.

use std::{env, path::PathBuf};

use crate::Failure;

/// Where everything is.
pub(crate) struct Tools {
    /// The private Postgres, as its superuser.
    pub(crate) superuser: String,
    /// The program in release mode.
    pub(crate) program: PathBuf,
    /// Servers and peers that are built apart from the workspace.
    pub(crate) engine: PathBuf,
    /// The package of nodemailer, unpacked.
    pub(crate) nodemailer: PathBuf,
    /// The script beside which nodemailer sends.
    pub(crate) nodemailer_script: PathBuf,
    /// What starts and stops the private Postgres.
    pub(crate) postgres_script: PathBuf,
    /// Where figures are kept, one file a part.
    pub(crate) results: PathBuf,
}

impl Tools {
    /// What the environment says.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        Ok(Self {
            superuser: variable("LETTERHEAD_BENCH_DATABASE_URL")?,
            program: variable("LETTERHEAD_BENCH_PROGRAM")?.into(),
            engine: variable("LETTERHEAD_BENCH_ENGINE")?.into(),
            nodemailer: variable("LETTERHEAD_BENCH_NODEMAILER")?.into(),
            nodemailer_script: variable("LETTERHEAD_BENCH_NODEMAILER_SCRIPT")?.into(),
            postgres_script: variable("LETTERHEAD_BENCH_POSTGRES")?.into(),
            results: results()?,
        })
    }
}

/// Where figures are kept.
pub(crate) fn results() -> Result<PathBuf, Failure> {
    Ok(variable("LETTERHEAD_BENCH_RESULTS")?.into())
}

fn variable(name: &str) -> Result<String, Failure> {
    #[expect(clippy::disallowed_methods, reason = "the bench's only configuration")]
    env::var(name).map_err(|_| format!("{name} is not set; run `make bench`").into())
}
