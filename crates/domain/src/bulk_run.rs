//! Bulk runs: tests of many senders at once, and what their results say together.

use crate::words::words;

words! {
    /// Which tenants a bulk run is for.
    BulkScope {
        /// Every tenant there was.
        All = "all",
        /// Those that a filter found.
        Filter = "filter",
        /// Those that somebody marked.
        Selection = "selection",
    }
}

words! {
    /// Where one sender of a bulk run stands.
    BulkItemStatus {
        /// Its turn has not come.
        Waiting = "waiting",
        /// It is being tested.
        Running = "running",
        /// Its test run passed.
        Passed = "passed",
        /// Its test run failed.
        Failed = "failed",
        /// There was nothing to test, or it might not be tested now.
        Skipped = "skipped",
        /// The bulk run was cancelled before its turn came.
        Cancelled = "cancelled",
    }
}

words! {
    /// Why there was no test run.
    SkipReason {
        /// The tenant has no sender.
        NoSender = "no_sender",
        /// The operator suspended the tenant.
        Suspended = "suspended",
        /// The tenant has begun too many test runs of late.
        TooManyTests = "too_many_tests",
        /// The tenant or the sender was deleted before its turn came.
        Gone = "gone",
        /// Something is broken on our side; the log says what.
        Broken = "broken",
    }
}

/// The advice code of a server that takes no connection.
pub const NO_CONNECTION: &str = "no_connection";

/// Whether it looks as if nothing leaves *our* machines by a port: several servers there took no
/// connection, and none of the run did.
pub const fn port_looks_blocked(unreachable_hosts: u64, senders_connected: u64) -> bool {
    unreachable_hosts >= 2 && senders_connected == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        advice::advise,
        test_run::{Cause, Failure, Stage},
    };

    #[test]
    fn a_port_is_blocked_if_several_servers_are_out_of_reach_there_and_none_is_not() {
        assert!(port_looks_blocked(2, 0));
        assert!(!port_looks_blocked(1, 0), "that server may be down");
        assert!(!port_looks_blocked(5, 1), "one was reached");
    }

    #[test]
    fn the_code_for_no_connection_is_the_advices() {
        let settings = crate::smtp_settings::SmtpSettings {
            host: "mail.example".parse().unwrap(),
            port: 587_u16.try_into().unwrap(),
            encryption: crate::smtp_settings::Encryption::Starttls,
            auth: crate::smtp_settings::Auth::None,
            sender_name: "Aurora".parse().unwrap(),
            sender_email: "billing@aurora.example".parse().unwrap(),
            reply_to: None,
        };
        let failure = Failure { stage: Stage::Connect, cause: Cause::ConnectionRefused };

        assert_eq!(advise(&settings, &failure).code, NO_CONNECTION);
    }
}
