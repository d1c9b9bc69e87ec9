//! Test runs of a sender.

use letterhead_domain::{
    access::Scope,
    arrival::ArrivalCode,
    field_errors::{FieldErrors, Invalid},
    test_run::{TestMode, TestTarget},
};
use letterhead_storage::record::SenderRecord;
use poem::web::Data;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Path,
    payload::{Json, PlainText},
    types::Example,
};

use super::{
    super::{
        auth::SignedIn,
        body::Body,
        error::ApiError,
        limits::SMALL_BODY,
        paging::{self, CursorText, Limit, Page},
        text::Word,
    },
    Tag,
    senders::dto::PutSender,
};
use crate::app::{
    App, access, senders,
    test_runs::{self, TestRequest},
};

mod view;

pub(in crate::http) use view::{TestRunView, UnsavedRunView};

/// The operations on test runs.
pub(in crate::http) struct TestRunsApi;

/// What to try.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct CreateTestRun {
    /// `connection` (the default) goes as far as naming a recipient, and no mail leaves; `message`
    /// sends a mail of constant text to the sender's own address
    #[oai(nullable)]
    mode: Option<Word<TestMode>>,
    /// Which saved version; left out, the candidate, or else the live one
    #[oai(nullable)]
    version: Option<Word<TestTarget>>,
    /// Settings to try without saving them; they prove nothing. Not together with `version`
    #[oai(nullable)]
    settings: Option<PutSender>,
    /// Whether to try other ports, encryptions and the like if the test fails; it does unless this
    /// is `false`
    #[oai(nullable)]
    fix: Option<bool>,
}

impl Example for CreateTestRun {
    fn example() -> Self {
        Self { mode: Some(TestMode::Connection.into()), version: None, settings: None, fix: None }
    }
}

impl CreateTestRun {
    /// What to try, or every refused field, those of the settings among them.
    fn parse(self, app: &App, sender: &SenderRecord) -> Result<TestRequest, FieldErrors> {
        let given = self;
        let mut errors = FieldErrors::default();
        let mode = given.mode.map_or(Ok(TestMode::Connection), |word| word.as_str().parse());
        let mode = errors.note("/mode", mode);
        let target = given.version.map(|word| word.as_str().parse::<TestTarget>()).transpose();
        let target = errors.note("/version", target);
        if matches!(target, Some(Some(_))) && given.settings.is_some() {
            let message = "leave it out when you give settings to try";
            errors.push("/version", Invalid::new("not_allowed", message));
        }
        let settings = given.settings.map(|typed| test_runs::judge(app, sender, typed.into()));
        let settings = settings.transpose().unwrap_or_else(|refused| {
            errors.extend(refused.below("/settings"));
            None
        });
        let fix = given.fix.unwrap_or(true);
        let both = mode.zip(target);
        errors.or(both.map(|(mode, target)| TestRequest { mode, target, settings, fix }))
    }
}

/// The code from the mail of a test run.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
struct ConfirmArrival {
    /// The 6 digits; spaces between them do not matter
    code: String,
}

impl Example for ConfirmArrival {
    fn example() -> Self {
        Self { code: "012 345".to_owned() }
    }
}

#[derive(ApiResponse)]
enum TestRunCreated {
    /// The finished run, also when it failed
    #[oai(status = 201)]
    Created(Json<TestRunView>, #[oai(header = "Location")] String),
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::TestRuns")]
impl TestRunsApi {
    /// Test a sender's settings
    ///
    /// Walks stage by stage to where a mail would be taken, within 20 seconds, and says at which
    /// stage it failed, why, and what to do. What is left of the time after a failure goes into trying
    /// other settings: what works is offered in `fix` and saved by nobody but you. A passed run of the candidate makes it live. The run
    /// goes on and is recorded when you hang up.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/test-runs",
        method = "post",
        operation_id = "createTestRun"
    )]
    async fn create(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        body: Body<CreateTestRun>,
    ) -> Result<TestRunCreated, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let sender = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::TestRun)?;
        let request = body.parse(SMALL_BODY).await?.value.parse(&app, &sender)?;
        let run = test_runs::run(&app, &caller, &sender, request).await?;
        let (tenant, slug, id) = (caller.tenant, &sender.slug, run.id);
        let location = format!("/v1/tenants/{tenant}/senders/{slug}/test-runs/{id}");
        Ok(TestRunCreated::Created(Json(run.into()), location))
    }

    /// List a sender's test runs
    #[oai(
        path = "/tenants/:tenant/senders/:sender/test-runs",
        method = "get",
        operation_id = "listTestRuns"
    )]
    async fn list(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        /// Most items on the page
        limit: Limit,
        /// Where the page begins: the `next_cursor` of the page before
        cursor: CursorText,
    ) -> Result<Json<Page<TestRunView>>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let sender = senders::load(&app, &caller, &sender).await?;
        caller.require(Scope::SettingsRead)?;
        let page = paging::plain(&limit, &cursor)?;
        Ok(Json(test_runs::list(&app, &caller, sender.id, page).await?.into()))
    }

    /// Load a test run
    #[oai(
        path = "/tenants/:tenant/senders/:sender/test-runs/:id",
        method = "get",
        operation_id = "loadTestRun"
    )]
    async fn load(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        /// The test run's id
        id: Path<String>,
    ) -> Result<Json<TestRunView>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let sender = senders::load(&app, &caller, &sender).await?;
        let run = test_runs::load(&app, &caller, sender.id, &id).await?;
        caller.require(Scope::SettingsRead)?;
        Ok(Json(run.into()))
    }

    /// Confirm that a test run's mail arrived
    ///
    /// Takes the 6-digit code that the mail of a run in mode `message` carries, within 24 hours,
    /// and answers with the run, which says from then on when the mail was known to have arrived.
    /// The right code may be sent again. After 5 wrong ones the run takes none.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/test-runs/:id/confirm",
        method = "post",
        operation_id = "confirmArrival"
    )]
    async fn confirm(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        /// The test run's id
        id: Path<String>,
        body: Body<ConfirmArrival>,
    ) -> Result<Json<TestRunView>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let sender = senders::load(&app, &caller, &sender).await?;
        let run = test_runs::load(&app, &caller, sender.id, &id).await?;
        caller.require(Scope::TestRun)?;
        let code = body.parse(SMALL_BODY).await?.value.code.parse::<ArrivalCode>();
        let code = code.map_err(|invalid| FieldErrors::one("/code", invalid))?;
        let run = test_runs::confirm(&app, &caller, sender.id, run.id, &code).await?;
        Ok(Json(run.into()))
    }

    /// Read a test run's conversation
    ///
    /// What was said on the wire, line by line, with passwords taken out. Half of it was written by
    /// a stranger's server: escape it wherever you show it.
    #[oai(
        path = "/tenants/:tenant/senders/:sender/test-runs/:id/transcript",
        method = "get",
        operation_id = "readTranscript"
    )]
    async fn transcript(
        &self,
        app: Data<&App>,
        key: SignedIn,
        /// The tenant's id, its slug, or `self`
        tenant: Path<String>,
        /// The sender's id or slug
        sender: Path<String>,
        /// The test run's id
        id: Path<String>,
    ) -> Result<PlainText<String>, ApiError> {
        let caller = access::enter(&app, &key.0, &tenant).await?;
        let sender = senders::load(&app, &caller, &sender).await?;
        let transcript = test_runs::transcript(&app, &caller, sender.id, &id).await?;
        caller.require(Scope::SettingsRead)?;
        Ok(PlainText(transcript))
    }
}
