//! `letterhead test` with settings as arguments: no database, no keys.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use letterhead_mailer::practice_server::{
    PracticeConfig, PracticeServer, fault::PortFault, gate::Point,
};
use letterhead_tests::program::letterhead;
use serde_json::Value;
use tempfile::TempDir;

/// A practice server with a password that no other text looks like, and nothing else.
struct Stand {
    server: PracticeServer,
    _folder: TempDir,
}

const PASSWORD: &str = "canary-5f2c9e71";

impl Stand {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = PracticeConfig::ephemeral(folder.path());
        PASSWORD.clone_into(&mut config.password);
        Self { server: PracticeServer::start(config).await.expect("a server"), _folder: folder }
    }

    /// The program's arguments for the practice server's port `port`, and `more`.
    fn command(&self, port: u16, more: &[&str]) -> Command {
        let mut command = test_command();
        command
            .args([
                "--host",
                "localhost",
                "--port",
                &port.to_string(),
                "--from",
                "ann@aurora.example",
            ])
            .args(more)
            .env("LETTERHEAD_ALLOW", format!("localhost:{port}"))
            .env("LETTERHEAD_CA_FILES", self.server.ca_file());
        command
    }

    /// The same, signing in on the STARTTLS port.
    fn signing_in(&self, more: &[&str]) -> Command {
        let port = self.server.starttls_port();
        let mut command =
            self.command(port, &["--encryption", "starttls", "--username", "practice"]);
        command.arg("--password-stdin").args(more);
        command
    }
}

fn test_command() -> Command {
    let mut command = letterhead();
    command.arg("test").env("RUST_LOG", "trace");
    command
}

/// Runs `command` with `input` on its standard input.
fn run(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A program that refuses early may not read it.
    let _unread = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("the program ends")
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_work_pass_without_a_database_and_each_stage_is_told_as_it_ends() {
    let stand = Stand::start().await;

    let passed = run(stand.signing_in(&[]), &format!("{PASSWORD}\n"));

    let (stdout, stderr) = said(&passed);
    assert_eq!(passed.status.code(), Some(0), "{stdout}{stderr}");
    assert!(
        stdout.contains("auth       passed") && stdout.contains("Every stage passed"),
        "{stdout}"
    );
    let told: Vec<_> = stderr.lines().filter_map(|line| line.split_once(" s  ")).collect();
    let told: Vec<_> = told.into_iter().map(|(_, stage)| stage).collect();
    let stages = [
        "policy passed",
        "resolve passed",
        "connect passed",
        "greeting passed",
        "tls passed",
        "auth passed",
        "sender passed",
        "recipient passed",
        "message skipped",
    ];
    assert_eq!(told, stages, "{stderr}");
    assert!(stand.server.inbox().list().is_empty(), "no mail leaves");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_the_shape_of_the_api_and_nothing_else_is_printed() {
    let stand = Stand::start().await;
    let mut command = stand.signing_in(&["--json", "--transcript"]);
    command.env_remove("RUST_LOG");

    let passed = run(command, PASSWORD);

    let (stdout, stderr) = said(&passed);
    assert_eq!((passed.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    let run: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(run["status"], "passed");
    assert_eq!(run["mode"], "connection");
    assert_eq!(run["stages"][5]["stage"], "auth");
    assert_eq!(run["tls"]["version"], "TLSv1.3");
    assert!(run["advice"].is_null() && run["took_ms"].is_u64());
    assert!(run["transcript"].as_str().is_some_and(|text| text.contains("S: 220 ")), "{run}");
    for stored in ["id", "version", "requested_by", "has_transcript"] {
        assert!(run.get(stored).is_none(), "{stored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_goes_to_the_address_that_is_given() {
    let stand = Stand::start().await;

    let passed = run(stand.signing_in(&["--message", "--to", "ben@borealis.example"]), PASSWORD);

    assert_eq!(passed.status.code(), Some(0), "{:?}", said(&passed));
    let caught = stand.server.inbox().list();
    let recipients: Vec<_> = caught.iter().map(|mail| mail.rcpt_to.clone()).collect();
    assert_eq!(recipients, [["ben@borealis.example"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_that_the_test_mail_carries_is_printed_once_it_is_accepted() {
    let stand = Stand::start().await;

    let (stdout, _) = said(&run(stand.signing_in(&["--message"]), PASSWORD));
    let (json, _) = said(&run(stand.signing_in(&["--message", "--json"]), PASSWORD));
    let (refused, _) = said(&run(stand.signing_in(&["--message", "--json"]), "wrong"));

    let carried: Vec<_> = stand
        .server
        .inbox()
        .list()
        .iter()
        .map(|mail| {
            let text = String::from_utf8_lossy(&mail.bytes).into_owned();
            let (_, rest) = text.split_once("Your code: ").expect("a code");
            rest[..7].to_owned()
        })
        .collect();
    let [second, first] = carried.as_slice() else { panic!("two mails: {carried:?}") };
    let words = format!("The test mail carries the code {first}. If you see it there, it arrived.");
    assert!(stdout.contains(&words), "{stdout}");
    let run: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(run["code"], second.replace(' ', ""));
    let run: Value = serde_json::from_str(&refused).expect("JSON");
    assert!(run.get("code").is_none(), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_fails_with_what_to_do_and_is_printed_nowhere() {
    let stand = Stand::start().await;
    let wrong = "canary-that-is-wrong";

    let failed = run(stand.signing_in(&["--transcript"]), wrong);

    let (stdout, stderr) = said(&failed);
    assert_eq!(failed.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stdout.contains("auth       failed") && stdout.contains("  1. "), "{stdout}");
    assert!(stdout.contains("C: AUTH ") && stdout.contains("S: 535 "), "{stdout}");
    assert!(!stdout.contains(wrong) && !stderr.contains(wrong), "{stdout}{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_the_password_does_not_get_it_printed() {
    let stand = Stand::start().await;
    let port = stand.server.fault_port(PortFault::EchoAuth).expect("a port");
    let more =
        ["--encryption", "tls", "--username", "practice", "--password-stdin", "--transcript"];

    let failed = run(stand.command(port, &more), PASSWORD);

    let (stdout, stderr) = said(&failed);
    assert_eq!(failed.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stdout.contains("[redacted]"), "{stdout}");
    assert!(!stdout.contains(PASSWORD) && !stderr.contains(PASSWORD), "{stdout}{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_runs_its_arguments_and_environment_do_not_show_the_password() {
    let stand = Stand::start().await;
    let signed_in = stand.server.gate(Point::Mail);
    let mut command = stand.signing_in(&[]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(format!("{PASSWORD}\n").as_bytes()).expect("it reads");
    signed_in.reached().await;

    let shown = ["cmdline", "environ"].map(|file| {
        let bytes = std::fs::read(format!("/proc/{}/{file}", child.id())).expect("proc");
        String::from_utf8_lossy(&bytes).into_owned()
    });

    signed_in.release();
    assert!(child.wait().expect("it ends").success());
    assert!(shown[0].contains("--password-stdin"), "{shown:?}");
    assert!(shown.iter().all(|text| !text.contains(PASSWORD)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_sign_in_is_tested_with_auth_none_and_reads_no_password() {
    let stand = Stand::start().await;
    let port = stand.server.fault_port(PortFault::NoAuth).expect("a port");

    let passed = run(stand.command(port, &["--encryption", "tls", "--auth", "none"]), "");

    let (stdout, stderr) = said(&passed);
    assert_eq!(passed.status.code(), Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("auth       skipped"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_fails_at_connect() {
    let stand = Stand::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);

    let failed = run(stand.command(port, &["--encryption", "tls", "--auth", "none", "--json"]), "");

    let (stdout, _) = said(&failed);
    assert_eq!(failed.status.code(), Some(1), "{stdout}");
    let run: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(run["stages"][2]["status"], "failed");
    assert!(run["advice"]["steps"][0].is_string(), "{run}");
}

#[test]
fn a_host_that_is_not_allowed_is_refused_before_anything_is_tried() {
    for host in ["127.0.0.1", "localhost", "169.254.169.254", "::ffff:10.0.0.5"] {
        let mut command = test_command();
        command.args(["--host", host, "--port", "587", "--encryption", "tls"]);
        command.args(["--auth", "none", "--from", "ann@aurora.example"]);

        let refused = run(command, "");

        let (stdout, stderr) = said(&refused);
        assert_eq!((refused.status.code(), stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains("--host: Letterhead may not connect to this host"), "{stderr}");
        assert!(stderr.contains("LETTERHEAD_ALLOW"), "{stderr}");
    }
}

#[test]
fn every_refused_argument_is_named_at_once() {
    let mut command = test_command();
    command.args(["--host", "not a host", "--port", "0", "--encryption", "maybe"]);
    command.args(["--username", "", "--password-stdin", "--from", "nobody", "--to", "x"]);
    command.args(["--from-name", "Acme\r\nBcc: x@y"]);

    let refused = run(command, "");

    let (stdout, stderr) = said(&refused);
    assert_eq!((refused.status.code(), stdout.as_str()), (Some(2), ""), "{stderr}");
    let mut named: Vec<_> = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("  --"))
        .filter_map(|line| line.split_once(": "))
        .map(|(argument, _)| argument)
        .collect();
    named.sort_unstable();
    let expected =
        ["encryption", "from", "from-name", "host", "password-stdin", "port", "to", "username"];
    assert_eq!(named, expected, "{stderr}");
}

#[test]
fn a_malformed_argument_hides_neither_a_denied_host_nor_a_missing_password() {
    let mut command = test_command();
    command.args(["--host", "127.0.0.1", "--port", "587", "--encryption", "tls"]);
    command.args(["--username", "ann", "--from", "nobody"]);

    let refused = run(command, "");

    let (_, stderr) = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    for argument in ["--host: Letterhead may not", "--from: ", "--password-stdin: hand"] {
        assert!(stderr.contains(argument), "{stderr}");
    }
}

#[test]
fn a_password_that_cannot_be_is_refused_in_words_and_not_repeated() {
    let arguments = |more: &[&str]| {
        let mut command = test_command();
        command.args(["--host", "smtp.gmail.com", "--port", "587", "--encryption", "tls"]);
        command.args(["--username", "ann", "--from", "ann@aurora.example"]).args(more);
        command
    };
    let long = "canary".repeat(200);
    let cases: [(&[&str], &str, &str); 5] = [
        (&[], "", "hand the password over on standard input"),
        (&["--password-stdin"], "", "standard input is empty"),
        (&["--password-stdin"], "\n", "standard input is empty"),
        (&["--password-stdin"], "********\n", "this is a mask"),
        (&["--password-stdin"], &long, "use at most 1024 bytes"),
    ];
    for (more, input, expected) in cases {
        let refused = run(arguments(more), input);

        let (_, stderr) = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(&format!("--password-stdin: {expected}")), "{stderr}");
        assert!(!stderr.contains("canary") && !stderr.contains("****"), "{stderr}");
    }
}

#[test]
fn a_tenant_and_a_server_are_one_too_many_and_none_is_one_too_few() {
    let server = [
        "--host",
        "smtp.gmail.com",
        "--port",
        "587",
        "--encryption",
        "tls",
        "--from",
        "a@b.example",
    ];
    let cases: [(Vec<&str>, &str); 4] = [
        ([&["aurora"][..], &server].concat(), "cannot be used with"),
        (vec![], "--host"),
        (vec!["--host", "smtp.gmail.com"], "--encryption"),
        (vec!["aurora"], "there is no database: give its URL as LETTERHEAD_DATABASE_URL"),
    ];
    for (arguments, expected) in cases {
        let mut command = test_command();
        command.args(&arguments);
        // The keys come first; without them it would end there.
        command.env("LETTERHEAD_MASTER_KEYS", format!("a:{}=", "A".repeat(43)));

        let refused = run(command, "");

        let (_, stderr) = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_test_offers_settings_that_work_unless_nobody_wants_them() {
    let stand = Stand::start().await;
    let arguments = ["--encryption", "ssl", "--username", "practice", "--password-stdin"];
    let port = stand.server.starttls_port();
    let try_with = |more: &[&str]| {
        let failed = run(stand.command(port, &[&arguments, more].concat()), PASSWORD);
        let (stdout, stderr) = said(&failed);
        assert_eq!(failed.status.code(), Some(1), "{stdout}{stderr}");
        assert!(!stdout.contains(PASSWORD) && !stderr.contains(PASSWORD), "{stdout}{stderr}");
        stdout
    };

    let told = try_with(&[]);
    assert!(told.contains("encryption starttls instead of implicit_tls passes"), "{told}");
    let json: Value = serde_json::from_str(&try_with(&["--json"])).expect("JSON");
    assert_eq!(json["fix"]["outcome"], "proven");
    assert_eq!(json["fix"]["settings"]["encryption"], "starttls");
    let without: Value = serde_json::from_str(&try_with(&["--json", "--no-fix"])).expect("JSON");
    assert!(without["fix"].is_null(), "{without}");
    assert_eq!(stand.server.inbox().counters().sign_ins_accepted, 2);
}
