//! What is tried after a failed run, with the server's counts as the witness.

use std::time::Duration;

use letterhead_domain::{
    fix::{Change, Entry, Fix, FixOutcome, TryResult},
    reply::Reply,
    smtp_settings::{Encryption, SmtpSettings},
    test_run::{Cause, Failure, Stage, TestMode},
};
use letterhead_mailer::{
    fix::FixPlan,
    practice_server::{Verb, fault::PortFault},
};

use crate::stand::{Stand, mailer, plan, settings, signed_in_as};

const TYPED: bool = true;
const STORED: bool = false;

fn no_connection() -> Failure {
    Failure { stage: Stage::Connect, cause: Cause::ConnectionRefused }
}

fn bad_password() -> Failure {
    let reply = Reply::new(535, "5.7.8 Authentication credentials invalid");
    Failure { stage: Stage::Auth, cause: Cause::Refused(reply) }
}

fn implicit(port: u16) -> SmtpSettings {
    SmtpSettings { encryption: Encryption::ImplicitTls, ..settings(port) }
}

impl Stand {
    /// Looks for a fix of `failed` among `tried`.
    async fn fix(
        &self,
        failed: SmtpSettings,
        failure: &Failure,
        password_is_typed: bool,
        tried: &[&SmtpSettings],
    ) -> Fix {
        let plan = FixPlan {
            run: plan(failed, TestMode::Connection),
            failure,
            took: Duration::ZERO,
            password_is_typed,
            entries: tried.iter().map(|settings| Entry::of(settings)).collect(),
        };
        self.mailer.find_fix(plan, async |_| true).await.unwrap()
    }

    fn auth_commands(&self) -> u64 {
        self.server.inbox().counters().commands(Verb::Auth)
    }
}

fn results(fix: &Fix) -> Vec<TryResult> {
    fix.tried.iter().map(|tried| tried.result).collect()
}

#[tokio::test]
async fn the_other_encryption_is_found_and_proven_and_denied_ports_are_not_spoken_of() {
    // A server that waits for TLS greets nobody.
    let stand =
        Stand::adjusted(|config| config.test_limits.greeting = Duration::from_secs(2)).await;
    let cases = [
        (implicit(stand.server.starttls_port()), Encryption::Starttls),
        (settings(stand.server.implicit_tls_port()), Encryption::ImplicitTls),
    ];
    for (wrong, right) in cases {
        let report = stand.test(wrong.clone(), TestMode::Connection).await;
        let failure = report.failure.expect("it fails");
        let run = plan(wrong.clone(), TestMode::Message);
        let found = FixPlan::of(run, &failure, report.took, STORED).expect("something to try");
        assert!(found.entries.len() > 1, "the usual ports too");

        let fix = stand.mailer.find_fix(found, async |_| true).await.expect("a fix");

        assert_eq!((fix.outcome, results(&fix)), (FixOutcome::Proven, vec![TryResult::Passed]));
        assert_eq!(fix.changes(), [Change::Encryption]);
        let offer = fix.offer.expect("an offer");
        assert_eq!((offer.entry.encryption, offer.needs_password), (right, false));
    }
    assert_eq!(stand.server.inbox().counters().messages, 0, "a fix sends no mail");
}

#[tokio::test]
async fn a_closed_port_leads_to_another_and_what_is_not_protected_is_passed_over() {
    let stand = Stand::start().await;
    let server = &stand.server;
    let strips = server.fault_port(PortFault::NoStarttls).expect("a port");
    let stranger = server.fault_port(PortFault::SelfSigned).expect("a port");
    let open = server.implicit_tls_port();
    // Nothing listens on port 1.
    let ports = [1, strips, stranger, open];
    let mailer = mailer(ports, &[server.ca_file().to_owned()], |_| {});
    let report = mailer.test(plan(settings(1), TestMode::Connection), |_| {}).await;
    let failure = report.failure.expect("it fails");
    let entries = [settings(strips), settings(stranger), implicit(open)];
    let plan = FixPlan {
        run: plan(settings(1), TestMode::Connection),
        failure: &failure,
        took: report.took,
        password_is_typed: STORED,
        entries: entries.iter().map(Entry::of).collect(),
    };

    let fix = mailer.find_fix(plan, async |_| true).await.expect("a fix");

    let expected = [TryResult::NoEncryption, TryResult::CertificateRefused, TryResult::Passed];
    assert_eq!((fix.outcome, results(&fix)), (FixOutcome::Proven, expected.to_vec()));
    assert_eq!(stand.auth_commands(), 1);
}

#[tokio::test]
async fn nothing_is_tried_after_a_wrong_password_or_when_the_time_is_spent() {
    let stand = Stand::start().await;
    let wrong = signed_in_as(stand.settings(), "nobody");
    let report = stand.test(wrong.clone(), TestMode::Connection).await;
    let failure = report.failure.expect("it fails");
    let run = plan(wrong, TestMode::Connection);
    assert!(FixPlan::of(run, &failure, report.took, TYPED).is_none());

    let failure = no_connection();
    let late = FixPlan {
        run: plan(settings(1), TestMode::Connection),
        failure: &failure,
        took: Duration::from_secs(18),
        password_is_typed: STORED,
        entries: vec![Entry::of(&stand.settings())],
    };
    assert_eq!(stand.mailer.find_fix(late, async |_| true).await, None);
    assert_eq!(stand.auth_commands(), 1, "the run's own");
}

#[tokio::test]
async fn without_leave_no_password_is_sent_and_the_place_is_offered_as_likely() {
    let stand = Stand::start().await;
    let failure = no_connection();
    let plan = FixPlan {
        run: plan(settings(1), TestMode::Connection),
        failure: &failure,
        took: Duration::ZERO,
        password_is_typed: STORED,
        entries: vec![Entry::of(&stand.settings())],
    };

    let fix = stand.mailer.find_fix(plan, async |_| false).await.expect("a fix");

    assert_eq!((fix.outcome, results(&fix)), (FixOutcome::Likely, vec![TryResult::Answers]));
    assert_eq!(stand.auth_commands(), 0);
}

#[tokio::test]
async fn a_stored_password_goes_to_no_other_host_and_a_typed_one_does() {
    let mut stand = Stand::start().await;
    let failed = settings(1);
    let port = stand.server.starttls_port();
    let elsewhere = SmtpSettings { host: "127.0.0.1".parse().unwrap(), ..settings(port) };
    let allowed = |config: &mut letterhead_mailer::mailer::MailerConfig| {
        config.policy.allowed = vec![format!("127.0.0.1:{port}").parse().unwrap()];
    };
    stand.mailer = mailer([], &[stand.server.ca_file().to_owned()], allowed);

    let stored = stand.fix(failed.clone(), &no_connection(), STORED, &[&elsewhere]).await;
    assert_eq!((stored.outcome, results(&stored)), (FixOutcome::Likely, vec![TryResult::Answers]));
    assert!(stored.offer.is_some_and(|offer| offer.needs_password));
    assert_eq!(stand.auth_commands(), 0);

    let typed = stand.fix(failed, &no_connection(), TYPED, &[&elsewhere]).await;
    assert_eq!((typed.outcome, results(&typed)), (FixOutcome::Proven, vec![TryResult::Passed]));
    assert_eq!(stand.auth_commands(), 1);
}

#[tokio::test]
async fn another_user_name_is_tried_with_a_typed_password_only() {
    let stand = Stand::start().await;
    let failed = signed_in_as(stand.settings(), "practice@aurora.example");
    let right = stand.settings();

    let stored = stand.fix(failed.clone(), &bad_password(), STORED, &[&right]).await;
    assert_eq!((stored.outcome, results(&stored)), (FixOutcome::Likely, vec![TryResult::Answers]));
    assert_eq!(stand.server.inbox().counters().commands(Verb::Ehlo), 0, "nobody is asked");

    let typed = stand.fix(failed, &bad_password(), TYPED, &[&right]).await;
    assert_eq!((typed.outcome, typed.changes()), (FixOutcome::Proven, vec![Change::Username]));
    assert_eq!(stand.auth_commands(), 1);
}

#[tokio::test]
async fn one_sign_in_is_all_that_is_tried() {
    let stand = Stand::start().await;
    let failed = signed_in_as(settings(1), "nobody");
    let first = signed_in_as(stand.settings(), "nobody");
    let second = signed_in_as(implicit(stand.server.implicit_tls_port()), "nobody");

    let fix = stand.fix(failed, &no_connection(), TYPED, &[&first, &second]).await;

    assert_eq!(results(&fix), [TryResult::SignInRefused, TryResult::Answers]);
    assert_eq!(fix.outcome, FixOutcome::Likely);
    assert_eq!(stand.auth_commands(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_costs_no_more_than_is_left_of_the_run() {
    let total = Duration::from_secs(4);
    let stand = Stand::adjusted(|config| config.test_limits.total = total).await;
    let began = tokio::time::Instant::now();
    let (silent, hung) = (stand.fault(PortFault::Silent), stand.fault(PortFault::HangAfterAuth));

    let fix = stand.fix(settings(1), &no_connection(), STORED, &[&silent, &hung]).await;

    assert_eq!(fix.outcome, FixOutcome::None);
    assert_eq!(results(&fix), [TryResult::NoAnswer, TryResult::NoAnswer]);
    assert!(began.elapsed() < total + Duration::from_secs(2));
}
