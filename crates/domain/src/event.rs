//! What is written down for people: a tenant's audit and the operator's events.

use crate::words::words;

words! {
    /// What somebody did, in a tenant's audit.
    AuditAction {
        /// The operator created the tenant.
        TenantCreated = "tenant.created",
        /// The operator renamed, suspended or resumed the tenant.
        TenantUpdated = "tenant.updated",
        /// The operator made an API key.
        ApiKeyCreated = "api_key.created",
        /// The operator revoked an API key.
        ApiKeyRevoked = "api_key.revoked",
        /// Somebody was given a link into the portal.
        PortalLinkCreated = "portal_link.created",
        /// Somebody signed in to the portal.
        PortalSessionStarted = "portal_session.started",
        /// Somebody signed out of the portal, or was signed out by another.
        PortalSessionEnded = "portal_session.ended",
        /// Settings were saved as a new version.
        SenderSaved = "sender.saved",
        /// A sender was deleted with what waited.
        SenderDeleted = "sender.deleted",
        /// A sender was paused, by hand or by its server's refusal.
        SenderPaused = "sender.paused",
        /// A pause ended.
        SenderResumed = "sender.resumed",
        /// What may leave through a sender was limited otherwise.
        SenderLimitsChanged = "sender.limits_changed",
        /// A version became live.
        SenderPromoted = "sender.promoted",
        /// The unproven candidate was dropped.
        CandidateDiscarded = "sender.candidate_discarded",
        /// An older version was brought back.
        VersionRestored = "sender.version_restored",
        /// A test run ended.
        TestRunFinished = "test_run.finished",
        /// Whoever got the mail of a test run typed its code in.
        TestRunArrivalConfirmed = "test_run.arrival_confirmed",
        /// A waiting message was cancelled.
        MessageCancelled = "message.cancelled",
        /// A message was put back into the queue.
        MessageRetried = "message.retried",
    }
}

words! {
    /// What the operator is told about its tenants.
    OperatorEventKind {
        /// A sender was paused: its mail waits.
        SenderPaused = "sender.paused",
        /// A sender's last attempts failed at its server.
        SenderFailing = "sender.failing",
        /// A paused or failing sender works again.
        SenderRecovered = "sender.recovered",
        /// A server refused a message for good.
        MessageRejected = "message.rejected",
        /// A message was not accepted in time.
        MessageExpired = "message.expired",
        /// Nobody knows whether the server took a message.
        MessageUncertain = "message.uncertain",
        /// The operator stopped the whole queue; of no tenant.
        QueueHeld = "queue.held",
        /// The operator let the whole queue go on; of no tenant.
        QueueReleased = "queue.released",
        /// A tenant was deleted.
        TenantDeleted = "tenant.deleted",
        /// Somebody was given a link to the operator's side of the portal; of no tenant.
        OperatorLinkCreated = "operator.link_created",
        /// Somebody signed in to the operator's side of the portal; of no tenant.
        OperatorSignedIn = "operator.signed_in",
        /// Somebody signed out of the operator's side of the portal, or was signed out by another;
        /// of no tenant.
        OperatorSignedOut = "operator.signed_out",
    }
}
