//! What the tests share: a database with tenants and senders in it.

use letterhead_domain::{
    id::{SenderId, TenantId},
    message::SenderRef,
    password::{PasswordChange, SmtpPassword},
    sender::{PromotePolicy, SettingsVersion, VersionNumber},
    smtp_settings::{Auth, Encryption, SettingsDraft, SmtpSettings},
};
use letterhead_storage::{
    error::StorageError,
    key::MasterKeys,
    record::{Expected, NewTenant},
    repo::sender::{SaveSender, Saved},
    store::{Store, StoreConfig, TenantTx},
};
use letterhead_test_database::TestDatabase;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A database of the test's own, and the store over it.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) database: TestDatabase,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::over(TestDatabase::create().await).await
    }

    pub(crate) async fn over(database: TestDatabase) -> Self {
        let store = open_store(&database, &master_keys("a", 1)).await;
        Self { store, database }
    }

    /// The same database with other master keys.
    pub(crate) async fn with_keys(&self, keys: &MasterKeys) -> Store {
        open_store(&self.database, keys).await
    }

    pub(crate) async fn tenant(&self, slug: &str) -> TenantId {
        let system = self.store.system().await.unwrap();
        let new = NewTenant {
            id: id(),
            slug: slug.parse().unwrap(),
            name: format!("Tenant {slug}").parse().unwrap(),
        };
        let record = system.tenants().create(&new, id()).await.unwrap();
        system.commit().await.unwrap();
        record.id
    }

    /// Saves `draft` as the sender `default`, whatever is there.
    pub(crate) async fn save(&self, tenant: TenantId, draft: SettingsDraft) -> Saved {
        self.try_save(tenant, draft, Expected::Any).await.unwrap()
    }

    pub(crate) async fn try_save(
        &self,
        tenant: TenantId,
        draft: SettingsDraft,
        expected: Expected,
    ) -> Result<Saved, StorageError> {
        let tx = self.store.tenant(tenant).await.unwrap();
        let saved = save_in(&tx, &default_sender(), draft, expected).await?;
        tx.commit().await.unwrap();
        Ok(saved)
    }

    /// A sender `default` whose first version is live.
    pub(crate) async fn live_sender(&self, tenant: TenantId) -> SenderId {
        let saved = self.save(tenant, typed("mail.example", "hunter2")).await;
        self.prove(tenant, saved.record.id, 1).await;
        saved.record.id
    }

    /// Has a test run of a version pass.
    pub(crate) async fn prove(&self, tenant: TenantId, sender: SenderId, version: u32) {
        let tx = self.store.tenant(tenant).await.unwrap();
        tx.senders().after_test(sender, VersionNumber(version), id()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Puts a message with one recipient on a lane, as one that waits.
    pub(crate) async fn waiting_message(&self, tenant: TenantId, sender: SenderId) -> Uuid {
        let message = Uuid::now_v7();
        let recipient = Uuid::now_v7();
        self.database
            .sql(&format!(
                "INSERT INTO messages (tenant_id, id, sender_id, kind, priority, subject,
                     header_id, size, on_uncertain, due_at, expires_at)
                 VALUES ('{tenant}', '{message}', '{sender}', 'receipt', 0, 'Hello',
                     '<{message}@mail.example>', 1, 'resend', letterhead_now(),
                     letterhead_now() + interval '30 days');
                 INSERT INTO recipients (tenant_id, id, message_id, position, role, email)
                 VALUES ('{tenant}', '{recipient}', '{message}', 1, 'to', 'ann@example.net')"
            ))
            .await;
        message
    }

    /// Whether a sender's lane is blocked.
    pub(crate) async fn is_blocked(&self, sender: SenderId) -> bool {
        let query = format!("SELECT blocked::int FROM lanes WHERE id = '{sender}'");
        self.database.number(&query).await == 1
    }
}

async fn open_store(database: &TestDatabase, keys: &MasterKeys) -> Store {
    let config = StoreConfig { url: database.url(), connections: 8, statement_cache: 100 };
    Store::connect(config, keys.clone()).await.unwrap()
}

/// Saves `draft` within a transaction.
pub(crate) async fn save_in(
    tx: &TenantTx,
    reference: &SenderRef,
    draft: SettingsDraft,
    expected: Expected,
) -> Result<Saved, StorageError> {
    tx.senders()
        .save(SaveSender {
            reference,
            new_id: id(),
            new_version_id: id(),
            new_secret_id: Uuid::new_v4().into(),
            draft,
            expected,
            policy: PromotePolicy::AfterTest,
            by: "api-key:test",
        })
        .await
}

pub(crate) fn master_keys(id: &str, byte: u8) -> MasterKeys {
    MasterKeys::parse(&MasterKeys::generate(id, &[byte; 32])).unwrap()
}

pub(crate) fn id<T: From<Uuid>>() -> T {
    Uuid::now_v7().into()
}

pub(crate) fn default_sender() -> SenderRef {
    SenderRef::parse("default").unwrap()
}

pub(crate) fn settings(host: &str) -> SmtpSettings {
    SmtpSettings {
        host: host.parse().unwrap(),
        port: 587_u16.try_into().unwrap(),
        encryption: Encryption::Starttls,
        auth: Auth::Password { username: "billing".parse().unwrap() },
        sender_name: "Aurora Books".parse().unwrap(),
        sender_email: "billing@aurora.example".parse().unwrap(),
        reply_to: None,
    }
}

/// Settings for `host` with a password typed.
pub(crate) fn typed(host: &str, password: &str) -> SettingsDraft {
    let password = SmtpPassword::parse(Zeroizing::new(password.to_owned())).unwrap();
    SettingsDraft { settings: settings(host), password: PasswordChange::Set(password) }
}

/// Settings whose password field was left out.
pub(crate) fn kept(settings: SmtpSettings) -> SettingsDraft {
    SettingsDraft { settings, password: PasswordChange::Keep }
}

/// The number of a version that is there.
pub(crate) fn number(version: Option<&SettingsVersion>) -> Option<u32> {
    version.map(|version| version.number.0)
}

/// A connection past the store, as the login role.
pub(crate) async fn login(database: &TestDatabase) -> DatabaseConnection {
    let mut options = ConnectOptions::new(database.url());
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

/// Runs `sql` in a transaction of its own as `role`, bound to `tenant`, and rolls back.
pub(crate) async fn as_role(
    db: &DatabaseConnection,
    role: &str,
    tenant: Option<TenantId>,
    sql: &str,
) -> Result<u64, DbErr> {
    use sea_orm::TransactionTrait;

    let tx = db.begin().await?;
    let tenant = tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
    tx.execute_unprepared(&format!(
        "SELECT set_config('role', '{role}', true), set_config('letterhead.tenant', '{tenant}', true)"
    ))
    .await?;
    let done = tx.execute_unprepared(sql).await?;
    tx.rollback().await?;
    Ok(done.rows_affected())
}
