//! The words of one message: its envelope's commands, and its body where it goes alone.

use letterhead_domain::{email::EmailAddress, reply::Reply, test_run::Cause};

use crate::{
    compose::ComposedMail, conversation::Conversation, session::Draft, stream::GroupFault,
};

/// The `MAIL` command for a mail of `size` bytes, with the parameters that are needed and offered.
///
/// # Errors
///
/// [`Cause::Smtputf8NotOffered`] if an address needs SMTPUTF8 (RFC 6531) and it is not offered.
pub(crate) fn mail_command(
    conversation: &Conversation,
    from: &EmailAddress,
    recipients: &[EmailAddress],
    mail: Option<&ComposedMail>,
) -> Result<String, Cause> {
    let offered = &conversation.capabilities;
    let is_ascii = mail.is_none_or(ComposedMail::is_ascii);
    let needs_smtputf8 =
        !is_ascii || from.needs_smtputf8() || recipients.iter().any(EmailAddress::needs_smtputf8);
    if needs_smtputf8 && !offered.smtputf8 {
        return Err(Cause::Smtputf8NotOffered);
    }
    let mut command = format!("MAIL FROM:<{from}>");
    if let (true, Some(mail)) = (offered.size, mail) {
        command.push_str(" SIZE=");
        command.push_str(&mail.size().to_string());
    }
    if !is_ascii && offered.eight_bit_mime {
        command.push_str(" BODY=8BITMIME");
    }
    if needs_smtputf8 {
        command.push_str(" SMTPUTF8");
    }
    Ok(command)
}

/// The `RCPT` command for `recipient`.
pub(crate) fn rcpt_command(recipient: &EmailAddress) -> String {
    format!("RCPT TO:<{recipient}>")
}

/// Writes the body and waits for the server's word on it: a reply of any kind that ends a message.
pub(crate) async fn hand_over_body(
    conversation: &mut Conversation,
    mail: &ComposedMail,
) -> Result<Reply, Cause> {
    conversation.link().remark(&format!("{} bytes of message", mail.size()));
    let mut draft = Draft::new();
    let mut body = mail.dot_stuffed();
    let mut is_over = false;
    while !is_over {
        is_over = !draft.piece(&mut body);
        if is_over {
            draft.line(".");
        }
        let until = draft.deadline(&conversation.patience);
        let sent = conversation.link().write_part(draft.bytes(), until).await;
        if let Err(GroupFault { cause, .. }) = sent {
            // A server that refuses in the middle of the body says so and hangs up.
            let word = if cause == Cause::Closed { conversation.last_word().await } else { None };
            return word.filter(|word| word.code >= 400).ok_or(cause);
        }
        draft.clear();
    }
    let word = conversation.final_reply(mail.size()).await?;
    if word.code < 200 || (300..400).contains(&word.code) {
        return Err(Cause::NotSmtp);
    }
    Ok(word)
}
