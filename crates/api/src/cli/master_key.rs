//! `letterhead master-key`.

use std::process::ExitCode;

use clap::Subcommand;
use letterhead_storage::key::MasterKeys;
use zeroize::Zeroizing;

use super::{Failure, say};
use crate::{
    config::{DatabaseArgs, KeyArgs},
    random,
};

#[derive(Subcommand)]
pub(super) enum MasterKeyCommand {
    /// Print a new master key as `id:base64`; keep it where no backup of the database is
    Generate,
    /// Show the keys that are known and how many data keys each one wraps; never the keys
    Status {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        keys: KeyArgs,
    },
}

pub(super) async fn master_key(command: MasterKeyCommand) -> Result<ExitCode, Failure> {
    match command {
        MasterKeyCommand::Generate => {
            say(&generate());
            Ok(ExitCode::SUCCESS)
        }
        MasterKeyCommand::Status { database, keys } => status(database, keys.load()?).await,
    }
}

/// A new key's line. Its id tells nothing but itself apart from others.
pub(super) fn generate() -> Zeroizing<String> {
    let id = u32::from_be_bytes(random::bytes());
    MasterKeys::generate(&format!("mk-{id:08x}"), &random::bytes())
}

async fn status(database: DatabaseArgs, keys: MasterKeys) -> Result<ExitCode, Failure> {
    let failed = |err| Failure::new("cannot read the data keys", err);
    let store = database.connect(keys).await?;
    let system = store.system().await.map_err(failed)?;
    let in_use = system.data_keys().by_master_key().await.map_err(failed)?;
    let keys = store.master_keys();
    let count = |id: &str| in_use.iter().find(|(used, _)| used == id).map_or(0, |(_, n)| *n);
    for id in keys.ids() {
        let current = if id == keys.current_id() { " (current)" } else { "" };
        say(&format!("{id}{current}: wraps {} data keys", count(id)));
    }
    let mut code = ExitCode::SUCCESS;
    for (id, count) in in_use.iter().filter(|(id, _)| !keys.ids().any(|known| known == id)) {
        say(&format!("{id}: NOT KNOWN here, wraps {count} data keys that cannot be opened"));
        code = ExitCode::FAILURE;
    }
    Ok(code)
}
