//! The code of a run's mail, when it comes back.

use letterhead_domain::{
    arrival::{ArrivalCode, CodeVerdict, decide},
    id::{SenderId, TestRunId},
};
use sea_orm::{FromQueryResult, raw_sql};

use super::{NO_RUN, TestRuns};
use crate::{
    error::StorageError,
    repo::{execute, row as one_row},
};

impl TestRuns<'_> {
    /// Takes a code that somebody typed for a run of `sender`, and says what it does. A wrong one
    /// counts once the transaction is committed, whatever the caller is told.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if there is no such run.
    pub async fn take_code(
        &self,
        sender: SenderId,
        id: TestRunId,
        typed: &ArrivalCode,
    ) -> Result<CodeVerdict, StorageError> {
        #[derive(FromQueryResult)]
        struct Compared {
            is_right: bool,
        }

        let (tenant, now) = (self.tx.tenant.get(), self.tx.now);
        let (run, code) = (id.get(), typed.as_str());
        // Locked first and read afterwards: codes that are typed at once are counted one by one.
        let lock = raw_sql!(
            Postgres,
            r#"SELECT coalesce(arrival_code = {code}, false) AS is_right FROM test_runs
               WHERE tenant_id = {tenant} AND id = {run} FOR UPDATE"#
        );
        let compared = one_row::<Compared>(&self.tx.tx, lock, "compare a code").await?;
        let is_right = compared.ok_or(NO_RUN)?.is_right;
        let verdict = decide(self.load(sender, id).await?.arrival, is_right);
        let update = match verdict {
            CodeVerdict::Proves => raw_sql!(
                Postgres,
                r#"UPDATE test_runs SET arrived_at = {now}
                   WHERE tenant_id = {tenant} AND id = {run}"#
            ),
            CodeVerdict::Wrong { .. } => raw_sql!(
                Postgres,
                r#"UPDATE test_runs SET wrong_codes = wrong_codes + 1
                   WHERE tenant_id = {tenant} AND id = {run}"#
            ),
            CodeVerdict::ProvedBefore | CodeVerdict::WrongAfterwards | CodeVerdict::NotTaken(_) => {
                return Ok(verdict);
            }
        };
        execute(&self.tx.tx, update, "write down what a code did").await?;
        Ok(verdict)
    }
}
