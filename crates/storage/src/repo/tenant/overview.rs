//! The operator's overview of its tenants, and the filter that it shares with bulk runs.
//!
//! A page costs what it shows: the filter walks the directory, which is small, and only the tenants
//! of the page are looked at closely, with counts that end at a bound.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use letterhead_domain::{
    provider::Provider,
    sender::{SecretState, SenderFacts},
    slug::Slug,
    tenant::{StateFilter, TenantFilter, TenantStatus},
};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::{TABLE, TenantRow, Tenants};
use crate::{
    error::StorageError,
    record::{
        BoundedCount, OverviewPage, SenderOverview, TenantCounts, TenantOverview, TestOverview,
    },
    repo::{
        number, parse, rows,
        sender::hold_of,
        sql::{as_limit, parse_option, statement},
    },
};

/// Senders that are shown of one tenant.
const SHOWN_SENDERS: i64 = 10;

/// The senders of tenant `t` as `s`, each with the version that it sends with, or would, as `v`.
macro_rules! current_senders {
    () => {
        "senders s JOIN sender_versions v ON v.tenant_id = s.tenant_id AND v.sender_id = s.id
             AND v.number = coalesce(s.live_version, s.candidate_version)"
    };
}

/// `SenderFacts::state` in SQL, over `t`, `s` and `v`, in so far as this role may know.
macro_rules! sender_state {
    () => {
        "CASE WHEN t.status = 'suspended' THEN 'suspended'
              WHEN v.auth = 'password' AND NOT v.has_password THEN 'needs_password'
              WHEN s.pause_reason = 'secret_unreadable' THEN 'needs_password'
              WHEN s.pause_reason IS NOT NULL THEN 'paused'
              WHEN s.live_version IS NULL THEN 'untested'
              WHEN s.failures >= 3 THEN 'failing'
              ELSE 'live' END"
    };
}

/// Whether tenant `t` is one that the filter in `$1` (text), `$2` (state) and `$3` (a pattern of
/// hosts) looks for: what [`filter_values`] gives.
macro_rules! tenant_matches {
    () => {
        concat!(
            "t.deleted_at IS NULL
             AND ($1::text IS NULL OR strpos(t.slug, lower($1)) > 0
                 OR strpos(lower(t.name), lower($1)) > 0
                 OR EXISTS (SELECT FROM ",
            crate::repo::tenant::overview::current_senders!(),
            " WHERE s.tenant_id = t.id AND s.deleted_at IS NULL
                 AND (strpos(v.host, lower($1)) > 0
                     OR strpos(lower(v.sender_email), lower($1)) > 0)))
             AND CASE WHEN $2::text IS NULL THEN true
                 WHEN $2 = 'suspended' THEN t.status = 'suspended'
                 WHEN $2 = 'no_settings' THEN t.status = 'active' AND NOT EXISTS (
                     SELECT FROM senders s WHERE s.tenant_id = t.id AND s.deleted_at IS NULL)
                 ELSE EXISTS (SELECT FROM ",
            crate::repo::tenant::overview::current_senders!(),
            " WHERE s.tenant_id = t.id AND s.deleted_at IS NULL AND ",
            crate::repo::tenant::overview::sender_state!(),
            " = $2) END
             AND ($3::text IS NULL OR EXISTS (SELECT FROM ",
            crate::repo::tenant::overview::current_senders!(),
            " WHERE s.tenant_id = t.id AND s.deleted_at IS NULL AND v.host ~ $3))"
        )
    };
}
pub(in crate::repo) use {current_senders, sender_state, tenant_matches};

/// The values of a filter, for [`tenant_matches`].
pub(in crate::repo) fn filter_values(filter: &TenantFilter) -> [Value; 3] {
    [
        filter.text.as_ref().map(|text| text.as_str().to_owned()).into(),
        filter.state.map(|state| state.as_str().to_owned()).into(),
        filter.provider.map(host_pattern).into(),
    ]
}

/// A regular expression for the hosts of a service.
fn host_pattern(provider: &Provider) -> String {
    let presets = provider.presets.iter().map(|preset| preset.host);
    let hosts = presets.chain(provider.other_hosts.iter().copied());
    let hosts: Vec<_> = hosts.map(|host| host.replace('.', "\\.").replace('*', "[^.]+")).collect();
    format!("^({})$", hosts.join("|"))
}

const PAGE: &str = concat!(
    "SELECT t.id, t.slug, t.name, t.status, t.created_at, t.updated_at
     FROM tenants t
     WHERE ($4::text IS NULL OR t.slug > $4) AND ",
    tenant_matches!(),
    " ORDER BY t.slug LIMIT $5"
);

/// The last test of each is looked up by its index, newest first. The counts end at `$3`; their order
/// is their indexes', so that no plan walks the table instead.
const SENDERS: &str = concat!(
    "SELECT s.tenant_id, s.id, s.slug, s.live_version IS NOT NULL AS is_live, s.pause_reason,
         s.failures, s.last_accepted_at, s.tenant_senders, s.auth, s.has_password, s.host, s.port,
         s.sender_email, l.hold_reason,
         CASE WHEN l.held AND NOT l.blocked AND l.not_before > letterhead_now()
              THEN l.not_before END AS held_until,
         r.id AS test_id, r.status AS test_status, r.started_at AS tested_at,
         r.advice ->> 'code' AS advice_code, r.advice ->> 'title' AS advice_title,
         (SELECT count(*) FROM (
             SELECT FROM messages m
             WHERE m.tenant_id = s.tenant_id AND m.sender_id = s.id
                 AND m.status IN ('queued', 'deferred', 'held')
             ORDER BY m.priority, m.due_at, m.id LIMIT $3) waiting) AS waiting,
         (SELECT count(*) FROM (
             SELECT FROM messages m
             WHERE m.tenant_id = s.tenant_id AND m.sender_id = s.id
                 AND m.status IN ('rejected', 'expired', 'uncertain')
                 AND m.created_at > letterhead_now() - interval '7 days'
             ORDER BY m.created_at LIMIT $3) failed) AS failed
     FROM unnest($1::uuid[]) AS page (tenant_id)
     CROSS JOIN LATERAL (
         SELECT s.*, v.auth, v.has_password, v.host, v.port, v.sender_email,
             count(*) OVER () AS tenant_senders
         FROM ",
    current_senders!(),
    "    WHERE s.tenant_id = page.tenant_id AND s.deleted_at IS NULL
         ORDER BY s.slug <> 'default', s.slug LIMIT $2
     ) s
     LEFT JOIN LATERAL (
         SELECT r.id, r.status, r.started_at, r.advice FROM test_runs r
         WHERE r.tenant_id = s.tenant_id AND r.sender_id = s.id
         ORDER BY r.id DESC LIMIT 1
     ) r ON true
     LEFT JOIN lanes l ON l.tenant_id = s.tenant_id AND l.id = s.id
     ORDER BY s.tenant_id, s.slug <> 'default', s.slug"
);

const COUNTS: &str = concat!(
    "SELECT state, count(DISTINCT id) AS tenants
     FROM (
         SELECT t.id, CASE WHEN s.id IS NULL AND t.status = 'active' THEN 'no_settings' ELSE ",
    sender_state!(),
    "        END AS state
         FROM tenants t
         LEFT JOIN (",
    current_senders!(),
    "        ) ON s.tenant_id = t.id AND s.deleted_at IS NULL
         WHERE t.deleted_at IS NULL
         UNION ALL
         SELECT t.id, 'total' FROM tenants t WHERE t.deleted_at IS NULL
     ) counted
     GROUP BY state"
);

#[derive(FromQueryResult)]
struct SenderLine {
    tenant_id: Uuid,
    id: Uuid,
    slug: String,
    is_live: bool,
    pause_reason: Option<String>,
    failures: i32,
    last_accepted_at: Option<DateTime<Utc>>,
    tenant_senders: i64,
    auth: String,
    has_password: bool,
    host: String,
    port: i32,
    sender_email: String,
    test_id: Option<Uuid>,
    test_status: Option<String>,
    tested_at: Option<DateTime<Utc>>,
    advice_code: Option<String>,
    advice_title: Option<String>,
    hold_reason: Option<String>,
    held_until: Option<DateTime<Utc>>,
    waiting: i64,
    failed: i64,
}

#[derive(FromQueryResult)]
struct CountRow {
    state: String,
    tenants: i64,
}

impl Tenants<'_> {
    /// Lists at most `limit` tenants that `filter` looks for, by slug, from behind the slug `after`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn overview(
        &self,
        filter: &TenantFilter,
        after: Option<&Slug>,
        limit: u64,
    ) -> Result<OverviewPage, StorageError> {
        let after = after.map(|slug| slug.as_str().to_owned());
        let values = filter_values(filter)
            .into_iter()
            .chain([after.into(), as_limit(limit.saturating_add(1)).into()]);
        let mut found =
            rows::<TenantRow>(&self.tx.tx, statement(PAGE, values), "look through the tenants")
                .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next =
            found.last().filter(|_| more).map(|last| parse(&last.slug, TABLE)).transpose()?;

        let mut senders = self.senders_of(found.iter().map(|row| row.id).collect()).await?;
        let tenants = found.into_iter().map(|row| {
            let lines = senders.remove(&row.id).unwrap_or_default();
            tenant_overview(row, lines)
        });
        Ok(OverviewPage { tenants: tenants.collect::<Result<_, _>>()?, next })
    }

    async fn senders_of(
        &self,
        tenants: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, Vec<SenderLine>>, StorageError> {
        let bound = as_limit(BoundedCount::MOST + 1);
        let values: [Value; 3] = [tenants.into(), SHOWN_SENDERS.into(), bound.into()];
        let lines = statement(SENDERS, values);
        let lines = rows::<SenderLine>(&self.tx.tx, lines, "look at the tenants' senders").await?;
        let mut by_tenant = HashMap::<Uuid, Vec<SenderLine>>::new();
        for line in lines {
            by_tenant.entry(line.tenant_id).or_default().push(line);
        }
        Ok(by_tenant)
    }

    /// Counts the tenants by what their senders are doing.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`].
    pub async fn counts(&self) -> Result<TenantCounts, StorageError> {
        let found =
            rows::<CountRow>(&self.tx.tx, statement(COUNTS, []), "count the tenants").await?;
        let of = |word: &str| {
            let row = found.iter().find(|row| row.state == word);
            number::<u64>(row.map_or(0, |row| row.tenants), TABLE)
        };
        let by_state = StateFilter::ALL
            .iter()
            .map(|&state| of(state.as_str()).map(|tenants| (state, tenants)))
            .collect::<Result<_, _>>()?;
        Ok(TenantCounts { total: of("total")?, by_state })
    }
}

fn tenant_overview(row: TenantRow, lines: Vec<SenderLine>) -> Result<TenantOverview, StorageError> {
    let tenant: crate::record::TenantRecord = row.try_into()?;
    let all = lines.first().map_or(0, |line| line.tenant_senders);
    let shown = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    let suspended = tenant.status == TenantStatus::Suspended;
    let senders = lines.into_iter().map(|line| line.overview(suspended));
    Ok(TenantOverview {
        senders: senders.collect::<Result<_, _>>()?,
        more_senders: number::<u64>(all, TABLE)?.saturating_sub(shown),
        tenant,
    })
}

impl SenderLine {
    fn overview(self, tenant_suspended: bool) -> Result<SenderOverview, StorageError> {
        const SENDERS: &str = "senders";
        let secret = match (self.auth.as_str(), self.has_password) {
            ("none", _) => SecretState::NotNeeded,
            (_, true) => SecretState::Readable,
            (_, false) => SecretState::Missing,
        };
        let facts = SenderFacts {
            tenant_suspended,
            live: self.is_live.then_some(secret),
            candidate: (!self.is_live).then_some(secret),
            pause: parse_option(self.pause_reason.as_deref(), SENDERS)?,
            failures: number(self.failures, SENDERS)?,
        };
        let last_test = match (self.test_id, &self.test_status, self.tested_at) {
            (Some(id), Some(status), Some(started_at)) => Some(TestOverview {
                id: id.into(),
                status: parse(status, "test_runs")?,
                started_at,
                advice_code: self.advice_code,
                advice_title: self.advice_title,
            }),
            _ => None,
        };
        Ok(SenderOverview {
            id: self.id.into(),
            slug: parse(&self.slug, SENDERS)?,
            facts,
            host: parse(&self.host, "sender_versions")?,
            port: number(self.port, "sender_versions")?,
            email: parse(&self.sender_email, "sender_versions")?,
            last_test,
            hold: hold_of(self.held_until, self.hold_reason.as_deref())?,
            last_accepted_at: self.last_accepted_at,
            waiting: BoundedCount::of(number(self.waiting, "messages")?),
            failed: BoundedCount::of(number(self.failed, "messages")?),
        })
    }
}

#[cfg(test)]
mod tests;
