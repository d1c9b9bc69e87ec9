//! What was found about the sender's domain, as the terminal shows it.

use letterhead_domain::domain_check::{CheckStatus, DomainCheck};

use crate::cli::say;

/// Prints each part in a line, with what to do about it.
pub(super) fn print(check: &DomainCheck) {
    say(&format!("\nThe domain {} (a hint; it changes nothing about the result):", check.domain));
    for (name, part) in check.parts() {
        say(&format!("  {name:<6} {:<8} {}", part.status().as_str(), part.message()));
        if part.status() == CheckStatus::Ok {
            continue;
        }
        for (number, step) in part.steps().iter().enumerate() {
            say(&format!("         {}. {step}", number + 1));
        }
        if let Some(record) = &part.suggested {
            say(&format!("         {} TXT {}", record.name, record.value));
        }
    }
}
