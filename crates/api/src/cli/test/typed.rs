//! Settings as arguments: anybody's server, with neither database nor keys.

use std::time::Instant;

use clap::Args;
use letterhead_domain::{
    email::EmailAddress,
    field_errors::{FieldErrors, Invalid},
    smtp_settings::{PasswordInput, SettingsInput},
    test_run::{StageReport, TestStatus},
};
use letterhead_mailer::mailer::Mailer;
use letterhead_storage::record::StoredAdvice;

use super::{Shown, password, print};
use crate::{
    app::{
        senders::TypedSettings,
        test_runs::unsaved::{self, UnsavedTest, try_unsaved},
    },
    cli::{Failure, remark, say},
    clock,
    config::MailerArgs,
    http,
};

#[derive(Args)]
pub(super) struct TypedArgs {
    /// The mail server; needs no database, and nothing is recorded
    #[arg(long, requires_all = ["port", "encryption", "from"])]
    host: Option<String>,
    /// Its port
    #[arg(long, requires = "host", allow_negative_numbers = true)]
    port: Option<i64>,
    /// starttls (or tls), implicit_tls (or ssl), none
    #[arg(long, requires = "host")]
    encryption: Option<String>,
    /// How to sign in: password, which it is when left out, or none
    #[arg(long, requires = "host")]
    auth: Option<String>,
    /// Who signs in
    #[arg(long, requires = "host")]
    username: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long, requires = "host")]
    password_stdin: bool,
    /// The sender's address
    #[arg(long, requires = "host")]
    from: Option<String>,
    /// The sender's name
    #[arg(long, requires = "host", default_value = "Letterhead")]
    from_name: String,
    /// Whom to name as the recipient; left out, the sender's own address
    #[arg(long, requires = "host")]
    to: Option<String>,
}

/// Which argument gives the field that a pointer names.
const ARGUMENTS: [(&str, &str); 9] = [
    ("/host", "--host"),
    ("/port", "--port"),
    ("/encryption", "--encryption"),
    ("/auth", "--auth"),
    ("/username", "--username"),
    ("/password", "--password-stdin"),
    ("/sender_email", "--from"),
    ("/sender_name", "--from-name"),
    ("/to", "--to"),
];

/// Runs the test and prints it.
pub(super) async fn test(
    typed: TypedArgs,
    mailer: &MailerArgs,
    shown: &Shown,
) -> Result<TestStatus, Failure> {
    let mailer = mailer.mailer()?;
    let (settings, recipient) = typed.parse(&mailer).map_err(|errors| refused(&errors))?;
    let test = UnsavedTest {
        settings,
        mode: shown.mode(),
        recipient,
        fix: !shown.no_fix,
        now: clock::machine(),
    };
    let began = Instant::now();
    let on_stage = |stage: &StageReport| {
        if !shown.json {
            let (name, status) = (stage.stage.as_str(), stage.status.as_str());
            remark(&format!("{:>6.2} s  {name} {status}", began.elapsed().as_secs_f64()));
        }
    };
    let run = try_unsaved(&mailer, test, on_stage).await.map_err(|errors| refused(&errors))?;
    let transcript = shown.transcript.then_some(run.report.transcript.as_str());
    if shown.json {
        say(&http::unsaved_run_json(&run, transcript));
    } else {
        let advice = run.advice.as_ref().map(StoredAdvice::from);
        print(
            &run.report.stages,
            advice.as_ref(),
            run.fix.as_ref(),
            run.dns_check.as_ref(),
            transcript,
        );
        if let Some(code) = &run.code {
            let code = code.in_groups();
            say(&format!(
                "\nThe test mail carries the code {code}. If you see it there, it arrived."
            ));
        }
    }
    Ok(run.report.status())
}

impl TypedArgs {
    /// The settings and the recipient, or every argument that is refused.
    fn parse(self, mailer: &Mailer) -> Result<(TypedSettings, Option<EmailAddress>), FieldErrors> {
        let mut errors = FieldErrors::default();
        let signs_in = self.auth.as_deref().is_none_or(|auth| auth == "password");
        let password = if self.password_stdin {
            errors.note("/password", password::from_stdin()).map(PasswordInput::Text)
        } else {
            if signs_in {
                let message = "hand the password over on standard input, with this argument";
                errors.push("/password", Invalid::new("required", message));
            }
            None
        };
        let recipient = self.to.map(|to| to.parse::<EmailAddress>()).transpose();
        let recipient = errors.note("/to", recipient);
        let input = SettingsInput {
            driver: None,
            host: self.host.unwrap_or_default(),
            port: self.port.unwrap_or_default(),
            encryption: self.encryption.unwrap_or_default(),
            auth: self.auth,
            username: self.username,
            password: password.unwrap_or(PasswordInput::Absent),
            sender_name: self.from_name,
            sender_email: self.from.unwrap_or_default(),
            reply_to: None,
        };
        let settings = unsaved::judge(mailer, input);
        let settings = settings.map_err(|refused| errors.extend_new(refused)).ok();
        errors.or(settings.zip(recipient))
    }
}

/// One line for each refused field, by the argument that gave it.
fn refused(errors: &FieldErrors) -> Failure {
    let lines = errors.iter().map(|error| {
        let argument = ARGUMENTS.iter().find(|(pointer, _)| *pointer == error.pointer);
        let argument = argument.map_or(error.pointer.as_str(), |(_, argument)| argument);
        let exception = match error.code {
            "destination_not_allowed" | "port_not_allowed" | "encryption_required" => {
                " (unless --allow or LETTERHEAD_ALLOW names this host:port)"
            }
            _ => "",
        };
        format!("\n  {argument}: {}{exception}", error.message)
    });
    Failure::say(format!("these settings cannot be tested:{}", lines.collect::<String>()))
}
