//! Replies that a test puts into the server's mouth, to hear what a client makes of them.
//!
//! Each is said once, to the next conversation that comes to its step, on any port. What a server says
//! of its own accord, and by which fault, stays as it is at every other step.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A step whose reply can be put into the server's mouth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// In place of the greeting.
    Greeting,
    /// To STARTTLS; TLS does not begin.
    Starttls,
    /// To the credentials, whatever they are; nobody is signed in.
    Auth,
    /// To MAIL; no message begins.
    Mail,
    /// To RCPT; the recipient is not taken.
    Rcpt,
    /// To the final dot; the message is not kept.
    Dot,
}

/// What is still to be said.
#[derive(Default)]
pub(super) struct Script(Mutex<VecDeque<(Step, String)>>);

impl Script {
    /// Adds a reply; line feeds part its lines.
    pub(super) fn add(&self, step: Step, reply: &str) {
        self.lock().push_back((step, format!("{}\r\n", reply.replace('\n', "\r\n"))));
    }

    /// Takes the reply that is to be said at `step`, if there is one.
    pub(super) fn take(&self, step: Step) -> Option<String> {
        let mut script = self.lock();
        let index = script.iter().position(|(at, _)| *at == step)?;
        script.remove(index).map(|(_, reply)| reply)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Step, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
