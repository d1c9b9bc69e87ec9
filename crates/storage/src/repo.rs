//! Repositories: every statement that reads or writes a thing, one module per thing.
//!
//! Each is reached through a transaction ([`TenantTx`](crate::store::TenantTx) or
//! [`SystemTx`](crate::store::SystemTx)). Row-level security stands behind a tenant's; each
//! statement names the tenant as well.
