//! Test runs: what was tried, how far it came, and what stopped it.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};

use crate::{reply::Reply, words::words};

words! {
    /// The steps of a test run, in the order in which they are reported. With implicit TLS the
    /// greeting comes after the handshake, with STARTTLS before it.
    Stage {
        /// May Letterhead connect to this host and port at all?
        Policy = "policy",
        /// Does the name have addresses?
        Resolve = "resolve",
        /// Does one of them take a TCP connection?
        Connect = "connect",
        /// Does the TLS handshake end with a certificate for the host's name?
        Tls = "tls",
        /// Does the server greet and answer EHLO?
        Greeting = "greeting",
        /// Does it take the user name and password?
        Auth = "auth",
        /// Does it take the From address at `MAIL`?
        Sender = "sender",
        /// Does it take a recipient at `RCPT`?
        Recipient = "recipient",
        /// Does it take a whole message?
        Message = "message",
    }
}

words! {
    /// How a stage ended.
    StageStatus {
        /// It worked.
        Passed = "passed",
        /// It failed and ended the run.
        Failed = "failed",
        /// It did not apply: no TLS with `none`, no sign-in with `auth: none`, no message in
        /// mode `connection`.
        Skipped = "skipped",
        /// An earlier stage ended the run.
        NotReached = "not_reached",
    }
}

words! {
    /// How far a test run is to go.
    TestMode {
        /// To `RCPT`, then `RSET`: no mail leaves.
        Connection = "connection",
        /// A real mail of constant text to the sender's own address.
        Message = "message",
    }
}

words! {
    /// Where a test run stands.
    TestStatus {
        /// It has not ended.
        Running = "running",
        /// Every stage passed or was skipped.
        Passed = "passed",
        /// A stage failed.
        Failed = "failed",
    }
}

words! {
    /// Which saved version a test run tries.
    TestTarget {
        /// The newest unproven one.
        Candidate = "candidate",
        /// The one that sends.
        Live = "live",
    }
}

/// How one stage went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageReport {
    /// The stage.
    pub stage: Stage,
    /// How it ended.
    pub status: StageStatus,
    /// How long it took; zero if it was not reached.
    pub took: Duration,
    /// The server's last reply in it, cleaned.
    pub reply: Option<Reply>,
}

/// What the TLS handshake showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// Such as `TLSv1.3`.
    pub version: String,
    /// The subject of the server's certificate, cleaned and cut.
    pub certificate_subject: String,
    /// When the certificate ends.
    pub certificate_expires_at: DateTime<Utc>,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// It is for other names.
    WrongName,
    /// Its time is over, or has not begun.
    Expired,
    /// No authority that we trust signed it.
    UnknownIssuer,
    /// Something else about it.
    Other,
}

/// What stopped a conversation with a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The egress guard refused the destination. Says nothing of why, on purpose.
    DestinationNotAllowed,
    /// The name does not exist or has no addresses.
    UnknownHost,
    /// The name servers did not answer.
    ResolverFailed,
    /// The address refused the connection.
    ConnectionRefused,
    /// The address cannot be reached.
    Unreachable,
    /// Neither this server nor the operator's control host can be reached by this port: nothing of
    /// ours gets out by it.
    PortBlocked,
    /// The stage's time was over.
    TimedOut,
    /// The server closed the connection.
    Closed,
    /// The server spoke clear text where TLS was expected: a STARTTLS port, most likely.
    ClearTextOnTls,
    /// The server spoke TLS where clear text was expected: an implicit-TLS port, most likely.
    TlsOnClearText,
    /// The certificate was refused.
    Certificate(CertificateFault),
    /// The TLS handshake failed otherwise.
    TlsHandshake,
    /// What answered does not speak SMTP.
    NotSmtp,
    /// The server does not offer STARTTLS.
    StarttlsNotOffered,
    /// The server offers no way to sign in that Letterhead knows.
    AuthNotOffered,
    /// The server cannot carry an address outside ASCII (RFC 6531).
    Smtputf8NotOffered,
    /// The server said no.
    Refused(Reply),
    /// The stored password cannot be opened.
    SecretUnreadable,
    /// Letterhead stopped before the run had ended.
    Interrupted,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::DestinationNotAllowed => "the destination is not allowed",
            Self::UnknownHost => "the host name has no address",
            Self::ResolverFailed => "the name servers did not answer",
            Self::ConnectionRefused => "the connection was refused",
            Self::Unreachable => "the host cannot be reached",
            Self::PortBlocked => "no connection leaves our network by this port",
            Self::TimedOut => "the server did not answer in time",
            Self::Closed => "the server closed the connection",
            Self::ClearTextOnTls => "the server does not speak TLS on this port",
            Self::TlsOnClearText => "the server speaks TLS from the first byte on this port",
            Self::Certificate(CertificateFault::WrongName) => "the certificate is for another name",
            Self::Certificate(CertificateFault::Expired) => "the certificate is not valid now",
            Self::Certificate(CertificateFault::UnknownIssuer) => "the certificate is not trusted",
            Self::Certificate(CertificateFault::Other) => "the certificate is not acceptable",
            Self::TlsHandshake => "the TLS handshake failed",
            Self::NotSmtp => "what answered does not speak SMTP",
            Self::StarttlsNotOffered => "the server does not offer STARTTLS",
            Self::AuthNotOffered => "the server offers no sign-in that we know",
            Self::Smtputf8NotOffered => "the server cannot carry addresses outside ASCII",
            Self::Refused(reply) => return reply.fmt(f),
            Self::SecretUnreadable => "the stored password cannot be opened",
            Self::Interrupted => "it was interrupted on our side",
        };
        f.write_str(words)
    }
}

impl Cause {
    /// The server's reply, if it is what stopped the conversation.
    pub const fn reply(&self) -> Option<&Reply> {
        if let Self::Refused(reply) = self { Some(reply) } else { None }
    }
}

/// Where and why a test run ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stage that failed.
    pub stage: Stage,
    /// What stopped it.
    pub cause: Cause,
}

/// A finished test run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    /// All nine stages, in the order of [`Stage::ALL`].
    pub stages: Vec<StageReport>,
    /// How long the run took.
    pub took: Duration,
    /// What TLS showed, if the handshake ended well.
    pub tls: Option<TlsFacts>,
    /// What ended it, if it did not pass.
    pub failure: Option<Failure>,
    /// The conversation with AUTH lines redacted; strangers' text.
    pub transcript: String,
}

impl TestReport {
    /// The report of a run that failed at `stage` before anything was tried.
    pub fn stopped(stage: Stage, cause: Cause) -> Self {
        let status = |each| {
            if each == stage { StageStatus::Failed } else { StageStatus::NotReached }
        };
        let stages = Stage::ALL
            .iter()
            .map(|&each| StageReport {
                stage: each,
                status: status(each),
                took: Duration::ZERO,
                reply: None,
            })
            .collect();
        let failure = Some(Failure { stage, cause });
        Self { stages, took: Duration::ZERO, tls: None, failure, transcript: String::new() }
    }

    /// Whether every stage passed or was skipped.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }

    /// The status the finished run has.
    pub fn status(&self) -> TestStatus {
        if self.passed() { TestStatus::Passed } else { TestStatus::Failed }
    }
}
