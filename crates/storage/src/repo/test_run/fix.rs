//! What was found after a failed run, and the count of sign-ins that keeps it from trying too much.

use letterhead_domain::{
    fix::{
        Entry, Fix, Offer, Tried,
        account::{PastSignIn, SignIn, may_sign_in},
    },
    id::{SecretId, SenderId, TestRunId},
};
use sea_orm::{FromQueryResult, raw_sql};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    TestRuns,
    row::{CORRUPT, TABLE, from_json, to_json},
};
use crate::{
    error::StorageError,
    repo::{execute, parse, row, rows},
};

/// Sign-ins that are looked at: far more than any answer rests on.
const MOST_LOOKED_AT: i64 = 20;

#[derive(Serialize, Deserialize)]
struct FixJson {
    outcome: String,
    failed: EntryJson,
    offer: Option<OfferJson>,
    tried: Vec<TriedJson>,
}

#[derive(Serialize, Deserialize)]
struct EntryJson {
    host: String,
    port: u16,
    encryption: String,
    username: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OfferJson {
    entry: EntryJson,
    needs_password: bool,
}

#[derive(Serialize, Deserialize)]
struct TriedJson {
    entry: EntryJson,
    result: String,
}

#[derive(Serialize)]
struct SignInJson<'a> {
    account: &'a str,
    secret: Option<Uuid>,
    accepted: bool,
}

impl From<&Entry> for EntryJson {
    fn from(entry: &Entry) -> Self {
        let Entry { host, port, encryption, username } = entry;
        Self {
            host: host.to_string(),
            port: port.get(),
            encryption: encryption.as_str().to_owned(),
            username: username.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<EntryJson> for Entry {
    type Error = StorageError;

    fn try_from(document: EntryJson) -> Result<Self, StorageError> {
        let EntryJson { host, port, encryption, username } = document;
        Ok(Self {
            host: parse(&host, TABLE)?,
            port: port.try_into().map_err(|_| CORRUPT)?,
            encryption: parse(&encryption, TABLE)?,
            username: username.as_deref().map(|name| parse(name, TABLE)).transpose()?,
        })
    }
}

fn fix_to_json(fix: &Fix) -> Result<Value, StorageError> {
    let Fix { outcome, failed, offer, tried } = fix;
    to_json(FixJson {
        outcome: outcome.as_str().to_owned(),
        failed: failed.into(),
        offer: offer.as_ref().map(|offer| OfferJson {
            entry: (&offer.entry).into(),
            needs_password: offer.needs_password,
        }),
        tried: tried.iter().map(tried_to_json).collect(),
    })
}

fn tried_to_json(tried: &Tried) -> TriedJson {
    TriedJson { entry: (&tried.entry).into(), result: tried.result.as_str().to_owned() }
}

pub(super) fn fix_from_json(fix: Value) -> Result<Fix, StorageError> {
    let FixJson { outcome, failed, offer, tried } = from_json(fix)?;
    let offer = offer.map(|OfferJson { entry, needs_password }| {
        Ok::<_, StorageError>(Offer { entry: entry.try_into()?, needs_password })
    });
    let tried = tried.into_iter().map(|TriedJson { entry, result }| {
        Ok(Tried { entry: entry.try_into()?, result: parse(&result, TABLE)? })
    });
    Ok(Fix {
        outcome: parse(&outcome, TABLE)?,
        failed: failed.try_into()?,
        offer: offer.transpose()?,
        tried: tried.collect::<Result<_, StorageError>>()?,
    })
}

impl TestRuns<'_> {
    /// Keeps what was found after run `id`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn keep_fix(&self, id: TestRunId, fix: &Fix) -> Result<(), StorageError> {
        let (tenant, id, fix) = (self.tx.tenant.get(), id.get(), fix_to_json(fix)?);
        let update = raw_sql!(
            Postgres,
            r#"UPDATE test_runs SET fix = {fix} WHERE tenant_id = {tenant} AND id = {id}"#
        );
        execute(&self.tx.tx, update, "keep a fix").await.map(|_| ())
    }

    /// Keeps the sign-ins of run `id` and of the fix after it, in order, in place of those that
    /// were kept of it before.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn keep_sign_ins(
        &self,
        id: TestRunId,
        sign_ins: &[SignIn],
    ) -> Result<(), StorageError> {
        if sign_ins.is_empty() {
            return Ok(());
        }
        let (tenant, id) = (self.tx.tenant.get(), id.get());
        let documents = sign_ins.iter().map(|SignIn { account, secret, accepted }| SignInJson {
            account: account.key(),
            secret: secret.map(SecretId::get),
            accepted: *accepted,
        });
        let sign_ins = to_json(documents.collect::<Vec<_>>())?;
        let update = raw_sql!(
            Postgres,
            r#"UPDATE test_runs SET sign_ins = (
                   SELECT jsonb_agg(s.value || jsonb_build_object('account', encode(sha256(
                       convert_to({tenant}::text || (s.value ->> 'account'), 'UTF8')), 'hex'))
                       ORDER BY s.turn)
                   FROM jsonb_array_elements({sign_ins}) WITH ORDINALITY s (value, turn))
               WHERE tenant_id = {tenant} AND id = {id}"#
        );
        execute(&self.tx.tx, update, "keep a run's sign-ins").await.map(|_| ())
    }

    /// Whether the fix after run `id` of `sender` may make `sign_in`. If so it is kept at once, as
    /// refused until the run is over, so that no two fixes count on the same try. `own` is the sign-in
    /// of the run itself. Runs of a tenant ask one after the other.
    ///
    /// What counts are the sign-ins to the same account since the sender's last passed run and since
    /// its password was last changed; runs under way count as refused.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn permit_sign_in(
        &self,
        sender: SenderId,
        id: TestRunId,
        own: Option<&SignIn>,
        sign_in: &SignIn,
    ) -> Result<bool, StorageError> {
        self.take_turn().await?;
        let own: Vec<_> = own.into_iter().cloned().collect();
        self.keep_sign_ins(id, &own).await?;
        let past = self.past_sign_ins(sender, sign_in.account.key()).await?;
        let under_way = self.under_way(sender, id).await?;
        if !may_sign_in(&past, under_way, sign_in.secret) {
            return Ok(false);
        }
        let reserved = SignIn { accepted: false, ..sign_in.clone() };
        self.keep_sign_ins(id, &[own, vec![reserved]].concat()).await?;
        Ok(true)
    }

    /// The sign-ins to `account` that count, newest first.
    async fn past_sign_ins(
        &self,
        sender: SenderId,
        account: &str,
    ) -> Result<Vec<PastSignIn>, StorageError> {
        #[derive(FromQueryResult)]
        struct Past {
            secret: Option<Uuid>,
            accepted: bool,
        }

        let (tenant, sender, limit) = (self.tx.tenant.get(), sender.get(), MOST_LOOKED_AT);
        let query = raw_sql!(
            Postgres,
            r#"SELECT (s.value ->> 'secret')::uuid AS secret,
                      (s.value ->> 'accepted')::boolean AS accepted
               FROM test_runs r
               CROSS JOIN jsonb_array_elements(r.sign_ins) WITH ORDINALITY s (value, turn)
               WHERE r.tenant_id = {tenant} AND r.sender_id = {sender}
                   AND s.value ->> 'account' =
                       encode(sha256(convert_to({tenant}::text || {account}, 'UTF8')), 'hex')
                   AND r.id > coalesce((
                       SELECT p.id FROM test_runs p
                       WHERE p.tenant_id = {tenant} AND p.sender_id = {sender}
                           AND p.status = 'passed'
                       ORDER BY p.id DESC LIMIT 1), '00000000-0000-0000-0000-000000000000')
                   AND r.started_at >= coalesce((
                       SELECT min(v.created_at) FROM sender_versions v
                       WHERE v.tenant_id = {tenant} AND v.sender_id = {sender}
                           AND v.secret_id = (
                               SELECT n.secret_id FROM sender_versions n
                               WHERE n.tenant_id = {tenant} AND n.sender_id = {sender}
                               ORDER BY n.number DESC LIMIT 1)), '-infinity')
               ORDER BY r.id DESC, s.turn DESC LIMIT {limit}"#
        );
        let past = rows::<Past>(&self.tx.tx, query, "count sign-ins").await?;
        let past = past.into_iter().map(|Past { secret, accepted }| PastSignIn {
            secret: secret.map(Into::into),
            accepted,
        });
        Ok(past.collect())
    }

    /// How many other runs of `sender` have not ended.
    async fn under_way(&self, sender: SenderId, id: TestRunId) -> Result<usize, StorageError> {
        #[derive(FromQueryResult)]
        struct Count {
            runs: i64,
        }

        let (tenant, sender, id) = (self.tx.tenant.get(), sender.get(), id.get());
        let query = raw_sql!(
            Postgres,
            r#"SELECT count(*) AS runs FROM test_runs
               WHERE tenant_id = {tenant} AND sender_id = {sender} AND id <> {id}
                   AND status = 'running'"#
        );
        let count = row::<Count>(&self.tx.tx, query, "count runs under way").await?;
        let runs = count.map_or(0, |count| count.runs);
        Ok(usize::try_from(runs).unwrap_or(usize::MAX))
    }
}
