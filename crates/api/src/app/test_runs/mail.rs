//! The mail of mode `message`: constant text, so that a test run is no way to say something.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    email::EmailAddress,
    field_errors::FieldErrors,
    id::MessageId,
    message::{Mailbox, MessageContent, OutgoingMail, message_id_header},
    smtp_settings::SmtpSettings,
};

use crate::random;

/// The test mail of `settings` to `recipient`, dated `date`.
pub(super) fn test_mail(
    settings: &SmtpSettings,
    recipient: &EmailAddress,
    date: DateTime<Utc>,
) -> Result<OutgoingMail, FieldErrors> {
    let text = "This is a test mail.\r\n\r\nIt left through the mail server in your SMTP settings, \
                from the address that your receipts, collections and statements will use. There \
                is nothing to do.\r\n";
    Ok(OutgoingMail {
        from_name: settings.sender_name.clone(),
        from: settings.sender_email.clone(),
        reply_to: settings.reply_to.clone(),
        to: vec![Mailbox { email: recipient.clone(), name: None }],
        cc: Vec::new(),
        subject: "Test of your SMTP settings"
            .parse()
            .map_err(|invalid| FieldErrors::one("/subject", invalid))?,
        content: MessageContent {
            text: Some(text.to_owned()),
            html: None,
            attachments: Vec::new(),
        },
        message_id: message_id_header(random::id::<MessageId>(), &settings.sender_email),
        date,
    })
}
