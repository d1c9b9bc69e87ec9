//! Letterhead's data: alone speaks to Postgres, alone can decrypt.
//!
//! A repository is reached only through a transaction, and a transaction only through a tenant
//! ([`store::Store::tenant`]) or as the system ([`store::Store::system`]), whose database role can
//! read neither sealed passwords nor what messages say. Rows stay private to this crate: what leaves
//! it are types of the domain and the records of [`record`].

pub mod diagnosis;
pub mod error;
pub mod key;
pub mod record;
pub mod repo;
pub mod store;
pub mod vault;
mod views;
pub mod wakeups;
