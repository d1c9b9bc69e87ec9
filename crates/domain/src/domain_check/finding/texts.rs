//! The words of the findings. The portal says the same in the reader's language.

use super::{
    super::CheckStatus::{self, Ok, Problem, Unknown, Warning},
    Finding, Step,
};

/// How it stands, what is said, and what to do.
type Row = (CheckStatus, &'static str, &'static [Step]);

const ADD: &[Step] = &[Step::OpenRecords, Step::AddRecord, Step::TestAgain];
const REPLACE: &[Step] = &[Step::OpenRecords, Step::ReplaceRecord, Step::TestAgain];
const SET_UP_DKIM: &[Step] = &[Step::OpenService, Step::AddShown, Step::TestAgain];

#[expect(clippy::too_many_lines, reason = "a table: one row for each finding")]
pub(super) const fn row(finding: Finding) -> Row {
    match finding {
        Finding::SpfOk => (Ok, "The SPF record of {domain} lets {service} send for it.", &[]),
        Finding::SpfNotNeeded => (
            Ok,
            "{service} needs no entry in the SPF record of {domain}: it vouches for your mail \
             under a domain of its own.",
            &[],
        ),
        Finding::SpfServerPasses => {
            (Ok, "The SPF record of {domain} lets the addresses of {service} send for it.", &[])
        }
        Finding::SpfServerNotNamed => (
            Unknown,
            "The SPF record of {domain} does not name the addresses of {service}. That may \
             still be right: many servers send from other addresses than the one that takes \
             your mail.",
            &[Step::AskService],
        ),
        Finding::SpfServerUnclear => (
            Unknown,
            "It cannot be told from here whether the SPF record of {domain} lets {service} \
             send for it.",
            &[Step::AskService],
        ),
        Finding::SpfMissing => (
            Problem,
            "{domain} has no SPF record, so receivers cannot know that {service} may send for it.",
            ADD,
        ),
        Finding::SpfMissingAsk => (
            Problem,
            "{domain} has no SPF record, so receivers cannot know that {service} may send for it.",
            &[Step::AskService, Step::OpenRecords, Step::TestAgain],
        ),
        Finding::SpfNotAllowed => {
            (Problem, "The SPF record of {domain} does not let {service} send for it.", REPLACE)
        }
        Finding::SpfFull => (
            Problem,
            "The SPF record of {domain} does not let {service} send for it, and is too full \
             to add it: it would then need {lookups} look-ups, and receivers stop at 10.",
            &[Step::OpenRecords, Step::RemoveUnused, Step::TestAgain],
        ),
        Finding::SpfServiceUnclear => (
            Unknown,
            "The SPF record of {domain} is put together in a way that cannot be read from \
             outside, so it cannot be told whether it lets {service} send.",
            &[Step::AskKeeper],
        ),
        Finding::SpfMultiple => (
            Problem,
            "{domain} has {count} SPF records. Receivers then use none of them.",
            &[Step::OpenRecords, Step::JoinSpf, Step::TestAgain],
        ),
        Finding::SpfSyntax => (
            Problem,
            "A part of the SPF record of {domain} cannot be read: {term}. Receivers then use \
             none of it.",
            &[Step::OpenRecords, Step::MendTerm, Step::TestAgain],
        ),
        Finding::SpfTarget => (
            Problem,
            "The SPF record of {domain} leads to {target}, which has no SPF record that can \
             be used. Receivers then use none of it.",
            &[Step::OpenRecords, Step::MendTarget, Step::TestAgain],
        ),
        Finding::SpfLoop => (
            Problem,
            "The SPF record of {domain} leads in a circle by way of {target}. Receivers then \
             use none of it.",
            &[Step::OpenRecords, Step::MendTarget, Step::TestAgain],
        ),
        Finding::SpfTooManyLookups => (
            Problem,
            "The SPF record of {domain} needs {lookups} look-ups. Receivers stop at 10 and \
             then use none of it.",
            &[Step::OpenRecords, Step::RemoveUnused, Step::TestAgain],
        ),
        Finding::SpfTooManyVoids => (
            Problem,
            "More than two entries in the SPF record of {domain} lead to names that no longer \
             exist. Receivers then use none of it.",
            &[Step::OpenRecords, Step::RemoveDead, Step::TestAgain],
        ),
        Finding::SpfEverybody => (
            Warning,
            "The SPF record of {domain} lets everybody in the world send in its name.",
            REPLACE,
        ),
        Finding::SpfNoEnd => (
            Warning,
            "The SPF record of {domain} lets {service} send for it, but does not say what to \
             think of everybody else.",
            REPLACE,
        ),
        Finding::SpfNoAnswer => (
            Unknown,
            "The question for the SPF record of {domain} was not answered in time.",
            &[Step::TryLater],
        ),
        Finding::SpfNotYours => (
            Ok,
            "{domain} belongs to {owner}, which keeps its SPF record. There is nothing for \
             you to add.",
            &[],
        ),
        Finding::DkimOk => {
            (Ok, "{domain} has a key with which {service} can sign your mail ({selectors}).", &[])
        }
        Finding::DkimRevoked => (
            Problem,
            "The key of {domain} for {service} was withdrawn ({selectors}), so signatures \
             made with it count for nothing.",
            SET_UP_DKIM,
        ),
        Finding::DkimBroken => (
            Problem,
            "The key of {domain} for {service} cannot be read ({selectors}). Most likely a \
             part of it was lost when it was entered.",
            SET_UP_DKIM,
        ),
        Finding::DkimMissing => (
            Warning,
            "{domain} has no key where customers of {service} usually have one, so your mail \
             may leave unsigned.",
            SET_UP_DKIM,
        ),
        Finding::DkimUnknown => (
            Unknown,
            "It cannot be told from here whether {service} signs your mail.",
            &[Step::AskDkim],
        ),
        Finding::DkimNoAnswer => (
            Unknown,
            "The question for the keys of {domain} was not answered in time.",
            &[Step::TryLater],
        ),
        Finding::DkimNotYours => (
            Ok,
            "{domain} belongs to {owner}, which keeps its keys. There is nothing for you to add.",
            &[],
        ),
        Finding::DmarcOk => (
            Ok,
            "The DMARC record of {domain} protects its name ({policy}), and your mail passes.",
            &[],
        ),
        Finding::DmarcWatching => {
            (Ok, "{domain} has a DMARC record. It asks receivers for reports only.", &[])
        }
        Finding::DmarcFails => (
            Problem,
            "The DMARC record of {domain} asks receivers to stop mail that is not proven \
             ({policy}), and yours is not: neither SPF nor DKIM speaks for {service}.",
            &[Step::MendEither, Step::TestAgain],
        ),
        Finding::DmarcUnclear => (
            Warning,
            "The DMARC record of {domain} asks receivers to stop mail that is not proven \
             ({policy}). Whether yours is proven cannot be told from here.",
            &[Step::MendEither, Step::LookAtMail],
        ),
        Finding::DmarcMissing => (
            Warning,
            "{domain} has no DMARC record. The large mailbox services ask for one from \
             everybody who sends much mail.",
            ADD,
        ),
        Finding::DmarcMultiple => (
            Problem,
            "There is more than one DMARC record at {name}. Receivers then use none of them.",
            &[Step::OpenRecords, Step::KeepOneDmarc, Step::TestAgain],
        ),
        Finding::DmarcBroken => (
            Problem,
            "The DMARC record at {name} cannot be read. Receivers then use none of it.",
            &[Step::OpenRecords, Step::MendDmarc, Step::TestAgain],
        ),
        Finding::DmarcNoAnswer => (
            Unknown,
            "The question for the DMARC record of {domain} was not answered in time.",
            &[Step::TryLater],
        ),
        Finding::DmarcNotYours => (
            Ok,
            "{domain} belongs to {owner}, and you send through {owner}. There is nothing for \
             you to add.",
            &[],
        ),
        Finding::DmarcForeign => (
            Problem,
            "{email} is an address of {owner}, but your mail leaves through {service}. \
             Receivers cannot tell that from a forgery, so they put it aside or refuse it.",
            &[Step::UseOwnDomain, Step::UseOwner],
        ),
        Finding::MxOk => (
            Ok,
            "Replies to {email} have somewhere to go: {hosts} takes the mail of {domain}.",
            &[],
        ),
        Finding::MxNull => (
            Warning,
            "{domain} says that it takes no mail. Nobody can answer you, and some servers \
             refuse mail from such a domain.",
            &[Step::UseReplyTo, Step::AskKeeper],
        ),
        Finding::MxMissing => (
            Warning,
            "{domain} names no server that takes its mail, so replies to {email} most likely \
             go nowhere.",
            &[Step::UseReplyTo, Step::AskKeeper],
        ),
        Finding::MxNoAnswer => (
            Unknown,
            "The question who takes the mail of {domain} was not answered in time.",
            &[Step::TryLater],
        ),
        Finding::MxNotYours => (Ok, "{domain} belongs to {owner}, which takes your replies.", &[]),
    }
}

pub(super) const fn step(step: Step) -> &'static str {
    match step {
        Step::OpenRecords => {
            "Sign in where the domain {domain} is managed (usually where you bought it) and \
             open its DNS records."
        }
        Step::AddRecord => "Add the TXT record that is shown here, exactly as it is written.",
        Step::ReplaceRecord => {
            "Change the TXT record that is there to the one that is shown here. Do not add a \
             second one."
        }
        Step::TestAgain => "Wait an hour, then test again.",
        Step::AskService => {
            "Ask the people who run {service} what the SPF record of {domain} should say."
        }
        Step::AskKeeper => "Ask whoever manages the domain {domain} to look at this.",
        Step::RemoveUnused => {
            "Remove from the SPF record what no longer sends mail for you, such as a service \
             you have left."
        }
        Step::JoinSpf => {
            "Make one record of them: one v=spf1, then the entries of all of them, then one \
             ending such as ~all. Delete the others."
        }
        Step::MendTerm => "Correct or remove this part of the SPF record: {term}",
        Step::MendTarget => "Correct or remove the entry of the SPF record that leads to {target}.",
        Step::RemoveDead => "Remove the entries of the SPF record whose names no longer exist.",
        Step::OpenService => {
            "Sign in to {service} and open its settings for the domain {domain}, often called \
             DKIM or domain authentication."
        }
        Step::AddShown => {
            "Add the records that it shows you to the DNS records of {domain}, and turn signing on."
        }
        Step::AskDkim => {
            "Ask {service} whether it signs mail from {domain} with DKIM, and which records \
             it needs for that."
        }
        Step::MendEither => "Follow the steps for SPF or for DKIM. One of the two is enough.",
        Step::LookAtMail => {
            "Send a test mail to a mailbox elsewhere and look at its details there: it should \
             say DMARC: PASS."
        }
        Step::KeepOneDmarc => "Keep one of the DMARC records at {name} and delete the others.",
        Step::MendDmarc => "Correct the DMARC record at {name}. It begins with v=DMARC1; p=",
        Step::UseOwner => {
            "If you have to use {email}, enter the mail server of {owner} in these settings."
        }
        Step::UseOwnDomain => "Best: send from an address at a domain of your own.",
        Step::UseReplyTo => "Enter a reply-to address that is read by somebody.",
        Step::TryLater => "Try again in a few minutes.",
    }
}
