//! One message over one conversation: envelope, body, and an answer for each recipient.

use letterhead_domain::{
    delivery::AttemptOutcome, email::EmailAddress, reply::Reply, test_run::Cause,
};

use crate::{compose::ComposedMail, conversation::Conversation};

/// One message and who gets it.
#[derive(Clone, Copy)]
pub(crate) struct Parcel<'a> {
    pub(crate) mail: &'a ComposedMail,
    pub(crate) from: &'a EmailAddress,
    pub(crate) recipients: &'a [EmailAddress],
}

/// How far a conversation had come when it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing was answered.
    Untouched,
    /// The server cannot have the message.
    Begun,
    /// The server may have the message.
    LastOctetWritten,
}

/// A conversation that broke.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) cause: Cause,
    pub(crate) progress: Progress,
}

impl Broken {
    fn begun(cause: Cause) -> Self {
        Self { cause, progress: Progress::Begun }
    }
}

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
        command.push_str(&mail.bytes().len().to_string());
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

/// What the server said to the envelope.
struct Answers {
    mail: Reply,
    recipients: Vec<Reply>,
    data: Option<Reply>,
}

/// Hands one message over. An answer of any kind leaves the conversation in step again, ready
/// for the next message unless the server said 421.
pub(crate) async fn hand_over(
    conversation: &mut Conversation,
    parcel: Parcel<'_>,
) -> Result<AttemptOutcome, Broken> {
    let Parcel { mail, from, recipients } = parcel;
    let mail_line = match mail_command(conversation, from, recipients, Some(mail)) {
        Ok(line) => line,
        Err(cause) => return Ok(AttemptOutcome::Unsendable(cause)),
    };
    let answers = if conversation.capabilities.pipelining {
        say_at_once(conversation, mail_line, recipients).await?
    } else {
        say_in_turn(conversation, mail_line, recipients).await?
    };
    let Answers { mail: mail_reply, recipients: replies, data } = answers;

    let any_accepted = replies.iter().any(Reply::is_positive);
    let go_ahead = data.as_ref().is_some_and(|data| data.code == 354);
    if !mail_reply.is_positive() || !any_accepted {
        let outcome = if mail_reply.is_positive() {
            AttemptOutcome::Answered(replies)
        } else {
            AttemptOutcome::FromRefused(mail_reply)
        };
        leave(conversation, go_ahead).await;
        return Ok(outcome);
    }
    if !go_ahead {
        let word = data.unwrap_or(mail_reply);
        // A "yes" to DATA that is not 354 is no SMTP, and above all no acceptance.
        if word.code < 400 {
            return Err(Broken::begun(Cause::NotSmtp));
        }
        leave(conversation, false).await;
        return Ok(AttemptOutcome::Answered(with_word(replies, &word)));
    }
    let word = hand_over_body(conversation, mail).await?;
    Ok(AttemptOutcome::Answered(with_word(replies, &word)))
}

/// Writes the body and waits for the server's word on it.
pub(crate) async fn hand_over_body(
    conversation: &mut Conversation,
    mail: &ComposedMail,
) -> Result<Reply, Broken> {
    let body = mail.dot_stuffed();
    if let Err(fault) = conversation.body(&body).await {
        if fault.last_octet_written {
            return Err(Broken { cause: fault.cause, progress: Progress::LastOctetWritten });
        }
        // A server that refuses in the middle of the body says so and hangs up.
        if fault.cause == Cause::Closed
            && let Some(word) = conversation.last_word().await
        {
            conversation.server_closes = true;
            return Ok(word);
        }
        return Err(Broken::begun(fault.cause));
    }
    let word = conversation.final_reply(body.len()).await;
    let unknown = |cause| Broken { cause, progress: Progress::LastOctetWritten };
    match word {
        Ok(word) if word.code < 200 || (300..400).contains(&word.code) => {
            Err(unknown(Cause::NotSmtp))
        }
        Ok(word) => Ok(word),
        Err(cause) => Err(unknown(cause)),
    }
}

/// `replies` with the server's word on the whole in place of each acceptance at `RCPT`.
fn with_word(replies: Vec<Reply>, word: &Reply) -> Vec<Reply> {
    let last = |reply: Reply| {
        if reply.is_positive() { word.clone() } else { reply }
    };
    replies.into_iter().map(last).collect()
}

/// Ends a transaction that will not be: with an empty message where the server already waits for
/// one (it was told of no recipient, so it goes nowhere), with RSET otherwise.
async fn leave(conversation: &mut Conversation, go_ahead: bool) {
    if conversation.server_closes {
        return;
    }
    let left = if go_ahead {
        conversation.courtesy(".").await
    } else {
        conversation.courtesy("RSET").await
    };
    // Out of step, or a server that cannot even reset: not to be used again.
    conversation.server_closes |= !left.is_ok_and(|reply| go_ahead || reply.is_positive());
}

/// `MAIL`, every `RCPT` and `DATA` in one write (RFC 2920).
async fn say_at_once(
    conversation: &mut Conversation,
    mail_line: String,
    recipients: &[EmailAddress],
) -> Result<Answers, Broken> {
    let untouched = |cause| Broken { cause, progress: Progress::Untouched };
    let mut lines = vec![mail_line];
    lines.extend(recipients.iter().map(rcpt_command));
    lines.push("DATA".to_owned());
    conversation.say_all(&lines).await.map_err(untouched)?;

    let mail = conversation.next_reply().await.map_err(untouched)?;
    let mut last = mail.clone();
    let mut replies = Vec::with_capacity(recipients.len() + 1);
    for _ in 1..lines.len() {
        // After 421 nothing more comes: it is the answer to all that is left.
        if last.code != 421 {
            last = conversation.next_reply().await.map_err(Broken::begun)?;
        }
        replies.push(last.clone());
    }
    let data = replies.pop();
    let recipients = closed_over(replies, conversation.server_closes, data.as_ref());
    Ok(Answers { mail, recipients, data })
}

/// One command at a time, for servers without PIPELINING.
async fn say_in_turn(
    conversation: &mut Conversation,
    mail_line: String,
    recipients: &[EmailAddress],
) -> Result<Answers, Broken> {
    let mail = conversation
        .command(&mail_line)
        .await
        .map_err(|cause| Broken { cause, progress: Progress::Untouched })?;
    let mut replies: Vec<Reply> = Vec::with_capacity(recipients.len());
    if mail.is_positive() {
        for recipient in recipients {
            let reply = match replies.last() {
                Some(last) if last.code == 421 => last.clone(),
                _ => conversation.command(&rcpt_command(recipient)).await.map_err(Broken::begun)?,
            };
            replies.push(reply);
        }
    }
    let mut data = replies.last().filter(|last| last.code == 421).cloned();
    if data.is_none() && replies.iter().any(Reply::is_positive) {
        data = Some(conversation.command("DATA").await.map_err(Broken::begun)?);
    }
    let recipients = closed_over(replies, conversation.server_closes, data.as_ref());
    Ok(Answers { mail, recipients, data })
}

/// Where the server closed the transmission channel (421), its acceptances at `RCPT` are void.
fn closed_over(replies: Vec<Reply>, server_closes: bool, data: Option<&Reply>) -> Vec<Reply> {
    match data {
        Some(word) if server_closes && word.code == 421 => with_word(replies, word),
        Some(_) | None => replies,
    }
}
