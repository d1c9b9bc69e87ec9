//! What can be found, how good or bad that is, and in which words it is told.

use super::CheckStatus;
use crate::words::words;

mod texts;

words! {
    /// What was found about one part of a domain.
    Finding {
        /// The service may send.
        SpfOk = "spf_ok",
        /// The service sends under a return path of its own.
        SpfNotNeeded = "spf_not_needed",
        /// The addresses of the server may send.
        SpfServerPasses = "spf_server_passes",
        /// The addresses of the server may not send; others of it might.
        SpfServerNotNamed = "spf_server_not_named",
        /// Whether the server may send cannot be told.
        SpfServerUnclear = "spf_server_unclear",
        /// No record, and what to add is known.
        SpfMissing = "spf_missing",
        /// No record, and what to add is not known.
        SpfMissingAsk = "spf_missing_ask",
        /// The service is not in the record.
        SpfNotAllowed = "spf_not_allowed",
        /// The service is not in the record, which has no room for it.
        SpfFull = "spf_full",
        /// Whether the service is in the record depends on what cannot be read from outside.
        SpfServiceUnclear = "spf_service_unclear",
        /// Several records.
        SpfMultiple = "spf_multiple",
        /// A part that cannot be read.
        SpfSyntax = "spf_syntax",
        /// It leads to a name without a usable record.
        SpfTarget = "spf_target",
        /// It leads back to itself.
        SpfLoop = "spf_loop",
        /// Too many look-ups.
        SpfTooManyLookups = "spf_too_many_lookups",
        /// Too many look-ups that find nothing.
        SpfTooManyVoids = "spf_too_many_voids",
        /// Everybody may send.
        SpfEverybody = "spf_everybody",
        /// Nothing is said of everybody else.
        SpfNoEnd = "spf_no_end",
        /// The question for SPF was not answered.
        SpfNoAnswer = "spf_no_answer",
        /// The record of a mailbox service's own domain.
        SpfNotYours = "spf_not_yours",
        /// A key is there.
        DkimOk = "dkim_ok",
        /// The key was withdrawn.
        DkimRevoked = "dkim_revoked",
        /// The key cannot be read.
        DkimBroken = "dkim_broken",
        /// No key under the usual selectors.
        DkimMissing = "dkim_missing",
        /// The selectors are not known.
        DkimUnknown = "dkim_unknown",
        /// The question for the keys was not answered.
        DkimNoAnswer = "dkim_no_answer",
        /// The keys of a mailbox service's own domain.
        DkimNotYours = "dkim_not_yours",
        /// The sender's mail passes.
        DmarcOk = "dmarc_ok",
        /// Receivers are asked for nothing but reports.
        DmarcWatching = "dmarc_watching",
        /// The sender's mail does not pass.
        DmarcFails = "dmarc_fails",
        /// Whether the sender's mail passes cannot be told.
        DmarcUnclear = "dmarc_unclear",
        /// No record.
        DmarcMissing = "dmarc_missing",
        /// Several records.
        DmarcMultiple = "dmarc_multiple",
        /// A record that cannot be read.
        DmarcBroken = "dmarc_broken",
        /// The question for DMARC was not answered.
        DmarcNoAnswer = "dmarc_no_answer",
        /// A mailbox service's own domain, and its own server.
        DmarcNotYours = "dmarc_not_yours",
        /// A mailbox service's own domain, and somebody else's server.
        DmarcForeign = "dmarc_foreign",
        /// Somebody takes its mail.
        MxOk = "mx_ok",
        /// It says that it takes no mail.
        MxNull = "mx_null",
        /// Nobody is named to take its mail.
        MxMissing = "mx_missing",
        /// The question for MX was not answered.
        MxNoAnswer = "mx_no_answer",
        /// The mail servers of a mailbox service's own domain.
        MxNotYours = "mx_not_yours",
    }
}

words! {
    /// What to do about a finding.
    Step {
        /// Open the domain's records.
        OpenRecords = "open_records",
        /// Add a record.
        AddRecord = "add_record",
        /// Put a record in the place of the one that exists.
        ReplaceRecord = "replace_record",
        /// Test once more.
        TestAgain = "test_again",
        /// Ask those who run the server.
        AskService = "ask_service",
        /// Ask whoever keeps the records.
        AskKeeper = "ask_keeper",
        /// Make room in the record.
        RemoveUnused = "remove_unused",
        /// Join several SPF records.
        JoinSpf = "join_spf",
        /// Correct a part of the SPF record.
        MendTerm = "mend_term",
        /// Correct what leads to a name.
        MendTarget = "mend_target",
        /// Remove what leads nowhere.
        RemoveDead = "remove_dead",
        /// Open the service's page about the domain.
        OpenService = "open_service",
        /// Add the records that the service shows.
        AddShown = "add_shown",
        /// Ask about signatures.
        AskDkim = "ask_dkim",
        /// Do what is said of SPF or of DKIM.
        MendEither = "mend_either",
        /// Look at a mail that has arrived elsewhere.
        LookAtMail = "look_at_mail",
        /// Keep one of several DMARC records.
        KeepOneDmarc = "keep_one_dmarc",
        /// Correct the DMARC record.
        MendDmarc = "mend_dmarc",
        /// Send through the domain's own service.
        UseOwner = "use_owner",
        /// Send from a domain of one's own.
        UseOwnDomain = "use_own_domain",
        /// Name another address for replies.
        UseReplyTo = "use_reply_to",
        /// Try once more.
        TryLater = "try_later",
    }
}

impl Finding {
    /// How it stands.
    pub const fn status(self) -> CheckStatus {
        texts::row(self).0
    }

    /// What is said; `{names}` stand for values.
    pub const fn message(self) -> &'static str {
        texts::row(self).1
    }

    /// What to do, in order.
    pub const fn steps(self) -> &'static [Step] {
        texts::row(self).2
    }
}

impl Step {
    /// What is said; `{names}` stand for values.
    pub const fn text(self) -> &'static str {
        texts::step(self)
    }
}
