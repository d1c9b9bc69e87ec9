//! The way in: one pool, and transactions that are bound to a role, and to a tenant, from their
//! first statement on.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use letterhead_domain::id::TenantId;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    FromQueryResult, Statement, TransactionTrait,
};

use crate::{
    error::{StorageError, failed, is_cut, silent},
    key::MasterKeys,
    views::{ForgetAfter, Views},
};

/// How long the database may leave one step without an answer.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// How long a transaction may be left alone before the database ends it, as `PostgreSQL` takes it:
/// longer than reading the largest message takes a busy machine. A process that was suspended in the
/// middle answers the kernel's probes, and would keep what it locked, a lane for instance, for ever.
const LONGEST_PAUSE: &str = "30s";

/// Dead connections that one transaction passes over: more than any pool holds.
pub(crate) const STALE_TRIES: usize = 100;

/// How to reach the database.
pub struct StoreConfig {
    /// The login role's URL. It may hold a password: never log it.
    pub url: String,
    /// Most connections at once.
    pub connections: u32,
    /// Prepared statements kept per connection; 0 for poolers that cannot follow them.
    pub statement_cache: usize,
}

/// The database, with the master keys that open what is sealed in it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: DatabaseConnection,
    keys: MasterKeys,
    views: Arc<Views>,
}

impl Store {
    /// Opens the pool. Connections are made when they are first needed, so a database that is
    /// away makes [`Store::ready`] fail, not this.
    ///
    /// # Errors
    ///
    /// [`StorageError::Database`] if the URL is malformed.
    pub async fn connect(config: StoreConfig, keys: MasterKeys) -> Result<Self, StorageError> {
        let StoreConfig { url, connections, statement_cache } = config;
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(connections)
            .connect_lazy(true)
            .acquire_timeout(Duration::from_secs(3))
            .idle_timeout(Duration::from_secs(300))
            // A ping before each use costs a quarter of the read throughput.
            .test_before_acquire(false)
            .sqlx_logging(false)
            .map_sqlx_postgres_opts(move |options| {
                options.application_name("letterhead").statement_cache_capacity(statement_cache)
            });
        let db = Database::connect(options).await.map_err(failed("open the pool"))?;
        Ok(Self { db, keys, views: Arc::new(Views::new(Duration::ZERO)) })
    }

    /// The same store, which keeps what is shown of senders for so long; without this, not at all.
    #[must_use]
    pub fn keeping_views(self, kept_for: Duration) -> Self {
        Self { views: Arc::new(Views::new(kept_for)), ..self }
    }

    /// Whether the database answers and has the schema that this program knows.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if it does not answer, [`StorageError::Database`] if it is
    /// not migrated.
    pub async fn ready(&self) -> Result<(), StorageError> {
        self.system().await?.commit().await
    }

    /// Begins a transaction that reads and writes `tenant`'s rows only.
    ///
    /// Row-level security is bound here, in one statement with the role, and each query names the
    /// tenant as well. Dropped without [`TenantTx::commit`], it rolls back.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn tenant(&self, tenant: TenantId) -> Result<TenantTx, StorageError> {
        let (tx, now) = self.begin("letterhead_tenant", &tenant.to_string()).await?;
        let (keys, views) = (self.keys.clone(), self.views.clone());
        Ok(TenantTx { tx, tenant, now, keys, views })
    }

    /// Begins a transaction across tenants, as the role that cannot read secrets or bodies.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] if the database is away.
    pub async fn system(&self) -> Result<SystemTx, StorageError> {
        let (tx, now) = self.begin("letterhead_system", "").await?;
        Ok(SystemTx { tx, now, keys: self.keys.clone() })
    }

    /// The master keys this store knows.
    pub fn master_keys(&self) -> &MasterKeys {
        &self.keys
    }

    /// What was read of senders a short while ago.
    pub(crate) fn views(&self) -> &Views {
        &self.views
    }

    /// The pool itself, for what stands outside transactions: `LISTEN` and `NOTIFY`.
    pub(crate) fn db(&self) -> &DatabaseConnection {
        &self.db
    }

    /// Gives up `work` when the database has not answered for a long time: a machine that vanished
    /// closes no connection. What `work` did is then rolled back, or was committed unseen.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn in_time<T>(
        &self,
        action: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, StorageError> {
        tokio::time::timeout(LONGEST_SILENCE, work).await.map_err(|_| silent(action))
    }

    /// Runs a statement that is a transaction of its own and that may run twice: on a connection that
    /// died it is made and run again.
    pub(crate) async fn alone<Row: FromQueryResult>(
        &self,
        statement: impl Fn() -> Statement,
        action: &'static str,
    ) -> Result<Vec<Row>, StorageError> {
        let mut tries = 0;
        loop {
            let query = Row::find_by_statement(statement()).all(&self.db);
            match self.in_time(action, query).await? {
                Err(err) if is_cut(&err) && tries < STALE_TRIES => tries += 1,
                outcome => return outcome.map_err(failed(action)),
            }
        }
    }

    /// Enters `role` and `tenant`, and reads the database's time: the only clock that decides.
    async fn begin(
        &self,
        role: &str,
        tenant: &str,
    ) -> Result<(DatabaseTransaction, DateTime<Utc>), StorageError> {
        let enter = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT set_config('role', $1, true), set_config('letterhead.tenant', $2, true), \
             set_config('idle_in_transaction_session_timeout', $3, true), letterhead_now() AS now",
            [role.into(), tenant.into(), LONGEST_PAUSE.into()],
        );
        let mut tries = 0;
        loop {
            let begun = self.in_time("begin a transaction", async {
                let tx = self.db.begin().await?;
                let row = tx.query_one_raw(enter.clone()).await?;
                Ok((tx, row))
            });
            match begun.await? {
                Ok((tx, Some(row))) => {
                    let now = row.try_get("", "now").map_err(failed("read the time"))?;
                    return Ok((tx, now));
                }
                Ok((_, None)) => return Err(StorageError::Corrupt { table: "(time)" }),
                // Without a ping, a pooled connection may have died since its last use: nothing
                // was done on it yet, so another one may serve. After a restart of the database
                // all of them have.
                Err(err) if is_cut(&err) && tries < STALE_TRIES => tries += 1,
                Err(err) => return Err(failed("begin a transaction")(err)),
            }
        }
    }
}

/// A transaction bound to one tenant. Repositories are its methods, see [`crate::repo`].
pub struct TenantTx {
    pub(crate) tx: DatabaseTransaction,
    pub(crate) tenant: TenantId,
    pub(crate) now: DateTime<Utc>,
    pub(crate) keys: MasterKeys,
    views: Arc<Views>,
}

/// A transaction across tenants. Repositories are its methods, see [`crate::repo`].
pub struct SystemTx {
    pub(crate) tx: DatabaseTransaction,
    pub(crate) now: DateTime<Utc>,
    pub(crate) keys: MasterKeys,
}

impl TenantTx {
    /// The tenant whose rows this transaction sees.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant
    }

    /// The database's time when the transaction began.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Makes everything done here permanent.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] or [`StorageError::Database`]; whether it was committed is
    /// then unknown.
    pub async fn commit(self) -> Result<(), StorageError> {
        let _forget = ForgetAfter(&self.views, self.tenant);
        self.tx.commit().await.map_err(failed("commit"))
    }
}

impl SystemTx {
    /// The database's time when the transaction began.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Makes everything done here permanent.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] or [`StorageError::Database`]; whether it was committed is
    /// then unknown.
    pub async fn commit(self) -> Result<(), StorageError> {
        self.tx.commit().await.map_err(failed("commit"))
    }
}

#[cfg(test)]
mod tests {
    use letterhead_test_database::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn a_transaction_that_is_left_alone_is_ended_and_the_next_one_begins() {
        let database = TestDatabase::create().await;
        let keys = MasterKeys::parse(&MasterKeys::generate("k1", &[1; 32])).unwrap();
        let config = StoreConfig { url: database.url(), connections: 1, statement_cache: 10 };
        let store = Store::connect(config, keys).await.unwrap();
        let left = store.system().await.unwrap();
        let show = "SELECT current_setting('idle_in_transaction_session_timeout') AS longest,
            pg_backend_pid() AS process";
        let show = Statement::from_string(DbBackend::Postgres, show);
        let row = left.tx.query_one_raw(show).await.unwrap().unwrap();
        assert_eq!(row.try_get::<String>("", "longest").unwrap(), LONGEST_PAUSE);

        let sooner = "SET LOCAL idle_in_transaction_session_timeout = '10ms'";
        left.tx.execute_unprepared(sooner).await.unwrap();
        let process: i32 = row.try_get("", "process").unwrap();
        let gone = format!("SELECT 1 - count(*) FROM pg_stat_activity WHERE pid = {process}");
        database.wait_until(&gone, 1).await;

        let ended = left.commit().await;
        assert!(ended.is_err_and(|err| err.is_unavailable()));
        store.ready().await.unwrap();
    }
}
