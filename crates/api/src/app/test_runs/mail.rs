//! The mail of mode `message`: constant text but for its code, so that a test run is no way to say
//! something.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    arrival::ArrivalCode,
    email::EmailAddress,
    field_errors::FieldErrors,
    id::MessageId,
    message::{Mailbox, MessageContent, OutgoingMail, message_id_header},
    smtp_settings::SmtpSettings,
};

use crate::random;

/// The test mail of `settings` to `recipient`, dated `date`, with the `code` that proves its
/// arrival.
pub(super) fn test_mail(
    settings: &SmtpSettings,
    recipient: &EmailAddress,
    code: &ArrivalCode,
    date: DateTime<Utc>,
) -> Result<OutgoingMail, FieldErrors> {
    let text = format!(
        "This is a test mail.\r\n\r\n\
         Your code: {}\r\n\r\n\
         Please type it in on the page where the test was started, to confirm that this mail \
         arrived. The code works for 24 hours.\r\n\r\n\
         The mail left through the mail server in the SMTP settings, from the address that \
         receipts, collections and statements will use.\r\n\r\n\
         If you did not ask for it, there is nothing to do: delete it, and give the code to \
         nobody.\r\n",
        code.in_groups(),
    );
    Ok(OutgoingMail {
        from_name: settings.sender_name.clone(),
        from: settings.sender_email.clone(),
        reply_to: settings.reply_to.clone(),
        to: vec![Mailbox { email: recipient.clone(), name: None }],
        cc: Vec::new(),
        subject: "Test of your SMTP settings"
            .parse()
            .map_err(|invalid| FieldErrors::one("/subject", invalid))?,
        content: MessageContent { text: Some(text), html: None, attachments: Vec::new() },
        message_id: message_id_header(random::id::<MessageId>(), &settings.sender_email),
        date,
    })
}
