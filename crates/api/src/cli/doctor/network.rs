//! The ways out: names, and the ports that mail leaves by.

use letterhead_domain::{smtp_host::SmtpHost, smtp_port::SmtpPort, test_run::Cause};
use letterhead_mailer::{egress::AdmitError, mailer::Mailer};

use super::finding::{Finding, Report, Verdict};

const DNS: &str = "dns";
const EGRESS: &str = "egress";

/// Looks `name` up, else the control host, and tries the control host's ports.
pub(super) async fn check(
    report: &mut Report,
    mailer: &Mailer,
    control_host: Option<&SmtpHost>,
    name: Option<&SmtpHost>,
) {
    report.add(match name.or(control_host) {
        Some(name) => {
            let found = mailer.guard().look_up(name).await;
            resolved(name, found.map(|addresses| addresses.len()))
        }
        None => Finding::new(
            DNS,
            Verdict::NotChecked,
            "No name was looked up.",
            "Give one with --name, such as a mail server that your tenants use.",
        ),
    });
    let Some(host) = control_host else {
        report.add(Finding::new(
            EGRESS,
            Verdict::NotChecked,
            "The ways out were not tried.",
            "Set LETTERHEAD_CONTROL_HOST to a host of your choice that takes connections on 587, \
             465 and 2525.",
        ));
        return;
    };
    let reach = async |port: u16| match SmtpPort::try_from(port) {
        Ok(port) => mailer.reach(host, port).await.map(|_| ()),
        Err(_) => Err(Cause::Interrupted),
    };
    // All at once: a port that swallows everything takes ten seconds.
    let (starttls, implicit_tls, other) = tokio::join!(reach(587), reach(465), reach(2525));
    for (port, reached) in [(587, starttls), (465, implicit_tls), (2525, other)] {
        report.add(way_out(host, port, reached));
    }
}

fn resolved(name: &SmtpHost, found: Result<usize, AdmitError>) -> Finding {
    let failed =
        |message: String, remedy: &str| Finding::new(DNS, Verdict::Failed, message, remedy);
    match found {
        Ok(1) => Finding::ok(DNS, format!("{name} has an address.")),
        Ok(count) => Finding::ok(DNS, format!("{name} has {count} addresses.")),
        Err(AdmitError::UnknownHost) => failed(
            format!("The name servers know no address of {name}."),
            "Check the spelling; if it is right, check the name servers in /etc/resolv.conf.",
        ),
        Err(AdmitError::ResolverFailed | AdmitError::Denied) => failed(
            format!("The name servers gave no answer about {name}."),
            "Check the name servers in /etc/resolv.conf, and that port 53 is open to them.",
        ),
    }
}

/// What a try at one port says. Not every provider has 2525, and nobody needs it where the other two
/// are open.
fn way_out(host: &SmtpHost, port: u16, reached: Result<(), Cause>) -> Finding {
    let blocked = if port == 2525 { Verdict::Warning } else { Verdict::Failed };
    let cause = match reached {
        Ok(()) => return Finding::ok(EGRESS, format!("Port {port} of {host} can be reached.")),
        Err(cause) => cause,
    };
    if cause == Cause::DestinationNotAllowed {
        let message = format!("Letterhead may not connect to port {port} of {host}.");
        let remedy =
            "Choose a public host as LETTERHEAD_CONTROL_HOST, or name it in LETTERHEAD_ALLOW.";
        return Finding::new(EGRESS, Verdict::Failed, message, remedy);
    }
    let message = format!("Port {port} of {host} cannot be reached: {cause}.");
    if matches!(cause, Cause::UnknownHost | Cause::ResolverFailed) {
        let remedy = "Mend the look-up of names first.";
        return Finding::new(EGRESS, Verdict::Failed, message, remedy);
    }
    let remedy = format!(
        "If others reach it there, outgoing port {port} is blocked here: ask whoever runs your \
         network or your hosting to open it."
    );
    Finding::new(EGRESS, blocked, message, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_cannot_be_reached_fails_where_mail_needs_it() {
        let cases = [
            (587, Ok(()), Verdict::Ok),
            (587, Err(Cause::TimedOut), Verdict::Failed),
            (465, Err(Cause::ConnectionRefused), Verdict::Failed),
            (465, Err(Cause::Unreachable), Verdict::Failed),
            (2525, Ok(()), Verdict::Ok),
            (2525, Err(Cause::TimedOut), Verdict::Warning),
            (2525, Err(Cause::ConnectionRefused), Verdict::Warning),
            (2525, Err(Cause::DestinationNotAllowed), Verdict::Failed),
            (587, Err(Cause::UnknownHost), Verdict::Failed),
        ];
        let host = "control.example".parse().unwrap();
        for (port, reached, expected) in cases {
            let case = format!("{port} {reached:?}");
            assert_eq!(way_out(&host, port, reached).verdict, expected, "{case}");
        }
    }

    #[test]
    fn a_name_without_an_answer_fails() {
        let name = "control.example".parse().unwrap();
        let cases = [
            (Ok(2), Verdict::Ok),
            (Err(AdmitError::UnknownHost), Verdict::Failed),
            (Err(AdmitError::ResolverFailed), Verdict::Failed),
        ];
        for (found, expected) in cases {
            assert_eq!(resolved(&name, found).verdict, expected, "{found:?}");
        }
    }
}
