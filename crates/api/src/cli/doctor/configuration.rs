//! What can be told from the configuration alone.

use std::{collections::BTreeSet, net::SocketAddr};

use clap::{Arg, CommandFactory};
use letterhead_mailer::mailer::Mailer;

use super::finding::{Finding, Report, Verdict};
use crate::{
    cli::{Cli, Failure, serve::ServeArgs},
    config,
    portal::config::PublicUrl,
};

const CHECK: &str = "configuration";
const PUBLIC_URL: &str = "public_url";

/// Checks what `serve` would read, and gives its way to mail servers, if it has one.
pub(super) fn check(report: &mut Report, serve: &ServeArgs) -> Option<Mailer> {
    let failed = |failure: &Failure| {
        let remedy = "Correct it; deploy/letterhead.env.example describes every name.";
        Finding::new(CHECK, Verdict::Failed, as_sentence(failure), remedy)
    };
    for name in unknown(config::environment_names(), &known_names()) {
        let message = format!("No command reads {name}, which is in the environment.");
        let remedy = "If it was meant to change something, look for its right spelling in \
                      deploy/letterhead.env.example.";
        report.add(Finding::new(CHECK, Verdict::Warning, message, remedy));
    }
    let mailer = serve.app.mailer.mailer();
    for refused in [
        mailer.as_ref().err(),
        serve.app.rules.rules().as_ref().err(),
        serve.portal.portal(serve.http.listen).as_ref().err(),
    ]
    .into_iter()
    .flatten()
    {
        report.add(failed(refused));
    }
    if report.is_clean(CHECK) {
        report.add(Finding::ok(CHECK, "Everything that was given is understood."));
    }
    let public_url = serve.portal.public_url.or_at(serve.http.listen);
    report.add(reachable(&public_url, serve.http.listen));
    mailer.ok()
}

/// A failure as a sentence.
pub(super) fn as_sentence(failure: &Failure) -> String {
    let text = failure.in_full();
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let sentence: String = first.chain(letters).collect();
    format!("{}.", sentence.trim_end_matches('.'))
}

/// The names of ours that any command reads from the environment.
fn known_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        let read = command.get_arguments().filter_map(Arg::get_env);
        names.extend(read.map(|name| name.to_string_lossy().into_owned()));
        commands.extend(command.get_subcommands().cloned());
    }
    names.retain(|name| name.starts_with("LETTERHEAD_"));
    names
}

fn unknown(given: Vec<String>, known: &BTreeSet<String>) -> impl Iterator<Item = String> {
    given.into_iter().filter(|name| !known.contains(name))
}

/// Whether browsers that come to `listen` from elsewhere can stay signed in.
fn reachable(public_url: &PublicUrl, listen: SocketAddr) -> Finding {
    let url = public_url.as_str();
    if public_url.is_https() {
        Finding::ok(PUBLIC_URL, format!("Browsers find the portal at {url}."))
    } else if listen.ip().is_loopback() {
        Finding::ok(
            PUBLIC_URL,
            format!("Browsers on this machine alone find the portal, at {url}."),
        )
    } else {
        let message =
            format!("The API listens on {listen}, but links into the portal lead to {url}.");
        let remedy = "Set LETTERHEAD_PUBLIC_URL to the https address of the proxy in front of it.";
        Finding::new(PUBLIC_URL, Verdict::Warning, message, remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_lists_every_name_that_a_command_reads_and_no_other() {
        let example = include_str!("../../../../../deploy/letterhead.env.example");
        let listed: BTreeSet<_> = example
            .lines()
            .filter_map(|line| line.trim_start_matches('#').split_once('='))
            .map(|(name, _)| name.to_owned())
            .filter(|name| name.starts_with("LETTERHEAD_"))
            .collect();

        assert_eq!(listed, known_names());
    }

    #[test]
    fn a_name_that_nobody_reads_is_found() {
        let given = ["LETTERHEAD_LISTEN", "LETTERHEAD_LISTNE"].map(str::to_owned).to_vec();

        let unknown: Vec<_> = unknown(given, &known_names()).collect();

        assert_eq!(unknown, ["LETTERHEAD_LISTNE"]);
    }

    #[test]
    fn a_portal_that_is_open_to_others_needs_an_https_address() {
        let cases = [
            ("https://mail.example.com", "0.0.0.0:8480", Verdict::Ok),
            ("https://mail.example.com", "127.0.0.1:8480", Verdict::Ok),
            ("http://127.0.0.1:8480", "127.0.0.1:8480", Verdict::Ok),
            ("http://127.0.0.1:8480", "0.0.0.0:8480", Verdict::Warning),
            ("http://localhost:8480", "[::]:8480", Verdict::Warning),
        ];
        for (url, listen, expected) in cases {
            let finding = reachable(&url.parse().unwrap(), listen.parse().unwrap());
            assert_eq!(finding.verdict, expected, "{url} at {listen}");
        }
    }
}
