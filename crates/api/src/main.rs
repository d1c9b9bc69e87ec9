//! Letterhead: every client business of a SaaS sends its mail under its own name.

use std::process::ExitCode;

fn main() -> ExitCode {
    letterhead_api::cli::main()
}
