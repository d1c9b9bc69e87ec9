//! Saving and restoring: how versions come to be, and which passwords are kept.

use chrono::{DateTime, Utc};
use letterhead_domain::{
    id::{SecretId, SenderId},
    message::SenderRef,
    password::PasswordChange,
    sender::{
        PauseReason, PromotePolicy, RestorePlan, SavePlan, SecretPlan, VersionNumber, plan_restore,
        plan_save,
    },
    slug::Slug,
    smtp_settings::{SettingsDraft, SmtpSettings},
};
use sea_orm::raw_sql;
use uuid::Uuid;

use super::{
    Held, NO_SENDER, Senders, TABLE, VersionRow,
    secrets::{carry, seal},
};
use crate::{
    error::StorageError,
    record::{Expected, SenderRecord},
    repo::execute,
    vault::data_key::DataKeys,
};

/// What is to be saved.
pub struct SaveSender<'a> {
    /// Which sender; a free slug makes a new one.
    pub reference: &'a SenderRef,
    /// The id of the sender, should it be new.
    pub new_id: SenderId,
    /// The id of the version's row.
    pub new_version_id: Uuid,
    /// The id of the password, should one have been typed.
    pub new_secret_id: SecretId,
    /// The settings.
    pub draft: SettingsDraft,
    /// What the save is based on.
    pub expected: Expected,
    /// When a version becomes live.
    pub policy: PromotePolicy,
    /// Who saves, as the audit names them.
    pub by: &'a str,
}

/// Which version is to come back.
pub struct RestoreVersion<'a> {
    /// The sender.
    pub sender: SenderId,
    /// The version.
    pub number: VersionNumber,
    /// The id of the new version's row.
    pub new_version_id: Uuid,
    /// What the change is based on.
    pub expected: Expected,
    /// When a version becomes live.
    pub policy: PromotePolicy,
    /// Who restores, as the audit names them.
    pub by: &'a str,
}

/// What became of a save or a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four questions that a caller asks apart")]
pub struct Saved {
    /// The sender as it is now.
    pub record: SenderRecord,
    /// Whether it is new.
    pub created: bool,
    /// Whether anything changed.
    pub changed: bool,
    /// Whether the new version is live at once.
    pub promoted: bool,
    /// Whether that ended a pause.
    pub resumed: bool,
}

/// A version that is about to be stored.
struct NewVersion<'a> {
    sender: SenderId,
    id: Uuid,
    number: i32,
    settings: &'a SmtpSettings,
    /// The password's id and its sealed bytes.
    secret: Option<(Uuid, Vec<u8>)>,
    proof: Option<Proof>,
    live: bool,
    by: &'a str,
}

/// When a version was proven, and by which test run.
struct Proof {
    at: DateTime<Utc>,
    by: Option<Uuid>,
}

impl Proof {
    fn of(version: &VersionRow) -> Option<Self> {
        version.proven_at.map(|at| Self { at, by: version.proven_by })
    }
}

impl Senders<'_> {
    /// Saves settings as a new version: the sender's candidate, or live at once. A free slug makes a
    /// new sender; settings that say what the newest version says make nothing.
    ///
    /// # Errors
    ///
    /// - [`StorageError::Refused`] with `password_required` if no stored password may be used;
    /// - [`StorageError::Stale`] if the newest version is not the expected one;
    /// - [`StorageError::NotFound`] for an id that is nobody's, and for a tenant that is gone.
    pub async fn save(&self, save: SaveSender<'_>) -> Result<Saved, StorageError> {
        if let Some(held) = self.hold(save.reference).await? {
            return self.save_over(&held, &save).await;
        }
        let SenderRef::Slug(slug) = save.reference else { return Err(NO_SENDER) };
        if let Expected::Version(_) = save.expected {
            return Err(StorageError::Stale);
        }
        // A tenant that was deleted meanwhile has no senders either.
        self.tx.tenant().load().await?;
        let plan = plan_save(None, None, &save.draft, save.policy)?;
        if self.insert(save.new_id, slug).await? {
            let keys = self.tx.open_data_keys().await?;
            return self.store(save.new_id, None, plan, &keys, &save).await;
        }
        // Somebody else was faster; theirs is committed by now.
        let held = self.hold(save.reference).await?.ok_or(StorageError::Stale)?;
        self.save_over(&held, &save).await
    }

    async fn save_over(&self, held: &Held, save: &SaveSender<'_>) -> Result<Saved, StorageError> {
        held.expect(save.expected)?;
        let newest = held.newest()?.version(&held.keys)?;
        let live = held.live().map(|live| live.version(&held.keys)).transpose()?;
        let plan = plan_save(Some(&newest), live.as_ref(), &save.draft, save.policy)?;
        self.store(held.id(), Some(held), plan, &held.keys, save).await
    }

    /// Carries a plan out, over the versions of `held` if the sender is not new.
    async fn store(
        &self,
        sender: SenderId,
        held: Option<&Held>,
        plan: SavePlan,
        keys: &DataKeys,
        save: &SaveSender<'_>,
    ) -> Result<Saved, StorageError> {
        let SavePlan::NewVersion { secret, live, inherits_proof } = plan else {
            return self.unchanged(sender).await;
        };
        let settings = &save.draft.settings;
        let secret = match (secret, &save.draft.password, held) {
            (SecretPlan::Typed, PasswordChange::Set(password), _) => {
                let sealed = seal(keys, sender, settings, password)?;
                Some((save.new_secret_id.get(), sealed))
            }
            (SecretPlan::Carry, _, Some(held)) => carry(keys, held.newest()?, settings)?,
            (SecretPlan::None | SecretPlan::Typed | SecretPlan::Carry, _, _) => None,
        };
        let version = NewVersion {
            sender,
            id: save.new_version_id,
            number: held.map_or(0, |held| held.row.last_version) + 1,
            settings,
            secret,
            proof: held.and_then(Held::live).filter(|_| inherits_proof).and_then(Proof::of),
            live,
            by: save.by,
        };
        self.add(&version, held, inherits_proof).await
    }

    /// Brings an older version back as a new one; restoring the live one drops the candidate.
    ///
    /// # Errors
    ///
    /// - [`StorageError::NotFound`] for an unknown sender or version;
    /// - [`StorageError::Refused`] with `password_required` if its password is no longer kept;
    /// - [`StorageError::Stale`] if the newest version is not the expected one.
    pub async fn restore(&self, restore: RestoreVersion<'_>) -> Result<Saved, StorageError> {
        let held = self.hold(&SenderRef::Id(restore.sender)).await?.ok_or(NO_SENDER)?;
        held.expect(restore.expected)?;
        let target = self.version_row(restore.sender, restore.number).await?;
        let candidate = super::version_number(held.row.candidate_version)?;
        let wanted = target.version(&held.keys)?;
        let plan = plan_restore(&wanted, held.live_number()?, candidate, restore.policy)?;
        match plan {
            RestorePlan::Unchanged => self.unchanged(restore.sender).await,
            RestorePlan::DropCandidate => {
                self.drop_candidate(&held).await?;
                Ok(Saved { changed: true, ..self.unchanged(restore.sender).await? })
            }
            RestorePlan::NewVersion { live } => {
                let version = NewVersion {
                    sender: restore.sender,
                    id: restore.new_version_id,
                    number: held.row.last_version + 1,
                    settings: &wanted.settings,
                    secret: carry(&held.keys, &target, &wanted.settings)?,
                    proof: Proof::of(&target),
                    live,
                    by: restore.by,
                };
                self.add(&version, Some(&held), false).await
            }
        }
    }

    async fn unchanged(&self, sender: SenderId) -> Result<Saved, StorageError> {
        let record = self.load(&SenderRef::Id(sender)).await?;
        Ok(Saved { record, created: false, changed: false, promoted: false, resumed: false })
    }

    /// Makes the sender's row, without versions yet; false if the slug is taken.
    async fn insert(&self, id: SenderId, slug: &Slug) -> Result<bool, StorageError> {
        let (tenant, sender, now) = (self.tx.tenant.get(), id.get(), self.tx.now);
        let slug = slug.as_str();
        // Waits for whoever is just making the same one.
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO senders (tenant_id, id, slug, created_at, updated_at)
               VALUES ({tenant}, {sender}, {slug}, {now}, {now})
               ON CONFLICT (tenant_id, slug) WHERE deleted_at IS NULL DO NOTHING"#
        );
        let inserted = execute(&self.tx.tx, insert, "create a sender").await? == 1;
        if inserted {
            self.create_lane(id).await?;
        }
        Ok(inserted)
    }

    /// Stores a version and makes it live or the candidate.
    ///
    /// A version that is live at once begins without the pause that its server's refusal of another
    /// one had brought, unless it differs in words only. A pause by hand ends by hand.
    async fn add(
        &self,
        version: &NewVersion<'_>,
        held: Option<&Held>,
        words_only: bool,
    ) -> Result<Saved, StorageError> {
        let pause = held.and_then(|held| held.row.pause_reason.as_deref());
        let by_hand = pause == Some(PauseReason::ByHand.as_str());
        let resumed = version.live && !words_only && pause.is_some() && !by_hand;
        self.insert_version(version).await?;
        self.point_to(version, resumed).await?;
        self.forget_old_passwords(version.sender).await?;
        self.sync_lane(version.sender).await?;
        if version.live && !words_only {
            self.end_hold(version.sender).await?;
        }
        Ok(Saved {
            record: self.load(&SenderRef::Id(version.sender)).await?,
            created: held.is_none(),
            changed: true,
            promoted: version.live,
            resumed,
        })
    }

    async fn insert_version(&self, version: &NewVersion<'_>) -> Result<(), StorageError> {
        let &NewVersion { sender, id, number, settings, ref secret, ref proof, live: _, by } =
            version;
        let SmtpSettings { host, port, encryption, auth, sender_name, sender_email, reply_to } =
            settings;
        let (tenant, sender, now) = (self.tx.tenant.get(), sender.get(), self.tx.now);
        let (host, port, encryption) = (host.as_str(), i32::from(port.get()), encryption.as_str());
        let username = auth.username().map(letterhead_domain::text::Username::as_str);
        let (auth, sender_name) = (auth.as_str(), sender_name.as_str());
        let sender_email = sender_email.as_str();
        let reply_to = reply_to.as_ref().map(letterhead_domain::email::EmailAddress::as_str);
        let (secret, sealed) = secret.clone().unzip();
        let (proven_at, proven_by) =
            proof.as_ref().map_or((None, None), |proof| (Some(proof.at), proof.by));
        let insert = raw_sql!(
            Postgres,
            r#"INSERT INTO sender_versions
                   (tenant_id, id, sender_id, number, host, port, encryption, auth, username,
                    sender_name, sender_email, reply_to, secret_id, sealed_password, proven_at,
                    proven_by, created_at, created_by)
               VALUES ({tenant}, {id}, {sender}, {number}, {host}, {port}, {encryption}, {auth},
                       {username}, {sender_name}, {sender_email}, {reply_to}, {secret}, {sealed},
                       {proven_at}, {proven_by}, {now}, {by})"#
        );
        execute(&self.tx.tx, insert, "store a settings version").await.map(|_| ())
    }

    /// Makes the sender point to its new version, which is live or the candidate.
    async fn point_to(&self, version: &NewVersion<'_>, resumed: bool) -> Result<(), StorageError> {
        let &NewVersion { sender, number, live, .. } = version;
        let (tenant, sender, now) = (self.tx.tenant.get(), sender.get(), self.tx.now);
        let update = raw_sql!(
            Postgres,
            r#"UPDATE senders
               SET last_version = {number}, updated_at = {now},
                   live_version = CASE WHEN {live} THEN {number} ELSE live_version END,
                   candidate_version = CASE WHEN {live} THEN NULL ELSE {number} END,
                   failures = CASE WHEN {live} THEN 0 ELSE failures END,
                   pause_reason = CASE WHEN {resumed} THEN NULL ELSE pause_reason END,
                   paused_at = CASE WHEN {resumed} THEN NULL ELSE paused_at END,
                   pause_reply = CASE WHEN {resumed} THEN NULL ELSE pause_reply END
               WHERE tenant_id = {tenant} AND id = {sender}"#
        );
        match execute(&self.tx.tx, update, "point to a new version").await? {
            1 => Ok(()),
            _ => Err(StorageError::Corrupt { table: TABLE }),
        }
    }
}
