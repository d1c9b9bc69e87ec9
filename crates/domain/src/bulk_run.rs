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

/// The advice codes of what fails before any server has answered, or says nothing of one.
pub const WITHOUT_AN_ANSWER: [&str; 10] = [
    NO_CONNECTION,
    "port_blocked",
    "no_route",
    "port_25_closed",
    "port_not_offered",
    "host_not_found",
    "destination_not_allowed",
    "name_servers_not_answering",
    "password_unreadable",
    "interrupted",
];

/// Whether it looks as if nothing leaves *our* machines by a port: several servers there took no
/// connection, and none of the run did.
pub const fn port_looks_blocked(unreachable_hosts: u64, senders_connected: u64) -> bool {
    unreachable_hosts >= 2 && senders_connected == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice;

    #[test]
    fn a_port_is_blocked_if_several_servers_are_out_of_reach_there_and_none_is_not() {
        assert!(port_looks_blocked(2, 0));
        assert!(!port_looks_blocked(1, 0), "that server may be down");
        assert!(!port_looks_blocked(5, 1), "one was reached");
    }

    #[test]
    fn every_code_is_that_of_an_advice() {
        for code in WITHOUT_AN_ANSWER {
            assert!(advice::all().iter().any(|advice| advice.code == code), "{code}");
        }
    }
}
