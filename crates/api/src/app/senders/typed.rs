//! Settings as they were typed, judged before they are saved or tried: whoever typed them mends every
//! refused field at once.

use letterhead_domain::{
    field_errors::FieldErrors,
    sender::{PromotePolicy, SavePlan, SecretPlan, SettingsVersion, plan_save},
    smtp_host::SmtpHost,
    smtp_port::SmtpPort,
    smtp_settings::{Auth, Encryption, PasswordInput, SettingsDraft, SettingsInput},
};
use letterhead_mailer::egress::{EgressGuard, policy::EgressPolicy};

/// Settings that may be tried without saving them, and the password that goes with them.
pub struct TypedSettings {
    pub(in crate::app) draft: SettingsDraft,
    pub(in crate::app) secret: SecretPlan,
}

impl TypedSettings {
    /// Judges `input` over the newest version, whose password a save would have kept.
    ///
    /// # Errors
    ///
    /// Every refused field: malformed ones, a destination that is not allowed, `password_required`.
    pub(in crate::app) fn judge(
        input: SettingsInput,
        newest: Option<&SettingsVersion>,
        guard: &EgressGuard,
    ) -> Result<Self, FieldErrors> {
        let draft = judge(input, newest, guard)?;
        let secret = match plan(&draft, newest)? {
            SavePlan::Unchanged => SecretPlan::Carry,
            SavePlan::NewVersion { secret, .. } => secret,
        };
        Ok(Self { draft, secret })
    }
}

/// Parses `input` and checks where it leads.
///
/// Settings that lack nothing but the password pass: whether it is needed is for the save to say,
/// which first looks whether somebody else has saved another version meanwhile.
///
/// # Errors
///
/// Every refused field: malformed ones, a destination that is not allowed, and with them
/// `password_required`.
pub(super) fn judge(
    input: SettingsInput,
    newest: Option<&SettingsVersion>,
    guard: &EgressGuard,
) -> Result<SettingsDraft, FieldErrors> {
    let is_typed = matches!(input.password, PasswordInput::Text(_));
    let copy = without_password(&input);
    match SettingsDraft::try_from(input) {
        Ok(draft) => match guard.check_literal(&draft.settings) {
            Ok(()) => Ok(draft),
            Err(mut errors) => {
                errors.extend(plan(&draft, newest).err().unwrap_or_default());
                Err(errors)
            }
        },
        Err(mut errors) => {
            let destination = ["/host", "/encryption", "/auth", "/username"];
            let is_known = !destination.iter().any(|pointer| errors.names(pointer));
            let later = SettingsDraft::try_from(mended(copy, &errors, guard.policy()));
            if let Ok(draft) = later {
                errors.extend_new(guard.check_literal(&draft.settings).err().unwrap_or_default());
                // Of a destination that is not known it cannot be told whether the stored one fits.
                if !is_typed && (newest.is_none() || is_known) {
                    errors.extend_new(plan(&draft, newest).err().unwrap_or_default());
                }
            }
            Err(errors)
        }
    }
}

fn plan(draft: &SettingsDraft, newest: Option<&SettingsVersion>) -> Result<SavePlan, FieldErrors> {
    plan_save(newest, None, draft, PromotePolicy::AfterTest)
}

fn without_password(input: &SettingsInput) -> SettingsInput {
    let SettingsInput {
        driver,
        host,
        port,
        encryption,
        auth,
        username,
        password: _,
        sender_name,
        sender_email,
        reply_to,
    } = input;
    SettingsInput {
        driver: driver.clone(),
        host: host.clone(),
        port: *port,
        encryption: encryption.clone(),
        auth: auth.clone(),
        username: username.clone(),
        password: PasswordInput::Absent,
        sender_name: sender_name.clone(),
        sender_email: sender_email.clone(),
        reply_to: reply_to.clone(),
    }
}

/// `input` with something harmless in the place of each refused field, so that the rest can be judged.
fn mended(mut input: SettingsInput, errors: &FieldErrors, policy: &EgressPolicy) -> SettingsInput {
    if errors.names("/host") || errors.names("/port") {
        let (host, port) = completed(&input, policy);
        (input.host, input.port) = (host, port.into());
    }
    if errors.names("/auth") {
        // Neither user name nor password can be judged.
        input.auth = Some(Auth::None.as_str().to_owned());
        input.username = None;
    }
    for error in errors.iter() {
        match error.pointer.as_str() {
            "/driver" => input.driver = None,
            "/encryption" => Encryption::Starttls.as_str().clone_into(&mut input.encryption),
            "/username" => {
                let signs_in = input.auth.as_deref() != Some(Auth::None.as_str());
                input.username = signs_in.then(|| "-".to_owned());
            }
            "/sender_name" => "-".clone_into(&mut input.sender_name),
            "/sender_email" => "nobody@example.com".clone_into(&mut input.sender_email),
            "/reply_to" => input.reply_to = None,
            _ => {}
        }
    }
    input
}

/// What is well formed of the destination, completed: to one that the operator exempts, if there is
/// any, so that nothing is refused that may turn out to be allowed.
fn completed(input: &SettingsInput, policy: &EgressPolicy) -> (String, u16) {
    let host = input.host.parse::<SmtpHost>().ok();
    let port = SmtpPort::try_from(input.port).ok();
    let exempt = policy.allowed.iter().find(|allowed| {
        host.as_ref().is_none_or(|host| *host == allowed.host)
            && port.is_none_or(|port| port == allowed.port)
    });
    match exempt {
        Some(exempt) => (exempt.host.to_string(), exempt.port.get()),
        None => (
            host.map_or_else(|| "smtp.example.com".to_owned(), |host| host.to_string()),
            port.map_or(587, SmtpPort::get),
        ),
    }
}
