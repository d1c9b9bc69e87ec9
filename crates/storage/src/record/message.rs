//! Messages with their recipients and attempts.
