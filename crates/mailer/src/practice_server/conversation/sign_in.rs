//! AUTH PLAIN (RFC 4616) and AUTH LOGIN.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Conversation, Hello, MAX_COMMAND_BYTES, SignedIn, Turn};
use crate::practice_server::fault::{LoginFault, PortFault};
use crate::practice_server::script::Step;
use crate::practice_server::wire::{Ended, Line};

/// What the client said to sign in.
struct Credentials {
    username: String,
    password: String,
    /// The lines as they came, for a server that repeats them.
    spoken: Vec<String>,
}

/// A sign-in without credentials: the reply to give.
type Refusal = &'static str;

const NOT_BASE64: Refusal = "501 5.5.2 That is not base64";
const MALFORMED: Refusal = "501 5.5.2 Credentials malformed";

impl Conversation {
    pub(super) async fn auth(
        &mut self,
        mechanism: &str,
        initial: Option<&str>,
        line: &str,
    ) -> Turn {
        if let Some(refusal) = self.refuse_auth() {
            self.wire.say(refusal);
            return Ok(());
        }
        let spoken = vec![line.to_owned()];
        let credentials = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => self.plain(initial, spoken).await?,
            "LOGIN" => self.login(initial, spoken).await?,
            _ => Err("504 5.5.4 Mechanism not known"),
        };
        self.refuse_haste().await?;
        self.hang_if(PortFault::HangAfterAuth).await?;
        match credentials {
            Ok(_) if self.say_scripted(Step::Auth) => self.shared.inbox.count_sign_in(false),
            Ok(credentials) => self.judge(credentials),
            Err(refusal) => {
                self.shared.inbox.count_sign_in(false);
                self.wire.say(refusal);
            }
        }
        Ok(())
    }

    fn refuse_auth(&self) -> Option<Refusal> {
        if self.hello != Hello::Extended {
            Some("503 5.5.1 Say EHLO first")
        } else if self.fault == Some(PortFault::NoAuth) {
            Some("502 5.5.1 AUTH not offered")
        } else if !self.offers_auth() {
            Some("538 5.7.11 Encryption required for authentication")
        } else if self.signed_in.is_some() {
            Some("503 5.5.1 Signed in already")
        } else if self.transaction.is_some() {
            Some("503 5.5.1 Not within a message")
        } else {
            None
        }
    }

    fn judge(&mut self, credentials: Credentials) {
        let Credentials { username, password, spoken } = credentials;
        if self.fault == Some(PortFault::EchoAuth) {
            self.shared.inbox.count_sign_in(false);
            let printable: String = password.chars().filter(|c| !c.is_control()).collect();
            let lines = spoken.join(" ");
            self.wire.say_raw(format!("535-5.7.8 Not taken: {lines}\r\n").as_bytes());
            self.wire.say_raw(format!("535 5.7.8 Wrong password: {printable}\r\n").as_bytes());
            return;
        }
        let fault = LoginFault::of_username(&username);
        let known = username == self.shared.username && password == self.shared.password;
        let refusal = match fault {
            Some(LoginFault::RefuseLogin) => Some("535 5.7.8 Username and Password not accepted"),
            Some(LoginFault::AppPassword) => {
                Some("534 5.7.9 Application-specific password required")
            }
            Some(LoginFault::BusyLogin) => Some("454 4.7.0 Temporary authentication failure"),
            Some(LoginFault::RefuseSender | LoginFault::Quota) => None,
            None => (!known).then_some("535 5.7.8 Authentication credentials invalid"),
        };
        self.shared.inbox.count_sign_in(refusal.is_none());
        if refusal.is_none() {
            self.signed_in = Some(SignedIn { username, fault });
        }
        self.wire.say(refusal.unwrap_or("235 2.7.0 Signed in"));
    }

    async fn plain(
        &mut self,
        initial: Option<&str>,
        mut spoken: Vec<String>,
    ) -> Result<Result<Credentials, Refusal>, Ended> {
        let decoded = match initial {
            // RFC 4954: `=` is an initial response that is there and empty.
            Some("=") => Ok(Vec::new()),
            Some(encoded) => decode(encoded),
            None => self.ask("", &mut spoken).await?,
        };
        Ok(decoded.and_then(|decoded| {
            let text = String::from_utf8(decoded).map_err(|_| MALFORMED)?;
            let [_, username, password] =
                text.split('\0').collect::<Vec<_>>().try_into().map_err(|_| MALFORMED)?;
            Ok(Credentials { username: username.to_owned(), password: password.to_owned(), spoken })
        }))
    }

    async fn login(
        &mut self,
        initial: Option<&str>,
        mut spoken: Vec<String>,
    ) -> Result<Result<Credentials, Refusal>, Ended> {
        let username = match initial {
            Some(encoded) => decode(encoded),
            None => self.ask("Username:", &mut spoken).await?,
        };
        let username = match username {
            Ok(username) => username,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let password = self.ask("Password:", &mut spoken).await?;
        Ok(password.and_then(|password| {
            let text = |bytes| String::from_utf8(bytes).map_err(|_| MALFORMED);
            Ok(Credentials { username: text(username)?, password: text(password)?, spoken })
        }))
    }

    /// Asks with a 334 and gives the decoded answer.
    async fn ask(
        &mut self,
        prompt: &str,
        spoken: &mut Vec<String>,
    ) -> Result<Result<Vec<u8>, Refusal>, Ended> {
        self.wire.say_raw(format!("334 {}\r\n", STANDARD.encode(prompt)).as_bytes());
        let range = match self.wire.line(MAX_COMMAND_BYTES).await? {
            Line::Whole(range) => range,
            Line::BareLineEnd(_) => {
                self.shared.inbox.count_bare_line_end();
                return Ok(Err("500 5.5.2 Lines end with CR LF"));
            }
            Line::TooLong => return Ok(Err("500 5.5.6 Line too long")),
        };
        let answer = self.text(range);
        let decoded =
            if answer == "*" { Err("501 5.7.0 Authentication cancelled") } else { decode(&answer) };
        spoken.push(answer);
        Ok(decoded)
    }
}

fn decode(encoded: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(encoded).map_err(|_| NOT_BASE64)
}
