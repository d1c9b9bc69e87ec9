//! The database: in reach, migrated, with roles that hold, keys that open, and the same time.

use chrono::{DateTime, TimeDelta, Utc};
use letterhead_storage::{
    diagnosis::{Diagnosis, RoleFault},
    error::StorageError,
    key::MasterKeys,
    store::Store,
};

use super::{
    configuration::as_sentence,
    finding::{Finding, Report, Verdict},
};
use crate::{
    cli::{Failure, master_key},
    clock,
    config::{DatabaseArgs, KeyArgs},
};

const DATABASE: &str = "database";
const ROLES: &str = "roles";
const MASTER_KEYS: &str = "master_keys";
const CLOCK: &str = "clock";

/// How far the clocks of this machine and of the database may be apart.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(2);

/// Checks the database, and the keys as far as it takes a database to check them.
pub(super) async fn check(report: &mut Report, database: &DatabaseArgs, keys: &KeyArgs) {
    let keys = keys.load();
    if let Err(failure) = &keys {
        let remedy = "Without the master key no stored password can be opened: take it from where \
                      it is kept.";
        report.add(Finding::new(MASTER_KEYS, Verdict::Failed, as_sentence(failure), remedy));
    }
    let store = match connect(database, keys.as_ref().ok()).await {
        Ok(store) => store,
        Err(failure) => {
            let remedy = "Set LETTERHEAD_DATABASE_URL, as deploy/letterhead.env.example shows.";
            report.add(Finding::new(DATABASE, Verdict::Failed, as_sentence(&failure), remedy));
            return;
        }
    };
    let diagnosis = match store.diagnose().await {
        Ok(diagnosis) => diagnosis,
        Err(err) => {
            let failure = Failure::new("the database does not let us in", err);
            let remedy = "Check that it runs, and host, name, account and password in \
                          LETTERHEAD_DATABASE_URL.";
            report.add(Finding::new(DATABASE, Verdict::Failed, as_sentence(&failure), remedy));
            return;
        }
    };
    let known: Vec<_> = letterhead_migrations::names().collect();
    let migrated = migrated(&diagnosis, &known);
    let is_migrated = migrated.verdict != Verdict::Failed;
    report.add(migrated);
    if !is_migrated {
        return;
    }
    roles(report, &diagnosis);
    if !report.is_clean(ROLES)
        && diagnosis.role_faults.iter().any(|fault| matches!(fault, RoleFault::MayNotEnter(_)))
    {
        return;
    }
    let asked = clock::machine();
    match time_and_keys(&store).await {
        Ok((time, in_use)) => {
            // The database was asked somewhere between the two.
            let machine = asked + (clock::machine() - asked) / 2;
            if keys.is_ok() {
                report.add(known_keys(&in_use, store.master_keys()));
            }
            report.add(clocks(time, machine));
        }
        Err(err) => {
            let failure = Failure::new("the database cannot be worked with", err);
            let remedy = "Run `letterhead migrate`; if that does not help, see the database's log.";
            report.add(Finding::new(DATABASE, Verdict::Failed, as_sentence(&failure), remedy));
        }
    }
}

async fn connect(database: &DatabaseArgs, keys: Option<&MasterKeys>) -> Result<Store, Failure> {
    let keys = match keys {
        Some(keys) => keys.clone(),
        // Without its own the database can be looked at as well; this one opens nothing.
        None => MasterKeys::parse(&master_key::generate())
            .map_err(|err| Failure::new("cannot make a key", err))?,
    };
    database.connect(keys).await
}

async fn time_and_keys(store: &Store) -> Result<(DateTime<Utc>, Vec<(String, u64)>), StorageError> {
    let system = store.system().await?;
    Ok((system.now(), system.data_keys().by_master_key().await?))
}

fn migrated(diagnosis: &Diagnosis, known: &[&str]) -> Finding {
    let Diagnosis { server_version, migrations, .. } = diagnosis;
    let is_applied = |name: &&&str| migrations.iter().any(|applied| applied == **name);
    let missing = known.iter().filter(|name| !is_applied(name)).count();
    if missing > 0 {
        let message = if migrations.is_empty() {
            "The database is in reach but was never migrated.".to_owned()
        } else {
            format!("The database lacks {missing} of {} migrations.", known.len())
        };
        let remedy = "Run `letterhead migrate` with the owner's URL.";
        return Finding::new(DATABASE, Verdict::Failed, message, remedy);
    }
    if migrations.len() > known.len() {
        let message = "The database was migrated by a newer Letterhead than this one.";
        let remedy = "Bring this program up to date as well.";
        return Finding::new(DATABASE, Verdict::Warning, message, remedy);
    }
    let newest = known.last().copied().unwrap_or_default();
    let message = format!("PostgreSQL {server_version} is in reach and migrated to {newest}.");
    Finding::ok(DATABASE, message)
}

fn roles(report: &mut Report, diagnosis: &Diagnosis) {
    let role = &diagnosis.login_role;
    for fault in &diagnosis.role_faults {
        report.add(role_fault(role, *fault));
    }
    if !diagnosis.open_tables.is_empty() {
        let tables = diagnosis.open_tables.join(", ");
        let message = format!("Row-level security is not forced on {tables}.");
        let remedy = "Somebody has changed these tables by hand: as their owner, ALTER TABLE … ENABLE \
                      ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY.";
        report.add(Finding::new(ROLES, Verdict::Failed, message, remedy));
    }
    if report.is_clean(ROLES) {
        let message =
            format!("{role} is nobody by itself, and every tenant's rows are closed off.");
        report.add(Finding::ok(ROLES, message));
    }
}

fn role_fault(role: &str, fault: RoleFault) -> Finding {
    let own_role = "Let the program log in as a role of its own, as deploy/roles.sql makes it.";
    let (verdict, message, remedy) = match fault {
        RoleFault::BoundByNoPolicy => (
            Verdict::Failed,
            format!("{role} is a superuser or has BYPASSRLS: by itself no policy binds it."),
            own_role.to_owned(),
        ),
        RoleFault::OwnsTables => (
            Verdict::Warning,
            format!("{role} owns tables, and could lift the row-level security on them."),
            own_role.to_owned(),
        ),
        RoleFault::Inherits => (
            Verdict::Warning,
            format!("{role} sees every tenant's rows without entering a working role."),
            format!("As an administrator of the database: ALTER ROLE {role} NOINHERIT."),
        ),
        RoleFault::MayNotEnter(working) => (
            Verdict::Failed,
            format!("{role} may not enter the role {working}."),
            "Run `letterhead migrate` with the owner's URL and with this login role's as \
             LETTERHEAD_DATABASE_URL."
                .to_owned(),
        ),
    };
    Finding::new(ROLES, verdict, message, remedy)
}

fn known_keys(in_use: &[(String, u64)], keys: &MasterKeys) -> Finding {
    let (known, lost): (Vec<_>, Vec<_>) =
        in_use.iter().partition(|(id, _)| keys.ids().any(|known| known == id));
    let count = |keys: &[&(String, u64)]| keys.iter().map(|(_, count)| count).sum::<u64>();
    match count(&lost) {
        0 => {
            let message = format!("All data keys in use can be opened: {}.", count(&known));
            Finding::ok(MASTER_KEYS, message)
        }
        lost => {
            let message =
                format!("{lost} data keys were wrapped by master keys that are not known.");
            let remedy =
                "Give those back as further lines: `letterhead master-key status` names them.";
            Finding::new(MASTER_KEYS, Verdict::Failed, message, remedy)
        }
    }
}

fn clocks(database: DateTime<Utc>, machine: DateTime<Utc>) -> Finding {
    let apart = (machine - database).abs();
    let seconds = apart.to_std().unwrap_or_default().as_secs_f64();
    if apart <= CLOCKS_APART {
        return Finding::ok(
            CLOCK,
            format!("This machine and the database are {seconds:.1} s apart."),
        );
    }
    let message =
        format!("The clocks of this machine and of the database are {seconds:.1} s apart.");
    let remedy =
        "Let both machines follow a time server: certificates, mails and leases go by time.";
    Finding::new(CLOCK, Verdict::Warning, message, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosis(migrations: &[&str]) -> Diagnosis {
        Diagnosis {
            server_version: "15.8".to_owned(),
            migrations: migrations.iter().map(|&name| name.to_owned()).collect(),
            login_role: "letterhead_login".to_owned(),
            role_faults: Vec::new(),
            open_tables: Vec::new(),
        }
    }

    #[test]
    fn a_schema_that_is_older_fails_and_one_that_is_newer_warns() {
        let cases: [(&[&str], _); 4] = [
            (&[], Verdict::Failed),
            (&["0001_a"], Verdict::Failed),
            (&["0001_a", "0002_b"], Verdict::Ok),
            (&["0001_a", "0002_b", "0003_c"], Verdict::Warning),
        ];
        for (applied, expected) in cases {
            let finding = migrated(&diagnosis(applied), &["0001_a", "0002_b"]);
            assert_eq!(finding.verdict, expected, "{applied:?}");
        }
    }

    #[test]
    fn clocks_more_than_two_seconds_apart_are_worth_a_warning() {
        let now = DateTime::UNIX_EPOCH;
        for (apart, expected) in [
            (0, Verdict::Ok),
            (1_999, Verdict::Ok),
            (-2_000, Verdict::Ok),
            (2_001, Verdict::Warning),
            (-60_000, Verdict::Warning),
        ] {
            let finding = clocks(now + TimeDelta::milliseconds(apart), now);
            assert_eq!(finding.verdict, expected, "{apart} ms");
        }
    }
}
