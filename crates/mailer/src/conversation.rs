//! One conversation with one server: what is said, what is answered, and for how long we wait.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use letterhead_domain::{
    password::SmtpPassword,
    reply::Reply,
    smtp_host::SmtpHost,
    test_run::{Cause, TlsFacts},
    text::Username,
};
use lettre::transport::smtp::{client::AsyncSmtpConnection, extension::ClientId};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::{
    capabilities::Capabilities,
    stream::{Link, REDACTED},
    timeouts::Timeouts,
    tls::TlsTrust,
};

/// Longest wait for what we would like but can do without: the replies to RSET and QUIT, and a
/// last word of a server that hung up.
pub(crate) const COURTESY: Duration = Duration::from_secs(5);

/// How long the steps of a conversation may take, each and together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) timeouts: Timeouts,
    /// When all must be over, whatever each step may take.
    pub(crate) limit: Option<Instant>,
}

impl Patience {
    /// The end of a step that begins now.
    pub(crate) fn until(&self, step: Duration) -> Instant {
        let end = Instant::now() + step;
        self.limit.map_or(end, |limit| limit.min(end))
    }
}

/// A conversation that was greeted. Once any of its functions has returned a [`Cause`], or was
/// dropped before it returned, the two sides may be out of step and nothing more may be said.
pub(crate) struct Conversation {
    link: Link,
    ehlo_name: String,
    pub(crate) capabilities: Capabilities,
    pub(crate) patience: Patience,
    /// Whether the server said 421: it closes the connection, whatever we want.
    pub(crate) server_closes: bool,
}

impl Conversation {
    /// Waits for the greeting, answers it with EHLO, and gives the reply to that.
    pub(crate) async fn greet(
        link: Link,
        ehlo_name: &str,
        patience: Patience,
    ) -> Result<(Self, Reply), Cause> {
        let deadline = patience.until(patience.timeouts.greeting);
        let hello = ClientId::Domain(ehlo_name.to_owned());
        let wire = Box::new(link.wire());
        let connect = AsyncSmtpConnection::connect_with_transport(wire, &hello);
        let greeted = timeout_at(deadline, connect).await.map_err(|_| link.time_out())?;
        greeted.map_err(|error| match negative(&error) {
            Some(reply) => Cause::Refused(reply),
            None => link.fault(),
        })?;
        let lines = link.last_lines();
        let reply = Reply::new(250, &lines.join(" "));
        let conversation = Self {
            link,
            ehlo_name: ehlo_name.to_owned(),
            capabilities: Capabilities::parse(&lines),
            patience,
            server_closes: false,
        };
        Ok((conversation, reply))
    }

    /// The stream, for what concerns it alone.
    pub(crate) const fn link(&self) -> &Link {
        &self.link
    }

    /// Asks for TLS, does the handshake, and says EHLO again: what was offered in clear text
    /// counts no more (RFC 3207, section 4.2).
    pub(crate) async fn starttls(
        &mut self,
        trust: &TlsTrust,
        host: &SmtpHost,
    ) -> Result<TlsFacts, Cause> {
        if !self.capabilities.starttls {
            return Err(Cause::StarttlsNotOffered);
        }
        accepted(self.command("STARTTLS").await?)?;
        let deadline = self.patience.until(self.patience.timeouts.tls);
        let facts = self.link.upgrade(trust, host, deadline).await?;
        let hello = format!("EHLO {}", self.ehlo_name);
        accepted(self.command(&hello).await?)?;
        self.capabilities = Capabilities::parse(&self.link.last_lines());
        Ok(facts)
    }

    /// Signs in with AUTH PLAIN, or LOGIN where only that is offered.
    pub(crate) async fn sign_in(
        &mut self,
        username: &Username,
        password: &SmtpPassword,
    ) -> Result<Reply, Cause> {
        let encode = |text: &str| Zeroizing::new(BASE64_STANDARD.encode(text));
        if self.capabilities.auth_plain {
            let blob = Zeroizing::new(format!("\0{username}\0{}", password.expose()));
            let blob = encode(&blob);
            let line = Zeroizing::new(format!("AUTH PLAIN {}", *blob));
            let shown = format!("AUTH PLAIN {REDACTED}");
            let mut reply = self.secret_command(&line, &shown).await?;
            // Some servers overlook the initial response and ask for it.
            if reply.code == 334 {
                reply = self.secret_command(&blob, REDACTED).await?;
            }
            accepted(reply)
        } else if self.capabilities.auth_login {
            let mut reply = self.command("AUTH LOGIN").await?;
            for answer in [encode(username.as_str()), encode(password.expose())] {
                if reply.code != 334 {
                    break;
                }
                reply = self.secret_command(&answer, REDACTED).await?;
            }
            accepted(reply)
        } else {
            Err(Cause::AuthNotOffered)
        }
    }

    /// Says `line` and gives the reply to it, whatever it is.
    pub(crate) async fn command(&mut self, line: &str) -> Result<Reply, Cause> {
        self.secret_command(line, line).await
    }

    async fn secret_command(&mut self, line: &str, shown: &str) -> Result<Reply, Cause> {
        let deadline = self.patience.until(self.patience.timeouts.reply);
        self.exchange(line, shown, deadline).await
    }

    /// Says something whose answer changes nothing: RSET, QUIT. Waits a few seconds at most.
    pub(crate) async fn courtesy(&mut self, line: &str) -> Result<Reply, Cause> {
        let wait = COURTESY.min(self.patience.timeouts.reply);
        let deadline = self.patience.until(wait);
        self.exchange(line, line, deadline).await
    }

    async fn exchange(
        &mut self,
        line: &str,
        shown: &str,
        deadline: Instant,
    ) -> Result<Reply, Cause> {
        // An answer before the question would be taken for the answer to it.
        if self.link.has_unread() {
            return Err(Cause::NotSmtp);
        }
        let line = Zeroizing::new(format!("{line}\r\n"));
        self.link.write(line.as_bytes(), shown, deadline).await?;
        self.next_reply(deadline).await
    }

    /// The next reply to what was written in a group, by `deadline`.
    pub(crate) async fn next_reply(&mut self, deadline: Instant) -> Result<Reply, Cause> {
        let reply = self.link.reply(deadline).await?;
        self.server_closes |= reply.code == 421;
        Ok(reply)
    }

    /// The next reply to what was written in a group, if it has come already.
    pub(crate) fn reply_at_hand(&mut self) -> Result<Option<Reply>, Cause> {
        let reply = self.link.reply_at_hand()?;
        self.server_closes |= reply.as_ref().is_some_and(|reply| reply.code == 421);
        Ok(reply)
    }

    /// The reply after the final dot of a body of `bytes`.
    pub(crate) async fn final_reply(&mut self, bytes: usize) -> Result<Reply, Cause> {
        let deadline = self.patience.until(self.patience.timeouts.after_dot(bytes));
        self.next_reply(deadline).await
    }

    /// What the server said before it hung up in the middle of a body, if it can still be read.
    pub(crate) async fn last_word(&mut self) -> Option<Reply> {
        let deadline = self.patience.until(COURTESY);
        self.next_reply(deadline).await.ok()
    }
}

/// The reply if it is a "yes", otherwise the refusal as a cause.
pub(crate) fn accepted(reply: Reply) -> Result<Reply, Cause> {
    if reply.is_positive() { Ok(reply) } else { Err(Cause::Refused(reply)) }
}

/// lettre makes an error of a refusal; its code is the status, its text the source.
fn negative(error: &lettre::transport::smtp::Error) -> Option<Reply> {
    let code = error.status()?;
    let text = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
    Some(Reply::new(code.into(), &text))
}
