//! Messages on their way over the sessions of one version of the settings.

use std::{collections::HashMap, sync::Arc};

use letterhead_domain::{
    delivery::AttemptOutcome,
    id::MessageId,
    message::MessageContent,
    sender::{PauseReason, VersionNumber},
    test_run::Cause,
};
use letterhead_mailer::{
    lease::LeaseDeadline,
    transport::{Dispatch, Transport},
};
use letterhead_storage::{error::StorageError, record::LeasedLane, repo::lane::MarkedMessage};
use tracing::{error, warn};

use crate::worker::{
    Worker,
    delivery::{Delivered, judged, parcel, stops},
};

/// Messages on their way.
pub(super) struct Flight {
    version: VersionNumber,
    way: Way,
    messages: HashMap<usize, MarkedMessage>,
    bytes: u64,
    next_ticket: usize,
}

enum Way {
    Open {
        transport: Arc<Transport>,
        dispatch: Dispatch,
    },
    /// There is no transport, and why the sender is paused for it, if it is.
    Closed(Option<PauseReason>),
}

impl Flight {
    /// Opens the way for messages that are marked for `version`, over at most `connections` sessions.
    pub(super) async fn begin(
        worker: &Worker,
        lane: &LeasedLane,
        lease: &LeaseDeadline,
        version: VersionNumber,
        connections: Option<u32>,
    ) -> Self {
        let way = match worker.transport(lane, version).await {
            Ok(transport) => {
                transport.bound_sessions(connections);
                // Once the settings are refused or the server is in trouble, the rest stays.
                Way::Open { dispatch: transport.dispatch(lease, stops), transport }
            }
            Err(err) => {
                error!(
                    error = &*err as &dyn std::error::Error,
                    "cannot open the sender's transport"
                );
                let is_sealed = matches!(&*err, StorageError::Sealed(_));
                Way::Closed(is_sealed.then_some(PauseReason::SecretUnreadable))
            }
        };
        Self { version, way, messages: HashMap::new(), bytes: 0, next_ticket: 0 }
    }

    pub(super) const fn version(&self) -> VersionNumber {
        self.version
    }

    /// How many messages are on their way.
    pub(super) fn count(&self) -> usize {
        self.messages.len()
    }

    /// What they hold, in bytes.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Lets nothing more begin.
    pub(super) fn halt(&self) {
        match &self.way {
            Way::Open { dispatch, .. } => dispatch.halt(),
            Way::Closed(_) => {}
        }
    }

    /// Sends `messages`; gives those back that cannot leave.
    pub(super) async fn take_on(
        &mut self,
        worker: &Worker,
        lane: &LeasedLane,
        messages: Vec<MarkedMessage>,
    ) -> Vec<Delivered> {
        let (transport, dispatch) = match &mut self.way {
            Way::Open { transport, dispatch } => (transport, dispatch),
            Way::Closed(pause) => {
                return messages.iter().map(|it| Delivered::unopened(it, *pause)).collect();
            }
        };
        let apart: Vec<MessageId> =
            messages.iter().filter(|it| it.content.is_none()).map(|it| it.id).collect();
        let mut loaded = if apart.is_empty() {
            HashMap::new()
        } else {
            match worker.contents(lane, &apart).await {
                Ok(contents) => contents.into_iter().collect::<HashMap<_, MessageContent>>(),
                Err(err) => {
                    warn!(error = &err as &dyn std::error::Error, "cannot load what messages say");
                    return messages.iter().map(|it| Delivered::unopened(it, None)).collect();
                }
            }
        };
        let mut stranded = Vec::new();
        for mut message in messages {
            let content = message.content.take().or_else(|| loaded.remove(&message.id));
            let ticket = self.next_ticket;
            let parcel = match content {
                Some(content) => parcel(transport.settings(), ticket, &message, content).await,
                None => Err(AttemptOutcome::NotSent(Cause::Interrupted)),
            };
            match parcel {
                Ok(parcel) => {
                    dispatch.push(parcel);
                    self.next_ticket += 1;
                    self.bytes += message.size;
                    self.messages.insert(ticket, message);
                }
                Err(outcome) => stranded.push(judged(&message, &outcome)),
            }
        }
        stranded
    }

    /// Waits for the next outcome; `None` if nothing is on its way.
    pub(super) async fn next(&mut self) -> Option<(usize, AttemptOutcome)> {
        match &mut self.way {
            Way::Open { dispatch, .. } => dispatch.next().await,
            Way::Closed(_) => None,
        }
    }

    /// What became of the message with this ticket.
    pub(super) fn land(&mut self, ticket: usize, outcome: &AttemptOutcome) -> Option<Delivered> {
        let message = self.messages.remove(&ticket)?;
        self.bytes -= message.size;
        Some(judged(&message, outcome))
    }
}
